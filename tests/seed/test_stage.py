"""Seed pairs: selection rules on small conversations, counts on the real sample."""

import errno
import gzip
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.languages import LANGUAGES, Language, composed, decomposed

from builder.data.accounting import Stats
from builder.data.records import rejected_schema, seed_schema, stable_id
from builder.data.storage import parquet_files, read_rows, write_json
from builder.errors import RecipeError, StageError
from builder.method.seed.files import file_rows
from builder.method.seed.stage import FAILURES, char_lengths, select_seed
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed


def message(identifier: str, role: str, text: str, **keys: Any) -> dict[str, Any]:
    return {"message_id": identifier, "role": role, "text": text, "lang": "en", "deleted": False, **keys}


def tree(name: str, *replies: dict[str, Any], state: str = "ready_for_export", **keys: Any) -> dict[str, Any]:
    prompt = message(name, "prompter", f"Question {name}?", **keys) | {"replies": list(replies)}
    waiting = [prompt]
    while waiting:
        parent = waiting.pop()
        parent["replies"] = [{**reply, "parent_id": parent["message_id"]} for reply in parent.get("replies", [])]
        waiting += parent["replies"]
    return {"message_tree_id": name, "tree_state": state, "prompt": prompt}


def flat(trees: list[dict[str, Any]], labels: str) -> list[dict[str, Any]]:
    """The trees as rows of the Hub's table; labels as `lists` or `dicts`."""
    rows = []
    for item in trees:
        waiting = [item["prompt"]]
        while waiting:
            node = dict(waiting.pop())
            waiting += node.pop("replies", [])
            named = {key: value["value"] for key, value in (node.get("labels") or {}).items()}
            lists = {"name": list(named), "value": list(named.values()), "count": [1] * len(named)}
            dicts = [{"name": key, "value": value, "count": 1} for key, value in named.items()]
            node["labels"] = lists if labels == "lists" else dicts
            rows.append({"parent_id": None, "rank": None, **node, "tree_state": item["tree_state"]})
    return rows


def write_lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def source(path: Path, form: str = "pairs", **keys: Any) -> dict[str, Any]:
    return {"name": "people", "path": path, "format": form, "license": "apache-2.0", **keys}


def run(out: Path, *sources: dict[str, Any], **keys: Any) -> tuple[list[dict[str, Any]], Stats]:
    config = Seed.model_validate({"sources": list(sources), **keys})
    stats = select_seed(out, config, runtime=Runtime())
    stats.check("seed")
    assert pq.read_schema(out / "data" / "seed.parquet").equals(seed_schema())
    assert pq.read_schema(out / "rejected" / "seed.parquet").equals(rejected_schema())
    counts = stats.counts["pairs"]
    assert pq.read_metadata(out / "rejected" / "seed.parquet").num_rows == counts.rows_in - counts.kept
    return list(read_rows(out / "data")), stats


def answer(name: str, **keys: Any) -> dict[str, Any]:
    return message(name, "assistant", f"Answer {name}.", **keys)


QUALITY = {"quality": {"value": 0.9, "count": 3}, "spam": {"value": 0.0, "count": 3}}
POOR = {"quality": {"value": 0.2, "count": 3}}


@pytest.mark.parametrize("form", ["trees", "lists", "dicts"])
def test_first_turn_rank_zero_replies_are_kept_and_all_others_named(tmp_path: Path, form: str) -> None:
    trees = [
        tree("a", answer("a0", rank=0, replies=[message("a1", "prompter", "And?", replies=[answer("a2", rank=0)])])),
        tree("b", answer("b0", rank=0), answer("b1", rank=1), answer("b2")),
        tree("c", answer("c0")),
        tree("d"),
        tree("e", answer("e0", rank=0, lang="de")),
        tree("f", answer("f0", rank=0), lang="fr"),
        tree("g", answer("g0", rank=0), state="aborted_low_grade"),
        tree("h", answer("h0", rank=0), deleted=True),
        tree("i", answer("i0", rank=0, review_result=False)),
        tree("j", message("j0", "prompter", "Me too", rank=0)),
    ]
    rows = trees if form == "trees" else flat(trees, form)
    found, stats = run(tmp_path / "out", source(write_lines(tmp_path / "x.jsonl", rows), "oasst"))
    assert [(row["id"], row["instruction"], row["output"]) for row in found] == [
        ("a0", "Question a?", "Answer a0."),
        ("b0", "Question b?", "Answer b0."),
    ]
    assert {row["source"] for row in found} == {"people"}
    assert stats.counts["pairs"].as_dict() == {
        "in": 12,
        "kept": 2,
        "dropped": {
            "lower_rank": 1, "no_reply": 1, "not_exported": 1, "prompt_deleted": 1, "prompt_language": 1,
            "reply_language": 1, "reply_review": 1, "reply_role": 1, "unranked": 2,
        },
        "failed": {},
    }  # fmt: skip
    assert stats.details["sources"][0]["messages"] == 23
    assert stats.details["sources"][0]["roots"] == 10


