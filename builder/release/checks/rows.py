"""Checks of the rows: every text is there, forges no turn, and gives nobody's key away."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.data.storage import parquet_files, read_rows
from builder.text.control_tokens import find_control_token
from builder.text.secret_tokens import find_secret

TEXTS = ("instruction", "output", "text")
CONVERSATIONS = ("prompt", "completion")
VIEWER_ROW_BYTES = 2_000_000
"""From about here on the Hub's viewer cuts a row short or shows none (hub-docs, "Configure the dataset viewer")."""


def check_rows(dataset: Path) -> Iterator[str]:
    """No row has an empty text, a control token of a chat template, or a secret."""
    for name, row in _rows(dataset):
        where = f"{name}: row {row.get('id')}"
        for column in _empty(row):
            yield f"{where}: {column} is empty; leave the row out of its source, or find the stage that let it pass"
        for column, value in row.items():
            texts = list(_strings(value))
            if token := next(filter(None, map(find_control_token, texts)), None):
                yield f"{where}: {column} holds the control token {token!r}"
            if kind := next(filter(None, map(find_secret, texts)), None):
                yield f"{where}: {column} holds what looks like a secret ({kind}); leave the row out of its source"


def large_rows(dataset: Path) -> Iterator[str]:
    """Rows that the Hub's viewer may not show whole; no reason not to publish them."""
    for name, row in _rows(dataset):
        size = sum(len(text.encode("utf-8", "replace")) for value in row.values() for text in _strings(value))
        if size > VIEWER_ROW_BYTES:
            yield f"{name}: row {row.get('id')} has {size:,} bytes of text; the Hub's viewer may not show it whole"


def _rows(dataset: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for path in parquet_files(dataset):
        name = path.relative_to(dataset).as_posix()
        for row in read_rows(path):
            yield name, row


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
