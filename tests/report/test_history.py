"""The history of rows: what is meant, and what is told."""

from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.records import rejected_schema, segment_schema, stable_id
from builder.data.storage import write_rows
from builder.errors import RecipeError
from builder.recipe.sections.corpus import Segments
from builder.results.report.history import deciding_value, history_of
from builder.results.report.subjects import subjects_of

GONE = stable_id("gone")


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    found = FakeBuild(tmp_path_factory.mktemp("build")).build
    rows = [
        {"id": stable_id("segment", n), "page_id": f"page-{n // 2}", "url": f"https://example.org/page-{n // 2}",
         "header": f"Header {n}", "header_path": ["Top", f"Header {n}"], "text": f"The text of number {n}."}
        for n in range(40)
    ]  # fmt: skip
    for stage in (found.extracted, found.segments):
        write_rows(stage.data / "a.parquet", rows, segment_schema())
    gone = [{"id": GONE, "reason": "too_short", "page_id": "page-0", "header": "Short", "text": "Too short."}]
    write_rows(found.extracted.path / "rejected" / "a.parquet", gone, rejected_schema())
    return found


def keys(stage: object, reason: str) -> list[str]:
    return ["segments.min_chars"] if reason == "too_short" else []


def told(build: Build, wanted: str, releases: Path = Path("none")) -> list[str]:
    (subject,) = subjects_of(build, wanted)
    return [step["what"] for step in history_of(build, subject, releases, keys)]


def test_a_pair_is_followed_from_its_page_to_its_split(build: Build) -> None:
    said = told(build, stable_id("segment", 5)[:8])
    assert said[0] == "cut from its page under 'Top > Header 5'"
    assert said[2] == "M_yx wrote 'What about 5?', which passed the gate"
    assert any(text.startswith("likelihood: ") for text in said)
    assert sum("selected" in text or text.startswith("left out") for text in said[3:]) == 2


def test_a_rejected_segment_has_the_value_that_decided_and_its_key(build: Build) -> None:
    (subject,) = subjects_of(build, GONE)
    last = history_of(build, subject, Path("none"), keys)[-1]
    assert (last["reason"], last["value"]) == ("too_short", 10.0)
    assert last["keys"] == {"segments.min_chars": build.recipe.segments.min_chars}


def test_an_address_a_domain_and_words_mean_their_segments(build: Build) -> None:
    assert {subject.segment for subject in subjects_of(build, "https://example.org/page-0")} == {
        stable_id("segment", 0), stable_id("segment", 1), GONE
    }  # fmt: skip
    assert len(subjects_of(build, "example.org")) == 40
    assert [subject.segment for subject in subjects_of(build, "TEXT of number 17.")] == [stable_id("segment", 17)]
    assert [subject.segment for subject in subjects_of(build, "what about 31?")] == [stable_id("segment", 31)]


def test_nothing_and_too_few_digits_are_refused(build: Build) -> None:
    for wanted in ("0000", "nothing of the kind", "ffffffffffff"):
        with pytest.raises(RecipeError, match="no segment, pair or page"):
            subjects_of(build, wanted)


@pytest.mark.parametrize(
    ("reason", "text", "value"),
    [("too_long", "abc" * 9, 27.0), ("few_letters", "ab12", 0.5), ("links", "text", None), ("too_short", "", None)],
)
def test_what_a_rule_has_compared_is_computed_from_the_text(reason: str, text: str, value: float | None) -> None:
    config = Segments.model_validate({"sources": [{"path": "x", "format": "html"}]})
    assert deciding_value(reason, text, config) == value


def test_releases_that_hold_a_pair_are_named(build: Build, tmp_path: Path) -> None:
    pair = f"{stable_id('segment', 5)}-0"
    write_rows(tmp_path / "1.0.0" / "dataset" / "augmented" / "train-00000.parquet", [{"id": pair}], segment_schema())
    assert told(build, stable_id("segment", 5), tmp_path)[-1] == "1.0.0: augmented/train"
