"""Rows of seed sources: JSON Lines, JSON, Parquet, CSV and TSV files, folders of them, Hub datasets."""

import codecs
import errno
import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from builder.data.inputs import NotAFileError, files_below, refuse_special
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.method.seed.spreadsheets import SUFFIXES as SPREADSHEETS
from builder.method.seed.spreadsheets import spreadsheet_rows
from builder.recipe.sections.seed import SeedSource
from builder.workspace.failures import NO_ACCESS
from builder.workspace.progress import Progress

SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".json", ".json.gz", *SPREADSHEETS)
WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""What UTF-16 begins with."""
PlacedRow = tuple[str, Any]
"""Where a row is, as `name:line`, and what it is; None for what is no row."""

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
    """The rows of a dataset on the Hub."""
    from datasets import load_dataset  # slow to import, and needed for Hub sources only

    rows = load_dataset(source.dataset, split=source.split, revision=source.revision)
    return ((f"{source.dataset}:{number}", row) for number, row in enumerate(rows))


def source_files(source: SeedSource) -> list[Path]:
    """The files of a source that is here.

    Raises:
        RecipeError: If there is none.
    """
    path = _of_release(source)
    if not path.is_dir():
        files = [path] if path.name.endswith(SUFFIXES) else []
    else:
        files = [file for file in files_below(path) if file.name.endswith(SUFFIXES) and file.name[0] != "."]
    if not files:
        raise RecipeError(f"{path}: no seed file; a seed source is a file or a folder of {', '.join(SUFFIXES)}")
    return files


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


def file_rows(file: Path) -> Iterator[PlacedRow]:
    """Rows of one file with their places (`name:line`); None for a line that is not JSON.

    Raises:
        RecipeError: If the file cannot be read.
    """
    with read_failures(file):
        refuse_special(file)
        for number, row in enumerate(_rows(file), start=1):
            yield f"{file.name}:{number}", row


@contextmanager
def read_failures(file: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a RecipeError that names it."""
    import pyarrow as pa

    try:
        yield
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise RecipeError(f"{file}: cannot be read {_remedy(error)}") from error


def _rows(file: Path) -> Iterator[Any]:
    if file.suffix == ".parquet":
        yield from read_rows(file)
        return
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as opened:
        handle = cast("IO[bytes]", opened)
        yield from spreadsheet_rows(handle, str(file)) if file.suffix in SPREADSHEETS else json_rows(handle, file)


def _remedy(error: Exception) -> str:
    """What the system or the format says of a file, and what to do."""
    number = getattr(error, "errno", None)  # none where it is what the file holds that is wrong
    if number is None:
        return f"({error}); it may be cut short, fetch it again"
    said = f"({os.strerror(number)})"
    if number in NO_ACCESS:
        return f"{said}; give this user access to it"
    if isinstance(error, NotAFileError):
        return f"({error.strerror})"
    if number == errno.ENOENT:
        return f"{said}; put it there, or name another file in the recipe"
    return f"{said}; see whether it can be copied to another disk"


def json_rows(handle: IO[bytes], file: Path) -> Iterator[Any]:
    """Objects of a JSON list, or of JSON Lines whatever the file's name; None for a line that is not JSON.

    Raises:
        RecipeError: If the text is UTF-16, as the PowerShell of Windows writes it.
    """
    start = handle.readline()
    if start.startswith(WIDE):
        raise RecipeError(f"{file}: is JSON in UTF-16, by its first bytes; save it in UTF-8")
    start = start.removeprefix(codecs.BOM_UTF8)
    while start and not start.strip():
        start = handle.readline()
    if start.lstrip().startswith(b"[") and ".json" in file.suffixes:
        rows = _parsed(start + handle.read())
        yield from rows if isinstance(rows, list) else [rows]
        return
    if start:
        yield _parsed(start)
    for line in handle:
        if line.strip():
            yield _parsed(line)


def _parsed(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
