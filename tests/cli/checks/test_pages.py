"""What `check` says of pages, and of what the quickstart sets for the pages of its sample."""

import shutil
from collections import Counter
from pathlib import Path

from support.bare_recipe import recipe

from builder.cli.checks.pages import own_notes, page_notes
from builder.data.accounting import Counts
from builder.method.corpus.reading.crawl import Input
from builder.method.corpus.sample import PageSample
from builder.recipe.recipe import Recipe
from builder.sample.generate import BASE, HANDWRITTEN

SHORT = {"min_chars": 40, "max_chars": 1500, "boundary": "any"}


def of_quickstart(base: Path, **keys: object) -> Recipe:
    short = recipe(base={"path": str(base), "license": "mit"})
    return short.model_copy(update={"segments": short.segments.model_copy(update=SHORT | keys)})


def notes(of: Recipe, *files: Path) -> list[str]:
    return list(own_notes(of, [Input(file, file.name, "html") for file in files]))


def looked_at(segments: dict[str, int], kept: int, pages: dict[str, int] | None = None) -> list[str]:
    lost, left_out = Counter(pages or {}), Counter(segments)
    counts = {
        "pages": Counts(20, 20 - lost.total(), lost),
        "segments": Counts(kept + left_out.total(), kept, left_out),
    }
    return list(page_notes(PageSample(files=1, pages=20, exact=True, counts=counts), ["corpus"]))


def test_own_pages_on_the_base_of_the_sample_and_with_its_settings_are_noted(tmp_path: Path) -> None:
    own = tmp_path / "own.html"
    own.write_text("<h1>A boat</h1>")
    sample = next(HANDWRITTEN.glob("*.html"))
    toy, settings = notes(of_quickstart(BASE), sample, own)
    assert toy.startswith("base is the toy model of the quickstart: 0.75 million parameters")
    assert "put a real base model in base.model" in toy
    assert settings.startswith("segments has min_chars: 40, max_chars: 1500, boundary: any, which the quickstart sets")
    assert notes(of_quickstart(BASE, min_chars=600), own) == [toy]


def test_the_pages_of_the_sample_need_no_note(tmp_path: Path) -> None:
    assert notes(of_quickstart(BASE), *HANDWRITTEN.glob("*.html")) == []
    changed = tmp_path / next(HANDWRITTEN.glob("*.html")).name
    changed.write_text("<h1>A page of that name</h1>")
    assert len(notes(of_quickstart(BASE), changed)) == 2


def test_another_base_is_not_taken_for_that_of_the_sample(tmp_path: Path) -> None:
    shutil.copytree(BASE, tmp_path / "base")
    (own := tmp_path / "own.html").write_text("<h1>A boat</h1>")
    assert len(notes(of_quickstart(tmp_path / "base", min_chars=600), own)) == 1
    weights = tmp_path / "base" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert notes(of_quickstart(tmp_path / "base", min_chars=600), own) == []


def test_a_reason_that_takes_more_than_half_is_named_with_its_keys_and_its_entry() -> None:
    (note,) = looked_at({"header_capitals": 130, "too_short": 9}, 35)
    assert note == (
        "of 174 segments cut from the 20 pages looked at 35 stay; not: 130 header_capitals, 9 too_short; "
        "segments.max_header_capitals decides, and `humpback help header_capitals` says more"
    )
    (note,) = looked_at({}, 40, {"no_headings": 11, "language": 2})
    assert note.endswith("not: 11 no_headings, 2 language; `humpback help no_headings` says more")
    (note,) = looked_at({}, 40, {"language": 12})
    assert "segments.languages and segments.sources.language decide, and `humpback help language` says more" in note


def test_half_is_not_more_than_half() -> None:
    (note,) = looked_at({"too_long": 20}, 20)
    assert note.endswith("20 stay; not: 20 too_long")
