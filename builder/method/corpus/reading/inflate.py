"""Bytes of a file, inflated where it is gzip: in bounded pieces, and what follows damage is found again.

A gzip file is a row of members. Crawls put each record into a member of its own, so after damage reading goes on
with the next member that inflates to a record. Python's and other gzip readers end there, some without a word.
"""

import re
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import IO, Literal

from builder.method.corpus.reading.payload.codings import before_error, is_text

GZIP_MAGIC = b"\x1f\x8b\x08"
CHUNK = 1 << 16
_MAX_PIECE = 1 << 20
_WINDOW = 32 << 20
"""How many packed bytes are kept to go back to; damage shows in a member long before that."""
_PROBE = 512
_NEWLINES = re.compile(rb"[\r\n]*")

Reason = Literal["corrupt", "cut", "unreadable", "memory", "dictionary"]
"""The last two are of Zstandard: a window above the limit, and a dictionary that is not in the file."""


@dataclass(frozen=True)
class Piece:
    """Bytes that follow those of the piece before, unless a `Break` lies between.

    Attributes:
        data: At most about 1 MB.
        offset: Where the gzip member starts in the file; for a file that is not packed, where `data` does.
        starts: Whether these are the first bytes of a member, or of a file that is not packed.
    """

    data: bytes
    offset: int
    starts: bool


@dataclass(frozen=True)
class Break:
    """Damage: bytes from `offset` up to `until` gave nothing, or nothing that can be trusted.

    Attributes:
        reason: `cut` if the file ends inside a member, `unreadable` if the system cannot read it.
        offset: Where the damaged member starts.
        until: Where reading goes on; the end of the file where it does not.
    """

    reason: Reason
    offset: int
    until: int


class RawFile:
    """A file that is read once from front to back, with a window to go back in; it need not be seekable."""

    def __init__(self, handle: IO[bytes]) -> None:
        self._handle, self._data, self._start = handle, bytearray(), 0
        self._ended = self.failed = False

    @property
    def end(self) -> int:
        """The offset up to which the file has been read."""
        return self._start + len(self._data)

    def at(self, offset: int, size: int = CHUNK) -> bytes:
        """Up to `size` bytes from `offset` on; none at the end of the file."""
        while self.end < offset + size and self._more():
            pass
        first = offset - self._start
        return bytes(memoryview(self._data)[first : first + size])

    def find(self, pattern: bytes, offset: int) -> int | None:
        """The offset of the first `pattern` from `offset` on; what lies before it is forgotten."""
        offset = max(offset, self._start)
        while True:
            at = self._data.find(pattern, offset - self._start)
            if at >= 0:
                return self._start + at
            offset = max(offset, self.end - len(pattern) + 1)
            self.forget(offset)
            if not self._more():
                return None

    def forget(self, offset: int) -> None:
        """Give up the bytes before `offset`."""
        if offset > self._start:
            del self._data[: offset - self._start]
            self._start = offset

    def _more(self) -> bool:
        if self._ended:
            return False
        try:
            data = self._handle.read(CHUNK)
        except Exception:  # each file system has errors of its own
            data, self.failed = b"", True
        self._data += data
        self._ended = not data
        return bool(data)


def is_packed(raw: RawFile, name: str, plain: re.Pattern[bytes]) -> bool:
    """Whether a file is gzip, damaged or not; what looks `plain`, or like text, and does not inflate is not."""
    if raw.at(0, len(GZIP_MAGIC)) == GZIP_MAGIC and _first_bytes(raw, 0):
        return True
    return name.lower().endswith(".gz") and not (plain.search(raw.at(0)) or is_text(raw.at(0)))


def pieces(raw: RawFile, start: bytes | tuple[bytes, ...], *, packed: bool) -> Iterator[Piece | Break]:
    """Yield the content of a file.

    Args:
        raw: The file.
        start: What a member has to begin with for reading to go on there after damage.
        packed: Whether it is gzip, as `is_packed` finds out.
    """
    yield from _members(raw, start) if packed else _plain(raw)


def _plain(raw: RawFile) -> Iterator[Piece | Break]:
    offset = 0
    while data := raw.at(offset):
        yield Piece(data, offset, starts=offset == 0)
        offset += len(data)
        raw.forget(offset)
    if raw.failed:
        yield Break("unreadable", offset, offset)


def _members(raw: RawFile, start: bytes | tuple[bytes, ...]) -> Iterator[Piece | Break]:
    offset = 0
    while raw.at(offset, 1):
        end = yield from _member(raw, offset)
        if isinstance(end, int):
            offset = end + _padding(raw.at(end))
            continue
        until = _next_member(raw, offset + 1, start)
        reason: Reason = "corrupt" if until is not None else "unreadable" if raw.failed else end
        yield Break(reason, offset, raw.end if until is None else until)
        if until is None:
            return
        offset = until
    if raw.failed:
        yield Break("unreadable", offset, offset)


def _padding(data: bytes) -> int:
    """How much of what follows a member is padding: newlines, or zeros that go on to the end of the file."""
    if len(data) < CHUNK and not data.strip(b"\x00"):
        return len(data)
    newlines = _NEWLINES.match(data)
    return newlines.end() if newlines else 0


def _member(raw: RawFile, offset: int) -> Generator[Piece, None, int | Reason]:
    """Yield a member; return the offset behind it, or what is wrong with it."""
    inflater, position, starts = zlib.decompressobj(zlib.MAX_WBITS | 16), offset, True
    while True:
        raw.forget(max(offset, position - _WINDOW))
        packed = raw.at(position)
        before = inflater.copy() if packed else inflater
        try:
            data = inflater.decompress(packed, _MAX_PIECE)
        except zlib.error:
            if data := before_error(before, packed, _MAX_PIECE):
                yield Piece(data, offset, starts)
            return "corrupt"
        if data or inflater.eof:
            yield Piece(data, offset, starts)
            starts = False
        position += len(packed) - len(inflater.unused_data if inflater.eof else inflater.unconsumed_tail)
        if inflater.eof:
            return position
        if not packed and not data:
            return "cut"


def _next_member(raw: RawFile, offset: int, start: bytes | tuple[bytes, ...]) -> int | None:
    """Where the next member that begins with `start` lies."""
    while (at := raw.find(GZIP_MAGIC, offset)) is not None:
        if _first_bytes(raw, at).lstrip().startswith(start):
            return at
        offset = at + 1
    return None


def _first_bytes(raw: RawFile, offset: int) -> bytes:
    """The first bytes of the member at `offset`; none if it is none."""
    try:
        return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw.at(offset, _PROBE), _PROBE)
    except zlib.error:
        return b""
