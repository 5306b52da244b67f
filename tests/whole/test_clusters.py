"""Builds on Slurm and Ray themselves, whose workers, nodes and commands are killed (`make test-cluster`)."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support import real_ray, real_slurm
from support.processes_here import running
from support.small_project import HUMPBACK, copy_project, write_small_project

from builder.data.storage import read_json, read_rows
from builder.workspace.layout import STAGE_FILE

pytestmark = [pytest.mark.cluster, pytest.mark.full]
KINDS = {"slurm": (real_slurm.missing, real_slurm.real_slurm), "ray": (real_ray.missing, real_ray.real_ray)}
SIZES = ("runtime.engines=2", "runtime.workers=2", "runtime.chunk_rows=2", "segments.tasks=6")
TRAINED = ("seed", "model-backward", "model-0")
"""Stages that no cluster runs; those of the build on this machine are taken."""
SHARED = ("segments", "dedup", "augment", "score-1-likelihood")
"""Stages whose work is shared, in their order."""
_SECONDS = 900


def sets(*settings: str) -> list[str]:
    return [word for setting in (*SIZES, *settings) for word in ("--set", setting)]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built on this machine."""
    project = write_small_project(tmp_path_factory.mktemp("here") / "project")
    subprocess.run([*HUMPBACK, "build", str(project), *sets()], check=True, stdin=subprocess.DEVNULL)
    return project


@pytest.fixture(scope="module", params=KINDS)
def cluster(request: pytest.FixtureRequest) -> Iterator[Any]:
    missing, real = KINDS[request.param]
    if said := missing():
        pytest.skip(said)
    with real() as started:
        yield started


def rows_of(project: Path, stage: str) -> dict[str, list[dict[str, Any]]]:
    (folder,) = (project / "work").glob(f"{stage}-*")
    return {
        kind: sorted(read_rows(folder / kind), key=str) for kind in ("data", "rejected") if (folder / kind).is_dir()
    }


def begin(project: Path, cluster: Any) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **cluster.environment}
    with (project / "said.txt").open("ab") as said:
        return subprocess.Popen(
            [*HUMPBACK, "build", str(project), *sets(*cluster.settings)],
            env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True,
        )  # fmt: skip


def in_the_middle(project: Path, stage: str) -> bool:
    """Whether parts of a stage were taken and it is not done."""
    for file in (project / "work").glob(f"{stage}-*/{STAGE_FILE}"):
        if read_json(file)["status"] == "running" and any(file.parent.rglob("taken/*")):
            return True
    return False


def kill(victim: str, build: "subprocess.Popen[bytes]", cluster: Any) -> None:
    if victim == "command":
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()
    elif victim == "node":
        cluster.kill_node()
    else:
        for pid in cluster.workers()[:1]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("victim", ["worker", "node", "command"])
def test_a_build_whose_parts_are_killed_in_every_stage_ends_with_the_rows_of_one_machine(
    here: Path, tmp_path: Path, cluster: Any, victim: str
) -> None:
    project = copy_project(here, tmp_path / "project", stages=TRAINED)
    build, killed, end = begin(project, cluster), [], time.monotonic() + _SECONDS
    while build.poll() is None:
        if time.monotonic() > end:
            pytest.fail((project / "said.txt").read_text()[-3_000:])
        for stage in SHARED:
            if stage not in killed and in_the_middle(project, stage) and cluster.workers():
                kill(victim, build, cluster)
                killed.append(stage)
                if victim == "command":
                    build = begin(project, cluster)
        cluster.hurry()
        time.sleep(0.1)
    assert build.returncode == 0, (project / "said.txt").read_text()[-3_000:]
    assert killed == list(SHARED)
    for stage in SHARED:
        there, one = rows_of(project, stage), rows_of(here, stage)
        assert there == one
        ids = [row["id"] for row in there["data"]]
        assert len(ids) == len(set(ids))
    assert not cluster.left()
    assert not running(str(project))
