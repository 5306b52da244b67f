"""Worker processes that are killed from outside while the stage runs."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from multiprocessing import active_children
from pathlib import Path

import pytest
from support.corpus_pages import archive, settings

from builder.data.inputs import NotAFileError
from builder.data.storage import read_json, read_rows
from builder.errors import RecipeError
from builder.method.corpus.cutting.page import CutPage
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.reading.crawl import Page
from builder.method.corpus.sandbox import CutPages
from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.failures import EXIT_UNWRITABLE
from builder.workspace.workers import WorkerDiedError, beside, in_own_process

STAGE = (
    "import sys; from pathlib import Path; from builder.method.corpus.stage import extract_segments;"
    "from builder.recipe.recipe import Runtime; from builder.recipe.sections.corpus import Segments;"
    "config = Segments.model_validate_json(sys.argv[1]);"
    "extract_segments(Path(sys.argv[2]), config, runtime=Runtime())"
)


def _children(parent: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


def test_a_killed_worker_ends_the_stage_at_once_and_the_next_run_gives_every_row(tmp_path: Path) -> None:
    pages = 800
    archive(tmp_path / "in" / "x.warc.gz", pages)
    config = settings(tmp_path / "in", tasks=2)
    out = tmp_path / "out"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-c", STAGE, config.model_dump_json(), str(out)], stderr=log)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(out.glob("logs/tasks/*.pages")):
            time.sleep(0.05)
        # The manager of the pool is the first child; the workers follow.
        os.kill(_children(process.pid)[-1], signal.SIGKILL)
        assert process.wait(timeout=20) == 1
    finally:
        process.kill()
        process.wait()
    assert read_json(out / "logs" / "result.json")["error"].startswith("a worker process was killed, most likely")
    stats = extract_segments(out, config, runtime=Runtime())
    stats.check("test")
    assert stats.counts["segments"].kept == len({row["id"] for row in read_rows(out / "data", ["id"])}) == pages


def test_a_page_whose_process_is_killed_is_tried_once_more(tmp_path: Path) -> None:
    tried = tmp_path / "tried"

    def cut(page: Page) -> CutPage:
        if not tried.exists():
            tried.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return CutPage("", "en", [Segment("h", 1, (), 0, page.html, (0,))])

    page = Page("p", "https://example.org", "text", "file", 0, "en", "digest")
    (found,) = CutPages(cut, seconds=3, memory_mb=1_024)([page], 0, 1)
    assert isinstance(found, tuple)
    assert found[1].segments[0].text == "text"


WATCHED = """
import os, signal, sys, time
from pathlib import Path
from multiprocess import get_context
from builder.workspace.workers import watched_workers
worker = get_context("fork").Process(target=time.sleep, args=(600,), daemon=True)
with watched_workers(Path(sys.argv[1])):
    worker.start()
    time.sleep(1)
    os.kill(worker.pid, signal.SIGKILL)
    time.sleep(60)
"""


def test_a_stage_whose_worker_is_killed_ends_even_if_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / ".result.json.tmp").symlink_to("/dev/full")
    done = subprocess.run([sys.executable, "-c", WATCHED, str(tmp_path)], timeout=30, check=False)
    assert done.returncode == EXIT_UNWRITABLE
    assert not (tmp_path / "logs" / "result.json").exists()


POOL = """
import os, signal, sys, time
from pathlib import Path
from multiprocess import Manager, active_children, get_context
from builder.workspace.workers import forks_end_with_us, watched_workers
with forks_end_with_us(), watched_workers(Path(sys.argv[1])):
    manager = Manager()
    with get_context("fork").Pool(2) as pool:
        if sys.argv[2] != "none":
            time.sleep(1)
            victim = next(child for child in active_children() if child.name.startswith(sys.argv[2]))
            os.kill(victim.pid, signal.SIGTERM)
            pool.apply(time.sleep, (60,))
        pool.apply(time.sleep, (1,))
    manager.shutdown()
"""


@pytest.mark.parametrize("victim", ["ForkPoolWorker", "SyncManager"])
def test_a_worker_that_is_terminated_from_outside_ends_the_stage(tmp_path: Path, victim: str) -> None:
    done = subprocess.run([sys.executable, "-c", POOL, str(tmp_path), victim], timeout=40, check=False)
    assert done.returncode == 1
    said = read_json(tmp_path / "logs" / "result.json")["error"]
    assert said == "somebody has ended a worker process (SIGTERM); the same command goes on from there"


def test_a_pool_may_terminate_its_workers_when_it_is_done(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", POOL, str(tmp_path), "none"], timeout=40, check=False)
    assert done.returncode == 0
    assert not (tmp_path / "logs" / "result.json").exists()


def _raise(error: Exception) -> None:
    raise error


def test_work_in_a_process_of_its_own_gives_what_it_gives_here() -> None:
    assert in_own_process(lambda: [os.getpid()]) != [os.getpid()]
    with pytest.raises(RecipeError) as raised:
        in_own_process(partial(_raise, RecipeError("two\nlines")))
    assert str(raised.value) == "two\nlines"
    assert "in _raise" in raised.value.__notes__[0]
    with pytest.raises(RuntimeError, match=r"NotAFileError: .*it is a named pipe"):
        in_own_process(partial(_raise, NotAFileError(Path("x"), "a named pipe")))
    with pytest.raises(WorkerDiedError):
        in_own_process(lambda: os.kill(os.getpid(), signal.SIGKILL))


def test_work_goes_on_beside_this_process(tmp_path: Path) -> None:
    def meet() -> int:
        while not (tmp_path / "here").exists():
            time.sleep(0.01)
        return os.getpid()

    with beside(meet) as answer:
        (tmp_path / "here").touch()
        assert answer() != os.getpid()


def test_work_that_nobody_waits_for_ends() -> None:
    with beside(lambda: time.sleep(600)):
        forked = [process.pid for process in active_children()]
    assert forked
    assert not any(Path(f"/proc/{pid}").exists() for pid in forked)


HANGS = """
import sys, time
from builder.workspace.processes import stops_interrupt
from builder.workspace.workers import in_own_process

def work():
    print("here", flush=True)
    time.sleep(600)

with stops_interrupt() as stopped:
    try:
        in_own_process(work)
    except KeyboardInterrupt:
        sys.exit(stopped() or 130)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_work_in_a_process_of_its_own_ends_with_the_command_that_asked_for_it(number: int) -> None:
    with subprocess.Popen([sys.executable, "-c", HANGS], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"here\n"
        process.send_signal(number)
        assert process.wait(timeout=60) == (143 if number == signal.SIGTERM else -number)
        assert process.stdout.read() == b""  # the worker, which writes there too, has ended
        assert process.stderr.read() == b""
