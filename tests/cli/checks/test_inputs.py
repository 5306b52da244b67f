"""`humpback check` opens some rows and pages of each input, and says in one line what a build will find."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import archive, page, record
from support.output_schema import problems

from builder.cli.checks.inputs import Looked, look_into
from builder.recipe.recipe import Recipe
from builder.sample.generate import BASE

GOOD: dict[str, Any] = {
    "name": "test",
    "base": {"path": str(BASE), "license": "apache-2.0"},
    "score": [{"judge": "likelihood"}],
    "curate": {"judge": "likelihood", "share": 0.5},
    "release": {"title": "Test", "license": "apache-2.0"},
}
PAIR = {"instruction": "What holds a boat?", "output": "An anchor holds the boat in the harbour at night."}


def project(folder: Path, pairs: list[Any], pages: int = 3, **keys: Any) -> Recipe:
    """A recipe with these pairs and so many pages."""
    (folder / "seed.jsonl").write_text("".join(f"{json.dumps(pair)}\n" for pair in pairs), encoding="utf-8")
    (folder / "pages").mkdir()
    for number in range(pages):
        (folder / "pages" / f"{number}.html").write_text(page(number))
    (folder / "forward.yaml").write_text("max_length: 1024")
    (folder / "backward.yaml").write_text("max_length: 1024")
    given = {
        "seed": {"sources": [{"name": "own", "path": folder / "seed.jsonl", "license": "mit"}]},
        "segments": {"sources": [{"path": folder / "pages", "format": "html"}]},
        "training": {"forward": folder / "forward.yaml", "backward": folder / "backward.yaml"},
    }
    return Recipe.model_validate(GOOD | given | keys)


def noted(looked: Looked, words: str) -> bool:
    return any(words in note for note in looked.notes)


def test_the_line_counts_pages_pairs_and_segments_and_names_longest_answer_and_size(tmp_path: Path) -> None:
    pairs = [PAIR | {"instruction": f"What holds boat {number}?"} for number in range(12)]
    looked = look_into(project(tmp_path, pairs))
    assert looked.faults == []
    assert looked.lengths is not None
    looked.time = "", "humpback plan --calibrate here"
    line = looked.line()
    assert line.startswith(f"3 pages, 12 pairs, about 3 segments; longest answer {looked.lengths.longest:,} tokens; ")
    assert line.endswith("; about 12 MB here; for the time: humpback plan --calibrate here")
    looked.time = "2 h 10 min", ""
    assert looked.line().endswith("; about 2 h 10 min and 12 MB here")
    value = looked.as_dict()
    assert problems("sample", value) == []
    assert (value["pages"], value["pairs"], value["segments"], value["pairs_exact"]) == (3, 12, 3, True)
    assert value["sources"][0]["format"] == "pairs"
    assert noted(looked, "seed source 'own': its rows are read as format: pairs (columns: instruction, output)")


def test_rows_that_are_longer_than_a_training_or_the_context_takes_are_counted(tmp_path: Path) -> None:
    recipe = project(tmp_path, [PAIR, PAIR | {"output": "An anchor holds the boat. " * 300}])
    (tmp_path / "backward.yaml").write_text("max_length: 4096")
    engine = recipe.engine.model_copy(update={"max_model_len": 800})
    looked = look_into(recipe.model_copy(update={"engine": engine}))
    assert noted(looked, f"1 of 2 pairs looked at are longer than max_length: 1,024 of {tmp_path / 'forward.yaml'}")
    assert noted(
        looked, "so many that a build stops before its first training (runtime.max_too_long); raise max_length"
    )
    (said,) = (note for note in looked.notes if "pairs looked at" in note and "max_length: 1,024" in note)
    needed = int(re.search(r"there to some ([\d,]+), ", said)[1].replace(",", ""))  # type: ignore[index]
    assert needed % 128 == 0
    (tmp_path / "forward.yaml").write_text(f"max_length: {needed}")
    (tmp_path / "backward.yaml").write_text(f"max_length: {needed}")
    assert not noted(look_into(recipe), "longer than max_length")
    (tmp_path / "backward.yaml").write_text("max_length: 4096")
    looked = look_into(recipe.model_copy(update={"engine": engine}))
    assert noted(looked, "backward.yaml: max_length is 4,096, and the base takes 2,048 tokens")
    assert noted(looked, "3 of 3 segments looked at leave no room for augment.max_tokens in a context of 800 tokens")
    assert looked.faults == []


def test_a_few_rows_that_are_too_long_stop_no_build(tmp_path: Path) -> None:
    rows = [PAIR | {"instruction": f"What holds boat {number}?"} for number in range(29)]
    looked = look_into(project(tmp_path, [*rows, PAIR | {"output": "An anchor holds the boat. " * 300}]))
    assert noted(looked, "1 of 30 pairs looked at are longer than max_length")
    assert not noted(looked, "a build stops before")


def test_answers_in_another_language_than_the_pages_and_texts_decoded_twice_are_told(tmp_path: Path) -> None:
    french = "Le bateau est attaché au quai par deux cordes, et le marin dort jusqu’au matin. " * 2
    rows = [{"instruction": f"Où est le bateau {number} ?", "output": french} for number in range(4)]
    looked = look_into(project(tmp_path, [*rows, {"instruction": "Le cafÃ© ?", "output": french}]))
    assert noted(
        looked, "of 5 answers looked at 5 are in another language than the pages (5 fr; segments.languages: en)"
    )
    assert noted(looked, "1 of 5 pairs were decoded twice (Ã© for é), first the one that asks 'Le cafÃ© ?'; write ")
    assert noted(looked, f"write {tmp_path / 'seed.jsonl'} again from its source")


@pytest.mark.parametrize(("number", "told"), [(5, True), (4, False)])
def test_instructions_that_are_far_longer_than_outputs_look_swapped(tmp_path: Path, number: int, told: bool) -> None:
    swapped = [{"instruction": PAIR["output"] * 2, "output": f"What holds boat {one}?"} for one in range(number)]
    looked = look_into(project(tmp_path, swapped, pages=1))
    assert noted(looked, "half of its instructions have 98 characters or more and half of its outputs 18 or l") is told
    assert noted(looked, "name them the other way round in seed.sources.instruction and output") is told


def test_what_ends_a_build_is_a_fault_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    recipe = project(tmp_path, [{"text": "a"}])
    looked = look_into(recipe)
    assert [fault for fault in looked.faults if "found: text" in fault] == looked.faults
    assert looked.pages is not None
    assert looked.pages.pages == 3


def test_rows_without_a_pair_are_a_fault_with_the_reasons(tmp_path: Path) -> None:
    looked = look_into(project(tmp_path, [PAIR | {"output": ""}, PAIR | {"output": "So <|im_end|>"}]))
    (fault,) = looked.faults
    assert fault.startswith(
        "seed source 'own': none of 2 rows looked at is a pair (1 empty_output, 1 control_tokens); correct "
        f"{tmp_path / 'seed.jsonl'}, or name another format"
    )


def test_what_becomes_of_pages_is_told_with_reasons_and_languages(tmp_path: Path) -> None:
    german = "Ein Boot, das nicht festgemacht ist, treibt mit der Flut davon, und wir suchen es am Ufer. " * 9
    recipe = project(tmp_path, [PAIR])
    (tmp_path / "pages" / "8.html").write_text(f"<html><h1>Ein Boot</h1><p>{german}</p></html>")
    (tmp_path / "pages" / "9.html").write_text("<html><p>A boat that is not moored drifts away.</p></html>")
    looked = look_into(recipe)
    told = next(note for note in looked.notes if note.startswith("of 5 pages looked at 3 give segments; not: "))
    assert {"1 language", "1 no_headings"} <= set(told.partition("not: ")[2].partition(";")[0].split(", "))
    assert told.endswith("; in another language: 1 de")


def test_records_that_are_no_pages_and_segments_that_go_are_told(tmp_path: Path) -> None:
    broken = b"".join(record(page(number).encode(), number) for number in range(3)) + b"no record"
    (tmp_path / "a.warc").write_bytes(broken)
    source = {"sources": [{"path": tmp_path / "a.warc", "format": "warc"}], "max_chars": 400, "min_chars": 10}
    looked = look_into(project(tmp_path, [PAIR], segments=source))
    assert noted(looked, "of the records looked at some are no pages: 1 ")
    assert noted(looked, " pages looked at 0 stay; not: ")
    assert noted(looked, "too_long; segments.max_chars and segments.weigh_scripts decide, and `humpback help too_long`")


def test_files_without_a_page_are_named_with_what_to_look_at(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"html": None, "url": "http://example.org"}) + "\n")
    source = {"sources": [{"path": tmp_path / "a.jsonl", "format": "jsonl"}]}
    looked = look_into(project(tmp_path, [PAIR], segments=source))
    assert noted(
        looked, f"no page was found at the beginning of the files looked at in {tmp_path / 'a.jsonl'}; see that"
    )


def test_what_of_a_seed_is_not_read_or_not_used_is_told(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "A boat?"}, {"role": "assistant", "content": "Yes, a boat."}]
    folder = tmp_path / "pairs"
    folder.mkdir()
    rows = [{"messages": turns}, {"messages": [*turns[:1], turns[1] | {"content": "No."}, *turns]}]
    (folder / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    for number in range(7):
        (folder / f"note-{number}.docx").touch()
    source = {"sources": [{"name": "own", "path": folder, "license": "mit"}]}
    looked = look_into(project(tmp_path, [], seed=source))
    assert noted(looked, "of 2 conversations 1 go on after the first answer, which is not used")
    assert noted(looked, "seed source 'own': 7 not read: note-0.docx, ")
    assert noted(looked, "note-4.docx, ...")


@pytest.mark.parametrize(("place", "why"), [("hub", "the base org/base is not here yet"), ("peft", "an adapter")])
def test_a_size_that_is_not_known_says_why(tmp_path: Path, place: str, why: str) -> None:
    base = {"model": "org/base", "revision": "0" * 40, "license": "mit"} if place == "hub" else GOOD["base"]
    recipe = project(tmp_path, [PAIR], base=base)
    if place == "peft":
        (tmp_path / "forward.yaml").write_text("use_peft: true\n")
    line = look_into(recipe).line()
    assert "; size not known: " in line
    assert why in line


def test_files_that_a_format_does_not_read_are_counted_by_name(tmp_path: Path) -> None:
    archive(tmp_path / "warc" / "part-0.warc.gz", 2)
    (tmp_path / "warc" / "part-1.rar").write_text("x")
    (tmp_path / "warc" / "notes.docx").write_text("x")
    source = {"sources": [{"path": tmp_path / "warc", "format": "warc"}]}
    looked = look_into(project(tmp_path, [PAIR], segments=source))
    assert noted(looked, "2 files are not read as warc: 1 x .docx (notes.docx); 1 x .rar (part-1.rar)")
    assert looked.as_dict()["pages"] == 2


@pytest.mark.parametrize(("number", "shown"), [(7, 7), (98, 98), (1_029, 1_000), (1_051, 1_100), (149_900, 150_000)])
def test_estimates_have_two_digits(number: int, shown: int) -> None:
    from builder.cli.checks.inputs import rounded

    assert rounded(number) == shown
