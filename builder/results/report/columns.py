"""Numbers of many rows as a page takes them: typed columns, packed, that a browser unpacks in milliseconds."""

import base64
import gzip
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

KINDS = {"float32": "Float32Array", "uint16": "Uint16Array", "uint8": "Uint8Array", "uint32": "Uint32Array"}
_LEVEL = 6
"""Takes a seventh of the time of 9; 2,000 texts are a tenth larger."""


def packed(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Columns one behind the other as one text; little-endian, the widest first so that each is aligned.

    Args:
        columns: numpy arrays of one of `KINDS`, all as long.

    Returns:
        `rows`; `columns`, of each its name, its kind in a browser and where it begins; `data`, base64 of gzip.
    """
    order = sorted(columns, key=lambda name: -columns[name].dtype.itemsize)
    entries, parts, start = [], [], 0
    for name in order:
        array = np.ascontiguousarray(columns[name]).astype(columns[name].dtype.newbyteorder("<"), copy=False)
        entries.append({"name": name, "kind": KINDS[columns[name].dtype.name], "start": start})
        parts.append(array.tobytes())
        start += len(parts[-1])
    rows = len(columns[order[0]]) if order else 0
    # The same input gives the same bytes: no time in the header.
    data = base64.b64encode(gzip.compress(b"".join(parts), _LEVEL, mtime=0)).decode("ascii")
    return {"rows": rows, "columns": entries, "data": data}


def packed_json(value: Any) -> str:
    """A JSON value as base64 of gzip."""
    import json

    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode("utf-8", "surrogatepass"), _LEVEL, mtime=0)).decode("ascii")


def scores_column(values: Sequence[float | None]) -> Any:
    """Scores as 32-bit numbers; none is NaN."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float32)


def small_numbers(values: Sequence[int]) -> Any:
    """Counts of at most 65,535; what is above is that."""
    return np.minimum(np.array(values, dtype=np.int64), 65_535).astype(np.uint16)