@pytest.mark.parametrize("form", ["trees", "lists", "dicts"])
def test_options_change_what_is_kept(tmp_path: Path, form: str) -> None:
    trees = [
        tree("a", answer("a0", rank=0, labels=QUALITY), labels=QUALITY),
        tree("b", answer("b0", rank=0, labels=POOR), labels=QUALITY),
        tree("c", answer("c0", rank=0)),
        tree("d", answer("d0", labels=QUALITY), labels=QUALITY),
        tree("e", answer("e0", rank=0, labels=QUALITY), labels=QUALITY, synthetic=True),
    ]
    file = write_lines(tmp_path / "x.jsonl", trees if form == "trees" else flat(trees, form))

    def kept(name: str, **keys: Any) -> tuple[list[str], dict[str, int]]:
        rows, stats = run(tmp_path / name, source(file, "oasst"), **keys)
        return [row["id"] for row in rows], dict(stats.counts["pairs"].dropped)

    assert kept("plain") == (["a0", "b0", "c0", "e0"], {"unranked": 1})
    assert kept("only", only_children=True) == (["a0", "b0", "c0", "d0", "e0"], {})
    assert kept("human", synthetic=False) == (["a0", "b0", "c0"], {"unranked": 1, "synthetic": 1})
    assert kept("good", min_quality=0.6) == (["a0", "e0"], {"unranked": 1, "low_quality": 1, "no_quality": 1})


def test_rank_that_became_a_float_in_parquet(tmp_path: Path) -> None:
    rows = flat([tree("a", answer("a0", rank=0.0), answer("a1", rank=1.0), answer("a2", rank=math.nan))], "dicts")
    pq.write_table(pa.Table.from_pylist([{**row, "labels": None} for row in rows]), tmp_path / "x.parquet")
    found, stats = run(tmp_path / "out", source(tmp_path / "x.parquet", "oasst"))
    assert [row["id"] for row in found] == ["a0"]
    assert stats.counts["pairs"].dropped == {"lower_rank": 1, "unranked": 1}


GOOD_TREES = [tree(f"good-{number}", answer(f"good-{number}-0", rank=0, labels=QUALITY)) for number in range(5)]
MALFORMED: list[dict[str, Any]] = [
    {"message_tree_id": "t", "prompt": "text"},
    {"message_tree_id": "t", "prompt": {"text": "no id", "role": "prompter"}},
    {"message_tree_id": "t", "prompt": message("", "prompter", "Empty id?")},
    {"message_tree_id": "t", "prompt": message("t", "prompter", "Why?", replies=3)},
    {"message_tree_id": "t", "prompt": message("t", "prompter", "Why?", replies=["x"])},
    {"message_tree_id": "t", "prompt": message("t", "prompter", "Why?", replies=[answer("r", replies=[[]])])},
    message("t", "prompter", "Why?") | {"text": 5},
    message("t", "prompter", "Why?") | {"role": ["prompter"]},
    message("t", "prompter", "Why?") | {"message_id": 5},
    message("t", "prompter", "Why?", parent_id=5),
]


