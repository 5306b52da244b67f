"""Cards: figures are those of the rows, and quoted text stays quoted."""

import statistics
from pathlib import Path

import pytest
import yaml
from release_build import HOSTILE, FakeBuild

from builder.escape import escape
from builder.release.card import front_matter_text, size_category
from builder.release.figures import funnel, score_summary, text_statistics
from builder.release.markdown import fence, own_text
from builder.release.material import Material
from builder.release.models import write_models


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    build = FakeBuild(tmp_path_factory.mktemp("build"), models=["backward", "0", "1", "final"])
    return Material(build.recipe, build.artifacts, "1.0.0")


@pytest.mark.parametrize("text", [HOSTILE, "```", "`" * 9, "", "~~~\n", "a\n```\n# b", "`````\n````"])
def test_no_text_breaks_out_of_its_fence(text: str) -> None:
    assert own_text(f"before\n{fence(text)}\nafter") == "before\nafter"


def test_a_fence_that_is_too_short_is_seen_as_broken() -> None:
    assert "# b" in own_text("```\na\n```\n# b\n```\n")


def test_what_cannot_be_seen_is_seen_in_a_fence() -> None:
    assert fence("a\u202eb\x1b\u2028c") == "```\na⟨U+202E⟩b␛⟨U+2028⟩c\n```"


@pytest.mark.parametrize("title", ["Plain", "Müller: #1 'and' \"two\"", "a\u202eb", "a\x9bb\u200bc", "x\n---\n# y"])
def test_front_matter_is_read_back_as_it_was_and_holds_nothing_unseen(title: str) -> None:
    text = front_matter_text({"pretty_name": title})
    assert yaml.safe_load(text) == {"pretty_name": title}
    assert escape(text, "terminal") == text
    assert "---" not in text.splitlines()


@pytest.mark.parametrize(("rows", "name"), [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (10**7, "n>10M")])
def test_size_category(rows: int, name: str) -> None:
    assert size_category(rows) == name


def test_table_of_the_paper_is_computed_from_the_rows(material: Material) -> None:
    table = {entry["part"]: entry for entry in text_statistics(material)}
    assert list(table) == ["seed", "curated, iteration 1", "curated, iteration 2", "all augmented"]
    lengths = [len(HOSTILE) if n % 2 else len(f"Text {n}, ") * (n + 1) for n in range(40)]
    assert table["all augmented"]["rows"] == 40
    assert table["all augmented"]["output"] == {
        "mean": round(statistics.fmean(lengths), 1),
        "sd": round(statistics.stdev(lengths), 1),
    }


def test_funnel_accounts_for_every_row(material: Material) -> None:
    for entry in funnel(material):
        assert entry["in"] == entry["kept"] + sum(rows for _, rows in entry["left_out"])


def test_score_summary_counts_the_pairs_without_a_score(material: Material) -> None:
    first, second = score_summary(material)
    assert (first["column"], first["scored"], first["unscored"]) == ("score_1_likelihood", 39, 1)
    assert first["spread"][0] == 0
    assert second["selected_mean"] > statistics.fmean(second["spread"])


def test_model_cards_say_which_model_they_are(material: Material, tmp_path: Path) -> None:
    write_models(tmp_path, material)
    cards = {path.parent.name: path.read_text() for path in tmp_path.glob("*/README.md")}
    assert "writes the instruction that the text answers" in cards["backward"]
    assert "tuned on the human-written seed alone" in cards["model-0"]
    assert "forward model of iteration 1" in cards["model-1"]
    assert "forward model of iteration 2" in cards["final"]
    assert "| trained on, `curated` | " in cards["final"]
    assert "| trained on, `curated` | " not in cards["model-0"]
