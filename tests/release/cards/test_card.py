"""Cards: figures are those of the rows, and quoted text stays quoted."""

import json
import statistics
from pathlib import Path

import pytest
import yaml
from support.release_build import HOSTILE, FakeBuild

from builder.build import Build
from builder.data.storage import read_rows
from builder.results.release.cards.card import config_entries, front_matter_text, read_features, size_category
from builder.results.release.cards.markdown import fence, own_text
from builder.results.release.cards.plots import FUNNEL, SCORES, steps, write_figures
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import (
    domains,
    funnel,
    judge_quality,
    masked,
    refusals,
    score_summary,
    text_statistics,
    unseen,
)
from builder.results.release.content.parquet import write_config
from builder.results.release.content.tables import configs
from builder.results.release.models import write_models
from builder.text.escape import escape


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    build = FakeBuild(tmp_path_factory.mktemp("build"), models=["backward", "0", "1", "final"])
    return Material(build.build, "1.0.0")


@pytest.mark.parametrize("text", [HOSTILE, "```", "`" * 9, "", "~~~\n", "a\n```\n# b", "`````\n````"])
def test_no_text_breaks_out_of_its_fence(text: str) -> None:
    assert own_text(f"before\n{fence(text)}\nafter") == "before\nafter"


def test_a_fence_that_is_too_short_is_seen_as_broken() -> None:
    assert "# b" in own_text("```\na\n```\n# b\n```\n")


@pytest.mark.parametrize(
    ("markdown", "own"),
    [
        ("- a\n  ```\n  quoted\n  ```\n- b", "- a\n- b"),
        ("> ~~~ text\n> quoted\n> ~~~\n\nb", "\nb"),
        ("a\n\n```\nquoted to the end", "a\n"),
        ("<details>\n```\nours, in HTML\n```\n</details>", "<details>\n```\nours, in HTML\n```\n</details>"),
        ("    ```\n    ours, in code\n    ```", "    ```\n    ours, in code\n    ```"),
        ("a\r\n```sql\r\nselect 1\r\n```\r\nb", "a\nselect 1\nb"),
        ("---\nkey: value\n---\n```text\nquoted\n```", "---\nkey: value\n---"),
    ],
)
def test_a_fence_is_one_where_commonmark_says_so(markdown: str, own: str) -> None:
    assert own_text(markdown) == own


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
    assert "Self-augmentation, the user turn, for which the build used it" in cards["backward"]
    assert "Self-augmentation" not in "".join(cards[name] for name in ("model-0", "model-1", "final"))
    assert "| trained on, `curated` | " in cards["final"]
    assert "| trained on, `curated` | " not in cards["model-0"]
    release = material.recipe.release
    terms = f"[{release.license_name}](" if release.license_name else f"`{release.license}` |"
    for name in ("backward", "model-0", "model-1", "final"):
        assert f"keep the terms of the dataset: {terms}" in cards[name]


def test_funnel_ends_at_the_final_selection(material: Material) -> None:
    assert steps(material) == [
        ("segments found", 50),
        ("kept by the rules", 45),
        ("no duplicates", 40),
        ("with an instruction", 40),
        ("selected", 18),
    ]


def test_figures_are_the_same_bytes_whatever_the_users_settings(material: Material, tmp_path: Path) -> None:
    import matplotlib

    write_figures(tmp_path / "one", material)
    with matplotlib.rc_context({"figure.facecolor": "red", "font.size": 30}):
        write_figures(tmp_path / "two", material)
        assert matplotlib.rcParams["font.size"] == 30
    for name in (FUNNEL, SCORES):
        data = (tmp_path / "one" / name).read_bytes()
        assert data == (tmp_path / "two" / name).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert b"atplotlib" not in data


def test_card_tells_what_was_masked_where_it_comes_from_and_what_it_refuses(material: Material) -> None:
    assert masked(material) == {"emails": 7, "ips": 3}
    assert unseen(material) == {"chars": 1_905, "segments": 2, "pairs": 0}
    found = domains(material)
    assert (found["number"], found["without"]) == (1, 0)
    assert found["top"] == [{"name": "example.org", "rows": 18, "share": 1.0}]
    assert refusals(material) == {"seed": {"rows": 5, "refusals": 0}, "curated": {"rows": 18, "refusals": 0}}


def test_judge_is_held_against_labels_where_there_are_some(material: Material, tmp_path: Path) -> None:
    assert judge_quality(material) == []
    selected = [row["id"] for row in read_rows(material.build.curated[-1].data)]
    others = [row["id"] for row in read_rows(material.build.candidates.data) if row["id"] not in set(selected)]
    labels = dict.fromkeys((*selected[:3], *others[:1]), True) | dict.fromkeys(selected[3:4], False)
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps({"id": key, "good": good}) + "\n" for key, good in labels.items()))
    release = material.recipe.release.model_copy(update={"labels": path})
    recipe = material.recipe.model_copy(update={"release": release})
    last = judge_quality(Material(Build(recipe, material.build.artifacts), "1.0.0"))[-1]
    assert (last["labelled"], last["good"]) == (5, 4)
    # Three of four selected ones are good; what the one other label says counts beside them as one label does.
    assert last["precision"]["value"] == pytest.approx(0.743, abs=0.001)
    low, high = last["recall"]["interval"]
    assert low < last["recall"]["value"] < high


def test_a_model_card_has_what_the_model_was_measured_at(material: Material, tmp_path: Path) -> None:
    rate = {"value": 0.625, "n": 8, "interval": [0.25, 1.0], "wins": 5, "draws": 0, "losses": 3, "unread": 1}
    measured = {"win_rate": rate, "orders": {"value": 0.5}, "trained": material.build.final.fingerprint}
    report = {"models": {"final": measured}, "reference": "seed-only", "judge": "a|b", "prompts": 9}
    report["sampling"] = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 1_024}
    task = {"acc": 0.4, "n": 1_838, "version": 1.0, "shots": 0, "day": "2026-01-02"}
    paths = {"evaluation": tmp_path / "report.json", "results": tmp_path / "lm_eval.json"}
    paths["evaluation"].write_text(json.dumps(report))
    paths["results"].write_text(json.dumps({"final": {"piqa": task}}))
    recipe = material.recipe.model_copy(update={"release": material.recipe.release.model_copy(update=paths)})
    out = tmp_path / "models"
    write_models(out, Material(Build(recipe, material.build.artifacts), "1.0.0"))
    card = (out / "final" / "README.md").read_text()
    assert "Answers to 9 prompts (temperature 0.7, `top_p` 0.9, at most 1,024 tokens)" in card
    assert r"those of seed-only by the judge a\|b, each pair in both orders" in card
    assert "| 62.5 % | 25.0 to 100.0 | – | 5 | 0 | 3 | 1 | 50.0 % |" in card
    assert "| piqa | acc | 0.4000 | 1838 | 0 |" in card
    assert (out / "final" / ".eval_results" / "piqa.yaml").is_file()
    other = (out / "backward" / "README.md").read_text()
    assert "## Evaluation" not in other


def test_features_are_written_and_read_as_datasets_does(material: Material, tmp_path: Path) -> None:
    """By its public class for cards, which is all that stands between us and its private names."""
    from datasets import Features

    written = [write_config(tmp_path, name, tables) for name, tables in configs(material)]
    entries = config_entries(written)["dataset_info"]
    found = read_features({"dataset_info": yaml.safe_load(yaml.safe_dump(entries))})
    assert found == {config.name: Features.from_arrow_schema(config.schema) for config in written}
    assert {entry["config_name"]: entry["download_size"] for entry in entries} == {
        config.name: config.file_bytes for config in written
    }
