"""Write pages as an archive in the form of ClueWeb22: WARC records without HTTP headers, an offset file beside them."""

import gzip
import hashlib
import uuid
from pathlib import Path

from builder.data.storage import write_bytes, write_text
from builder.sample.pages import Page

FILE = "html/en/en00/en0000/en0000-00.warc.gz"


def page_id(number: int) -> str:
    """The ClueWeb22-ID of the archive's record `number`, counted from 0."""
    return f"clueweb22-en0000-00-{number:05d}"


def record(number: int, page: Page) -> bytes:
    """One WARC response record: the page's bytes as they are, then CR LF, as ClueWeb22 has it."""
    content = page.payload + b"\r\n"
    # The address makes the record id and the date stable; neither says anything about the page.
    digest = hashlib.md5(page.url.encode("utf-8"), usedforsecurity=False)
    seconds, fraction = divmod(number * 7_654_321, 10_000_000)
    headers = {
        "WARC-Type": "response",
        "WARC-Record-ID": f"<urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{page.url}#{number}')}>",
        "WARC-Date": f"2022-02-01T00:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{fraction:07d}Z",
        "WARC-Target-URI": page.url,
        "ClueWeb22-ID": page_id(number),
        "URL-Hash": digest.hexdigest().upper(),
        "Language": page.language,
        "Content-Type": "text/html",
        "Content-Length": str(len(content)),
    }
    head = "WARC/1.0\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()) + "\r\n"
    return head.encode("utf-8") + content + b"\r\n\r\n"


def write_archive(folder: Path, pages: list[Page]) -> Path:
    """Write `pages` below `folder` in ClueWeb22's layout; return the path of the archive.

    Every record is a gzip member of its own. The offset file has a line of ten digits for the start of every
    record and one for the end. Equal pages give equal bytes.
    """
    members = [gzip.compress(record(number, page), mtime=0) for number, page in enumerate(pages)]
    offsets = [0]
    for member in members:
        offsets.append(offsets[-1] + len(member))
    path = folder / FILE
    write_bytes(path, b"".join(members))
    write_text(path.with_name("en0000-00.warc.offset"), "".join(f"{offset:010d}\n" for offset in offsets))
    return path
