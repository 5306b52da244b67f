"""The config `chat`: the rows of `sft` as one list of messages each, as most trainers read them.

The system message stays the first of a row: it is the tag of paper 2.3, and what was learned from people and from the
web is told apart by it. A stand-off release has no such config, since its rows lack their answers.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.records import Row, training_schema
from builder.data.storage import count_rows, open_parquet, parquet_files
from builder.results.release.content.columns import CHUNK
from builder.results.release.content.memory import MemorySize
from builder.results.release.content.parquet import Rows

if TYPE_CHECKING:
    import pyarrow as pa

CHAT, MESSAGES = "chat", "messages"
BESIDE = ("id", "source", "license")


def chat_schema(sft: "pa.Schema") -> "pa.Schema":
    """Columns of `chat`, given those of `sft`."""
    import pyarrow as pa

    messages = pa.field(MESSAGES, training_schema().field("prompt").type)
    return pa.schema([messages, *(sft.field(name) for name in BESIDE)])


def chat_rows(sft: Path) -> Rows:
    """The rows of `sft` in their order, read once for their size and once for themselves.

    Args:
        sft: The folder of that config, as written.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = chat_schema(pq.read_schema(parquet_files(sft)[0]))

    def read(_: Path) -> "tuple[dict[str, int], Iterable[pa.Table]]":
        size = MemorySize(taken=False)
        for batch in _batches(sft, schema):
            size.add(batch)
        return {"train": size.bytes}, (pa.Table.from_batches([batch]) for batch in _batches(sft, schema))

    return Rows(schema, {"train": count_rows(sft)}, read)


def with_chat(configs: Iterable[tuple[str, Rows]], dataset: Path) -> Iterator[tuple[str, Rows]]:
    """All configs, and after `sft` this one if the rows have their answers.

    Args:
        configs: The others.
        dataset: Where each of them is written before the next is asked for.
    """
    for name, rows in configs:
        yield name, rows
        if name == "sft" and "completion" in rows.schema.names:
            yield CHAT, chat_rows(dataset / name)


def as_trained(rows: Iterable[Row]) -> Iterator[Row]:
    """Rows of `chat` in the form in which they were trained on."""
    for row in rows:
        *prompt, answer = row[MESSAGES]
        yield {"id": row["id"], "prompt": prompt, "completion": [answer]}


def _batches(sft: Path, schema: "pa.Schema") -> "Iterator[pa.RecordBatch]":
    import pyarrow as pa

    for path in parquet_files(sft):
        with open_parquet(path) as file:
            for batch in file.iter_batches(CHUNK, columns=["prompt", "completion", *BESIDE]):
                messages = _joined(batch.column("prompt"), batch.column("completion"))
                columns = [messages.cast(schema.field(MESSAGES).type), *map(batch.column, BESIDE)]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _joined(prompts: Any, completions: Any) -> "pa.Array":
    """Two columns of lists as one: of every row what it has in the first, and then what it has in the second."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = (prompts, completions)
    rows = np.concatenate([pc.list_parent_indices(part).to_numpy() for part in parts])
    ends = np.cumsum(np.bincount(rows, minlength=len(prompts)))
    turns = pa.concat_arrays([part.flatten() for part in parts]).take(pa.array(np.argsort(rows, kind="stable")))
    return pa.ListArray.from_arrays(pa.array(np.concatenate([[0], ends]), pa.int32()), turns)
