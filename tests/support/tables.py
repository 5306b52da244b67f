"""Tables of pages, as Parquet files hold them."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from support.corpus_pages import page


def rows(count: int = 5) -> list[dict[str, Any]]:
    return [{"html": page(number), "url": f"https://example.org/{number}"} for number in range(count)]


def write_parquet(path: Path, table: list[dict[str, Any]], group: int = 2) -> Path:
    pq.write_table(pa.Table.from_pylist(table), path, row_group_size=group)
    return path