@pytest.mark.parametrize("row", MALFORMED)
def test_rows_that_are_no_tree_or_message_fail_and_are_kept_as_rejected(tmp_path: Path, row: dict[str, Any]) -> None:
    file = write_lines(tmp_path / "x.jsonl", [*GOOD_TREES, row])
    found, stats = run(tmp_path / "out", source(file, "oasst"))
    assert len(found) == len(GOOD_TREES)
    assert stats.counts["pairs"].as_dict() == {"in": 6, "kept": 5, "dropped": {}, "failed": {"malformed": 1}}
    assert [row["id"] for row in read_rows(tmp_path / "out" / "rejected")] == ["x.jsonl:6"]
    assert "malformed" in FAILURES


def test_flat_replies_whose_prompt_is_not_there_are_counted(tmp_path: Path) -> None:
    late = answer("b", replies=[answer("d")])
    rows = flat([*GOOD_TREES, tree("t", answer("a"), late)], "lists")
    file = write_lines(tmp_path / "x.jsonl", [row for row in rows if row["message_id"] != "t"])
    found, stats = run(tmp_path / "out", source(file, "oasst"))
    assert len(found) == len(GOOD_TREES)
    assert stats.counts["pairs"].dropped == {"no_parent": 2}
    assert sorted(row["id"] for row in read_rows(tmp_path / "out" / "rejected")) == ["a", "b"]


@pytest.mark.parametrize("rank", ["0", False, None, math.nan, [0], 10**400])
def test_rank_that_is_no_number_is_none(tmp_path: Path, rank: Any) -> None:
    file = write_lines(tmp_path / "x.jsonl", [*GOOD_TREES, tree("t", answer("r", rank=rank))])
    _, stats = run(tmp_path / "out", source(file, "oasst"))
    assert stats.counts["pairs"].dropped == {"lower_rank" if rank == 10**400 else "unranked": 1}


@pytest.mark.parametrize(
    "labels",
    [5, "quality", {"quality": 1}, {"quality": {"value": "1"}}, {"name": ["quality"], "value": []}, ["quality"],
     {"name": ["quality"]}, [{"value": 1}]],
)  # fmt: skip
def test_labels_of_another_form_are_none(tmp_path: Path, labels: Any) -> None:
    trees = [tree(item["message_tree_id"], *item["prompt"]["replies"], labels=QUALITY) for item in GOOD_TREES]
    odd = tree("t", answer("r", rank=0, labels=labels), labels=QUALITY)
    file = write_lines(tmp_path / "x.jsonl", [*trees, odd])
    _, stats = run(tmp_path / "out", source(file, "oasst"), min_quality=0.5)
    assert stats.counts["pairs"].dropped == {"no_quality": 1}


# Half-right rows reach further into the code than rows of random keys.
WORDS = st.sampled_from(["t", "r", "prompter", "assistant", "en", "quality", "ready_for_export", "", "\ud800"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=())) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(
                ["message_tree_id", "prompt", "tree_state", "message_id", "parent_id", "text", "role", "lang", "rank",
                 "labels", "replies", "deleted", "quality", "name", "value"],
                inner,
            ),
        )
    ),
    max_leaves=30,
)  # fmt: skip
ROWS = VALUES | st.builds(
    lambda prompt, state, odd: {"message_tree_id": "t", "prompt": {**prompt, **odd}, "tree_state": state},
    st.just(message("t", "prompter", "Why?")), st.just("ready_for_export") | VALUES,
    st.dictionaries(st.sampled_from(["replies", "text", "labels", "rank"]), VALUES | st.lists(VALUES, max_size=2)),
)  # fmt: skip


@given(st.lists(ROWS, max_size=3), st.sampled_from([None, 0.5]), st.sampled_from(["reject", "escape"]))
def test_any_value_among_good_trees_is_counted_and_takes_none_of_them_along(
    folder: Callable[[], Path], rows: list[Any], quality: float | None, on_tokens: str
) -> None:
    trees = [tree(item["message_tree_id"], *item["prompt"]["replies"], labels=QUALITY) for item in GOOD_TREES]
    place = folder()
    file = write_lines(place / "x.jsonl", [*trees[:2], *rows, *trees[2:]])
    found, stats = run(place / "out", source(file, "oasst"), min_quality=quality, on_control_tokens=on_tokens)
    assert {f"good-{number}-0" for number in range(5)} <= {row["id"] for row in found}
    wrong = [row for row in rows if not isinstance(row, dict) or not {"message_id", "message_tree_id"} & row.keys()]
    assert sum(stats.counts["pairs"].failed.values()) >= len(wrong)
    write_json(place / "details.json", stats.details)


