"""Leave out segments whose text is there already, then sample (paper section 3.1: 502,133 segments were sampled)."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.progress import Progress
from builder.recipe import Runtime
from builder.recipe_segments import Dedup
from builder.records import (
    REJECTED_TEXTS_PER_REASON,
    Counts,
    Rejects,
    Stats,
    rejected_schema,
    segment_schema,
    stable_id,
)
from builder.storage import parquet_files, write_rows

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
PART_ROWS = 10_000
_BATCH = 2_000


class _Place(NamedTuple):
    """One row of the input: sorted by id first, then by where it came from, so that its order there is no matter."""

    id: str
    source_file: str
    record_offset: int
    digest: bytes
    batch: int
    row: int


def deduplicate(out: Path, config: Dedup, segments: Path, *, runtime: Runtime) -> Stats:
    """Keep the first segment, by id, of each text; then `sample` of them by a hash of their id.

    Texts are equal when they are after NFKC, case folding and joining of white space. The choice does not depend on
    the order of the rows or on how they are spread over files.

    Departure: near duplicates stay for now; the paper does not say how it removed duplicates.

    Args:
        out: Stage folder; gets `data/` (segment rows, sorted by id, 10,000 a file) and `rejected/`.
        config: How many stay.
        segments: Folder of the segments stage.
        runtime: Unused; this is one process.

    Returns:
        Counts of segments; dropped as `duplicate_id` (the same page read twice), `duplicate` or `not_sampled`.
    """
    data = segments / "data"
    for stale in (*parquet_files(out / "data"), *parquet_files(out / "rejected")):
        stale.unlink()
    places = _read_places(data)
    progress = Progress(out, "segments", len(places))
    kept, dropped = _decide(places, config.sample)
    _write_rejected(out / "rejected", data, dropped)
    progress.advance(len(places) - len(kept))
    _write_kept(out / "data", data, kept, progress)
    reasons = Counter({reason: len(rows) for reason, rows in dropped.items() if rows})
    counts = Counts(rows_in=len(places), kept=len(kept), dropped=reasons)
    return Stats({"segments": counts}, {"distinct_texts": len(kept) + reasons["not_sampled"]})


def text_digest(text: str) -> bytes:
    """The blake2b-128 of a text that looks the same however it is spaced, composed or capitalised."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _batches(data: Path, columns: list[str]) -> "Iterator[pa.RecordBatch]":
    """The rows of a stage in one fixed order and division."""
    import pyarrow.parquet as pq

    for path in parquet_files(data):
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(_BATCH, columns=columns)


def _read_places(data: Path) -> list[_Place]:
    columns = ["id", "source_file", "record_offset", "text"]
    places: list[_Place] = []
    for number, batch in enumerate(_batches(data, columns)):
        ids, files, offsets, texts = (batch.column(name).to_pylist() for name in columns)
        digests = map(text_digest, texts)
        rows = range(len(ids))
        places += map(_Place, ids, files, offsets, digests, [number] * len(ids), rows)
    return sorted(places)


def _decide(places: list[_Place], sample: int | None) -> tuple[list[_Place], dict[str, list[_Place]]]:
    """Which rows stay (sorted by id) and which go, by reason."""
    dropped: dict[str, list[_Place]] = {"duplicate_id": [], "duplicate": [], "not_sampled": []}
    kept: list[_Place] = []
    texts: set[bytes] = set()
    last = None
    for place in places:
        if place.id == last:
            dropped["duplicate_id"].append(place)
        elif place.digest in texts:
            dropped["duplicate"].append(place)
        else:
            kept.append(place)
        last = place.id
        texts.add(place.digest)
    if sample is not None and sample < len(kept):
        chosen = set(sorted(stable_id("sample", place.id) for place in kept)[:sample])
        marks = [stable_id("sample", place.id) in chosen for place in kept]
        dropped["not_sampled"] = [place for place, stays in zip(kept, marks, strict=True) if not stays]
        kept = [place for place, stays in zip(kept, marks, strict=True) if stays]
    return kept, dropped


def _write_rejected(folder: Path, data: Path, dropped: dict[str, list[_Place]]) -> None:
    """Write id and reason of all rows that go, sorted by both, and the text of the first ones of each reason."""
    wanted: dict[int, list[tuple[int, str, bool]]] = {}
    for reason, places in dropped.items():
        for rank, place in enumerate(places):
            wanted.setdefault(place.batch, []).append((place.row, reason, rank < REJECTED_TEXTS_PER_REASON))
    found = []
    for number, batch in enumerate(_batches(data, ["id", "page_id", "header", "text"])):
        ids, pages, headers, texts = batch.columns
        for row, reason, with_text in wanted.get(number, ()):
            text = texts[row].as_py() if with_text else ""
            found.append((reason, ids[row].as_py(), not with_text, pages[row].as_py(), headers[row].as_py(), text))
    rejects = Rejects()
    for reason, identity, _, page, header, text in sorted(found):
        rejects.add(identity, reason, page_id=page, header=header, text=text)
    write_rows(folder / "00000.parquet", rejects.rows, rejected_schema())


def _write_kept(folder: Path, data: Path, kept: list[_Place], progress: Progress) -> None:
    """Write the rows that stay in the order of their ids; only they are held in memory, as Arrow batches."""
    schema = segment_schema()
    rows_of: dict[int, list[int]] = {}
    for place in kept:
        rows_of.setdefault(place.batch, []).append(place.row)
    batches = {
        number: batch.take(rows_of[number])
        for number, batch in enumerate(_batches(data, schema.names))
        if number in rows_of
    }
    taken: Counter[int] = Counter()  # `take` put the rows of a batch into the order of `kept`
    for part in range(max(1, -(-len(kept) // PART_ROWS))):
        places = kept[part * PART_ROWS : (part + 1) * PART_ROWS]
        share = Counter(place.batch for place in places)
        rows = [row for number, size in share.items() for row in batches[number].slice(taken[number], size).to_pylist()]
        taken.update(share)
        write_rows(folder / f"{part:05d}.parquet", sorted(rows, key=itemgetter("id")), schema)
        progress.advance(len(places))
