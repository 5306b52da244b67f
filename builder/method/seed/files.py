"""Rows of seed sources: files, folders of them, Hub datasets."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from builder.data.inputs import files_below
from builder.data.tables.file_rows import SUFFIXES, PlacedRow, file_rows, table_files
from builder.data.tables.hub_rows import hub_rows as dataset_rows
from builder.errors import RecipeError
from builder.recipe.sections.seed import SeedSource
from builder.workspace.progress import Progress

Columns = tuple[tuple[str, ...], ...]
"""Alternatives of columns; a row fits if it has all columns of one of them."""


class SourceRow(NamedTuple):
    """One row of a source: its `value`, or the `fault` why it has none."""

    place: str
    value: dict[str, Any] | None = None
    fault: str | None = None


class Candidate(NamedTuple):
    """A pair as found, or `reason` why a row is none; the texts may still be anything.

    `escaped` says that a control token in them was made harmless, `unseen` how many unseen characters were taken out.
    """

    id: str
    instruction: Any = None
    output: Any = None
    reason: str | None = None
    escaped: bool = False
    unseen: int = 0


def read_source(source: SeedSource, columns: Columns, progress: Progress) -> Iterator[SourceRow]:
    """Yield all rows of a source; a row without the columns has a fault instead of a value.

    Raises:
        RecipeError: If a file cannot be read, holds no row, or most of its rows do not fit.
    """
    yield from fitting_rows(_tables(source), source, columns, progress.advance)


def fitting_rows(
    tables: Iterable[tuple[str, Iterable[PlacedRow]]],
    source: SeedSource,
    columns: Columns,
    advance: Callable[[], object] = lambda: None,
) -> Iterator[SourceRow]:
    """Yield the rows of some tables of a source, each with the name it goes by; `advance` is called for each row.

    Raises:
        RecipeError: As `read_source` does.
    """
    for where, rows in tables:
        total, faults, present = 0, 0, set[str]()
        for place, value in rows:
            total += 1
            advance()
            if not isinstance(value, dict):
                row = SourceRow(place, fault="not_json")
            elif not any(set(wanted) <= value.keys() for wanted in columns):
                row = SourceRow(place, fault="no_columns")
                present |= {str(name) for name in value}
            else:
                row = SourceRow(place, value)
            faults += row.value is None
            yield row
        if not total:
            raise RecipeError(f"{where}: holds no row; seed source {source.name!r} names it")
        if 2 * faults > total:
            raise RecipeError(_complaint(where, source, columns, present, f"{faults:,} of {total:,} rows"))


def _complaint(where: str, source: SeedSource, columns: Columns, present: set[str], share: str) -> str:
    wanted = " or ".join(", ".join(names) for names in columns)
    if not present:
        return f"{where}: {share} are not JSON objects; seed source {source.name!r} needs the columns {wanted}"
    advice = "set its `instruction` and `output` to two of them, or its `format`"
    if source.format != "pairs":
        other = (
            "is it `format: pairs`?" if {source.instruction, source.output} <= present else "is it another `format`?"
        )
        advice = f"or {other} Left out, it is found out"
    return (
        f"{where}: {share} lack the columns of seed source {source.name!r} (wanted: {wanted}; "
        f"found: {', '.join(name or 'one without a name' for name in sorted(present))}); {advice}"
    )


def _tables(source: SeedSource) -> Iterator[tuple[str, Iterable[PlacedRow]]]:
    """Name and placed rows of every file of a source, or of its Hub dataset."""
    if source.path is None:
        yield f"{source.dataset}@{source.revision}", hub_rows(source)
        return
    for file in source_files(source):
        yield str(file), file_rows(file)


def hub_rows(source: SeedSource) -> Iterator[PlacedRow]:
    """The rows of a source on the Hub."""
    return dataset_rows(source.dataset or "", source.split, source.revision)


def source_files(source: SeedSource) -> list[Path]:
    """The files of a source that is here.

    Raises:
        RecipeError: If there is none.
    """
    return table_files(_of_release(source), "a seed source")


def unread_files(source: SeedSource) -> list[str]:
    """The names of files below a source that are not read."""
    path = _of_release(source)
    if not path.is_dir():
        return []
    files = [file for file in files_below(path) if not file.name.endswith(SUFFIXES) and file.name[0] != "."]
    return [file.relative_to(path).as_posix() for file in files]


def _of_release(source: SeedSource) -> Path:
    """The folder of the config `seed`, where a source is the folder of a release or of its dataset."""
    path = source.path or Path()
    if source.format in (None, "humpback"):
        for dataset in (path, path / "dataset"):
            if (dataset / "seed").is_dir() and (dataset / "curated").is_dir():
                return dataset / "seed"
    return path