PAIRS = [
    {"ask": " Name a fruit. ", "tell": "Apple.\n\nOr pear.\n"},
    {"ask": "Name  a fruit.", "tell": "Apple. Or pear."},
    {"ask": "  ", "tell": "Apple."},
    {"ask": "Name a tree.", "tell": None},
    {"ask": "Name a tree.", "tell": "Oak.<|im_end|>\n<|im_start|>system"},
    {"ask": "Name a river.", "tell": ["Rhine"]},
    {"ask": "Name a lake.", "tell": "\ud800"},
    {"ask": "Name a hill.", "tell": "Ben Nevis"},
    {"ask": "Name a town.", "tell": "Ulm"},
    {"ask": "Name a street.", "tell": "Elm Street"},
    {"question": "wrong columns"},
]


def test_pairs_are_cleaned_and_every_row_accounted_for(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", PAIRS)
    with file.open("a") as handle:
        handle.write('\n{"ask": "cut in the mid\n')
    found, stats = run(tmp_path / "out", source(file, instruction="ask", output="tell"))
    assert sorted(row["output"] for row in found) == ["Apple.\n\nOr pear.", "Ben Nevis", "Elm Street", "Ulm"]
    assert [row["id"] for row in found] == sorted(row["id"] for row in found)
    assert stats.counts["pairs"].as_dict() == {
        "in": 12,
        "kept": 4,
        "dropped": {"control_tokens": 1, "duplicate": 1, "empty_instruction": 1, "empty_output": 1},
        "failed": {"no_columns": 1, "not_json": 1, "not_text": 1, "not_unicode": 1},
    }
    places = {row["reason"]: row["id"] for row in read_rows(tmp_path / "out" / "rejected")}
    assert places["not_json"] == "x.jsonl:12"


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "json", "parquet", "folder"])
def test_every_file_form_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    rows = [{"instruction": f"Say {number}", "output": str(number)} for number in range(6)]
    path = tmp_path / f"x.{form}"
    if form == "jsonl.gz":
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    elif form == "json":
        path.write_text(json.dumps(rows, indent=1))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "folder":
        write_lines(path / "a.jsonl", rows[:2])
        write_lines(path / "sub" / "b.jsonl", rows[2:])
        (path / "README.md").write_text("not a seed file")
    else:
        write_lines(path, rows)
    reference, _ = run(tmp_path / "reference", source(write_lines(tmp_path / "reference.jsonl", rows)))
    assert run(tmp_path / "out", source(path))[0] == reference


def test_sample_depends_on_ids_only(tmp_path: Path) -> None:
    rows = [{"instruction": f"Say {number}", "output": str(number)} for number in range(40)]
    forward = source(write_lines(tmp_path / "x.jsonl", rows))
    backward = source(write_lines(tmp_path / "y.jsonl", rows[::-1]))
    first, stats = run(tmp_path / "a", forward, size=10)
    assert run(tmp_path / "b", backward, size=10)[0] == first
    assert run(tmp_path / "c", forward, size=10, seed=1)[0] != first
    assert stats.counts["pairs"].dropped == {"not_sampled": 30}
    assert stats.details["output_chars"] == char_lengths([len(row["output"]) for row in first])


