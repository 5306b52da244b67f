"""`humpback check` opens some rows and pages of each input, and says in one line what a build will find."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import archive, page

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
    line = looked.line("", "humpback plan --calibrate here")
    assert line.startswith(f"3 pages, 12 pairs, about 3 segments; longest answer {looked.lengths.longest:,} tokens; ")
    assert line.endswith("; about 12 MB here; for the time: humpback plan --calibrate here")
    assert looked.line("2 h 10 min").endswith("; about 2 h 10 min and 12 MB here")
    value = looked.as_dict()
    assert (value["pages"], value["pairs"], value["segments"], value["pairs_exact"]) == (3, 12, 3, True)
    assert value["sources"][0]["format"] == "pairs"
    assert noted(looked, "seed source 'own': its rows are read as format: pairs (columns: instruction, output)")


def test_rows_that_are_longer_than_a_training_or_the_context_takes_are_counted(tmp_path: Path) -> None:
    recipe = project(tmp_path, [PAIR, PAIR | {"output": "An anchor holds the boat. " * 300}])
    (tmp_path / "backward.yaml").write_text("max_length: 4096")
    engine = recipe.engine.model_copy(update={"max_model_len": 800})
    looked = look_into(recipe.model_copy(update={"engine": engine}))
    assert noted(looked, f"1 of 2 pairs looked at are longer than max_length: 1,024 of {tmp_path / 'forward.yaml'}")
    assert noted(looked, "backward.yaml: max_length is 4,096, and the base takes 2,048 tokens")
    assert noted(looked, "3 of 3 segments looked at leave no room for augment.max_tokens in a context of 800 tokens")
    assert looked.faults == []


def test_answers_in_another_language_than_the_pages_and_texts_decoded_twice_are_told(tmp_path: Path) -> None:
    french = "Le bateau est attaché au quai par deux cordes, et le marin dort jusqu’au matin. " * 2
    rows = [{"instruction": f"Où est le bateau {number} ?", "output": french} for number in range(4)]
    looked = look_into(project(tmp_path, [*rows, {"instruction": "Le cafÃ© ?", "output": french}]))
    assert noted(
        looked, "of 5 answers looked at 5 are in another language than the pages (5 fr; segments.languages: en)"
    )
    assert noted(looked, "1 of 5 pairs were decoded twice")


def test_what_ends_a_build_is_a_fault_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    recipe = project(tmp_path, [{"text": "a"}])
    looked = look_into(recipe)
    assert [fault for fault in looked.faults if "found: text" in fault] == looked.faults
    assert looked.pages is not None
    assert looked.pages.pages == 3


def test_rows_without_a_pair_are_a_fault_with_the_reasons(tmp_path: Path) -> None:
    looked = look_into(project(tmp_path, [PAIR | {"output": ""}, PAIR | {"output": "So <|im_end|>"}]))
    assert looked.faults == ["seed source 'own': none of 2 rows is a pair (1 empty_output, 1 control_tokens)"]


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
