"""Rows of pairs: what is taken out, left out or refused."""

from pathlib import Path

import pytest
from support.languages import LANGUAGES, Language, composed, decomposed
from support.seed_rows import run, source, write_lines

from builder.data.records import stable_id
from builder.data.storage import read_rows
from builder.errors import RecipeError

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
