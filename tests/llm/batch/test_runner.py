import itertools
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.accounting import Stats
from builder.data.storage import count_rows, read_json, read_rows, write_json, write_rows
from builder.errors import StageError, TimeIsUp
from builder.llm.batch.chunks import read_chunks
from builder.llm.batch.runner import run_rows
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.workspace.child import run_child
from builder.workspace.journal import MOST_FOUND, PARTS, found, note_deaths, parts
from builder.workspace.limits.deadline import set_deadline
from builder.workspace.progress import answered, asked, phase, read_progress

SCHEMA = pa.schema([("id", pa.string()), ("n", pa.int64())])


def source(folder, *counts):
    start = 0
    for number, count in enumerate(counts):
        rows = [{"id": str(n), "n": n} for n in range(start, start + count)]
        write_rows(folder / "source" / f"{number}.parquet", rows, SCHEMA, row_group_size=3)
        start += count
    return folder / "source"


@dataclass
class OnlyEven:
    """Keeps the even numbers; some fail, and each call is remembered."""

    fails: tuple[int, ...] = ()
    raises: bool = False
    seen: list[list[int]] = field(default_factory=list)

    def __deepcopy__(self, memo):
        return self  # datatrove copies its blocks

    def answer(self, rows, rejects, tick):
        self.seen.append([row["n"] for row in rows])
        if self.raises:
            raise RuntimeError("engine died")
        for row in rows:
            tick()
            if row["n"] in self.fails:
                rejects.add(row["id"], "engine_error")
            elif row["n"] % 2:
                rejects.add(row["id"], "odd", text=str(row["n"]))
        return [row for row in rows if row["n"] % 2 == 0 and row["n"] not in self.fails]

    def give_up(self, row, reason, rejects):
        rejects.add(row["id"], reason)
        return []


@dataclass
class StopsAfterFirst(OnlyEven):
    """Has the time of the stage over as soon as it has answered a chunk."""

    out: Path = Path()

    def answer(self, rows, rejects, tick):
        with suppress(FileNotFoundError):  # two engines that write the same file at once
            set_deadline(self.out, 0.0)
        return super().answer(rows, rejects, tick)


def run(folder, rows, work, **runtime):
    return run_rows(folder / "out", rows, work, SCHEMA, Runtime(**runtime))


@given(st.lists(st.integers(0, 20), max_size=4), st.integers(1, 15), st.sets(st.integers(0, 11)))
def test_chunks_are_the_slices_of_all_rows_whichever_are_wanted(folder, counts, size, wanted):
    path = source(folder(), *counts)
    path.mkdir(exist_ok=True)
    found = dict(read_chunks(path, size, lambda number: number in wanted))
    numbers = list(range(sum(counts)))
    slices = [numbers[at : at + size] for at in range(0, len(numbers), size)]
    assert {number: [row["n"] for row in rows] for number, rows in found.items()} == {
        number: rows for number, rows in enumerate(slices) if number in wanted
    }


@pytest.mark.parametrize(("count", "size"), [(0, 4), (1, 1), (10, 3), (10, 10), (10, 99)])
def test_every_row_is_kept_or_rejected_whatever_the_chunk_size(tmp_path, count, size):
    counts = run(tmp_path, source(tmp_path, count), OnlyEven(), chunk_rows=size)
    counts.check("chunks")
    assert [row["n"] for row in read_rows(tmp_path / "out" / "data")] == list(range(0, count, 2))
    assert counts.dropped["odd"] == count // 2


def test_a_second_run_redoes_only_the_missing_chunk_with_the_first_chunk_size(tmp_path):
    rows, work = source(tmp_path, 7, 3), OnlyEven()
    first = run(tmp_path, rows, work, chunk_rows=4)
    assert work.seen == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    before = {path.name: path.read_bytes() for path in (tmp_path / "out" / "data").iterdir()}
    (tmp_path / "out" / "data" / "part-00001.parquet").unlink()
    work.seen.clear()
    assert run(tmp_path, rows, work, chunk_rows=99) == first
    assert work.seen == [[4, 5, 6, 7]]
    assert {path.name: path.read_bytes() for path in (tmp_path / "out" / "data").iterdir()} == before


