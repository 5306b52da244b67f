"""The tasks of segments and dedup under Slurm and Ray are those of this machine."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import archive, settings
from support.even_numbers import HERE, under

from builder.data.storage import read_rows
from builder.errors import RecipeError, StageError
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import Dedup, Segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.cluster.job import Taken
from builder.workspace.cluster.tasks import Tasks


@dataclass
class Writes:
    """A block that writes what task it is, and how many times it was begun; at one task something happens once."""

    folder: Path
    how: str = ""
    at: int = -1

    def __call__(self, data: object, rank: int, world_size: int) -> None:
        if rank == self.at and not (self.folder / "happened").exists():
            (self.folder / "happened").touch()
            getattr(self, self.how)()
        with (self.folder / f"{rank}.txt").open("a") as file:
            file.write(f"{rank} of {world_size}\n")

    def dies(self) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def breaks(self) -> None:
        raise ValueError("a defect of the code")

    def waits(self) -> None:
        while not (self.folder / "1.txt").exists():
            time.sleep(0.05)


def tasks(folder: Path, *block: Any) -> Tasks:
    (folder / "out").mkdir(exist_ok=True)
    return Tasks(folder / "out", folder / "out" / "logs" / "datatrove", [Writes(folder, *block)], 5)


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.txt"))}


ONCE = {f"{rank}.txt": f"{rank} of 5\n" for rank in range(5)}


@pytest.mark.parametrize("executor", ["local", "slurm", pytest.param("ray", marks=pytest.mark.full)])
def test_every_task_runs_once_wherever_it_runs(
    tmp_path: Path, request: pytest.FixtureRequest, slurm_here: Path, executor: str
) -> None:
    if executor == "ray":
        request.getfixturevalue("ray_here")
    run = tasks(tmp_path)
    run.run(under(executor, workers=2))
    assert written(tmp_path) == ONCE
    assert run.left() == 0
    run.run(under(executor, workers=2))
    assert written(tmp_path) == ONCE, "what is done is not done again"


def test_a_build_inside_an_array_job_is_no_task_of_it(
    tmp_path: Path, slurm_here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    tasks(tmp_path).run(under("slurm", workers=2))
    assert written(tmp_path) == ONCE
    lines = (slurm_here / "submitted").read_text().splitlines()
    assert {"#SBATCH --array=0-1", "#SBATCH --requeue"} <= set(lines)


def test_a_task_that_dies_is_tried_again_and_no_other(tmp_path: Path, slurm_here: Path) -> None:
    tasks(tmp_path, "dies", 3).run(under("slurm", workers=2))
    assert written(tmp_path) == ONCE


def test_a_slow_task_holds_up_no_other(tmp_path: Path, slurm_here: Path) -> None:
    tasks(tmp_path, "waits", 0).run(under("slurm", workers=2))
    assert written(tmp_path) == ONCE


def test_what_a_task_says_before_it_gives_up_ends_the_stage(tmp_path: Path, slurm_here: Path) -> None:
    with pytest.raises(StageError, match=r"^ValueError: a defect of the code$"):
        tasks(tmp_path, "breaks", 3).run(under("slurm", workers=2))


def test_tasks_without_a_model_have_a_core_a_partition_of_their_own_and_no_gpu(
    tmp_path: Path, slurm_here: Path
) -> None:
    given = {"cpu_partition": "cores", "gpus_per_task": 4, "cpus_per_task": 8}
    runtime = under("slurm", workers=3, tensor_parallel=2).model_copy(update={"slurm": HERE.model_copy(update=given)})
    tasks(tmp_path).run(runtime)
    lines = (slurm_here / "submitted").read_text().splitlines()
    assert {"#SBATCH --partition=cores", "#SBATCH --cpus-per-task=1", "#SBATCH --array=0-2"} <= set(lines)
    assert not [line for line in lines if "gpus" in line]


def rows_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    return {kind: sorted(read_rows(folder / kind), key=str) for kind in ("data", "rejected")}


@pytest.mark.parametrize("executor", ["slurm", pytest.param("ray", marks=pytest.mark.full)])
def test_segments_and_dedup_give_on_a_cluster_what_they_give_here(
    tmp_path: Path, request: pytest.FixtureRequest, slurm_here: Path, executor: str
) -> None:
    if executor == "ray":
        request.getfixturevalue("ray_here")
    for name, first in (("a.warc", 0), ("b.warc", 4), ("c.warc", 12)):
        archive(tmp_path / "pages" / name, 8, first)
    config = settings(tmp_path / "pages", tasks=4)
    found = {}
    for name, runtime in {"here": Runtime(workers=1), "there": under(executor, workers=2)}.items():
        stats = extract_segments(tmp_path / name / "segments", config, runtime=runtime)
        kept = deduplicate(tmp_path / name / "dedup", Dedup(), tmp_path / name / "segments", runtime=runtime)
        rows = [rows_of(tmp_path / name / stage) for stage in ("segments", "dedup")]
        found[name] = (stats.counts, stats.details, kept.counts, rows)
    assert {row["reason"] for row in found["here"][3][1]["rejected"]} >= {"duplicate_id"}
    assert found["here"] == found["there"]


def test_an_address_with_a_secret_is_refused_before_a_worker_could_ask_for_it(tmp_path: Path) -> None:
    config = Segments.model_validate({"sources": [{"path": "https://me:word@host/a.warc.gz", "format": "warc"}]})
    with pytest.raises(RecipeError, match=r"^https://host/a\.warc\.gz: has a login or a query.*set runtime\.executor"):
        extract_segments(tmp_path / "out", config, runtime=under("slurm"))


@pytest.mark.parametrize("links", [True, False])
def test_one_of_several_has_a_part_and_has_it_still_when_it_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def refuse(*names: Path) -> None:
        raise PermissionError(*names)

    if not links:  # as on a disk with exFAT
        monkeypatch.setattr(os, "link", refuse)
    taken = Taken(tmp_path / "taken")
    assert [taken.take(3, rank) for rank in (1, 2, 1)] == [True, False, True]
    assert taken.parts() == {3}
    taken.free()
    assert taken.parts() == set()
    assert taken.take(3, 2)


def test_what_is_done_has_no_marks(tmp_path: Path, slurm_here: Path) -> None:
    for executor in ("local", "slurm"):
        folder = tmp_path / f"of-{executor}"
        folder.mkdir()
        tasks(folder).run(under(executor, workers=2))
        assert not list((folder / "out").rglob("taken"))
