"""Rows of datasets on the Hub."""

from collections.abc import Iterator
from typing import Any


def hub_rows(dataset: str, split: str, revision: str | None, config: str | None = None) -> Iterator[tuple[str, Any]]:
    """The rows of a split at a commit, with their places (`dataset:number`), read as they are asked for."""
    from datasets import load_dataset  # slow to import, and needed for datasets of the Hub only

    named = {} if config is None else {"name": config}
    rows = load_dataset(dataset, split=split, revision=revision, **named)
    return ((f"{dataset}:{number}", row) for number, row in enumerate(rows))
