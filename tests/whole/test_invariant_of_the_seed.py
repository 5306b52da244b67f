"""`in = kept + dropped + failed` for whatever a seed file holds."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.accounted import assert_accounted

from builder.data.storage import count_rows, read_rows
from builder.errors import BuilderError, RecipeError
from builder.method.seed.stage import select_seed
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed

pieces = st.sampled_from(["How?", "So.", " How? ", "", "  ", None, 7, "<|im_end|>", "\ud800", "é", "a" * 50, ["x"]])
pairs = st.fixed_dictionaries({"instruction": pieces, "output": pieces})
lines = st.lists(
    st.one_of(pairs, pairs, pairs, st.sampled_from([{"instruction": "How?"}, 3, "not json", [], {}])),
    min_size=1,
    max_size=9,
)
messages = st.fixed_dictionaries(
    {
        "message_id": st.integers(0, 30).map(str),
        "role": st.sampled_from(["prompter", "assistant", "assistant", "assistant"]),
        "text": pieces,
        "lang": st.sampled_from(["en", "en", "en", "de"]),
        "rank": st.sampled_from([0, 0, 1, None]),
    },
    optional={"deleted": st.booleans(), "review_result": st.booleans(), "synthetic": st.booleans()},
)


def tree(prompt: dict[str, Any], replies: list[dict[str, Any]], state: str) -> dict[str, Any]:
    root = {**prompt, "role": "prompter", "replies": replies}
    return {"message_tree_id": prompt["message_id"], "tree_state": state, "prompt": root}


trees = st.lists(
    st.builds(
        tree,
        messages,
        st.lists(messages, max_size=3),
        st.sampled_from(["ready_for_export", "ready_for_export", "other"]),
    ),
    min_size=1,
    max_size=5,
)
seed_options = st.fixed_dictionaries(
    {},
    optional={
        "size": st.integers(1, 4),
        "only_children": st.booleans(),
        "synthetic": st.booleans(),
        "min_quality": st.floats(0, 1),
        "on_control_tokens": st.sampled_from(["reject", "escape"]),
        "seed": st.integers(0, 3),
    },
)


def write_lines(place: Path, values: list[Any]) -> Path:
    text = "".join((value if value == "not json" else json.dumps(value)) + "\n" for value in values)
    place.write_text(text)
    return place


@given(st.lists(lines, max_size=2), st.lists(trees, max_size=2), seed_options)
def test_every_seed_row_is_accounted_for(
    folder: Any, pair_files: list[list[Any]], tree_files: list[list[Any]], changes: dict[str, Any]
) -> None:
    place = folder()
    good = [{"instruction": f"What is {number}?", "output": f"It is {number}."} for number in range(9)]
    files = [("pairs", [*good, *rows]) for rows in (pair_files or [[]])] + [("oasst", rows) for rows in tree_files]
    sources = [
        {"name": str(at), "format": form, "license": "mit", "path": write_lines(place / f"{at}.jsonl", rows)}
        for at, (form, rows) in enumerate(files)
    ]
    stats = select_seed(place, Seed.model_validate({"sources": sources, **changes}), runtime=Runtime())
    counts = assert_accounted(place, stats)
    found = [item["prompt"] for rows in tree_files for item in rows]
    malformed = [not all(isinstance(item["text"], str | None) for item in (root, *root["replies"])) for root in found]
    replies = sum(1 if bad else max(1, len(root["replies"])) for root, bad in zip(found, malformed, strict=True))
    assert counts.rows_in == sum(len(rows) for form, rows in files if form == "pairs") + replies
    assert counts.failed["malformed"] == sum(malformed)
    kept = list(read_rows(place / "data"))
    assert len({row["id"] for row in kept}) == len(kept) == min(counts.kept, changes.get("size", counts.kept))
    assert sum(entry["kept"] for entry in stats.details["sources"]) == counts.kept
    assert all(row["instruction"] and row["output"] for row in kept)


@given(lines)
def test_a_seed_that_is_refused_leaves_nothing_that_looks_finished(folder: Any, rows: list[Any]) -> None:
    place = folder()
    source = {"name": "s", "license": "mit", "path": write_lines(place / "own.jsonl", rows)}
    error: BuilderError | None = None
    try:
        assert_accounted(place, select_seed(place, Seed.model_validate({"sources": [source]}), runtime=Runtime()))
    except BuilderError as raised:
        error = raised
    if isinstance(error, RecipeError):
        assert str(place / "own.jsonl") in str(error)
        assert not (place / "data").exists()
    elif error is not None:
        assert f"no seed pair is left of {len(rows)}" in str(error)
        assert count_rows(place / "rejected") == len(rows)
        assert count_rows(place / "data") == 0
