"""The size of rows that stream past is that of the table they would be."""

import random
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from builder.data.records import training_schema
from builder.results.release.content.memory import ChunkedSize, MemorySize

SCHEMA = pa.schema([
    *training_schema(), ("score", pa.float64()), ("loss", pa.float64()), ("url", pa.string()), ("none", pa.string()),
    ("selected", pa.bool_()), ("level", pa.int8()), ("blocks", pa.list_(pa.int32())),
])  # fmt: skip


def table(rows: int, batch: int) -> pa.Table:
    made = [row(number, random.Random(number)) for number in range(rows)]
    starts = range(0, rows, batch) or [0]
    batches = [pa.RecordBatch.from_pylist(made[start : start + batch], schema=SCHEMA) for start in starts]
    return pa.Table.from_batches(batches, schema=SCHEMA)


def row(number: int, rng: random.Random) -> dict[str, Any]:
    def turn(role: str) -> dict[str, str]:
        return {"role": role, "content": "é" * rng.randrange(9)}

    return {
        "id": f"{rng.randrange(10**6)}-{number}",
        "prompt": [turn("system"), turn("user")],
        "completion": [turn("assistant")],
        "score": None if number % 7 == 0 else 1.5,
        "loss": 1.0,
        "url": None if number % 5 == 0 else "x" * rng.randrange(30),
        "none": None,
        "selected": number % 2 == 0,
        "level": 1,
        "blocks": None if number % 11 == 0 else [1] * (number % 4),
    }


def size(batches: list[pa.RecordBatch], *, taken: bool) -> MemorySize:
    found = MemorySize(taken=taken)
    for batch in batches:
        found.add(batch)
    return found


@pytest.mark.parametrize("rows", [0, 1, 8, 203, 1003])
@pytest.mark.parametrize("batch", [1, 7, 200])
def test_rows_as_they_were_made_and_sorted(rows: int, batch: int) -> None:
    made = table(rows, 2_000)
    batches = made.to_batches(max_chunksize=batch)
    assert size(batches, taken=False).bytes == made.nbytes
    for source in (made, table(rows, 100)):
        assert size(batches, taken=True).bytes == source.sort_by("id").nbytes


@pytest.mark.parametrize("rule", ["scored", "unscored", "some", "none"])
def test_rows_of_which_some_are_left_out(rule: str) -> None:
    made = table(403, 100)
    scored = pc.is_valid(made["score"])
    some = pa.array([number % 3 == 0 for number in range(403)])
    mask = {"scored": scored, "unscored": pc.invert(scored), "some": some, "none": pc.and_(scored, pa.scalar(False))}
    kept = mask[rule].combine_chunks() if isinstance(mask[rule], pa.ChunkedArray) else mask[rule]
    found = size(made.filter(kept).to_batches(max_chunksize=9), taken=True)
    for batch in made.filter(pc.invert(kept)).to_batches():
        found.add_left_out(batch)
    order = made.sort_by("id")
    assert found.bytes == order.filter(pc.is_in(order["id"], made.filter(kept)["id"].combine_chunks())).nbytes


@pytest.mark.parametrize("step", [0, 2, 3, 100])
def test_chunks_are_filtered_one_by_one_or_put_together(step: int) -> None:
    made = table(403, 100)
    kept = pa.array([step == 0 or number % step != 0 for number in range(403)])
    apart, together = ChunkedSize(filtered=step > 0, together=False), ChunkedSize(filtered=True, together=True)
    for place, chunk in enumerate(made.to_batches()):
        mask = kept.slice(place * 100, chunk.num_rows)
        for columns in (["id", "prompt", "completion"], SCHEMA.names[3:]):
            apart.add(chunk.select(columns), mask)
        together.add(chunk, mask)
    assert apart.bytes == (made.filter(kept) if step else made).nbytes
    assert together.bytes == pa.Table.from_pylist(made.filter(kept).to_pylist(), SCHEMA).nbytes
