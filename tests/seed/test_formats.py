"""Seed sources in the forms in which pairs are passed on, named or found out from their first rows."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.seed_rows import write_lines as lines

from builder.data.accounting import Stats
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.method.seed.heads import HEAD_BYTES, file_head, first_rows
from builder.method.seed.stage import select_seed
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed, SeedSource

ASKED, ANSWERED = "What holds a boat?", "An anchor does."


def source(path: Path, **keys: Any) -> dict[str, Any]:
    return {"name": "people", "path": path, "license": "apache-2.0", **keys}


def run(out: Path, given: dict[str, Any], **keys: Any) -> tuple[list[tuple[str, str]], Stats]:
    seed = Seed.model_validate({"sources": [given], **keys})
    handed_on = Seed.model_validate(seed.model_dump(mode="json"))  # as the process of a stage gets it
    stats = select_seed(out, handed_on, runtime=Runtime())
    stats.check("seed")
    return sorted((row["instruction"], row["output"]) for row in read_rows(out / "data")), stats


def said(role: str, content: Any, *, form: str = "messages") -> dict[str, Any]:
    return {"role": role, "content": content} if form == "messages" else {"from": role, "value": content}


FORMS: dict[str, dict[str, Any]] = {
    "pairs": {"instruction": ASKED, "output": ANSWERED},
    "alpaca": {"instruction": ASKED, "input": "", "output": ANSWERED},
    "dolly": {"instruction": ASKED, "context": "", "response": ANSWERED, "category": "open_qa"},
    "prompt_completion": {"prompt": ASKED, "completion": ANSWERED},
    "messages": {"messages": [said("user", ASKED), said("assistant", ANSWERED)]},
    "sharegpt": {"id": "x", "conversations": [said("human", ASKED, form=""), said("gpt", ANSWERED, form="")]},
    "humpback": {
        "id": "7",
        "prompt": [said("system", "Answer in the style of an AI Assistant."), said("user", ASKED)],
        "completion": [said("assistant", ANSWERED)],
        "source": "people",
        "license": "apache-2.0",
    },
    "oasst": {
        "message_tree_id": "t",
        "tree_state": "ready_for_export",
        "prompt": {
            "message_id": "t", "role": "prompter", "text": ASKED, "lang": "en",
            "replies": [{"message_id": "r", "role": "assistant", "text": ANSWERED, "lang": "en", "rank": 0}],
        },
    },
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_each_format_is_read_by_name_and_found_out_from_the_rows(tmp_path: Path, form: str) -> None:
    path = lines(tmp_path / "rows.jsonl", [FORMS[form]])
    for number, named in enumerate(({"format": form}, {})):
        rows, stats = run(tmp_path / str(number), source(path, **named))
        assert rows == [(ASKED, ANSWERED)]
        assert stats.details["sources"][0]["format"] == form


def test_messages_in_prompt_and_completion_are_read_as_trl_reads_them(tmp_path: Path) -> None:
    row = {"prompt": [said("user", ASKED)], "completion": [said("assistant", ANSWERED)]}
    rows, stats = run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", [row, FORMS["prompt_completion"]])))
    assert (rows, stats.counts["pairs"].dropped) == ([(ASKED, ANSWERED)], {"duplicate": 1})
    assert stats.details["sources"][0]["format"] == "prompt_completion"


@pytest.mark.parametrize(("form", "column"), [("alpaca", "input"), ("dolly", "context")])
def test_what_an_instruction_is_about_is_joined_in_formats_that_have_a_column_for_it(
    tmp_path: Path, form: str, column: str
) -> None:
    rows = [FORMS[form] | {column: "The boat is old."}, FORMS[form]]
    found, _ = run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", rows)))
    assert found == [(ASKED, ANSWERED), (f"{ASKED}\n\nThe boat is old.", ANSWERED)]


TRL_LISTS = {"prompt": [said("user", ASKED)], "completion": [said("assistant", ANSWERED)]}
BESIDE: list[tuple[dict[str, Any], str, dict[str, Any], str]] = [
    (FORMS["alpaca"], "context", {}, "put what it holds into the column 'input'"),
    (FORMS["dolly"], "input", {}, "put what it holds into the column 'context'"),
    (FORMS["pairs"], "context", {}, "set `input: context`"),
    (FORMS["alpaca"], "context", {"format": "pairs", "input": "input"}, "into the column 'input'"),
    (FORMS["prompt_completion"], "input", {}, "`instruction: prompt`, `output: completion` and `input: input`"),
    (TRL_LISTS, "context", {}, "into the first turn of the user"),
    (FORMS["messages"], "input", {}, "into the first turn of the user"),
    (FORMS["sharegpt"], "context", {}, "into the first turn of the user"),
]


@pytest.mark.parametrize("held", ["The boat is old.", ["The boat", "is old."]])
@pytest.mark.parametrize(("row", "column", "keys", "advice"), BESIDE)
def test_what_an_instruction_is_about_in_a_column_that_is_not_read_is_refused_by_name(
    tmp_path: Path, row: dict[str, Any], column: str, keys: dict[str, Any], advice: str, held: Any
) -> None:
    path = lines(tmp_path / "a.jsonl", [row | {column: held}, row | {column: ""}])
    with pytest.raises(RecipeError, match=rf"1 of 2 rows hold something in the column '{column}'.*{advice}.*, or take"):
        run(tmp_path / "out", source(path, **keys))
    lines(path, [row | {column: " "}, row])
    assert run(tmp_path / "empty", source(path, **keys))[0] == [(ASKED, ANSWERED)]


@pytest.mark.parametrize("row", [FORMS["messages"], FORMS["sharegpt"], TRL_LISTS], ids=["messages", "sharegpt", "trl"])
def test_earlier_turns_beside_a_conversation_leave_it_out_by_name(tmp_path: Path, row: dict[str, Any]) -> None:
    rows = [row | {"history": []}, row | {"history": [["Hello", "Hi"]]}]
    found, stats = run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", rows)))
    assert (found, stats.counts["pairs"].dropped) == ([(ASKED, ANSWERED)], {"earlier_turns": 1})


@pytest.mark.parametrize("form", ["alpaca", "messages", "sharegpt"])
def test_a_system_turn_is_joined_or_refused_and_never_dropped_in_silence(tmp_path: Path, form: str) -> None:
    turn = said("system", "Speak as a sailor.", form=form)
    begun = {
        "alpaca": FORMS["alpaca"] | {"system": "Speak as a sailor."},
        "messages": {"messages": [turn, *FORMS["messages"]["messages"]]},
        "sharegpt": {"conversations": [turn, *FORMS["sharegpt"]["conversations"]]},
    }[form]
    path = lines(tmp_path / "a.jsonl", [begun, FORMS[form]])
    with pytest.raises(RecipeError, match=r"1 of 2 rows have a system turn.*`system: join`.*`system: reject`"):
        run(tmp_path / "out", source(path))
    joined, _ = run(tmp_path / "joined", source(path, system="join"))
    assert (f"Speak as a sailor.\n\n{ASKED}", ANSWERED) in joined
    rows, stats = run(tmp_path / "rejected", source(path, system="reject"))
    assert (rows, stats.counts["pairs"].dropped) == ([(ASKED, ANSWERED)], {"system_turn": 1})


def test_earlier_turns_in_a_column_leave_the_row_out_by_name(tmp_path: Path) -> None:
    rows = [FORMS["alpaca"] | {"history": []}, FORMS["alpaca"] | {"input": "x", "history": [["Hello", "Hi"]]}]
    found, stats = run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", rows)))
    assert (found, stats.counts["pairs"].dropped) == ([(ASKED, ANSWERED)], {"earlier_turns": 1})


def test_of_a_conversation_the_first_turn_is_taken_and_the_later_ones_are_counted(tmp_path: Path) -> None:
    turns = FORMS["messages"]["messages"]
    rows: list[Any] = [
        {"messages": [*turns, said("user", "And a ship?"), said("assistant", "The same.")]},
        {"messages": [said("assistant", "Hello."), *turns]},
        {"messages": [said("user", "Anybody?")]},
        {"messages": [said("user", "Twice?"), *turns]},
        {"messages": "text"},
        {"messages": [{"content": "no role"}]},
        {"messages": [said("user", [{"type": "text", "text": "In parts?"}]), said("assistant", "Yes.")]},
        {"messages": [said("user", [{"type": "image", "url": "x"}]), said("assistant", "A boat.")]},
    ]
    found, stats = run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", rows)))
    assert found == [("In parts?", "Yes."), (ASKED, ANSWERED)]
    counts = stats.counts["pairs"]
    assert (counts.dropped, counts.failed) == ({"no_prompt": 1, "no_reply": 2}, {"malformed": 2, "not_text": 1})
    figures = stats.details["sources"][0]
    assert (figures["conversations_with_later_turns"], figures["later_turns"]) == (1, 2)


def test_a_released_seed_is_read_from_its_folder_without_the_tag_and_by_licence(tmp_path: Path) -> None:
    other = FORMS["humpback"] | {"id": "8", "license": "cc-by-4.0"}
    for place in ("dataset/seed", "dataset/curated"):
        (tmp_path / place).mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist([FORMS["humpback"], other]), tmp_path / place / "a.parquet")
    for number, path in enumerate((tmp_path, tmp_path / "dataset", tmp_path / "dataset" / "seed")):
        found, stats = run(tmp_path / f"out{number}", source(path))
        assert (found, stats.counts["pairs"].dropped) == ([(ASKED, ANSWERED)], {"other_license": 1})
        assert [row["id"] for row in read_rows(tmp_path / f"out{number}" / "data")] == ["7"]
    with pytest.raises(RecipeError, match=r"licence apache-2.0 or cc-by-4.0, and none has 'mit'"):
        run(tmp_path / "none", source(tmp_path) | {"license": "mit"})


@pytest.mark.parametrize(
    ("name", "part", "encoding"),
    [("a.csv", ",", "utf-8"), ("a.csv", ";", "utf-8-sig"), ("a.tsv", "\t", "utf-16"), ("a.tsv", "\t", "utf-8")],
)
def test_spreadsheets_are_read_with_any_format_of_pairs(tmp_path: Path, name: str, part: str, encoding: str) -> None:
    with (tmp_path / name).open("w", encoding=encoding, newline="") as handle:
        writer = csv.writer(handle, delimiter=part)
        writer.writerows([
            ["instruction", "input", "output"], [ASKED, "Größe; Maß, \"neu\"\nzwei", ANSWERED], [ASKED, "", ANSWERED],
            [], ["one", "", "two", "three too many"], ["only one"],
        ])  # fmt: skip
    found, stats = run(tmp_path / "out", source(tmp_path / name))
    assert found == [(ASKED, ANSWERED), (f'{ASKED}\n\nGröße; Maß, "neu"\nzwei', ANSWERED)]
    assert stats.counts["pairs"].failed == {"not_json": 1, "no_columns": 1}


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_json_as_windows_saves_it_is_read_or_told_in_its_encoding(tmp_path: Path, name: str) -> None:
    row = json.dumps({"instruction": ASKED, "output": ANSWERED})
    text = f"[{row}]" if name == "a.json" else f"{row}\n"
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    assert run(tmp_path / "out", source(tmp_path / name))[0] == [(ASKED, ANSWERED)]
    (tmp_path / name).write_text(text, encoding="utf-16")
    with pytest.raises(RecipeError, match=rf"{name}: is JSON in UTF-16, by its first bytes; save it in UTF-8"):
        run(tmp_path / "again", source(tmp_path / name))


def test_a_large_list_with_a_byte_order_mark_is_known_by_its_beginning(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(json.dumps([FORMS["pairs"] | {"more": "x" * 1000}] * 1200), encoding="utf-8-sig")
    assert file.stat().st_size > HEAD_BYTES
    assert file_head(file).rows[0][1]["instruction"] == ASKED


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (
            "instruction,output\nWas?,Größe\n".encode("latin-1"),
            "row 1 or one soon after it is not UTF-8.*save the file",
        ),
        (b'instruction,output\n"never closed,x\ny,z\n', "row 1 is no row of a table"),
        (b"output,instruction,output\na,b,c\n", "the column 'output' is there twice"),
        (b"question,answer\na,b\n", "found: answer, question.*set its `instruction` and `output`"),
    ],
)
def test_a_spreadsheet_that_cannot_be_read_is_named_with_what_to_do(tmp_path: Path, content: bytes, why: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(RecipeError, match=rf"a\.csv: .*{why}"):
        run(tmp_path / "out", source(tmp_path / "a.csv"))


def test_a_header_of_very_many_columns_takes_no_time_to_look_at(tmp_path: Path) -> None:
    names = [f"column {number}" for number in range(50_000)]  # each compared with each would take half a minute
    (tmp_path / "a.csv").write_text(",".join(["instruction", "output", *names]) + f"\n{ASKED},{ANSWERED}\n")
    assert [row for _, row in file_head(tmp_path / "a.csv").rows] == [{"instruction": ASKED, "output": ANSWERED}]


def test_named_columns_are_those_of_pairs_whatever_else_is_there(tmp_path: Path) -> None:
    rows = [FORMS["messages"] | {"ask": ASKED, "tell": ANSWERED}]
    found, stats = run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", rows), instruction="ask", output="tell"))
    assert (found, stats.details["sources"][0]["format"]) == ([(ASKED, ANSWERED)], "pairs")


def test_rows_that_fit_no_format_are_named_by_their_columns(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"found: answer, text\); set its `instruction` and `output` to two of them"):
        run(tmp_path / "out", source(lines(tmp_path / "a.jsonl", [{"text": "a", "answer": "b"}])))


def test_alpaca_rows_with_an_input_need_no_key_and_pairs_with_one_say_which(tmp_path: Path) -> None:
    rows = [{"instruction": "Give the plural.", "input": word, "output": f"{word}s"} for word in ("quay", "pier")]
    (tmp_path / "seed.json").write_text(json.dumps(rows, indent=1))
    found, _ = run(tmp_path / "out", source(tmp_path / "seed.json"))
    assert found == [("Give the plural.\n\npier", "piers"), ("Give the plural.\n\nquay", "quays")]
    with pytest.raises(RecipeError, match="`input: input`"):
        run(tmp_path / "named", source(tmp_path / "seed.json", format="pairs"))


@pytest.mark.parametrize("form", ["jsonl", "json", "jsonl.gz", "csv", "parquet"])
def test_only_the_beginning_of_a_large_file_is_read_and_the_rest_is_estimated(tmp_path: Path, form: str) -> None:
    rows = [{"instruction": f"Say {number}.", "output": f"{number} " * 40} for number in range(20_000)]
    path = tmp_path / f"x.{form}"
    if form == "csv":
        with path.open("w", newline="") as handle:
            writer = csv.writer(handle)
            writer.writerows([["instruction", "output"], *(row.values() for row in rows)])
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "json":
        path.write_text(json.dumps(rows, indent=1))
    else:
        text = "".join(f"{json.dumps(row)}\n" for row in rows).encode()
        path.write_bytes(gzip.compress(text, 0) if form == "jsonl.gz" else text)
    head = file_head(path)
    assert not head.whole
    assert 100 < len(head.rows) < 10_000
    assert [row for _, row in head.rows] == rows[: len(head.rows)]
    assert 16_000 < head.total < 26_000


def test_rows_that_decide_are_spread_over_the_files_and_few(tmp_path: Path) -> None:
    for number in range(40):
        lines(tmp_path / "many" / f"{number:02}.jsonl", [{"n": number}] * 9)
    given = SeedSource(**source(tmp_path / "many"))
    assert [row["n"] for row in first_rows(given)] == [number for number in range(0, 40, 4) for _ in range(2)]
    assert first_rows(given.model_copy(update={"format": "pairs"})) == []
    small = file_head(tmp_path / "many" / "00.jsonl")
    assert (small.whole, small.total, HEAD_BYTES) == (True, 9, 2**20)


def test_a_column_without_a_name_is_told_as_that(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(",answer\nWhat holds a boat?,An anchor.\n")
    with pytest.raises(RecipeError, match=r"found: one without a name, answer\)"):
        run(tmp_path / "out", source(tmp_path / "a.csv", instruction="question", output="answer"))