@dataclass
class Telling(OnlyEven):
    """Asks twice for each row, and looks what is told after each answer."""

    looks: list[tuple[int, int, str]] = field(default_factory=list)
    out: Path = Path()

    def answer(self, rows, rejects, tick):
        def look():
            seen = read_progress(self.out, "logs/engines/00000")
            self.looks.append((seen.done, seen.doing, seen.phase))

        with phase("starting the engine"):
            look()
        asked(2 * len(rows))
        for _ in range(2 * len(rows)):
            answered()
            look()
        return super().answer(rows, rejects, tick)


def test_progress_moves_within_a_chunk_and_says_what_becomes_of_rows(tmp_path, monkeypatch):
    seconds = itertools.count()
    monkeypatch.setattr("builder.workspace.progress.time", SimpleNamespace(monotonic=lambda: next(seconds)))
    work = Telling(fails=(4,), out=tmp_path / "out")
    run(tmp_path, source(tmp_path, 6), work, chunk_rows=4)
    starts = "starting the engine"
    assert work.looks == [
        (0, 0, starts), *((0, number // 2, "") for number in range(1, 9)),
        (4, 0, starts), *((4, number // 2, "") for number in range(1, 5)),
    ]  # fmt: skip
    seen = read_progress(tmp_path / "out")
    assert (seen.done, seen.total, seen.doing, seen.kept, seen.failed, seen.judged) == (6, 6, 0, 2, 1, 6)


def test_a_second_run_tells_which_rows_are_not_its_own(tmp_path):
    rows, work = source(tmp_path, 10), OnlyEven()
    run(tmp_path, rows, work, chunk_rows=4)
    (tmp_path / "out" / "data" / "part-00001.parquet").unlink()
    run(tmp_path, rows, work, chunk_rows=4)
    seen = read_progress(tmp_path / "out")
    assert (seen.done, seen.total, seen.before, seen.kept, seen.judged) == (10, 10, 6, 2, 4)


@pytest.mark.parametrize("engines", [1, 2])
def test_a_stage_that_has_to_stop_stops_between_chunks_and_goes_on_from_there(tmp_path, engines):
    rows, out = source(tmp_path, 10), tmp_path / "out"
    set_deadline(out, time.time() + 1_000)
    work = StopsAfterFirst(out=out)
    with pytest.raises(TimeIsUp):
        run(tmp_path, rows, work, chunk_rows=2, engines=engines)
    written = sorted(path.name for path in (out / "data").iterdir())
    assert 1 <= len(written) < 5
    set_deadline(out, None)
    run(tmp_path, rows, OnlyEven(), chunk_rows=2)
    assert [row["n"] for row in read_rows(out / "data")] == [0, 2, 4, 6, 8]


def test_a_chunk_that_fails_leaves_no_file_under_its_name(tmp_path):
    with pytest.raises(RuntimeError, match="engine died"):
        run(tmp_path, source(tmp_path, 3), OnlyEven(raises=True), chunk_rows=2)
    assert list((tmp_path / "out").glob("data/*")) == []


def test_rows_that_the_engine_cannot_do_are_counted_as_failed_and_the_stage_goes_on(tmp_path):
    counts = run(tmp_path, source(tmp_path, 40), OnlyEven(fails=(3, 4)), chunk_rows=8)
    counts.check("chunks")
    assert (counts.kept, counts.dropped, counts.failed) == (19, {"odd": 19}, {"engine_error": 2})


@pytest.mark.parametrize("size", [5, 30, 100])
def test_a_stage_stops_cleanly_when_too_many_rows_fail_and_goes_on_when_they_do_not(tmp_path, size):
    rows = source(tmp_path, 200)
    with pytest.raises(StageError, match=r"of the last \d+ rows failed, in chunk \d+ most of them with engine_error"):
        run(tmp_path, rows, OnlyEven(fails=tuple(range(60, 200))), chunk_rows=size, max_failed=0.4)
    assert count_rows(tmp_path / "out" / "data") < 60
    counts = run(tmp_path, rows, OnlyEven(), chunk_rows=size)
    counts.check("chunks")
    assert counts.kept + counts.failed.total() // 2 == 100


def test_several_engines_write_the_same_files_as_one(tmp_path):
    rows = source(tmp_path, 23, 10)
    one = run_rows(tmp_path / "one", rows, OnlyEven(), SCHEMA, Runtime(chunk_rows=4))
    two = run_rows(tmp_path / "two", rows, OnlyEven(), SCHEMA, Runtime(chunk_rows=4, engines=2))
    assert one == two
    for folder in ("data", "rejected"):
        parts = [
            {path.name: path.read_bytes() for path in (tmp_path / run / folder).iterdir()} for run in ("one", "two")
        ]
        assert parts[0] == parts[1]
        assert len(parts[0]) == 9


@dataclass
class OneIsSlow(OnlyEven):
    """The engine that begins last takes a while for each chunk, and each notes what it has done."""

    folder: Path = Path()
    slow: bool | None = None

    def __deepcopy__(self, memo):
        return OneIsSlow(folder=self.folder)

    def answer(self, rows, rejects, tick):
        if self.slow is None:
            try:
                (self.folder / "first").touch(exist_ok=False)
                self.slow = False
                time.sleep(0.5)
            except FileExistsError:
                self.slow = True
        time.sleep(0.5 if self.slow else 0.02)
        with (self.folder / f"{'slow' if self.slow else 'fast'}.txt").open("a") as done:
            done.write(f"{rows[0]['n']}\n")
        return super().answer(rows, rejects, tick)


def test_an_engine_that_lags_leaves_its_chunks_to_the_other(tmp_path):
    rows = source(tmp_path, 80)
    run_rows(tmp_path / "out", rows, OneIsSlow(folder=tmp_path), SCHEMA, Runtime(chunk_rows=4, engines=2))
    slow, fast = ((tmp_path / f"{name}.txt").read_text().split() for name in ("slow", "fast"))
    assert sorted(map(int, [*slow, *fast])) == list(range(0, 80, 4))
    assert 1 <= len(slow) < len(fast)


class DeadlyStage(Section):
    """What the row `deadly` does to the process that works on it."""

    deadly: int
    how: str


@dataclass
class Deadly(OnlyEven):
    config: DeadlyStage | None = None

    def answer(self, rows, rejects, tick):
        assert self.config is not None
        if self.config.deadly in [row["n"] for row in rows]:
            if self.config.how == "dies":
                os.kill(os.getpid(), signal.SIGSEGV)
            signal.pause()
        return super().answer(rows, rejects, tick)


def deadly_stage(out: Path, config: DeadlyStage, rows: Path, *, runtime: Runtime) -> Stats:
    return Stats({"rows": run_rows(out, rows, Deadly(config=config), SCHEMA, runtime)})


@pytest.mark.parametrize(("how", "engines"), [("dies", 1), pytest.param("hangs", 2, marks=pytest.mark.full)])
def test_a_row_that_ends_or_blocks_its_engine_is_given_up_and_no_other_is_lost(tmp_path, monkeypatch, how, engines):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), *sys.path]))
    stall, restarts = (0.1, 4) if how == "hangs" else (30, 2)  # four are more than two: to find the row is progress
    runtime = Runtime(chunk_rows=4, engines=engines, stall_minutes=stall, restarts=restarts)
    request = {
        "function": f"{__name__}:deadly_stage",
        "config_type": f"{__name__}:DeadlyStage",
        "config": {"deadly": 6, "how": how},
        "inputs": [str(source(tmp_path, 13))],
        "runtime": runtime.model_dump(mode="json"),
    }
    (tmp_path / "out").mkdir()
    result = run_child(tmp_path / "out", request, runtime, lambda: None, stage="deadly")
    assert result["counts"]["rows"]["failed"] == {"engine_died": 1}
    assert [row["n"] for row in read_rows(tmp_path / "out" / "data")] == [0, 2, 4, 8, 10, 12]
    assert [row["id"] for row in read_rows(tmp_path / "out" / "rejected") if row["reason"] == "engine_died"] == ["6"]
    assert read_json(tmp_path / "out" / "logs" / "deaths.json")[-2:] == [[1, "6"], [1, "6"]]
    assert result["restarts"] == 4


