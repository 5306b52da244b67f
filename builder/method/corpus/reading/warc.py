"""WARC records of any dialect, from any state of repair: every record comes out, or one `Lost` for the damage.

The dialects are told apart record by record and need no setting. Read this way:

- ClueWeb22: WARC/1.0, no HTTP headers, one gzip member a record.
- ClueWeb12: WARC/1.0 with HTTP headers, some of which are nothing but `HTTP/1.1`.
- ClueWeb09: WARC/0.18, lines end in a bare newline, headers broken by stray newlines, Content-Length that does not
  match since carriage returns were taken out later.
- Common Crawl and others: WARC/1.0 and 1.1.
- ARC files, whole files of them: see `files/dialects.py`.

Known limits: a gzip member gives nothing after the place where its damage shows, so of a file that is one single
member the rest is lost, and the last record before may be wrong, since the checksum comes at the very end. A file that
is not packed has no checksums: bytes changed inside a page go unnoticed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import IO

from builder.method.corpus.reading.decode import MAX_PAGE_BYTES
from builder.method.corpus.reading.files.dialects import ARC, WARC, is_arc
from builder.method.corpus.reading.files.unpacked import unpacked
from builder.method.corpus.reading.inflate import Break, Piece, RawFile, Reason
from builder.method.corpus.reading.warc_head import MAX_HEAD

_NEWLINES = re.compile(rb"[\r\n]+")
_TOO_LARGE = -1


@dataclass(frozen=True)
class WarcRecord:
    """A record.

    Attributes:
        headers: Its WARC headers, names in lower case; undecodable bytes as surrogates.
        payload: Its block; None if it is larger than `MAX_PAGE_BYTES`.
        offset: Where it starts in the file; in a gzip file, where its member does.
        inside: How far into the (inflated) member it starts; 0 where each record has its own.
    """

    headers: dict[str, str]
    payload: bytes | None
    offset: int
    inside: int


@dataclass(frozen=True)
class Lost:
    """At least one record that could not be read; it starts like a `WarcRecord` and the file is sound at `until`."""

    reason: Reason
    offset: int
    inside: int
    until: int | None = None


class _Run:
    """The bytes ahead, up to the next damage or the end of the file."""

    def __init__(self, source: Iterator[Piece | Break]) -> None:
        self._source = source
        self.data = bytearray()
        self.broken: Break | None = None
        self.over = False
        self._position = 0  # of data[0], counted through the whole file
        self._members: list[tuple[int, int]] = []  # position and file offset of the gzip members in sight

    @property
    def position(self) -> int:
        """How many bytes have been given up so far, in this run and those before."""
        return self._position

    def want(self, size: int) -> bool:
        """Read until `size` bytes are there; False if the run ends before."""
        while len(self.data) < size and not self.over:
            item = next(self._source, None)
            if isinstance(item, Piece):
                if item.starts:
                    self._members.append((self._position + len(self.data), item.offset))
                    self._forget_members()
                self.data += item.data
            else:
                self.broken, self.over = item, True
        return len(self.data) >= size

    def resume(self) -> None:
        """Go on behind the damage."""
        self.drop(len(self.data))
        self.broken, self.over = None, False

    def drop(self, size: int) -> None:
        """Give up the first `size` bytes."""
        del self.data[:size]
        self._position += size
        self._forget_members()

    def _forget_members(self) -> None:
        while len(self._members) > 1 and self._members[1][0] <= self._position:
            self._members.pop(0)

    def place(self) -> tuple[int, int]:
        """File offset of the member that data[0] is in, and how far into it that is."""
        if not self._members:
            return 0, 0
        position, offset = self._members[0]
        return offset, self._position - position

    def member_starts(self) -> list[int]:
        """Where in `data` other members begin."""
        return [position - self._position for position, _ in self._members if position > self._position]

    def in_broken_member(self) -> bool:
        """Whether the gzip member here turns out to be damaged; what comes out of it then may look like anything."""
        while len(self._members) == 1 and not self.over and len(self.data) <= MAX_PAGE_BYTES:
            self.want(len(self.data) + 1)
        return len(self._members) == 1 and self.over and not self.ends_sound()

    def ends_sound(self) -> bool:
        """Whether the data up to the end of the run can be relied on, given that the run is over."""
        return self.broken is None or not self._members or self.broken.offset != self._members[-1][1]


def _first_bytes(raw: RawFile, name: str) -> bytes:
    """The first bytes of a file's content."""
    source, _ = unpacked(RawFile(BytesIO(raw.at(0))), name, WARC.begins, WARC.start)
    first = next(source, None)
    return first.data if isinstance(first, Piece) else b""


