"""The table of reasons is what the stages can say, and nothing else."""

import re
from pathlib import Path
from typing import get_args

import describe_reasons
import pytest
from support.given_reasons import PLACES, given, reasons_in

from builder.cli.reference.reasons.table import REASONS, keys_in, reasons_of
from builder.method.augment.gate.rules import RULES
from builder.method.corpus.dedup.stage import REASONS as DUPLICATES
from builder.method.corpus.dedup.stage import why_known
from builder.recipe.keys import keys
from builder.recipe.sections.corpus import FilterName
from builder.workspace.stage_names import parse


@pytest.mark.parametrize("stage", PLACES)
def test_every_reason_that_a_stage_can_give_is_in_the_table(stage: str) -> None:
    names = [reason.name for reason in REASONS if reason.stage == stage]
    assert [said for said in sorted(given(stage)) if not any(re.fullmatch(said, name) for name in names)] == []


@pytest.mark.parametrize("stage", PLACES)
def test_every_reason_of_the_table_is_one_that_its_stage_can_give(stage: str) -> None:
    names = [reason.name for reason in REASONS if reason.stage == stage]
    assert [name for name in names if not any(re.fullmatch(said, name) for said in given(stage))] == []


def test_the_table_has_every_stage_and_no_reason_twice() -> None:
    assert set(PLACES) == {reason.stage for reason in REASONS}
    places = [(reason.stage, reason.rows, reason.name) for reason in REASONS]
    assert len(set(places)) == len(places)


def test_the_lists_of_the_stages_are_in_the_table() -> None:
    names = {stage: {reason.name for reason in REASONS if reason.stage == stage} for stage in PLACES}
    assert set(RULES) <= names["augment"]
    assert {*DUPLICATES, why_known("<set>")} == names["dedup"]
    assert {f"{name}:<rule>" for name in get_args(FilterName)} <= names["segments"]


def test_each_reason_has_a_rule_an_example_and_keys_that_are_there() -> None:
    known = {key.place for key in keys() if not key.sections}
    assert [reason.name for reason in REASONS if not (reason.rule.endswith(".") and reason.example)] == []
    assert {reason.name: reason.keys for reason in REASONS if not set(reason.keys) <= known} == {}


@pytest.mark.parametrize(
    "source",
    [
        'def _length_fault(text):\n    return "new_reason" if text else None',
        'rejects.add(row["id"], "new_reason", text="")',
        'yield Loss("records", place, "new_reason", failed=True)',
        'reasons[key] = "new_reason"',
        'def _header_fault(header):\n    asked = {"prompt": (config.drop, "new_reason")}',
        'row = {"score": None, "reason": None if finite else "new_reason"}',
        'limits.reasons.update(dict.fromkeys(order, "new_reason"))',
        'REASONS = ("new_reason", "duplicate")',
    ],
)
def test_a_new_reason_is_found_wherever_it_is_said(tmp_path: Path, source: str) -> None:
    (tmp_path / "rule.py").write_text(source)
    assert "new_reason" in set(reasons_in(tmp_path / "rule.py"))


def test_a_reason_with_a_name_in_it_is_found_by_what_a_row_says() -> None:
    assert [reason.stage for reason in reasons_of("contaminated:lima")] == ["seed-clean", "curate"]
    assert {reason.name for reason in reasons_of("engine_status_503")} == {"engine_status_<code>"}
    assert reasons_of("engine_status") == []


@pytest.mark.parametrize(
    ("stage", "name", "decides"),
    [
        ("segments", "too_short", ["segments.min_chars", "segments.weigh_scripts"]),
        ("augment", "too_long", ["augment.gate.max_chars"]),
        ("score-2-expected", "no_mass", ["score.expected.min_mass"]),
        ("score-likelihood", "longer_than_context", ["engine.max_model_len"]),
        ("curate-1", "domain_cap", ["curate.per_domain"]),
        ("dedup", "domain_cap", ["dedup.per_domain"]),
        ("model-backward", "longer_than_max_length", ["training.backward"]),
        ("model-1", "longer_than_max_length", ["training.forward"]),
        ("segments", "secret", []),
        ("segments", "of_another_program", []),
    ],
)
def test_a_stage_names_the_keys_that_decide_on_its_reason(stage: str, name: str, decides: list[str]) -> None:
    assert keys_in(parse(stage), name) == decides


def test_the_page_is_what_the_program_writes() -> None:
    assert describe_reasons.PAGE.read_text(encoding="utf-8") == describe_reasons.page(), "run `make docs`"
    page = describe_reasons.page()
    assert [reason.name for reason in REASONS if f"| `{reason.name}` | {reason.rule[:20]}" not in page] == []
