"""Sources in S3 itself: the rows of the same files on disk, over a line that breaks, after kills and losses."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import archive
from support.real_s3 import RealS3, missing, real_s3
from support.small_project import HUMPBACK, write_small_project

from builder.data.storage import read_json, read_rows
from builder.workspace.layout import STAGE_FILE

pytestmark = [pytest.mark.cluster, pytest.mark.full]
FILES, PAGES = 12, 6
_SECONDS = 300


@pytest.fixture(scope="module")
def s3() -> Iterator[RealS3]:
    if said := missing():
        pytest.skip(said)
    with real_s3() as started:
        yield started


def project(folder: Path, source: object, tasks: int = FILES) -> tuple[Path, list[str]]:
    """A project that reads a source, and the command that cuts it."""
    path = write_small_project(folder)
    given = [f"segments.sources=[{{path: '{source}', format: warc}}]", f"segments.tasks={tasks}"]
    sets = [word for setting in given for word in ("--set", setting)]
    return path, [*HUMPBACK, "build", str(path), "--until", "segments", *sets]


def crawl(folder: Path) -> Path:
    for number in range(FILES):
        archive(folder / f"{number:02}.warc.gz", PAGES, PAGES * number)
    return folder


def cut(command: list[str], s3: RealS3 | None = None) -> None:
    environment = os.environ | (s3.environment if s3 else {})
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3_000:]


def stage_of(project: Path) -> Path:
    (folder,) = (project / "work").glob("segments-*")
    return folder


def rows_of(project: Path) -> list[dict[str, Any]]:
    return sorted(read_rows(stage_of(project) / "data"), key=str)


def test_a_line_that_breaks_changes_no_row(tmp_path: Path, s3: RealS3) -> None:
    folder = crawl(tmp_path / "breaking")
    here, command = project(tmp_path / "here", folder)
    cut(command)
    there, command = project(tmp_path / "there", s3.put(folder))
    s3.break_each(3)
    cut(command, s3)
    s3.break_each(0)
    assert rows_of(there) == rows_of(here) != []


def test_after_a_kill_no_file_that_was_done_is_read_again(tmp_path: Path, s3: RealS3) -> None:
    folder = crawl(tmp_path / "killed")
    there, command = project(tmp_path / "there", s3.put(folder))
    environment, end = os.environ | s3.environment, time.monotonic() + _SECONDS
    build = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    while len(done := list((there / "work").glob("segments-*/logs/datatrove/completions/*"))) < 2:
        if time.monotonic() > end or build.poll() is not None:
            pytest.fail("no task was done before the build ended")
        time.sleep(0.005)
    os.killpg(build.pid, signal.SIGKILL)
    build.wait()
    time.sleep(1)  # for what dies with it
    before = s3.asked.copy()
    cut(command, s3)
    again = {name for name, count in s3.asked.items() if count > before[name]}
    heads = {f"killed/{number:02}.warc.gz" for number in range(10)}  # so many are looked into before a build
    assert again - heads, "something was left to do"
    for mark in done:
        name = f"killed/{int(mark.name):02}.warc.gz"
        assert s3.asked[name] - before[name] <= (1 if name in heads else 0), name
    here, command = project(tmp_path / "here", folder)
    cut(command)
    assert rows_of(there) == rows_of(here)


def test_an_object_that_has_gone_costs_its_file_and_is_counted(tmp_path: Path, s3: RealS3) -> None:
    folder = crawl(tmp_path / "gone")
    there, command = project(tmp_path / "there", s3.put(folder), tasks=1)
    environment = os.environ | s3.environment
    with (tmp_path / "said.txt").open("wb") as said:
        build = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        while not list((there / "work").glob("segments-*/logs/datatrove/taken/*")) and build.poll() is None:
            time.sleep(0.005)
        s3.remove(f"gone/{FILES - 1:02}.warc.gz")
        assert build.wait(_SECONDS) == 0, (tmp_path / "said.txt").read_text()[-3_000:]
    counts = read_json(stage_of(there) / STAGE_FILE)["counts"]
    assert counts["records"]["failed"] == {"unreadable": 1}
    assert counts["pages"]["in"] == PAGES * (FILES - 1)
