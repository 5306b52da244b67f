"""The content of a file, however it is packed: gzip, Zstandard or not at all, by its first bytes before its name."""

import re
from collections.abc import Iterator

from builder.method.corpus.reading.files.zst import frames, is_zst
from builder.method.corpus.reading.inflate import Break, Piece, RawFile, is_packed, pieces


def unpacked(
    raw: RawFile, name: str, start: bytes | tuple[bytes, ...], plain: re.Pattern[bytes]
) -> tuple[Iterator[Piece | Break], bool]:
    """The content of a file in bounded pieces, and whether it is packed.

    Args:
        raw: The file.
        name: Its name, whose ending counts where its first bytes are damaged.
        start: What a member or frame has to begin with for reading to go on there after damage.
        plain: What a file looks like that is not packed.
    """
    if is_zst(raw) or (name.lower().endswith(".zst") and not plain.search(raw.at(0)) and not is_packed(raw, "", plain)):
        return frames(raw, start), True
    packed = is_packed(raw, name, plain)
    return pieces(raw, start, packed=packed), packed