class WarcReader:
    """Reads the records of one file."""

    def __init__(self, handle: IO[bytes], name: str) -> None:
        """Read from an open file; it is found out how it is packed, whatever its name says."""
        raw = RawFile(handle)
        self._dialect = ARC if is_arc(name, _first_bytes(raw, name)) else WARC
        source, self._packed = unpacked(raw, name, self._dialect.begins, self._dialect.start)
        self._run = _Run(source)

    def __iter__(self) -> Iterator[WarcRecord | Lost]:
        """Yield records and losses in the order of the file."""
        run = self._run
        while True:
            run.want(self._dialect.seen)
            while newlines := _NEWLINES.match(run.data):
                run.drop(newlines.end())
                run.want(self._dialect.seen)
            if not run.data and run.broken is None:
                return
            offset, inside = self._place()
            begun = self._dialect.start.match(run.data) is not None
            if begun and (record := self._record(offset, inside)):
                yield record
                continue
            if self._packed and inside == 0 and run.in_broken_member():
                run.drop(len(run.data))
            if self._skip_to_start():
                yield Lost("corrupt", offset, inside)
            elif run.broken:
                yield Lost(run.broken.reason, offset, inside, run.broken.until)
                run.resume()
            else:
                yield Lost("cut" if begun and not self._packed else "corrupt", offset, inside)
                return

    def _place(self) -> tuple[int, int]:
        run = self._run
        if not run.data and run.broken:
            return run.broken.offset, 0
        offset, inside = run.place()
        return (offset, inside) if self._packed else (inside, 0)

    def _record(self, offset: int, inside: int) -> WarcRecord | None:
        """Take the record ahead, or nothing where the run ends inside it or its headers are no headers."""
        run = self._run
        run.want(MAX_HEAD)
        head = self._dialect.parse(run.data)
        if head is None:
            return None
        headers, start = head
        said = headers.get("content-length", "")
        length = int(said) if re.fullmatch(r"[0-9]{1,18}", said) else None
        if length is not None and length <= MAX_PAGE_BYTES:
            run.want(start + length + self._dialect.seen)
            end = start + length if self._ends_at(start + length) else self._find_end(start, length, alone=inside == 0)
        else:
            end = self._find_end(start, None, alone=inside == 0) if length is None else _TOO_LARGE
        if end is None:
            return None
        if end == _TOO_LARGE:
            return WarcRecord(headers, None, offset, inside) if self._skip_large(start, length or 0) else None
        payload = bytes(memoryview(run.data)[start:end])
        run.drop(end)
        return WarcRecord(headers, payload, offset, inside)

    def _ends_at(self, end: int) -> bool:
        """Whether a record, or the sound end of the data, follows at `end`."""
        run = self._run
        if len(run.data) < end:
            return False
        if self._dialect.boundary.match(run.data, end):
            return True
        newlines = _NEWLINES.match(run.data, end)
        behind = newlines.end() if newlines else end
        if any(end <= start <= behind for start in run.member_starts()):
            return True
        return behind == len(run.data) and run.over and run.ends_sound()

    def _find_end(self, start: int, length: int | None, *, alone: bool) -> int | None:
        """Where a payload ends whose Content-Length is missing or does not lead to the next record.

        Where a gzip member holds nothing but this record, the member says it. Otherwise the next record does, or
        Content-Length where that comes first; what lies between the two is then a record that cannot be read.
        """
        run = self._run
        alone = alone and self._packed
        if alone and run.in_broken_member():
            return None
        following = self._next_start(start, MAX_PAGE_BYTES)
        if following is None and not run.over:
            return _TOO_LARGE if length is None else start + length
        sound = following is not None or run.ends_sound()
        behind = len(run.data) if following is None else following
        if self._packed:
            member = min((place for place in run.member_starts() if place >= start), default=len(run.data))
            alone = alone and member <= behind
            behind = min(behind, member)
        if not sound and behind == len(run.data):
            return None
        if length is not None and behind > start + length and not alone:
            return start + length
        bare = run.data[start - 2 : start] == b"\n\n" and run.data.endswith(b"\n\n")
        if following is None and not self._packed and length is not None and not bare:
            return None  # cut; where carriage returns were taken out, the newlines behind a record show it is whole
        while behind > start and run.data[behind - 1] in b"\r\n":
            behind -= 1
        return behind

    def _next_start(self, begin: int, limit: int) -> int | None:
        """Where the next record starts in the data, if it does within `limit` bytes and before the run ends."""
        run, dialect, scanned = self._run, self._dialect, begin
        while True:
            starts = [
                place for place in run.member_starts() if place >= begin and run.data.startswith(dialect.begins, place)
            ]
            if match := dialect.start.search(run.data, scanned):
                starts.append(match.start())
            if starts:
                return min(starts)
            if run.over or len(run.data) - begin > limit:
                return None
            scanned = max(begin, len(run.data) - dialect.seen)
            run.want(len(run.data) + 1)

    def _skip_to_start(self) -> bool:
        """Give up what lies before the next record (but not here); False, with nothing left, if the run has none."""
        run = self._run
        while (start := self._next_start(1, MAX_HEAD)) is None:
            if run.over:
                run.drop(len(run.data))
                return False
            run.drop(max(1, len(run.data) - self._dialect.seen))
        run.drop(start)
        return True

    def _skip_large(self, start: int, length: int) -> bool:
        """Give up a payload that is too large, whatever its length is said to be; False if it is not whole."""
        run = self._run
        run.drop(start)
        before = run.position
        if self._skip_to_start():
            return True
        return run.ends_sound() and (self._packed or run.position - before >= length)
