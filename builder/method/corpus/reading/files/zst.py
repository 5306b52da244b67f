"""Zstandard files: a row of frames, walked block by block, and what follows damage is found again.

Archives of this kind (`.warc.zst`, as Archive Team and the IIPC write them) have a frame a record. Their dictionary,
if they have one, is the content of a skippable frame at the very start of the file. Frames that share a record, and
one frame for a whole file, are read as well. Frames without a checksum, as some tools write them, may be changed inside
a block unnoticed.

The blocks of a frame say how long they are and unpack to 128 kB at most, so a file that unpacks to any size takes no
more memory than a block and the window of its frame. A frame whose window is larger than `MAX_WINDOW`, or whose
dictionary is not there, is passed over by its blocks and is a loss of its own.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.method.corpus.reading.inflate import CHUNK, Break, Piece, RawFile, Reason

if TYPE_CHECKING:
    from zstandard import ZstdCompressionDict, ZstdDecompressor

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
MAX_WINDOW = 1 << 27
"""As much as `zstd` itself unpacks with, unless told otherwise."""
MAX_DICTIONARY = 1 << 25
_DICTIONARY_FRAME = b"\x5d\x2a\x4d\x18"
_DICTIONARY_MAGIC = b"\x37\xa4\x30\xec"
_SKIPPABLE = b"\x2a\x4d\x18"
_MAX_BLOCK = 1 << 17
_MAX_HEADER = 18
_KEPT = 32 << 20
"""How many packed bytes of a frame are kept to look for the next one in, should it be damaged."""
_RLE, _RESERVED = 1, 3
_START_BYTES = 512


@dataclass(frozen=True)
class _Header:
    """What a frame says of itself; `size` is that of the header."""

    size: int
    window: int
    dictionary: int
    checksum: bool


def is_zst(raw: RawFile) -> bool:
    """Whether a file is Zstandard, by its first bytes."""
    head = raw.at(0, 4)
    return head == ZSTD_MAGIC or _is_skippable(head)


def frames(raw: RawFile, start: bytes | tuple[bytes, ...]) -> Iterator[Piece | Break]:
    """Yield the content of a file; `start` is what a frame has to begin with for reading to go on after damage."""
    dictionary = _dictionary(raw)
    decoder = _decoder(dictionary)
    known = dictionary.dict_id() if dictionary is not None else 0
    offset = 0
    while head := raw.at(offset, 4):
        raw.forget(offset)
        if _is_skippable(head):
            begun, offset = offset, _behind_skippable(raw, offset)
            if offset > raw.end:
                yield Break("unreadable" if raw.failed else "cut", begun, raw.end)
            continue
        if not head.strip(b"\x00") and _only_zeros(raw, offset):
            return
        reason, end = yield from _frame(raw, offset, decoder, known)
        if reason is not None:
            end = end or _next_frame(raw, offset + 1, start, decoder)
            if end is None and reason == "cut" and raw.failed:
                reason = "unreadable"
            yield Break("corrupt" if end and reason == "cut" else reason, offset, end or raw.end)
        if end is None:
            return
        offset = end
    if raw.failed:
        yield Break("unreadable", offset, offset)


def _decoder(dictionary: "ZstdCompressionDict | None") -> "ZstdDecompressor":
    import zstandard

    return zstandard.ZstdDecompressor(dict_data=dictionary, max_window_size=MAX_WINDOW)


def _is_skippable(head: bytes) -> bool:
    return head[1:4] == _SKIPPABLE and 0x50 <= head[0] <= 0x5F


def _behind_skippable(raw: RawFile, offset: int) -> int:
    """The offset behind a skippable frame; one beyond the end of the file if that comes first."""
    size = raw.at(offset + 4, 4)
    end = offset + 8 + int.from_bytes(size, "little")
    if len(size) < 4:
        return offset + 9
    while raw.end < end:
        position = raw.end
        if not raw.at(position, min(CHUNK, end - position)):
            return end
        raw.forget(position)
    return end


def _may_follow(head: bytes) -> bool:
    """Whether bytes may stand behind a frame; behind one that was not unpacked nothing else shows that it was one."""
    return not head or head == ZSTD_MAGIC or _is_skippable(head)


def _only_zeros(raw: RawFile, offset: int) -> bool:
    """Whether nothing but a padding of zeros follows."""
    rest = raw.at(offset)
    return len(rest) < CHUNK and not rest.strip(b"\x00")


def _dictionary(raw: RawFile) -> "ZstdCompressionDict | None":
    """The dictionary in front of an archive, packed or not; None where there is none, or none that can be used."""
    import zstandard

    if raw.at(0, 4) != _DICTIONARY_FRAME:
        return None
    size = int.from_bytes(raw.at(4, 4), "little")
    if size > MAX_DICTIONARY:
        return None
    content = raw.at(8, size)
    try:
        if content.startswith(ZSTD_MAGIC):
            reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).stream_reader(content)
            content = reader.read(MAX_DICTIONARY + 1)
        if not content.startswith(_DICTIONARY_MAGIC) or len(content) > MAX_DICTIONARY:
            return None
        dictionary = zstandard.ZstdCompressionDict(content, dict_type=zstandard.DICT_TYPE_FULLDICT)
        zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()
    except zstandard.ZstdError:
        return None
    return dictionary


def _header(data: bytes) -> _Header | None:
    """The header of a frame, or None if it is none."""
    if len(data) < 6 or not data.startswith(ZSTD_MAGIC) or data[4] & 0x08:
        return None
    descriptor = data[4]
    single = bool(descriptor & 0x20)
    id_size = (0, 1, 2, 4)[descriptor & 3]
    content_size = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    id_at = 5 if single else 6
    size = id_at + id_size + content_size
    if len(data) < size:
        return None
    content = int.from_bytes(data[id_at + id_size : size], "little") + (256 if content_size == 2 else 0)
    base = 1 << (10 + (data[5] >> 3))
    window = content if single else base + base // 8 * (data[5] & 7)
    return _Header(size, window, int.from_bytes(data[id_at : id_at + id_size], "little"), bool(descriptor & 0x04))


def _block(raw: RawFile, position: int) -> tuple[int, bool] | Reason:
    """How long the block at `position` is, header included, and whether it is the last one."""
    head = raw.at(position, 3)
    if len(head) < 3:
        return "cut"
    bits = int.from_bytes(head, "little")
    kind, size = bits >> 1 & 3, bits >> 3
    if kind == _RESERVED or size > _MAX_BLOCK:
        return "corrupt"
    return 3 + (1 if kind == _RLE else size), bool(bits & 1)


def _frame(
    raw: RawFile, offset: int, decoder: "ZstdDecompressor", known: int
) -> Generator[Piece, None, tuple[Reason | None, int | None]]:
    """Yield a frame; return what is wrong with it, if anything, and the offset behind it, if that is known."""
    import zstandard

    data = raw.at(offset, _MAX_HEADER)
    header = _header(data)
    if header is None:
        return "cut" if ZSTD_MAGIC.startswith(data[:4]) and len(data) < _MAX_HEADER else "corrupt", None
    reason: Reason | None = None
    if header.window > MAX_WINDOW:
        reason = "memory"
    elif header.dictionary and header.dictionary != known:
        reason = "dictionary"
    inflater = decoder.decompressobj() if reason is None else None
    position, packed, starts, last = offset, data[: header.size], True, False
    while True:
        position += len(packed)
        raw.forget(max(offset, position - _KEPT))
        try:
            content = inflater.decompress(packed) if inflater else b""
        except zstandard.ZstdError:
            return "corrupt", None
        if content or (last and starts and inflater):
            yield Piece(content, offset, starts)
            starts = False
        if last:
            return (reason, position) if reason is None or _may_follow(raw.at(position, 4)) else ("corrupt", None)
        block = _block(raw, position)
        if isinstance(block, str):
            return block, None
        size, last = block
        size += 4 if last and header.checksum else 0
        packed = raw.at(position, size)
        if len(packed) < size:
            return "cut", None


def _next_frame(raw: RawFile, offset: int, start: bytes | tuple[bytes, ...], decoder: "ZstdDecompressor") -> int | None:
    """Where the next frame that begins with `start` lies."""
    while (at := raw.find(ZSTD_MAGIC, offset)) is not None:
        if _first_bytes(raw, at, decoder).lstrip().startswith(start):
            return at
        offset = at + 1
    return None


def _first_bytes(raw: RawFile, offset: int, decoder: "ZstdDecompressor") -> bytes:
    """The first bytes of the frame at `offset`, which lie in its first block; none if it is none."""
    import zstandard

    header = _header(raw.at(offset, _MAX_HEADER))
    block = _block(raw, offset + header.size) if header is not None and header.window <= MAX_WINDOW else "corrupt"
    if header is None or isinstance(block, str):
        return b""
    try:
        return bytes(decoder.decompressobj().decompress(raw.at(offset, header.size + block[0]))[:_START_BYTES])
    except zstandard.ZstdError:
        return b""
