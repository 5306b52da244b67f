"""The rows that a model was trained on: their order, their digests, and the config `sft` made of them."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.records import Row, training_schema
from builder.data.storage import open_parquet, parquet_files, read_rows
from builder.errors import ReleaseError
from builder.recipe.strict_yaml import read_yaml
from builder.results.release.content.columns import CHUNK, column_of, in_chunks, mapped, with_constants
from builder.results.release.content.memory import ChunkedSize
from builder.results.release.content.parquet import Rows
from builder.results.release.content.places import Places, segments_of, stand_off, stand_off_schema
from builder.results.release.facts.origins import WEB
from builder.workspace.workspace import Artifact

if TYPE_CHECKING:
    import pyarrow as pa

_ENCODER = json.JSONEncoder(ensure_ascii=False)


def training_files(model: Artifact) -> list[Path]:
    """The files of a model's training rows, in the order of its TRL recipe."""
    files = {str(path): path for path in parquet_files(model.path / "rows")}
    named = [entry["data_files"] for entry in read_yaml(model.path / "sft.yaml").get("datasets", [])]
    return [files[name] for name in sorted(files, key=lambda name: (_place(files[name], named), name))]


def _place(file: Path, named: list[str]) -> int:
    return next((place for place, name in enumerate(named) if name.endswith(f"/{file.name}")), len(named))


def training_digest(model: Artifact) -> str:
    """The digest of the rows a model was trained on, in the order of its TRL recipe."""
    return rows_digest(row for path in training_files(model) for row in read_rows(path))


def rows_digest(rows: Iterable[Row]) -> str:
    """The sha256 of id, prompt and completion of training rows, in their order."""
    state = hashlib.sha256()
    for row in rows:
        state.update(row_line(row))
    return state.hexdigest()


def row_line(row: Row) -> bytes:
    """What of a training row goes into a digest."""
    return _ENCODER.encode([row["id"], row["prompt"], row["completion"]]).encode() + b"\n"


def row_digest(line: bytes) -> bytes:
    """A short digest of one row, to hold it against another."""
    return hashlib.blake2b(line, digest_size=16).digest()


def conversation_schema(*, judge: bool = False) -> "pa.Schema":
    """Schema of `curated`, `seed` and `sft`; `score` is null on seed rows, `license` on web rows.

    Args:
        judge: Whether rows were scored by different models, so that each names its own.
    """
    import pyarrow as pa

    training = training_schema()
    columns = [training.field(name) for name in ("prompt", "completion", "id")]
    extra = [("source", pa.string()), ("score", pa.float64()), ("url", pa.string()), ("license", pa.string())]
    extra += [("judge", pa.string())] if judge else []
    return pa.schema(columns + [pa.field(name, kind) for name, kind in extra])


@dataclass(frozen=True)
class Trained:
    """What was found in the rows of a model.

    Attributes:
        ids: Their ids, by place.
        kept: Which of them the release holds.
        beside: What they have beside the conversation; other columns of `conversation_schema`.
        places: Of a stand-off release, the row of `Places.table` for each.
        digest: Of all rows; see `rows_digest`.
        kept_digest: Of those that the release holds.
        memory_bytes: The size of these in memory, as the release has them.
    """

    ids: "pa.Array"
    kept: "pa.Array"
    beside: "pa.RecordBatch"
    places: "pa.Array"
    digest: str
    kept_digest: str
    memory_bytes: int

    def among(self, ids: frozenset[str]) -> int:
        """On how many of these rows the model was trained."""
        import pyarrow as pa
        import pyarrow.compute as pc

        return int(pc.sum(pc.is_in(self.ids, value_set=pa.array(sorted(ids), pa.string()))).as_py() or 0)


