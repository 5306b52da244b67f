"""Read pages from WARC files and folders of HTML; what cannot be read comes out as a `Loss`, never as silence."""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from builder.corpus.decode import MAX_PAGE_BYTES, Payload, UndecodableError, decode, is_html, split_http
from builder.errors import RecipeError

if TYPE_CHECKING:
    from builder.recipe_segments import CorpusSource

PAGE_IDS = ("clueweb22-id", "warc-trec-id", "warc-record-id")
_SUFFIXES = {"warc": (".warc", ".warc.gz"), "html": (".html", ".htm", ".html.gz", ".htm.gz")}
_CANONICAL = re.compile(r"<link\b[^<>]{0,2000}\brel\s*=\s*[\"']?canonical[\"']?[^<>]{0,2000}>", re.IGNORECASE)
_OG_URL = re.compile(r"<meta\b[^<>]{0,2000}\bproperty\s*=\s*[\"']?og:url[\"']?[^<>]{0,2000}>", re.IGNORECASE)
_CHUNK = 1 << 16
_ADDRESS = re.compile(r"\b(?:href|content)\s*=\s*[\"']([^\"'<>\s]+)[\"']", re.IGNORECASE)


@dataclass(frozen=True)
class Page:
    """A decoded page and where it came from; `record_offset` is -1 for a file of its own."""

    page_id: str
    url: str
    html: str
    source_file: str
    record_offset: int
    language_hint: str
    payload_digest: str


@dataclass(frozen=True)
class Loss:
    """Something that did not become a segment: a record, or a page (whose record was fine).

    Attributes:
        kind: What was lost.
        identity: Page id, or file and offset of the record.
        reason: One word, the key of the counts.
        failed: Whether it could not be processed, rather than being left out on purpose.
    """

    kind: Literal["records", "pages"]
    identity: str
    reason: str
    failed: bool = False


@dataclass(frozen=True)
class Input:
    """One file of the corpus; `name` is its path relative to its source."""

    path: Path
    name: str
    format: Literal["warc", "html"]


@dataclass(frozen=True)
class Shard:
    """Which part of a numbered list one task takes."""

    rank: int = 0
    tasks: int = 1

    def has(self, number: int) -> bool:
        """Whether item `number` belongs to this task."""
        return number % self.tasks == self.rank


def list_inputs(sources: "list[CorpusSource]") -> list[Input]:
    """All files of the sources, source by source and sorted by name.

    Raises:
        RecipeError: If a source does not exist or holds no file of its format.
    """
    return [item for source in sources for item in _list_source(source.path, source.format)]


def _list_source(path: Path, form: Literal["warc", "html"]) -> list[Input]:
    endings = _SUFFIXES[form]
    if not path.exists():
        raise RecipeError(f"{path}: no such file or folder; segments.sources names it, correct the path")
    if path.is_file():
        return [Input(path, _sound(path.name), form)]
    files = sorted(file for file in path.rglob("*") if _is_file(file) and file.name.lower().endswith(endings))
    if not files:
        raise RecipeError(
            f"{path}: the folder holds no file ending in {' or '.join(endings)}; point segments.sources at the folder "
            f"that does, or change format (it is {form})"
        )
    return [Input(file, _sound(file.relative_to(path).as_posix()), form) for file in files]


def _is_file(path: Path) -> bool:
    """Whether `path` is a file, or a link whose file is gone: that one is counted as unreadable, not left out."""
    return path.is_file() or (path.is_symlink() and not path.exists())


def read_pages(inputs: list[Input], shard: Shard) -> Iterator[Page | Loss]:
    """Yield the pages of one task, in the order of the files.

    Files are dealt out to the tasks. Where there are fewer WARC files than tasks, their records are: every task
    reads all of them (reading is some hundred times faster than cutting) and takes every n-th record.
    """
    by_record = sum(item.format == "warc" for item in inputs) < shard.tasks
    for number, item in enumerate(inputs):
        if item.format == "warc" and by_record:
            yield from _read_warc(item, shard)
        elif shard.has(number):
            yield from _read_warc(item, Shard()) if item.format == "warc" else _read_html(item)


def _read_html(item: Input) -> Iterator[Page | Loss]:
    try:
        if item.path.stat().st_size > MAX_PAGE_BYTES:
            yield Loss("pages", item.name, "too_large")
            return
        payload = _unpacked(item.path) if item.path.suffix.lower() == ".gz" else item.path.read_bytes()
    except (EOFError, gzip.BadGzipFile, zlib.error):
        yield Loss("records", item.name, "truncated_file", failed=True)
        return
    except OSError:
        yield Loss("records", item.name, "unreadable_file", failed=True)
        return
    if len(payload) > MAX_PAGE_BYTES:
        yield Loss("pages", item.name, "too_large")
        return
    outcome = _page(Payload(payload), item, page_id=item.name, url="", offset=-1)
    if isinstance(outcome, Page):
        outcome = replace(outcome, url=_own_url(outcome.html))
    yield outcome