def test_sources_keep_their_licence_and_share_no_pair(tmp_path: Path) -> None:
    first = write_lines(
        tmp_path / "x.jsonl", [{"instruction": "a", "output": "b"}, {"instruction": "c", "output": "d"}]
    )
    second = write_lines(tmp_path / "y.jsonl", [tree("t", message("t0", "assistant", "b", rank=0))])
    second.write_text(second.read_text().replace("Question t?", "a"))
    other = source(second, "oasst", name="trees") | {"license": "cc-by-4.0"}
    for number, order in enumerate([(source(first), other), (other, source(first))]):
        rows, stats = run(tmp_path / str(number), *order)
        assert len(rows) == 2
        assert stats.counts["pairs"].dropped == {"duplicate": 1}
        licences = {"people": "apache-2.0", "trees": "cc-by-4.0"}
        assert all(row["license"] == licences[row["source"]] for row in rows)
        assert [entry["kept"] for entry in stats.details["sources"]] == ([2, 0] if number == 0 else [1, 1])
        for entry in stats.details["sources"]:
            assert entry["pairs"] == entry["kept"] + sum(entry["left_out"].values())
        assert sum(entry["pairs"] for entry in stats.details["sources"]) == stats.counts["pairs"].rows_in


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"question": "a", "answer": "b"}\n', ["instruction, output", "answer, question", "x.jsonl"]),
        (b"not json\nat all\n", ["not JSON objects", "x.jsonl"]),
        (b"", ["holds no row"]),
    ],
    ids=["other columns", "no JSON", "empty"],
)
def test_file_that_does_not_fit_is_named(tmp_path: Path, content: bytes, words: list[str]) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        run(tmp_path / "out", source(tmp_path / "x.jsonl"))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, r"\(Permission denied\); give this user access to it"),
        (errno.ENOENT, r"\(No such file or directory\); put it there, or name another"),
        (errno.EIO, r"\(Input/output error\); see whether it can be copied"),
        (None, r"\(torn\); it may be cut short, fetch it again"),
    ],
)
def test_advice_for_an_unreadable_file_fits_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None, advice: str
) -> None:
    def fail(file: Path, *_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number), str(file)) if number else OSError("torn")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(RecipeError, match=rf"x\.jsonl: cannot be read {advice}"):
        list(file_rows(tmp_path / "x.jsonl"))


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.parquet", "x.csv"])
def test_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    whole = gzip.compress(json.dumps({"instruction": "a", "output": "b"}).encode())
    (tmp_path / name).write_bytes(whole[:-9])
    with pytest.raises(RecipeError, match=name):
        run(tmp_path / "out", source(tmp_path / name))


def test_nothing_left_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", [tree("a", answer("a0"))])
    with pytest.raises(StageError, match="1 unranked"):
        run(tmp_path / "out", source(file, "oasst"))


def test_hub_dataset_is_read_at_its_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    def load_dataset(name: str, *, split: str, revision: str) -> Any:
        assert (name, split, revision) == ("some/pairs", "validation", "a" * 40)
        return datasets.Dataset.from_list([{"instruction": "a", "output": "b"}])

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    hub = {"name": "hub", "dataset": "some/pairs", "revision": "a" * 40, "split": "validation", "license": "mit"}
    rows, _ = run(tmp_path, hub)
    assert [(row["instruction"], row["output"], row["license"]) for row in rows] == [("a", "b", "mit")]


def test_real_sample_has_the_counts_it_states(tmp_path: Path, real_seed: Path) -> None:
    trees = source(real_seed / "oasst_en_100.trees.jsonl", "oasst")
    rows, stats = run(tmp_path / "trees", trees)
    table = source(real_seed / "oasst_en_100.flat_hub_columns.jsonl", "oasst")
    flat_rows, flat_stats = run(tmp_path / "flat", table)
    assert rows == flat_rows
    assert stats == flat_stats
    assert stats.counts["pairs"].as_dict() == {
        "in": 333,
        "kept": 99,
        "dropped": {"lower_rank": 231, "unranked": 3},
        "failed": {},
    }
    figures = stats.details["sources"][0]
    assert (figures["messages"], figures["prompter"], figures["assistant"]) == (1167, 480, 687)
    assert (figures["roots"], figures["rank0"]) == (100, 212)
    lengths = stats.details["instruction_chars"], stats.details["output_chars"]
    assert [(round(item["mean"]), round(item["sd"])) for item in lengths] == [(160, 238), (1135, 742)]
    assert len(parquet_files(tmp_path / "trees")) == 2


FORGED = [
    {"instruction": "How <|im_end|> so?", "output": "So [INST] it is."},
    {"instruction": "Plain?", "output": "Plain."},
    {"instruction": "How ‹|im_end|› so?", "output": "So ⟦INST⟧ it is."},
]


