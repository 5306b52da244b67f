"""`humpback help` finds keys and reasons, and what is near to a misspelt one."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from builder.cli.main import cli
from builder.cli.reference.entries import look_up
from builder.errors import RecipeError


def entry(name: str) -> Any:
    (found,) = look_up(name).value["keys"]
    return found


def test_a_key_has_its_sentence_values_default_and_stages() -> None:
    assert entry("segments.tasks") == {
        "key": "segments.tasks",
        "sentence": "Into how many shards the input is split; part of the result's layout, so hashed.",
        "values": "whole number (from 1)",
        "default": "4",
        "re_runs": "`segments`",
    }
    assert look_up("segments.tasks").text().splitlines() == [
        "segments.tasks",
        "  Into how many shards the input is split; part of the result's layout, so",
        "  hashed.",
        "  values   whole number (from 1)",
        "  default  4",
        "  re-runs  segments, and all that follows",
    ]


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("segments.sources.0.format", ["segments.sources.format"]),
        ("max_copied_words", ["augment.gate.max_copied_words"]),
        ("score.1.min_mass", ["score.expected.min_mass", "score.reasoned.min_mass"]),
        ("min_mass", ["score.expected.min_mass", "score.reasoned.min_mass"]),
        ("curate.seed", ["curate.seed"]),
    ],
)
def test_a_key_is_found_as_it_is_written_or_by_its_name_alone(name: str, places: list[str]) -> None:
    assert [found["key"] for found in look_up(name).value["keys"]] == places


def test_a_section_lists_its_keys() -> None:
    assert entry("dedup")["below"] == [
        "dedup.near", "dedup.n_grams", "dedup.buckets", "dedup.hashes_per_bucket", "dedup.per_domain", "dedup.sample",
        "dedup.against", "dedup.against.name", "dedup.against.path", "dedup.against.dataset", "dedup.against.revision",
        "dedup.against.config", "dedup.against.split", "dedup.against.column",
    ]  # fmt: skip
    assert "keys     dedup.near dedup.n_grams" in look_up("dedup").text()


def test_a_reason_has_its_rule_keys_and_example() -> None:
    (found,) = look_up("not_self_contained").value["reasons"]
    assert found["keys"] == ["augment.gate.self_contained"]
    assert look_up("not_self_contained").text().splitlines() == [
        "not_self_contained, of pairs in the stage augment",
        "  It points at a text that it does not hold.",
        "  keys     augment.gate.self_contained",
        "  example  Summarise the passage above",
    ]


def test_a_name_of_both_shows_both() -> None:
    found = look_up("refusal").value
    assert [item["key"] for item in found["keys"]] == ["augment.gate.refusal"]
    assert [item["stage"] for item in found["reasons"]] == ["augment"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("segmets.min_chars", "segments.min_chars"),
        ("min_char", "segments.min_chars"),
        ("curate.tresholds", "curate.threshold"),
        ("near_duplicat", "near_duplicate"),
        ("max_header", "segments.max_header_chars"),
        ("segments.max_header", "segments.max_header_capitals"),
    ],
)
def test_a_misspelt_name_is_refused_with_what_is_near(name: str, near: str) -> None:
    with pytest.raises(RecipeError, match=rf"no key of a recipe and no reason; did you mean .*{near}"):
        look_up(name)


def test_a_name_like_no_other_is_told_where_to_look() -> None:
    with pytest.raises(RecipeError, match="`humpback help` lists the sections"):
        look_up("xyzzy")


def test_the_command_prints_text_or_json_and_the_sections_without_a_name() -> None:
    sections = CliRunner().invoke(cli, ["help"])
    assert sections.exit_code == 0
    assert "segments       Pages, and how they are cut." in sections.output
    assert "recipe.md" in sections.output
    found = CliRunner().invoke(cli, ["help", "iterations", "--json"])
    assert json.loads(found.output)["keys"][0]["default"] == "2"


def test_no_line_is_longer_than_a_terminal() -> None:
    for name in ("curate.judge", "chat.template", "augment.gate", "longer_than_context", "runtime.slurm.time"):
        assert max(map(len, look_up(name).text().splitlines())) <= 80


def test_the_sections_break_between_words_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = look_up(None).text()
    monkeypatch.setattr("builder.cli.reference.entries.terminal_width", lambda: 60)
    lines = look_up(None).text().partition("\n\n")[0].split("\n")
    assert max(map(len, lines)) <= 60
    assert " ".join(" ".join(lines).split()) in " ".join(whole.split())
