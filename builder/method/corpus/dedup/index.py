"""The rows of a stage by their places: read in one fixed order, taken out again in any other, in bounded memory.

A place is the number of a row in the order of files, row groups and rows.
"""

import hashlib
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from builder.data.row_groups import Group, read_batches

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from builder.data.row_groups import Places  # noqa: V104  # in an annotation


@dataclass
class Index:
    """What is known of every row; sorted by id, then by origin, so that the order of the input is no matter.

    Attributes:
        ids: Row ids.
        places: Where the rows are.
        digests: blake2b-128 of each normalised text, as two numbers; shape (rows, 2).
    """

    ids: "pa.Array"
    places: "Places"
    digests: "np.ndarray[Any, np.dtype[np.uint64]]"

    def __len__(self) -> int:
        return len(self.places)

    def id(self, row: int) -> str:
        """The id of one row."""
        return str(self.ids[row].as_py())


def read_index(groups: list[Group]) -> Index:
    """Read ids, origins and text digests of all rows."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    schema = pa.schema([("id", pa.string()), ("source_file", pa.string()), ("record_offset", pa.int64())])
    batches, digests = [], bytearray()
    for _, batch in read_batches(groups, [*schema.names, "text"]):
        batches.append(batch.select(schema.names))
        for text in batch.column("text").to_pylist():
            digests += loose_digest(text)
    table = pa.Table.from_batches(batches, schema=schema)
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in schema.names]).to_numpy()
    by_place = np.frombuffer(bytes(digests), dtype="<u8").reshape(-1, 2)
    return Index(table.column("id").combine_chunks().take(pa.array(order)), order.astype(np.int64), by_place[order])


def loose_digest(text: str) -> bytes:
    """The blake2b-128 of a text that looks the same however it is spaced, composed or capitalised."""
    plain = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()
