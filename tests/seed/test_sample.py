"""Some rows of a seed source tell what the seed stage will find."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from support.seed_rows import write_lines as lines

from builder.method.seed.sample import SeedSample, sample_source, twice_decoded
from builder.method.seed.stage import select_seed
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed


def look(path: Path, **keys: Any) -> SeedSample:
    config = Seed.model_validate({"sources": [{"name": "people", "path": path, "license": "mit", **keys}]})
    return sample_source(config.sources[0], config)


ROWS = [
    {"instruction": "Name a boat.", "input": "", "output": "A ketch."},
    {"instruction": "Name a boat.", "input": "With two masts.", "output": "A yawl."},
    {"instruction": "Name a boat.", "input": "", "output": "A ketch."},
    {"instruction": "Name a sail.", "input": "", "output": ""},
]


def test_a_small_source_is_counted_as_the_stage_counts_it(tmp_path: Path) -> None:
    path = lines(tmp_path / "a.jsonl", ROWS)
    found = look(path)
    assert (found.source.format, found.columns) == ("alpaca", ["instruction", "input", "output"])
    assert (found.rows, found.exact, found.read, found.found) == (4, True, 4, 2)
    config = Seed.model_validate({"sources": [{"name": "people", "path": path, "license": "mit"}]})
    counts = select_seed(tmp_path / "out", config, runtime=Runtime()).counts["pairs"]
    assert dict(found.reasons) == dict(counts.dropped)
    assert len(found.pairs) == counts.kept


def test_the_rows_of_many_files_are_estimated_and_what_is_not_read_is_named(tmp_path: Path) -> None:
    for number in range(40):
        lines(tmp_path / "seed" / f"{number:02}.jsonl", [ROWS[1] | {"input": f"{number:02} {n}"} for n in range(5)])
    (tmp_path / "seed" / "pairs.xlsx").write_text("x")
    found = look(tmp_path / "seed")
    assert (found.rows, found.exact, found.read, found.found) == (200, False, 50, 200)
    assert found.unread == ["pairs.xlsx"]


@pytest.mark.parametrize(
    ("rows", "keys", "fault"),
    [
        ([{"text": "a"}], {}, "found: text"),
        ([{"instruction": "a", "context": "x", "output": "b"}], {}, "`input: context`"),
        ([{"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]}], {}, "`system: join`"),
        (ROWS, {"format": "messages"}, "wanted: messages"),
        ([], {}, "holds no row"),
    ],
)
def test_what_would_end_the_seed_stage_is_known_before(
    tmp_path: Path, rows: list[Any], keys: dict[str, str], fault: str
) -> None:
    found = look(lines(tmp_path / "a.jsonl", rows), **keys)
    assert len(found.faults) == 1
    assert fault in found.faults[0]
    assert "a.jsonl" in found.faults[0] or "'people'" in found.faults[0]
    assert look(tmp_path / "missing.txt").faults[0].startswith(f"{tmp_path / 'missing.txt'}: no file of rows")


@pytest.mark.parametrize("broken", [slice(None, -20), slice(5, None)])
def test_a_packed_file_that_is_cut_or_damaged_is_known_before(tmp_path: Path, broken: slice) -> None:
    whole = gzip.compress("".join(f"{json.dumps(row | {'n': n})}\n" for n in range(50) for row in ROWS).encode())
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(whole + bytes(512))  # zeros at the end are no damage
    assert (look(file).faults, look(file).rows) == ([], 200)
    file.write_bytes(whole[broken])
    (fault,) = look(file).faults
    assert fault.startswith(f"{file}: cannot be read (")
    assert fault.endswith("it may be cut short, fetch it again")


@pytest.mark.parametrize(
    ("text", "garbled"),
    [
        ("Le cafÃ© du port", True),
        ("donâ€™t", True),
        ("Le café du port", False),
        ("plain", False),
        ("Ã la carte", False),
    ],
)
def test_texts_that_were_decoded_twice_are_told(text: str, garbled: bool) -> None:
    assert twice_decoded(text) is garbled


def test_of_trees_with_many_replies_the_first_turns_are_estimated_and_not_the_messages(tmp_path: Path) -> None:
    def tree(number: int) -> dict[str, Any]:
        replies = [
            {
                "message_id": f"{number}-{rank}",
                "role": "assistant",
                "text": f"{number} {rank}",
                "lang": "en",
                "rank": rank,
            }
            for rank in range(4)
        ]
        asked = {"message_id": f"{number}", "role": "prompter", "text": f"Say {number}.", "lang": "en"}
        state = {"message_tree_id": f"{number}", "tree_state": "ready_for_export"}
        return state | {"prompt": asked | {"replies": replies}}

    found = look(lines(tmp_path / "trees.jsonl", [tree(number) for number in range(50)]))
    assert (found.source.format, found.rows, found.looked_at, found.read) == ("oasst", 50, 50, 200)
    assert found.found == len(found.pairs) == 50
