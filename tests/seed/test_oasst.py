"""Which replies of Open Assistant's trees are seed pairs, as trees or as the Hub's table, and what is no tree."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.seed_rows import answer, message, run, source, tree, write_lines

from builder.data.storage import read_rows, write_json
from builder.method.seed.stage import FAILURES


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


def test_messages_are_escaped_under_their_own_ids_and_an_unsafe_id_is_rejected(tmp_path: Path) -> None:
    trees = [
        tree("t1", message("r1", "assistant", "So <s> it is.", rank=0)),
        tree("t2", message("<|r2|>", "assistant", "Fine.", rank=0)),
    ]
    file = write_lines(tmp_path / "trees.jsonl", trees)
    found, stats = run(tmp_path / "out", source(file, "oasst"), on_control_tokens="escape")
    assert [(row["id"], row["output"]) for row in found] == [("r1", "So ‹s› it is.")]
    assert (stats.counts["pairs"].dropped, stats.details["escaped"]) == ({"control_tokens": 1}, 1)
