"""What rows would take in memory as one Arrow table, added up batch by batch.

The card states it, and shards and row groups are cut by it, so it must be known before the first row is written, and
be the same however the rows were read.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass
class _Column:
    """One buffer of numbers or offsets, of a column or of what is nested in it, and the texts that these part."""

    bits: int
    nested: bool
    rows: int = 0
    data: int = 0
    nulls: bool = False


class MemorySize:
    """Adds up what `pyarrow.Table.nbytes` says of a table without slices.

    Args:
        taken: Whether the table was sorted or filtered. Arrow then marks texts and lists as null or not even where
            nothing is null, and numbers if anything was null before.
    """

    def __init__(self, *, taken: bool) -> None:
        self._taken = taken
        self._columns: dict[tuple[int, ...], _Column] = {}

    def add(self, batch: "pa.RecordBatch") -> None:
        """Add rows."""
        for number, array in enumerate(batch.columns):
            self._add(array, (number,))

    def add_left_out(self, batch: "pa.RecordBatch") -> None:
        """Take note of rows that were filtered out: of those only counts whether a number was null."""
        if self._taken:
            for number, array in enumerate(batch.columns):
                column = self._column(array, (number,))
                column.nulls |= not column.nested and array.null_count > 0

    @property
    def bytes(self) -> int:
        """The size of all rows so far."""
        return sum(map(self._bytes, self._columns.values()))

    def _bytes(self, column: _Column) -> int:
        marks = _to_bytes(column.rows) if column.nulls or (self._taken and column.nested) else 0
        return marks + _to_bytes(column.bits * column.rows) + column.data

    def _add(self, array: Any, place: tuple[int, ...]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_struct(array.type):  # its own marks do not count in `nbytes`
            for number in range(array.type.num_fields):
                self._add(array.field(number), (*place, number))
            return
        column = self._column(array, place)
        column.rows += len(array)
        column.nulls |= array.null_count > 0
        if pa.types.is_string(array.type):
            column.data += pc.sum(pc.binary_length(array)).as_py() or 0
        elif pa.types.is_list(array.type):
            self._add(array.flatten(), (*place, 0))

    def _column(self, array: Any, place: tuple[int, ...]) -> _Column:
        import pyarrow as pa

        if place not in self._columns:
            kind = array.type
            nested = pa.types.is_string(kind) or pa.types.is_list(kind)
            self._columns[place] = _Column(32 if nested else kind.bit_width, nested)
        return self._columns[place]


class ChunkedSize:
    """Adds up the size of a table in chunks of its own, some of whose rows are left out.

    Args:
        filtered: Whether the table is filtered, even if no row goes.
        together: Whether its rows are put into one chunk afterwards.
    """

    def __init__(self, *, filtered: bool, together: bool) -> None:
        self._filtered, self._together = filtered, together
        self._whole, self._chunks = MemorySize(taken=False), 0

    def add(self, chunk: "pa.RecordBatch", kept: "pa.Array") -> None:
        """Add a chunk before it is filtered, or some columns of it."""
        size = self._whole if self._together else MemorySize(taken=self._filtered)
        size.add(chunk.filter(kept))
        size.add_left_out(chunk)
        self._chunks += 0 if self._together else size.bytes

    @property
    def bytes(self) -> int:
        """The size of all rows so far."""
        return self._whole.bytes + self._chunks


def _to_bytes(bits: int) -> int:
    return -(-bits // 8)
