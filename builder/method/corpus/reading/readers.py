"""Read the pages of a corpus, whatever its files are; what cannot be read comes out as a `Loss`, never as silence."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from builder.data.inputs import NotAFileError
from builder.data.page_address import web_address
from builder.method.corpus.reading.archives import read_warc
from builder.method.corpus.reading.crawl import Format, Input, Loss, Page, Record, Shard, printable
from builder.method.corpus.reading.dealing import Part, dealt
from builder.method.corpus.reading.decode import (
    MAX_PAGE_BYTES,
    Payload,
    UndecodableError,
    clean,
    decode,
    is_html,
    is_undecodable,
    split_http,
)
from builder.method.corpus.reading.ending import is_cut
from builder.method.corpus.reading.html_files import own_url, read_html
from builder.method.corpus.reading.sources import list_inputs
from builder.method.corpus.reading.tables import read_jsonl, read_parquet

__all__ = ["MAX_PAGE_BYTES", "Input", "Loss", "Page", "Shard", "list_inputs", "read_pages"]

_READERS: dict[Format, Callable[[Input], Iterator[Record | Loss]]] = {
    "warc": read_warc,
    "html": read_html,
    "jsonl": read_jsonl,
    "parquet": read_parquet,
}


def read_pages(inputs: list[Input], shard: Shard, stage: Path | None = None) -> Iterator[Page | Loss]:
    """Yield the pages of one task, in the order of the files.

    Files are dealt out to the tasks. Where there are fewer than tasks, several tasks share a file: each of them reads
    all of it (reading is some thirty times faster than cutting) and takes its part of the records.

    Args:
        inputs: All files.
        shard: Which task it is.
        stage: The stage folder where it is noted what the files hold that are read whole.
    """
    for item, part, first in dealt(inputs, shard):
        yield from _read_part(replace(item, stage=stage if first else None), part)


def _read_part(item: Input, part: Part) -> Iterator[Page | Loss]:
    """What a task takes of a file; where the file cannot be read on, that is lost, whoever else reads it."""
    lost = item.refused
    try:
        for number, record in enumerate(() if lost else _READERS[item.format](item)):
            if not part.has(number):
                continue
            outcome = record if isinstance(record, Loss) else to_page(record, item)
            if isinstance(outcome, Loss) and outcome.kind == "records" and outcome.failed:
                _warn(outcome)
            yield outcome
    except NotAFileError:
        lost = "not_a_file"
    except OSError:
        lost = "unreadable"
    if lost:
        loss = Loss("records", item.name, lost, failed=True)
        _warn(loss)
        yield loss


def _warn(loss: Loss) -> None:
    from loguru import logger

    logger.warning(f"{loss.identity}: at least one record is lost here ({loss.reason})")


def to_page(record: Record, item: Input) -> Page | Loss:
    """Decode a record, or say why it is no page."""
    page_id = printable(record.page_id)
    if record.body is None:
        return Loss("pages", page_id, "too_large")
    if isinstance(record.body, str):
        body, html = record.body.encode("utf-8", "replace"), clean(record.body)
        payload = Payload(body)
    else:
        try:
            payload = split_http(record.body) if record.http else Payload(record.body, _headers(record))
        except UndecodableError:
            return Loss("pages", page_id, "decode", failed=True)
        body, html = payload.body, ""
    if reason := _why_no_page(payload):
        return Loss("pages", page_id, reason)
    html = html or decode(payload, utf8=record.utf8)
    if is_undecodable(html):
        return Loss("pages", page_id, "undecodable")
    return Page(
        page_id=page_id,
        url=printable(record.url or (_own_address(html, item) if item.format == "html" else "")),
        html=html,
        source_file=item.name,
        record_offset=record.offset,
        language_hint=record.language,
        truncated=is_cut(html, payload, record.truncated),
        payload_digest=hashlib.blake2b(body, digest_size=16).hexdigest(),
    )


def _own_address(html: str, item: Input) -> str:
    """What a page calls its address; where that is none of the web, the one of its file."""
    own = own_url(html)
    return own if web_address(own) or not item.address else item.address


def _headers(record: Record) -> dict[str, str]:
    return {"content-type": record.content_type} if record.content_type else {}


def _why_no_page(payload: Payload) -> str:
    if payload.status is not None and not 200 <= payload.status < 300:
        return "http_status"
    if len(payload.body) > MAX_PAGE_BYTES:
        return "too_large"
    if not payload.body.strip():
        return "empty"
    return "" if is_html(payload) else "not_html"