class DiedError(Exception):
    """Stands for the death of a process."""


@dataclass
class Dying(OnlyEven):
    deadly: tuple[int, ...] = ()

    def answer(self, rows, rejects, tick):
        kept = super().answer(rows, rejects, tick)
        if not set(self.deadly).isdisjoint(self.seen[-1]):
            raise DiedError
        return kept


def deaths_until_done(tmp_path: Path, work: Dying, rows: Path, size: int) -> int:
    """How many processes die until all chunks are written, each death noted by whoever sees it."""
    for deaths in range(100):
        try:
            run(tmp_path, rows, work, chunk_rows=size)
        except DiedError:
            assert note_deaths(tmp_path / "out")
        else:
            return deaths
    raise AssertionError("the search does not end")


@pytest.mark.parametrize(
    ("size", "deadly", "deaths"),
    [(1, (0,), 4), (16, (15,), 4), (500, (123,), 6), (4_096, (4_095,), 6), (200, (7, 8), 9)],
)
def test_a_deadly_row_is_found_in_parts_of_parts_and_no_other_is_lost(tmp_path, size, deadly, deaths):
    work = Dying(deadly=deadly)
    assert deaths_until_done(tmp_path, work, source(tmp_path, size), size) == deaths
    assert [row["n"] for row in read_rows(tmp_path / "out" / "data")] == [
        n for n in range(size) if n % 2 == 0 and n not in deadly
    ]
    given_up = [row["id"] for row in read_rows(tmp_path / "out" / "rejected") if row["reason"] == "engine_died"]
    assert given_up == [str(n) for n in deadly]
    assert len(work.seen) <= 10 + 70 * len(deadly)  # calls of the engine; one by one there would be as many as rows