def test_control_tokens_are_escaped_on_request_and_ids_are_those_of_the_final_texts(tmp_path: Path) -> None:
    file = write_lines(tmp_path / "x.jsonl", FORGED)
    found, stats = run(tmp_path / "out", source(file), on_control_tokens="escape")
    assert {(row["instruction"], row["output"]) for row in found} == {
        ("How ‹|im_end|› so?", "So ⟦INST⟧ it is."),
        ("Plain?", "Plain."),
    }
    assert {row["id"] for row in found} == {stable_id(row["instruction"], row["output"]) for row in found}
    assert stats.counts["pairs"].dropped == {"duplicate": 1}
    assert stats.details["escaped"] == 1
    found, stats = run(tmp_path / "rejecting", source(file))
    assert (len(found), stats.counts["pairs"].dropped, stats.details["escaped"]) == (2, {"control_tokens": 1}, 0)


def test_messages_are_escaped_under_their_own_ids_and_an_unsafe_id_is_rejected(tmp_path: Path) -> None:
    trees = [
        tree("t1", message("r1", "assistant", "So <s> it is.", rank=0)),
        tree("t2", message("<|r2|>", "assistant", "Fine.", rank=0)),
    ]
    file = write_lines(tmp_path / "trees.jsonl", trees)
    found, stats = run(tmp_path / "out", source(file, "oasst"), on_control_tokens="escape")
    assert [(row["id"], row["output"]) for row in found] == [("r1", "So ‹s› it is.")]
    assert (stats.counts["pairs"].dropped, stats.details["escaped"]) == ({"control_tokens": 1}, 1)


ASKED = [
    {"instruction": "Translate the sentence.", "input": "The boat leaves at noon.", "output": "Le bateau part à midi."},
    {"instruction": "Translate the sentence.", "input": "The lamp is lit.", "output": "La lampe est allumée."},
    {"instruction": "Name two knots.", "input": "", "output": "Bowline, clove hitch."},
    {"instruction": "Name a sail.", "input": None, "output": "The jib."},
    {"instruction": "Name a mast.", "output": "The mizzen."},
    {"instruction": "Give the plural.", "input": ["quay"], "output": "quays"},
]


def test_what_an_instruction_is_about_stands_below_it(tmp_path: Path) -> None:
    rows, stats = run(tmp_path / "out", source(write_lines(tmp_path / "a.jsonl", ASKED), input="input"))
    assert sorted(row["instruction"] for row in rows) == [
        "Name a mast.", "Name a sail.", "Name two knots.", "Translate the sentence.\n\nThe boat leaves at noon.",
        "Translate the sentence.\n\nThe lamp is lit.",
    ]  # fmt: skip
    assert stats.counts["pairs"].failed == {"not_text": 1}


@pytest.mark.parametrize("column", ["input", "context"])
def test_a_column_that_instructions_are_about_is_not_left_out_in_silence(tmp_path: Path, column: str) -> None:
    rows = [{column if key == "input" else key: value for key, value in row.items()} for row in ASKED[:4]]
    path = write_lines(tmp_path / "a.jsonl", rows)
    with pytest.raises(RecipeError, match=rf"2 of 4 rows hold something in the column '{column}'.*`input: {column}`"):
        run(tmp_path / "out", source(path))
    assert len(run(tmp_path / "named", source(path, input=column))[0]) == 4
    empty = write_lines(tmp_path / "b.jsonl", rows[2:])
    assert len(run(tmp_path / "empty", source(empty))[0]) == 2
    assert len(run(tmp_path / "own", source(path, instruction=column))[0]) == 2  # it is the instruction itself


def test_a_named_column_that_is_not_there_and_one_of_trees_are_refused(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", ASKED)
    with pytest.raises(RecipeError, match="no row has the column 'given'"):
        run(tmp_path / "out", source(path, input="given"))
    with pytest.raises(ValueError, match="key input"):
        run(tmp_path / "out", source(path, "oasst", input="input"))


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
def test_pairs_are_duplicates_however_they_are_composed(tmp_path: Path, spoken: Language) -> None:
    texts = spoken.question + " é", spoken.text()
    pairs = [{"instruction": form(texts[0]), "output": form(texts[1])} for form in (composed, decomposed)]
    one, stats = run(tmp_path / "one", source(write_lines(tmp_path / "a.jsonl", pairs)))
    assert stats.counts["pairs"].dropped == {"duplicate": 1}
    other, _ = run(tmp_path / "other", source(write_lines(tmp_path / "b.jsonl", pairs[::-1])))
    assert one == other
