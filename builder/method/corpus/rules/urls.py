"""What an address says of a page: its site, and whether it is on a list of unwanted ones."""

import re
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from xxhash import xxh3_64_intdigest

from builder.method.corpus.reading.readers import Loss

if TYPE_CHECKING:
    import numpy as np

    from builder.method.corpus.reading.readers import Page

_NOT_WORD = re.compile(r"[^a-zA-Z0-9]+")
_PIECE = 1 << 22
_SOFT_WORDS = 2
"""So many soft words make an address unwanted, as in datatrove."""


class BlockUrls:
    """A block of the pipeline; pages whose address is on one of datatrove's lists become losses.

    datatrove's own filter needs three more packages and some hundred megabytes a process; this reads the same
    lists, the domains as hashes.
    """

    def __call__(self, data: "Iterable[Page | Loss]", rank: int, world_size: int) -> "Iterator[Page | Loss]":
        """Pass on what is not blocked."""
        for page in data:
            if not isinstance(page, Loss) and (reason := why_blocked(page.url)):
                yield Loss("pages", page.page_id, reason)
            else:
                yield page


def why_blocked(url: str) -> str | None:
    """Why an address is unwanted: `url_domain`, `url_listed`, `url_word`, `url_soft_words`, `url_subword`; or None."""
    lists = load_lists()
    try:
        labels = (urlsplit(url).hostname or "").lower().split(".")
    except ValueError:  # half an IPv6 address
        labels = []
    if lists.has_domain(".".join(labels[start:]) for start in range(len(labels) - 1)):
        return "url_domain"
    if url in lists.urls:
        return "url_listed"
    words = {word.lower() for word in _NOT_WORD.split(url)}
    if words & lists.words:
        return "url_word"
    if len(words & lists.soft_words) >= _SOFT_WORDS:
        return "url_soft_words"
    return "url_subword" if lists.subwords.search(_NOT_WORD.sub("", url).lower()) else None


@dataclass(frozen=True)
class _Lists:
    domains: "np.ndarray[Any, np.dtype[np.uint64]]"
    urls: frozenset[str]
    words: frozenset[str]
    soft_words: frozenset[str]
    subwords: re.Pattern[str]

    def has_domain(self, names: Iterable[str]) -> bool:
        import numpy as np

        keys = np.array([xxh3_64_intdigest(name) for name in names], dtype=np.uint64)
        places = np.searchsorted(self.domains, keys)
        return bool(np.any(self.domains[np.minimum(places, len(self.domains) - 1)] == keys))


@lru_cache(maxsize=1)
def load_lists() -> _Lists:
    """The lists of datatrove, about 5 million domains as 8-byte hashes."""
    import numpy as np
    from datatrove.utils._import_utils import ASSETS_PATH

    assets = Path(ASSETS_PATH)
    with tarfile.open(assets / "url_filterblacklistsv0_3_0.tar.gz") as archive:
        keys = np.fromiter(map(xxh3_64_intdigest, _lines(archive, "domains")), dtype=np.uint64)
        urls = frozenset(line.decode("utf-8", "replace") for line in _lines(archive, "urls"))
    keys.sort()
    banned, soft, parts = (_words(assets / f"{name}words.txt") for name in ("banned_", "soft_banned_", "banned_sub"))
    subwords = re.compile("|".join(map(re.escape, sorted(parts))))
    return _Lists(keys, urls, banned, soft, subwords)


def _words(path: Path) -> frozenset[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return frozenset(_NOT_WORD.sub("", line).lower() for line in lines if line[:1] != "#") - {""}


def _lines(archive: tarfile.TarFile, name: str) -> Iterator[bytes]:
    """The lines of a member that are no comments, read in large pieces: line by line takes three times as long."""
    member, rest = archive.extractfile(name), b""
    while piece := member.read(_PIECE) if member else b"":
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line for line in lines if line and line[:1] != b"#")
    yield from (line for line in (rest,) if line)