def test_a_search_that_finds_more_and_more_deadly_rows_gives_no_new_starts_for_ever(tmp_path):
    write_json(tmp_path / "logs" / "deaths.json", [[0, None], [0, None]])
    assert found(tmp_path) == 0
    write_json(tmp_path / "logs" / "deaths.json", [[0, None], [0, [0, 32]], [0, [0, 2]], [0, "1"], [0, "1"]])
    assert found(tmp_path) == 3
    write_json(tmp_path / "logs" / "deaths.json", [[0, str(n)] for n in range(100)] + [[1, "a"]])
    assert found(tmp_path) == MOST_FOUND + 1


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_parts_are_whole_and_of_nearly_one_size(start, size):
    pieces = parts((start, start + size))
    assert [at for piece in pieces for at in range(*piece)] == list(range(start, start + size))
    sizes = {stop - begin for begin, stop in pieces}
    assert len(pieces) == min(size, PARTS)
    assert not sizes or (min(sizes) > 0 and max(sizes) - min(sizes) <= 1)


@dataclass
class Slow(Deadly):
    def answer(self, rows, rejects, tick):
        time.sleep(0.4 * len(rows))
        return super().answer(rows, rejects, tick)


def slow_stage(out: Path, config: DeadlyStage, rows: Path, *, runtime: Runtime) -> Stats:
    return Stats({"rows": run_rows(out, rows, Slow(config=config), SCHEMA, runtime)})


@pytest.mark.full
def test_of_several_engines_only_the_one_that_died_is_blamed_and_progress_brings_new_starts(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[3]), *sys.path]))
    runtime = Runtime(chunk_rows=4, engines=2, restarts=4)
    request = {
        "function": f"{__name__}:slow_stage",
        "config_type": f"{__name__}:DeadlyStage",
        "config": {"deadly": 2, "how": "dies"},
        "inputs": [str(source(tmp_path, 24))],
        "runtime": runtime.model_dump(mode="json"),
    }
    notes = tmp_path / "out" / "logs" / "in_hand"
    notes.mkdir(parents=True)
    (notes / "00007.json").write_text('[1, "6", 1]')  # of a run that was killed
    counts = run_child(tmp_path / "out", request, runtime, lambda: None, stage="slow")["counts"]["rows"]
    assert counts["failed"] == {"engine_died": 1}
    assert {death[0] for death in read_json(tmp_path / "out" / "logs" / "deaths.json")} == {0}
