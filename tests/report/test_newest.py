from pathlib import Path

from support.release_build import FakeBuild

from builder.data.records import candidate_schema
from builder.data.storage import write_json, write_rows
from builder.results.report.newest import look, newest_rows


def test_a_finished_build_is_done(tmp_path: Path) -> None:
    seen = look(FakeBuild(tmp_path).build)
    assert seen.finished
    assert seen.running is None
    assert {status for _, status, _ in seen.lines} == {"done"}


def test_the_stage_that_runs_is_told_with_its_newest_rows(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path).build
    stage = build.candidates
    write_json(stage.path / "stage.json", {"stage": stage.stage, "status": "running", "counts": {}})
    write_json(
        stage.path / "logs" / "progress.json",
        {"done": 3, "total": 9, "unit": "rows", "before": 0, "phase": "", "doing": 0, "note": "98 % kept"},
    )
    seen = look(build, rows=2)
    assert seen.running == "augment"
    assert not seen.finished
    (said,) = (said for name, _, said in seen.lines if name == "augment")
    assert "3 of 9 rows" in said
    assert len(seen.rows) == 2


def test_a_stage_that_failed_says_why(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path).build
    stage = build.final
    write_json(stage.path / "stage.json", {"stage": stage.stage, "status": "failed", "error": "out of memory"})
    assert ("model-2", "partial", "failed: out of memory") in look(build).lines


def test_the_newest_rows_are_the_last_of_the_file_that_was_written_last(tmp_path: Path) -> None:
    import os

    for number in range(3):
        path = tmp_path / f"{number}.parquet"
        write_rows(path, [{"id": f"{number}-{at}"} for at in range(4)], candidate_schema())
        os.utime(path, (number, number))
    assert [row["id"] for row in newest_rows(tmp_path, 2)] == ["2-2", "2-3"]
    assert newest_rows(tmp_path / "none", 2) == []
