import os
from pathlib import Path

from builder.data.storage import write_json
from builder.results.evaluate.comparison.found import found_stages


def stage(work: Path, name: str, fingerprint: str, when: float, status: str = "done") -> None:
    file = work / f"{name}-{fingerprint}" / "stage.json"
    counts = {"models": {"in": 1, "kept": 1, "dropped": {}, "failed": {}}}
    write_json(file, {"stage": name, "fingerprint": fingerprint, "status": status, "counts": counts})
    os.utime(file, (when, when))


def test_the_newest_finished_stage_of_each_name_is_found(tmp_path: Path) -> None:
    stage(tmp_path, "evaluate-report", "0" * 12, 100)
    stage(tmp_path, "evaluate-report", "1" * 12, 300)
    stage(tmp_path, "evaluate-report", "2" * 12, 400, status="running")
    stage(tmp_path, "scale-model-100", "3" * 12, 100)
    stage(tmp_path, "model-0", "4" * 12, 100)
    (tmp_path / "evaluate-empty").mkdir()
    found = found_stages(tmp_path)
    assert {name: artifact.fingerprint for name, artifact in found.items()} == {
        "evaluate-report": "1" * 12, "scale-model-100": "3" * 12
    }  # fmt: skip


def test_where_nothing_is_nothing_is_found(tmp_path: Path) -> None:
    assert found_stages(tmp_path / "none") == {}
