import json

import pytest

import builder.workspace.console
from builder.workspace.console import Console, describe_counts, describe_losses
from builder.workspace.progress import Progress
from builder.workspace.workspace import Artifact


def test_counts_name_the_commonest_reasons_first():
    counts = {
        "pages": {"in": 1, "kept": 1, "dropped": {}, "failed": {}},
        "segments": {
            "in": 1500,
            "kept": 1475,
            "dropped": {"a": 1, "b": 9, "c": 2, "d": 3},
            "failed": {"timeout": 10},
        },
    }
    assert describe_counts(counts) == "1,475 segments of 1,500 (timeout 10, b 9, d 3, c 2, ...)"
    assert describe_counts({"pages": counts["pages"]}) == "1 pages"


@pytest.fixture
def artifact(tmp_path):
    record = {"status": "done", "seconds": 12.34, "counts": {"rows": {"in": 5, "kept": 5, "dropped": {}, "failed": {}}}}
    (tmp_path / "stage.json").write_text(json.dumps(record))
    Progress(tmp_path, "rows", 10).advance(4)
    return Artifact("augment", "abc", tmp_path)


def test_a_log_gets_one_line_a_stage(artifact, capsys):
    console = Console()
    for event in ("start", "progress", "progress", "done"):
        console(artifact, event)
    assert capsys.readouterr().err == "augment              done       12.3 s  5 rows\n"


def test_a_log_of_a_long_stage_gets_lines_in_between(artifact, capsys, monkeypatch):
    monkeypatch.setattr(builder.workspace.console, "PLAIN_SECONDS", 0)
    console = Console()
    for event in ("start", "progress"):
        console(artifact, event)
    assert capsys.readouterr().err == "augment              running 0 of 10 rows\n"


def test_losses_and_warnings_are_said(tmp_path):
    lost = {"in": 1363, "kept": 1360, "dropped": {"wet": 9}, "failed": {"cut": 1, "cor\x1b[2Jrupt": 2}}
    kept = {"in": 5, "kept": 4, "dropped": {}, "failed": {"timeout": 1}}
    record = {"status": "done", "counts": {"records": lost, "pages": kept}, "warnings": ["3 of 5 rows have no score"]}
    (tmp_path / "stage.json").write_text(json.dumps(record))
    assert describe_losses(Artifact("segments", "abc", tmp_path)) == [
        "  warning: segments: 3 of 1,363 records could not be used: cut 1, cor␛[2Jrupt 2",
        "  warning: segments: 3 of 5 rows have no score",
    ]
