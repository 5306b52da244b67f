"""Checks of the rows: every text is there, forges no turn, and gives nobody's key away.

Most rows are cleared column by column, by searches that find every row that could be wrong and a few more; only those
are then looked at one by one.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.page_address import web_address
from builder.data.storage import open_parquet, parquet_files
from builder.results.release.content.parquet import where_true
from builder.text.control_tokens import BRACKETS, find_control_token
from builder.text.secret_tokens import MARKS, find_secret

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Mask = np.ndarray[Any, np.dtype[np.bool_]]
    Numbers = np.ndarray[Any, np.dtype[np.int64]]

TEXTS = ("instruction", "output", "text")
CONVERSATIONS = ("prompt", "completion", "messages")
VIEWER_ROW_BYTES = 2_000_000
"""From about here on the Hub's viewer cuts a row short or shows none (hub-docs, "Configure the dataset viewer")."""
BATCH_ROWS = 2_000
_MAY_HOLD = "|".join([f"[{re.escape(BRACKETS)}]", *map(re.escape, MARKS)])
"""Is found in every text with a control token or a secret. In RE2, as Arrow has it, this takes a tenth of the time."""
_VISIBLE = "[!-~]"
"""Is found in most texts that are not empty."""


def check_rows(dataset: Path) -> Iterator[str]:
    """No row has an empty text, a control token of a chat template, or a secret."""
    import pyarrow as pa

    for name, batch in _batches(dataset):
        for row in batch.filter(pa.array(_may_be_wrong(batch))).to_pylist():
            yield from _problems(f"{name}: row {row.get('id')}", row)


def check_addresses(dataset: Path) -> Iterator[str]:
    """The address of a page is one of the web, or null: a path of a machine says where its owner keeps things."""
    for name, batch in _batches(dataset):
        if "url" not in batch.schema.names:
            continue
        for key, url in zip(batch.column("id").to_pylist(), batch.column("url").to_pylist(), strict=True):
            if url is not None and web_address(url) is None:
                yield f"{name}: row {key} has a url that is no address of the web; it must be null"
                break


def large_rows(dataset: Path) -> Iterator[str]:
    """Rows that the Hub's viewer may not show whole; no reason not to publish them."""
    import numpy as np
    import pyarrow.compute as pc

    for name, batch in _batches(dataset):
        sizes = np.zeros(batch.num_rows, np.int64)
        for column in batch.columns:
            for texts, rows in _texts(column):
                np.add.at(sizes, rows, pc.fill_null(pc.binary_length(texts), 0).to_numpy(zero_copy_only=False))
        for place in np.flatnonzero(sizes > VIEWER_ROW_BYTES):
            key = batch.column("id")[int(place)] if "id" in batch.schema.names else None
            yield f"{name}: row {key} has {sizes[place]:,} bytes of text; the Hub's viewer may not show it whole"


def _batches(dataset: Path) -> "Iterator[tuple[str, pa.RecordBatch]]":
    for path in parquet_files(dataset):
        name = path.relative_to(dataset).as_posix()
        with open_parquet(path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                yield name, batch


def _problems(where: str, row: dict[str, Any]) -> Iterator[str]:
    for column in _empty(row):
        yield f"{where}: {column} is empty; leave the row out of its source, or find the stage that let it pass"
    for column, value in row.items():
        texts = list(_strings(value))
        if token := next(filter(None, map(find_control_token, texts)), None):
            yield f"{where}: {column} holds the control token {token!r}"
        if kind := next(filter(None, map(find_secret, texts)), None):
            yield f"{where}: {column} holds what looks like a secret ({kind}); leave the row out of its source"


def _empty(row: dict[str, Any]) -> Iterator[str]:
    """Columns of texts without a text; a system message may be empty."""
    for column in TEXTS:
        if column in row and not (row[column] or "").strip():
            yield column
    for column in CONVERSATIONS:
        if column in row:
            said = [turn["content"] for turn in row[column] or () if turn["role"] != "system"]
            if not said or not all((text or "").strip() for text in said):
                yield column


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _may_be_wrong(batch: "pa.RecordBatch") -> "Mask":
    """All rows in which `_problems` could find anything."""
    import numpy as np
    import pyarrow.compute as pc

    suspect = np.zeros(batch.num_rows, np.bool_)
    for column in batch.columns:
        for texts, rows in _texts(column):
            suspect[rows[where_true(pc.match_substring_regex(texts, _MAY_HOLD))]] = True
    for name in (*TEXTS, *CONVERSATIONS):
        if name in batch.schema.names:
            suspect |= ~_has_text(batch.column(name))
    return suspect


def _has_text(column: "pa.Array") -> "Mask":
    """Whether a text is not empty for sure, or every turn of a conversation that is not the system's."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_list(column.type):
        return where_true(pc.match_substring_regex(column, _VISIBLE))
    turns, rows = column.flatten(), pc.list_parent_indices(column).to_numpy()
    role, text = turns.field("role"), turns.field("content")
    said = ~where_true(pc.equal(role, "system"))
    seen = said & where_true(pc.match_substring_regex(text, _VISIBLE))
    all_said, all_seen = (np.bincount(rows[mask], minlength=len(column)) for mask in (said, seen))
    return np.asarray((all_said > 0) & (all_said == all_seen))


def _texts(array: "pa.Array", rows: "Numbers | None" = None) -> "Iterator[tuple[pa.Array, Numbers]]":
    """The texts of a column and of what is nested in it, each with the number of its row."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = np.arange(len(array)) if rows is None else rows
    if pa.types.is_string(array.type):
        yield array, rows
    elif pa.types.is_list(array.type):
        yield from _texts(array.flatten(), rows[pc.list_parent_indices(array).to_numpy()])
    elif pa.types.is_struct(array.type):
        for number in range(array.type.num_fields):
            yield from _texts(array.field(number), rows)
