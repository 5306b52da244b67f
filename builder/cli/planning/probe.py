"""What a child process is asked to measure, and the measuring of stages that run whole on a sample of their input."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.data.accounting import Counts, Stats
from builder.data.records import Row
from builder.data.storage import parquet_files, read_rows, write_rows
from builder.errors import StageError
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.workspace.child import by_name

TINY = 16
"""Rows that cost hardly more than none."""
SAMPLE = "sample"
"""Folder of what a probe has written as its stage would."""


class Probe(Section):
    """A stage, and how much of it is tried.

    Attributes:
        measure: `module:name` of what measures it.
        function: `module:name` of what runs it.
        config_type: `module:name` of its configuration.
        config: That configuration.
        seconds: How long it may work, once it has started.
        units: The most pages, rows or steps that are tried.
    """

    measure: str
    function: str
    config_type: str
    config: dict[str, Any]
    seconds: float
    units: int

    def stage(self) -> Callable[..., Stats]:
        """The function of the stage."""
        found: Callable[..., Stats] = by_name(self.function)
        return found

    def settings(self) -> Any:
        """The configuration of the stage."""
        kind: type[BaseModel] = by_name(self.config_type)
        return kind.model_validate(self.config)


def run_probe(out: Path, config: Probe, *inputs: Path, runtime: Runtime) -> Stats:
    """What a child process runs: measure a stage, and note how long all of that took."""
    measure = by_name(config.measure)
    begun = time.monotonic()
    stats: Stats = measure(out, config, *inputs, runtime=runtime)
    return Stats(stats.counts, stats.details | {"inside": time.monotonic() - begun})


def measured(tried: int, **details: Any) -> Stats:
    """What a probe answers: how much it has tried, and what came of that."""
    return Stats({"rows": Counts(tried, tried)}, {"tried": tried, **details})


def measure_once(out: Path, config: Probe, *inputs: Path, runtime: Runtime) -> Stats:
    """Run a stage as it is, and note how long it takes."""
    begun = time.monotonic()
    stats = config.stage()(out / SAMPLE, config.settings(), *inputs, runtime=runtime)
    seconds = time.monotonic() - begun
    counts = list(stats.counts.values())[-1]
    return measured(
        counts.rows_in, start=seconds, each=0.0, unit="rows", units=1, kept=counts.kept, bytes_fixed=bytes_of(out)
    )


def measure_sampled(out: Path, config: Probe, *inputs: Path, runtime: Runtime) -> Stats:
    """Run a stage on a few rows twice, the first time with all that is loaded for it, and on many."""
    few, many = (_part(out / name, inputs, rows) for name, rows in (("few", TINY), ("many", config.units)))
    begun = time.monotonic()
    _try(config, out / "first", few, runtime)
    loaded = time.monotonic()
    _try(config, out / "second", few, runtime)
    again = time.monotonic()
    stats = _try(config, out / SAMPLE, many, runtime)
    ended = time.monotonic()
    rows = count_of(many[0])
    each = max((ended - again) - (again - loaded), 0.05 * (ended - again)) / max(rows, 1)
    kept = list(stats.counts.values())[-1].kept / max(rows, 1) if stats else None
    return measured(
        rows,
        start=loaded - begun,
        each=each,
        unit="rows",
        kept=kept,
        bytes_each=bytes_of(out / SAMPLE) / max(rows, 1),
        dropped=dict(list(stats.counts.values())[-1].dropped) if stats else {},
    )


def _try(config: Probe, out: Path, inputs: tuple[Path, ...], runtime: Runtime) -> Stats | None:
    """Run a stage; so few rows may be too few for it."""
    with suppress(StageError):
        return config.stage()(out, config.settings(), *inputs, runtime=runtime)
    return None


def _part(out: Path, inputs: tuple[Path, ...], rows: int) -> tuple[Path, ...]:
    """The first rows of some stages."""
    folders = []
    for number, folder in enumerate(inputs):
        folders.append(out / str(number))
        copy_rows(folder / "data", folders[-1] / "data" / "rows.parquet", rows)
    return tuple(folders)


def copy_rows(source: Path, target: Path, rows: int) -> None:
    """Copy the first rows of a folder of Parquet files, as they are."""
    import pyarrow.parquet as pq

    write_rows(target, first_rows(source, rows), pq.read_schema(parquet_files(source)[0]))


def first_rows(folder: Path, rows: int) -> list[Row]:
    """The first rows of a folder of Parquet files; the stages sort them by hashes, so they are like the others."""
    return [row for row, _ in zip(read_rows(folder), range(rows), strict=False)]


def count_of(folder: Path) -> int:
    """How many rows the folder of a stage has."""
    from builder.data.storage import count_rows

    return count_rows(folder / "data")


def bytes_of(folder: Path) -> int:
    """How much lies below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