@dataclass(frozen=True)
class Sft:
    """The final model's training rows as they are, with the columns that `seed` and `curated` have beside them.

    They keep the order of training instead of an order by id, so that the same recipe gives the same batches.

    Attributes:
        model: The final model.
        origins: `Trainable.origins` of seed and selection, of the rows that may be trained on.
        judged_by: Which model scored the pairs of a page; None where one scored all.
        left_out: Ids of the rows that the release does not hold.
        places: Of a stand-off release, where the texts stand.
    """

    model: Artifact
    origins: "pa.Table"
    judged_by: Callable[[str], str] | None
    left_out: frozenset[str]
    places: Places | None

    @property
    def schema(self) -> "pa.Schema":
        """Columns of the rows as they are released."""
        return stand_off_schema(self._whole) if self.places else self._whole

    @property
    def _whole(self) -> "pa.Schema":
        return conversation_schema(judge=self.judged_by is not None)

    def read(self) -> Trained:
        """Go through the rows once, and hold each against the seed and the last selection.

        Raises:
            ReleaseError: If the model was trained on another row.
        """
        import pyarrow as pa

        whole, part, size = hashlib.sha256(), hashlib.sha256(), self._size()
        ids, kept, digests = [], list[bool](), list[bytes]()
        for _, chunk in self._chunks():
            for row in chunk.to_pylist():
                line = row_line(row)
                whole.update(line)
                digests.append(row_digest(line))
                kept.append(row["id"] not in self.left_out)
                if kept[-1]:
                    part.update(line)
            ids.append(chunk.column("id"))
            size.add(self._own(chunk), pa.array(kept[-chunk.num_rows :]))
        origins = self._origins(column_of(ids), pa.array(digests, pa.binary()))
        known = column_of(ids), pa.array(kept, pa.bool_()), self._beside(origins), self._places(origins)
        trained = Trained(*known, whole.hexdigest(), part.hexdigest(), size.bytes)
        return replace(trained, memory_bytes=size.bytes + self._size_beside(trained))

    def rows(self, trained: Trained) -> Rows:
        """The rows as they are released."""
        import pyarrow as pa
        import pyarrow.compute as pc

        def tables() -> "Iterator[pa.Table]":
            for start, chunk in self._chunks():
                beside = self._released_beside(trained, start, chunk.num_rows)
                columns = dict(zip(chunk.schema.names, chunk.columns, strict=True))
                columns |= dict(zip(beside.schema.names, beside.columns, strict=True))
                rows = pa.RecordBatch.from_arrays([columns[name] for name in self.schema.names], schema=self.schema)
                yield pa.Table.from_batches([rows.filter(trained.kept.slice(start, chunk.num_rows))])

        number = int(pc.sum(trained.kept).as_py() or 0)
        memory = {"train": trained.memory_bytes}
        return Rows(self.schema, {"train": number}, lambda _: (memory, tables()), chunked=self.places is None)

    def _chunks(self) -> "Iterator[tuple[int, pa.RecordBatch]]":
        """Id, prompt and completion of all rows, each chunk with the place of its first row."""
        start = 0
        for chunk in in_chunks(self._read(), CHUNK):
            yield start, chunk
            start += chunk.num_rows

    def _read(self) -> "Iterator[pa.RecordBatch]":
        for path in training_files(self.model):
            with open_parquet(path) as file:
                for batch in file.iter_batches(CHUNK, columns=training_schema().names):
                    yield with_constants(batch, training_schema(), {})

    def _own(self, chunk: "pa.RecordBatch") -> "pa.RecordBatch":
        """Of the columns that are in the files those that are released."""
        return chunk.select([name for name in chunk.schema.names if name in self.schema.names])

    def _origins(self, ids: "pa.Array", digests: "pa.Array") -> "pa.Table":
        """The origin of every row."""
        import pyarrow.compute as pc

        origins = self.origins.take(pc.index_in(ids, value_set=self.origins["id"]))
        same = pc.fill_null(pc.equal(origins["digest"], digests), False)
        other = pc.index(same, False).as_py()
        if other >= 0:
            raise ReleaseError(
                f"{self.model.path.name}: the model was trained on row {ids[other]}, which differs from the row of the "
                "seed or of the last selection; its stages do not belong together, build them again"
            )
        return origins

    def _beside(self, origins: "pa.Table") -> "pa.RecordBatch":
        import pyarrow as pa

        columns = {name: column_of(origins[name].chunks) for name in ("source", "score", "url", "license")}
        if self.judged_by is not None:
            columns["judge"] = mapped(column_of(origins["page_id"].chunks), self.judged_by)
        return pa.RecordBatch.from_pydict(columns)

    def _places(self, origins: "pa.Table") -> "pa.Array":
        import pyarrow as pa
        import pyarrow.compute as pc

        ids, source = (column_of(origins[name].chunks) for name in ("id", "source"))
        if self.places is None:
            return pa.nulls(len(ids), pa.int32())
        return self.places.rows(pc.if_else(pc.equal(source, WEB), segments_of(ids), pa.scalar(None, pa.string())))

    def _released_beside(self, trained: Trained, start: int, rows: int) -> "pa.RecordBatch":
        """What a chunk has beside the columns of the files, as it is released."""
        import pyarrow as pa

        beside = trained.beside.slice(start, rows)
        if self.places is None:
            return beside
        schema = pa.schema([field for field in self.schema if field.name not in training_schema().names])
        return stand_off(beside, schema, self.places, trained.places.slice(start, rows))

    def _size(self) -> ChunkedSize:
        return ChunkedSize(filtered=bool(self.left_out), together=self.places is not None)

    def _size_beside(self, trained: Trained) -> int:
        size = self._size()
        for start in range(0, len(trained.ids), CHUNK):
            kept = trained.kept.slice(start, CHUNK)
            size.add(self._released_beside(trained, start, len(kept)), kept)
        return size.bytes
