"""WARC files: from their records to pages, and the check against the offsets that come with ClueWeb22."""

import re
from collections.abc import Iterator
from pathlib import Path
from string import ascii_letters, digits, punctuation
from urllib.parse import quote

from builder.data.address import Address
from builder.data.inputs import open_binary
from builder.method.corpus.reading.crawl import Input, Loss, Record, printable
from builder.method.corpus.reading.files.kinds import media_type, says_html, says_nothing, starts_as_html
from builder.method.corpus.reading.warc import Lost, WarcReader, WarcRecord
from builder.workspace.inputs.while_read import noted

PAGE_IDS = ("clueweb22-id", "warc-trec-id", "warc-record-id")
OTHER_RECORDS = ("warcinfo", "request", "metadata", "revisit", "conversion", "continuation", "resource")
_OFFSETS = re.compile(rb"(?:[0-9]{10}\r?\n)+")
_UNSAFE = re.compile("[\x00-\x20\x7f\ud800-\udfff]")
_SAFE = ascii_letters + digits + punctuation


def read_warc(item: Input) -> Iterator[Record | Loss]:
    """Yield the records of a WARC file that hold pages; every other record, and every lost one, is a `Loss`.

    Pages are in responses, and in `resource` and `conversion` records that are HTML (`holds_page`). An archive may hold
    a page as several of these: each is read, and dedup decides.
    """
    offsets = _Offsets(item.offsets)
    empty, missing = True, "missing"
    with noted(open_binary(item.location), item.location, item.stage) as handle:
        for record in WarcReader(handle, item.name):
            empty = False
            place = f"{item.name}@{record.offset}" + (f"+{record.inside}" if record.inside else "")
            if isinstance(record, WarcRecord):
                offsets.seen(record.offset)
                yield _record(record, place)
                continue
            missing = "cut" if record.reason == "cut" else missing
            yield Loss("records", place, record.reason, failed=True)
            for offset in offsets.lost(record):
                yield Loss("records", f"{item.name}@{offset}", record.reason, failed=True)
    for offset in offsets.missing():
        empty = False
        yield Loss("records", f"{item.name}@{offset}", missing, failed=True)
    if empty:
        yield Loss("records", item.name, "empty_file", failed=True)


def _record(record: WarcRecord, place: str) -> Record | Loss:
    headers = record.headers
    page_id = next((printable(headers[name].strip()) for name in PAGE_IDS if headers.get(name)), place)
    kind = kind_of(headers)
    if not holds_page(record):
        return Loss("records", page_id, kind if kind in OTHER_RECORDS else "other_record")
    said = headers.get("content-type", "")
    return Record(
        page_id=page_id,
        body=record.payload,
        offset=record.offset,
        url=_url(headers.get("warc-target-uri", "")),
        language=printable(headers.get("language", "")),
        utf8="clueweb22-id" in headers,
        http=kind == "response" or media_type(said) == "application/http",
        truncated=_is_truncated(headers),
        content_type=said if kind != "response" and says_html(said) else "",
    )


def _is_truncated(headers: dict[str, str]) -> bool:
    """Whether a record is said to be cut (by length, time, a lost connection or whatever) or goes on in another one."""
    return bool(headers.get("warc-truncated", "").strip() or headers.get("warc-segment-number", "").strip())


def kind_of(headers: dict[str, str]) -> str:
    """The WARC-Type of a record."""
    return headers.get("warc-type", "").strip().lower()


def holds_page(record: WarcRecord) -> bool:
    """Whether a record may hold a page.

    Responses do. A `resource` (a file as it was found, without HTTP) or `conversion` (what a tool has made of another
    record) does if its Content-Type is that of HTML, or says nothing and the content starts as HTML. A resource is also
    looked at where it is said to be plain text, as servers call what they do not know; a conversion is not, since text
    taken from a page may begin with a tag that the page talks about. A reply of HTTP stored as a resource is one.
    """
    kind, said = kind_of(record.headers), record.headers.get("content-type", "")
    if kind == "response":
        return True
    if kind not in ("resource", "conversion"):
        return False
    if says_html(said):
        return True
    if media_type(said) == "application/http":
        return kind == "resource" and (record.payload or b"").startswith(b"HTTP/")
    doubtful = says_nothing(said) or (kind == "resource" and media_type(said) == "text/plain")
    return doubtful and starts_as_html(record.payload or b"")


def _url(uri: str) -> str:
    """An address as the crawl gives it; what no address may hold (raw bytes, control characters) as %XX."""
    uri = uri.strip().strip("<>")
    return quote(uri.encode("utf-8", "surrogateescape"), safe=_SAFE) if _UNSAFE.search(uri) else uri


def _warn(message: str) -> None:
    from loguru import logger

    logger.warning(message)


class _Offsets:
    """What the offset file beside an archive says: one number a record, ten digits a line, and the end.

    It is believed until a record is found that is not in it.
    """

    def __init__(self, location: Path | Address | None) -> None:
        self._location = location
        self._left: dict[int, None] = {}
        if location is None:
            return
        try:
            with open_binary(location) as handle:
                content = handle.read()
        except OSError:
            return
        if _OFFSETS.fullmatch(content):
            self._left = dict.fromkeys(sorted(map(int, content.split()))[:-1])

    def seen(self, offset: int) -> None:
        """Tick off a record that was found."""
        if offset in self._left:
            del self._left[offset]
        elif self._left:
            self._left.clear()
            _warn(f"{self._location}: byte {offset} of the archive is missing in it; the offsets are not used")

    def lost(self, damage: Lost) -> list[int]:
        """The records, but for the first, that lie in what was lost."""
        until = damage.offset + 1 if damage.until is None else damage.until
        gone = [offset for offset in self._left if damage.offset <= offset < until]
        for offset in gone:
            del self._left[offset]
        return [offset for offset in gone if offset != damage.offset]

    def missing(self) -> list[int]:
        """The records that were neither found nor lost: the file ends before them, or they were taken out."""
        return list(self._left)
