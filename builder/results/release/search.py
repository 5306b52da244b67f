"""What is looked for in a crawl by `humpback hydrate`, and what came back, in a file: memory does not grow with it."""

import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.data.records import Row
from builder.method.corpus.cutting.restore import Masks, page_blocks, restore
from builder.method.corpus.reading.crawl import printable
from builder.results.release.content.places import text_digest

if TYPE_CHECKING:
    from builder.method.corpus.reading.readers import Page

PAGE_MISSING, PAGE_UNREADABLE, PAGE_DIFFERS, TEXT_DIFFERS = (
    "page_missing", "page_unreadable", "page_differs", "text_differs",
)  # fmt: skip
"""Why a text did not come back: no page of that id; a page that is no HTML any more; a page with other bytes than the
build saw; the same bytes, but another text, which a parser of another version may give."""
_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE texts (
    page TEXT, segment TEXT, place TEXT, reason TEXT, header TEXT, text TEXT, address TEXT, PRIMARY KEY (page, segment)
) WITHOUT ROWID;
"""
_KEYS = ("position", "kept_blocks", "text_sha256", "payload_digest")


class Restored(NamedTuple):
    """What came back of a segment."""

    header: str
    text: str
    address: str


class Search:
    """The texts that are looked for.

    Args:
        file: Where they are kept; it is there as long as the block runs, and may be removed then.
        masks: What the build did to texts.
        places: Where each of them is.
    """

    def __init__(self, file: Path, masks: Masks, places: Iterable[Row]) -> None:
        self._masks = masks
        self.files: set[str] = set()
        """The names of the files that they come from."""
        # Nobody else opens it, and some shared file systems have no locks.
        self._db = sqlite3.connect(f"{file.absolute().as_uri()}?nolock=1", uri=True, isolation_level=None)
        self._db.executescript(_TABLES)
        rows = ((*self._key(place), json.dumps([place[key] for key in _KEYS])) for place in places)
        with self._at_once():
            self._db.executemany("INSERT OR REPLACE INTO texts (page, segment, place) VALUES (?, ?, ?)", rows)
            self._db.execute("CREATE INDEX by_segment ON texts (segment)")
        self.total = self._number("SELECT count(*) FROM texts")
        self.restored = 0

    def __enter__(self) -> "Search":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    @property
    def open(self) -> bool:
        """Whether anything is still looked for."""
        return self.restored < self.total

    def look(self, page: "Page") -> None:
        """Take the texts that are looked for from a page; what does not match may still be in another copy of it."""
        wanted = self._all("SELECT segment, place FROM texts WHERE page = ? AND text IS NULL", page.page_id)
        if not wanted:
            return
        blocks = page_blocks(page)
        for segment, place in wanted:
            position, kept_blocks, sha256, payload = json.loads(place)
            forms = restore(blocks, position, kept_blocks, self._masks) if blocks else ()
            restored = next((form for form in forms if text_digest(form.text) == sha256), None)
            key = (page.page_id, segment)
            if restored is None:
                reason = TEXT_DIFFERS if page.payload_digest == payload else PAGE_DIFFERS
                self._db.execute("UPDATE texts SET reason = ? WHERE page = ? AND segment = ?", (reason, *key))
                continue
            put = "UPDATE texts SET header = ?, text = ?, address = ? WHERE page = ? AND segment = ?"
            self._db.execute(put, (restored.header, restored.text, page.url, *key))
            self.restored += 1

    def lose(self, page_id: str) -> None:
        """Take note of a page that could not be read."""
        self._db.execute("UPDATE texts SET reason = coalesce(reason, ?) WHERE page = ?", (PAGE_UNREADABLE, page_id))

    def missing(self) -> dict[str, str]:
        """Why each text that did not come back did not, by segment."""
        ask = "SELECT segment, coalesce(reason, ?) FROM texts WHERE text IS NULL ORDER BY page, segment"
        return dict(self._all(ask, PAGE_MISSING))

    def text(self, segment: str) -> Restored | None:
        """What came back of a segment; None if nothing did."""
        ask = "SELECT header, text, address FROM texts WHERE segment = ? AND text IS NOT NULL"
        found = self._all(ask, segment)
        return Restored(*found[0]) if found else None

    def _key(self, place: Row) -> tuple[str, str]:
        self.files.add(Path(place["source_file"]).name)
        return printable(place["page_id"]), place["segment_id"]  # as it is read now, whatever version wrote it

    def _at_once(self) -> Any:
        """One change, which takes a fraction of the time of many."""
        self._db.execute("BEGIN")
        return self._db

    def _all(self, ask: str, *values: str) -> list[Any]:
        with closing(self._db.execute(ask, values)) as found:
            return found.fetchall()

    def _number(self, ask: str) -> int:
        return int(self._all(ask)[0][0])
