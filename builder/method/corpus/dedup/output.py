"""What the dedup stage writes: the rows that stay, sorted by id, and those that go, with the rows they repeat."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import REJECTED_TEXTS_PER_REASON
from builder.data.records import rejected_schema, segment_schema
from builder.data.row_groups import Group, take_rows
from builder.data.storage import open_rows, whole_file
from builder.method.corpus.dedup.index import Index
from builder.workspace.progress import Progress

if TYPE_CHECKING:
    import numpy as np

    Rows = np.ndarray[Any, np.dtype[np.int64]]

PART_ROWS = 10_000
"""Rows a file; a divisor of `data.row_groups.SPAN`."""


def write_kept(out: Path, groups: list[Group], index: Index, kept: "Rows") -> None:
    """Write the rows that stay in the order of their ids, `PART_ROWS` a file; at least one file."""
    schema, parts = segment_schema(), 0
    progress = Progress(out, "segments", len(kept))
    for table in take_rows(groups, schema.names, index.places[kept], out / ".scratch"):
        for start in range(0, len(table), PART_ROWS):
            _write_part(out, parts, table.slice(start, PART_ROWS).cast(schema))
            parts += 1
        progress.advance(len(table))
    if not parts:
        _write_part(out, 0, schema.empty_table())


def _write_part(out: Path, part: int, table: Any) -> None:
    import pyarrow.parquet as pq

    with whole_file(out / "data" / f"{part:05d}.parquet") as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_rejected(out: Path, groups: list[Group], index: Index, dropped: dict[str, "Rows"], twins: "Rows") -> None:
    """Write id, reason and twin of all rows that go, sorted by reason and id, and the texts of the first ones.

    Args:
        out: Stage folder.
        groups: The input.
        index: What is known of its rows.
        dropped: Numbers of the rows that go, by reason.
        twins: For each row of the index the number of the one it repeats, or -1.
    """
    import numpy as np

    reasons = sorted(reason for reason, rows in dropped.items() if len(rows))
    order = np.concatenate([np.empty(0, np.int64), *(dropped[reason] for reason in reasons)])
    names = np.repeat(reasons, [len(dropped[reason]) for reason in reasons])
    shown = {int(row) for reason in reasons for row in dropped[reason][:REJECTED_TEXTS_PER_REASON]}
    texts = _texts(out, groups, index, sorted(shown | {int(twins[row]) for row in shown} - {-1}))
    at = 0
    with open_rows(out / "rejected" / "00000.parquet", rejected_schema()) as write:
        for table in take_rows(groups, ["id", "page_id", "header"], index.places[order], out / ".scratch"):
            rows = table.to_pylist()
            here = slice(at, at + len(rows))
            for value, row, reason in zip(rows, order[here].tolist(), names[here].tolist(), strict=True):
                twin = int(twins[row])
                value |= {"reason": reason, "twin": index.id(twin) if twin >= 0 else None}
                if row in shown:
                    value |= {"text": texts[row], "twin_text": texts.get(twin)}
            write(rows)
            at += len(rows)


def _texts(out: Path, groups: list[Group], index: Index, rows: list[int]) -> dict[int, str]:
    """The texts of a few rows, by their numbers."""
    import numpy as np

    numbers, texts = np.array(rows, np.int64), dict[int, str]()
    for table in take_rows(groups, ["text"], index.places[numbers], out / ".scratch"):
        texts |= dict(zip(rows[len(texts) :], table.column("text").to_pylist(), strict=False))
    return texts