def _unpacked(path: Path) -> bytes:
    """The content of a .gz file, up to one byte more than a page may have."""
    with gzip.open(path) as handle:
        return handle.read(MAX_PAGE_BYTES + 1)


def _own_url(html: str) -> str:
    """The address a page gives itself: canonical link, else og:url, else nothing."""
    for pattern in (_CANONICAL, _OG_URL):
        if (tag := pattern.search(html, 0, 100_000)) and (address := _ADDRESS.search(tag.group())):
            return address.group(1)
    return ""


def _read_warc(item: Input, shard: Shard) -> Iterator[Page | Loss]:
    """Yield the pages of one WARC file that belong to `shard`.

    A file that is cut short or damaged gives what comes before the damage and one lost record, which belongs to
    the task that would have had the next one.
    """
    from fastwarc import ArchiveIterator

    number, offset, damage = 0, 0, ""
    try:
        handle = item.path.open("rb")
    except OSError:
        if shard.has(0):
            yield Loss("records", item.name, "unreadable_file", failed=True)
        return
    with handle:
        try:
            for record in ArchiveIterator(handle, parse_http=False):
                offset = record.stream_pos
                headers = {name.lower(): value for name, value in record.headers.items()}
                large = record.content_length > MAX_PAGE_BYTES
                # Read for every task, so that all of them see the same damage at the same number.
                payload = b"" if large else record.reader.read()
                if "content-length" not in headers or (not large and len(payload) < record.content_length):
                    damage = "truncated_file"
                    break
                if shard.has(number):
                    yield (
                        Loss("pages", _page_id(headers, item, offset), "too_large")
                        if large
                        else _from_record(headers, payload, item, offset)
                    )
                number += 1
        except OSError:
            damage = "corrupt_file"
    if not damage and not _ends_whole(item.path, offset):
        damage = "truncated_file"
    if not damage and number == 0:
        damage = "empty_file"
    if damage and shard.has(number):
        yield Loss("records", f"{item.name}@{offset}", damage, failed=True)


def _page_id(headers: dict[str, str], item: Input, offset: int) -> str:
    return _sound(next((headers[name].strip() for name in PAGE_IDS if headers.get(name)), f"{item.name}@{offset}"))


def _sound(text: str) -> str:
    """Replace what is no character (undecodable bytes of a file name or header), which no Parquet file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _from_record(headers: dict[str, str], payload: bytes, item: Input, offset: int) -> Page | Loss:
    page_id = _page_id(headers, item, offset)
    if headers.get("warc-type", "").lower() != "response":
        return Loss("records", page_id, "not_response")
    try:
        message = split_http(payload)
    except UndecodableError:
        return Loss("pages", page_id, "decode", failed=True)
    return _page(
        message,
        item,
        page_id=page_id,
        url=headers.get("warc-target-uri", "").strip().strip("<>"),
        offset=offset,
        hint=headers.get("language", ""),
        utf8="clueweb22-id" in headers,
    )


def _page(payload: Payload, item: Input, *, page_id: str, url: str, offset: int, **known: Any) -> Page | Loss:
    """A page, or why the bytes are none."""
    if not payload.body.strip():
        return Loss("pages", page_id, "empty")
    if len(payload.body) > MAX_PAGE_BYTES:
        return Loss("pages", page_id, "too_large")
    if not is_html(payload):
        return Loss("pages", page_id, "not_html")
    return Page(
        page_id=page_id,
        url=_sound(url),
        html=decode(payload, utf8=known.get("utf8", False)),
        source_file=item.name,
        record_offset=offset,
        language_hint=known.get("hint", ""),
        payload_digest=hashlib.blake2b(payload.body, digest_size=16).hexdigest(),
    )


def _ends_whole(path: Path, offset: int) -> bool:
    """Whether a gzip file ends at the end of a member; FastWARC stops at a cut without a word.

    Only what follows the last record found at byte `offset` is unpacked, unless the file is one single member.
    """
    with path.open("rb") as handle:
        magic = handle.read(2)
        if magic != b"\x1f\x8b":
            return True  # not packed: a cut shows in the length of the last record
        handle.seek(offset)
        handle.seek(offset if handle.read(2) == magic else 0)
        member, rest = zlib.decompressobj(zlib.MAX_WBITS | 16), b""
        while chunk := rest or handle.read(_CHUNK):
            try:
                member.decompress(chunk)
            except zlib.error:
                return False
            rest = member.unused_data
            if member.eof:
                if not rest.strip(b"\x00") and not (rest := handle.read(_CHUNK)).strip(b"\x00"):
                    return True
                member = zlib.decompressobj(zlib.MAX_WBITS | 16)
        return False
