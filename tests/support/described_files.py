"""Holds a work directory against what `docs/work-directory.md` says of its files, columns and keys."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from describe_work_directory import ROWS, details_of, files_of, fits, keys_of, schemas
from work_directory_files import COUNTS, OF_BUILD

from builder.data.storage import read_json
from builder.workspace.stage_names import StageName, parse


def undescribed(work: Path) -> Iterator[str]:
    """Every file, column and key of a finished build that the page does not have, and every column that it has not."""
    for entry in sorted(work.iterdir()):
        if entry.is_dir():
            yield from _of_stage(entry, parse(read_json(entry / "stage.json")["stage"]))
        elif entry.name not in OF_BUILD:
            yield entry.name


def _of_stage(folder: Path, stage: StageName) -> Iterator[str]:
    if stage.kind not in ROWS:
        yield f"{stage}: is no described stage"
        return
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if not any(fits(place, name) for place in files_of(stage.kind)):
            yield f"{stage}: {name}"
        if path.suffix == ".parquet":
            yield from _columns(path, stage, ROWS[stage.kind].get(name.partition("/")[0], ""))
        keys = keys_of(name) if path.suffix == ".json" else None
        yield from (f"{stage}: {name}: {key}" for key in _unknown(read_json(path) if keys else {}, keys or {}))
    record = read_json(folder / "stage.json")
    yield from (f"{stage}: details.{key}" for key in _unknown(record["details"], details_of(stage.kind)))
    for kind, counts in record["counts"].items():
        yield from (f"{stage}: counts.{kind}.{key}" for key in _unknown(counts, COUNTS))


def _columns(path: Path, stage: StageName, table: str) -> Iterator[str]:
    known = schemas().get(table, {})
    schema = known.get(stage.judge or "", known.get(""))
    if schema is None or not pq.read_schema(path).equals(schema):
        yield f"{stage}: {path.name} has other columns than table {table or 'none'}"


def _unknown(given: Iterable[Any], described: Iterable[str]) -> list[Any]:
    return [key for key in given if key not in described]
