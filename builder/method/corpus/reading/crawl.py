"""What a crawl is made of: files, the records in them, the pages those hold, and what was lost on the way."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from builder.data.address import Address
from builder.text.unseen import UNSEEN

Format = Literal["warc", "html", "jsonl", "parquet"]
_UNSEEN = re.compile(f"[\t\n{UNSEEN}]")


@dataclass(frozen=True)
class Columns:
    """Which keys of a JSON line, or columns of a Parquet file, hold what; `id` and `language` may be missing."""

    html: str = "html"
    url: str = "url"
    id: str | None = None
    language: str | None = None


@dataclass(frozen=True)
class Input:
    """One file of the corpus.

    Attributes:
        location: A path, or a URL that fsspec knows.
        name: Its path relative to its source.
        format: How it is read.
        columns: Where the parts of a page are, in a table.
        offsets: The file of record offsets that ClueWeb22 puts beside an archive, if it is there.
        address: Where it stands on the web, if its source says so.
        source: The file or folder of the recipe that it was found in.
        refused: Why it is not read, if it is not; the reason of its loss.
        stage: The stage folder where it is noted what the file holds, by whoever reads it whole.
        size: Its bytes, as it was listed; None where that is not known.
    """

    location: Path | Address
    name: str
    format: Format
    columns: Columns = Columns()
    offsets: Path | Address | None = None
    refused: str = ""
    stage: Path | None = None
    address: str = ""
    source: str = ""
    size: int | None = None


@dataclass(frozen=True)
class Record:
    """One record of a file, before anybody looked whether it is a page.

    Attributes:
        page_id: Its id in the crawl, or file and offset where it has none.
        body: The bytes of the record, HTTP headers included; a str where a table holds one; None if it is larger
            than `MAX_PAGE_BYTES` and so was not read.
        offset: Byte offset of the record in the file, in a gzip file that of its member; the number of the row
            in a table; -1 for a file of its own.
        url: The address the crawl gives.
        language: What the crawl says about the language.
        utf8: Whether the body is UTF-8 whatever it says itself.
        http: Whether HTTP headers may stand before the page.
        content_type: The type of a page without HTTP headers, if the crawl gives one.
        truncated: Whether the crawl says that the end is missing.
    """

    page_id: str
    body: bytes | str | None
    offset: int
    url: str = ""
    language: str = ""
    utf8: bool = False
    http: bool = False
    content_type: str = ""
    truncated: bool = False


@dataclass(frozen=True)
class Page:
    """A decoded page and where it came from; `record_offset` is -1 for a file of its own.

    Of a `truncated` page the end is missing, so that its last section is none.
    """

    page_id: str
    url: str
    html: str = field(repr=False)
    source_file: str
    record_offset: int
    language_hint: str
    payload_digest: str
    truncated: bool = False


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
class Shard:
    """Which part of a numbered list one task takes."""

    rank: int = 0
    tasks: int = 1

    def has(self, number: int) -> bool:
        """Whether item `number` belongs to this task."""
        return number % self.tasks == self.rank


def printable(text: str) -> str:
    """A name, an id or an address in which everything is seen.

    What is no character (undecodable bytes of a file name or header), which no Parquet file can hold, is a question
    mark; unseen characters and line ends are as in an address, `%E2%80%AE`, so that it still names the same page.
    """
    return _UNSEEN.sub(lambda unseen: quote(unseen.group()), text.encode("utf-8", "replace").decode("utf-8"))
