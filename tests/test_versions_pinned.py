"""What the result of each stage depends on is as `VERSION` vouches for it; see `scripts/pin_versions.py`."""

import json
from pathlib import Path

import pytest
from pin_versions import PINS, PLUMBING, ROOT, differences
from stage_sources import Package


@pytest.fixture(scope="module")
def ours() -> Package:
    return Package(ROOT / "builder", PLUMBING)


def test_every_stage_has_the_version_and_the_sources_that_are_pinned(ours):
    found = differences(ours, json.loads(PINS.read_text()))
    assert not found, "\n".join(found)


def test_the_stages_are_found_and_lead_to_what_decides_on_rows(ours):
    sources = {name: {part.source for part in ours.parts((module, name))} for module, name in ours.stages()}
    assert sources.keys() == {
        "augment", "clean_seed", "deduplicate", "extract_segments", "join_halves", "score", "select", "select_seed",
        "train_backward", "train_forward",
    }  # fmt: skip
    ends = {name: {Path(source).name for source in found} for name, found in sources.items()}
    assert {"navigation_headers.txt", "walk.py", "pii.py"} <= ends["extract_segments"]
    assert {"phrases.py", "backward.jinja", "vllm_engine.py", "language.py"} <= ends["augment"]
    assert {"verdicts.py", "additive.jinja", "openai_engine.py", "contract.py"} <= ends["score"]
    assert "sft.py" in ends["train_forward"]  # started as a module by its name


def test_each_reason_to_look_past_a_module_names_one_that_is_there(ours):
    assert [name for name in PLUMBING if f"builder.{name}" not in ours.modules] == []
