"""Facts about the blocks of a page in whole numbers, for a mask that is learned.

Shares are per mille, and nothing is rounded but by whole division: the same page gives the same facts on every machine.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.content.containers import container_facts, mark_facts
from builder.method.corpus.cutting.content.headings import kind_of
from builder.method.corpus.cutting.content.points import FURNITURE_START, LONG_KEY
from builder.method.corpus.cutting.content.table import ENDS, Facts, share
from builder.method.corpus.cutting.content.wording import WORDING, wording_facts

if TYPE_CHECKING:
    from builder.method.corpus.cutting.content.mask import Evidence, MainContent
    from builder.method.corpus.cutting.content.table import Ints

_FAR = 60
_NEAR = 3
"""How many blocks before and after are looked at one by one."""
_PAGE_TYPES = ('"Product"', "QAPage", "ItemList")
_ARTICLE = 'content="article"'
SIGN_CHARS = 2_000_000
"""How much of a page is searched for signs of its type."""


def facts(
    evidence: "Evidence", rules: "MainContent", html: str, words: Mapping[str, int], rows: list[int] | None = None
) -> "tuple[list[str], Ints]":
    """Facts about blocks of a page.

    Args:
        evidence: What is known about the blocks of the page.
        rules: What the rules say with that.
        html: The page, for what it says about its type.
        words: Points of words.
        rows: Numbers of the blocks that are asked about; all for None.

    Returns:
        Names of the facts, the same for every page, and a table with a row for each of those blocks and a column for
        each fact.
    """
    rows = [block.number for block in evidence.blocks] if rows is None else rows
    page = Facts(evidence)
    _rules(page, rules)
    _text(page, rows)
    _heard(page)
    against = mark_facts(page)
    container_facts(page)
    _sections(page, evidence.threads())
    _units(page)
    _around(page, against)
    _whole(page, html, conversation=evidence.conversation)
    page.add_all(list(WORDING), wording_facts(evidence.blocks, words, rows))
    return page.table(rows)


def _rules(page: Facts, rules: "MainContent") -> None:
    """What the rules say of each block, and how much of the page they are in doubt about."""
    import numpy as np

    page.add("points by rules", np.rint(10 * np.array(rules.points)).astype(np.int64))
    page.same("page doubt", int(1000 * rules.doubt))


@lru_cache(maxsize=1)
def _classes() -> "Ints":
    """What each character up to U+33FF is: letter, capital, digit, space, end of a sentence, comma, other sign."""
    import numpy as np

    kinds = {"Lu": 1, "Lt": 1, "Nd": 2, "Zs": 3, "Cc": 3}
    classes = np.zeros(0x3400, dtype=np.int64)
    for point in range(len(classes)):
        character = chr(point)
        category = unicodedata.category(character)
        sign = 6 if category[0] in "PS" else 0
        classes[point] = 4 if character in ENDS else 5 if character in ",،、" else kinds.get(category, sign)
    return classes


def _text(page: Facts, rows: list[int]) -> None:
    import numpy as np

    points = np.frombuffer("".join(page.texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = _classes()
    kinds = classes[np.minimum(points, len(classes) - 1)]
    owner = np.repeat(np.arange(0, 8 * page.count, 8), page.length)
    counts = np.bincount(owner + kinds, minlength=8 * page.count).reshape(page.count, 8)
    length = page.length
    page.add("length", np.minimum(length, 5_000))
    page.add("linked", share(page.linked, length))
    page.add("sentence", page.sentence)
    page.add("kind", page.kind)
    page.add("cell", page.row)
    page.add("glued", page.glued)
    names = ["digits", "capitals", "ends", "commas", "signs"]
    page.add_all(names, 1000 * counts[:, [2, 1, 4, 5, 6]] // length[:, None])
    words = counts[:, 3] + 1
    page.add("words", np.minimum(words, 1_000))
    page.add("word length", 10 * length // words)
    page.add("number of ends", np.minimum(counts[:, 4], 100))
    times = Counter(text for text, level in zip(page.keys, page.level, strict=True) if not level)
    page.add("times", np.fromiter((min(times[text], 20) for text in page.keys), dtype=np.int64, count=page.count))
    starts = np.zeros(page.count, dtype=np.int64)
    starts[rows] = [_start(page.texts[row]) for row in rows]
    page.add("start", starts)


def _start(text: str) -> int:
    if text.startswith(("©", "Copyright", "(c)")) or "rights reserved" in text:
        return 3
    if FURNITURE_START.match(text):
        return 2
    return 1 if text[0].islower() else 0


def _heard(page: Facts) -> None:
    import numpy as np

    heard, number = page.heard, page.number
    page.add("has", page.has)
    page.add("long", np.fromiter((len(text) >= LONG_KEY for text in page.keys), dtype=np.int64, count=page.count))
    places = np.array(heard.places or [-10 * _FAR], dtype=np.int64)
    before = np.searchsorted(places, number, side="left") - 1
    after = np.searchsorted(places, number, side="right")
    ahead = np.where(after < len(places), places[np.minimum(after, len(places) - 1)] - number, _FAR)
    behind = np.where(before >= 0, number - places[np.maximum(before, 0)], _FAR)
    page.add("kept before", np.clip(behind, 0, _FAR))
    page.add("kept after", np.clip(ahead, 0, _FAR))
    page.add("kept around", np.clip(np.maximum(ahead, behind), 0, _FAR))


def _sections(page: Facts, threads: set[int]) -> None:
    import numpy as np

    blocks, level = page.blocks, page.level
    section = np.cumsum(level > 0)
    heads = np.flatnonzero(level > 0)
    sums = np.diff(page.sums[np.concatenate([[0], heads, [page.count]])], axis=0)
    head = np.concatenate([[-1], heads])[section]
    empty = head < 0
    at = np.maximum(head, 0)
    kinds = np.zeros(page.count, dtype=np.int64)
    for number in heads:
        kinds[number] = kind_of(blocks[number].text)
    page.describe("section", sums[section])
    page.add("since heading", np.where(empty, -1, page.number - head))
    page.add("chars since heading", np.cumsum(page.size) - page.size - np.where(empty, 0, (np.cumsum(page.size))[at]))
    page.add("heading level", np.where(empty, 0, level[at]))
    page.add("heading length", np.where(empty, 0, page.length[at]))
    page.add("heading linked", np.where(empty, 0, share(page.linked[at], page.length[at])))
    page.add("heading kind", np.where(empty, -1, kinds[at]))
    page.add("heading has", np.where(empty, -1, page.has[at]))
    last_bad = np.maximum.accumulate(np.where(kinds >= 3, page.number, -1))
    page.add("worst heading above", np.where(last_bad >= 0, 1 + (section - section[np.maximum(last_bad, 0)]), 0))
    thread = np.zeros(page.count, dtype=np.int64)
    thread[list(threads)] = 1
    page.add("thread", thread)
    title = np.flatnonzero(level == 1)
    page.add("after title", (page.number > (title[0] if len(title) else page.count)).astype(np.int64))
    padded = np.pad(sums, ((1, 1), (0, 0)))
    page.describe("section before", padded[section])
    page.describe("section after", padded[section + 2])


def _units(page: Facts) -> None:
    import numpy as np

    sums = np.zeros((int(page.unit.max()) + 1, page.amounts.shape[1]), dtype=np.int64)
    np.add.at(sums, page.unit, page.amounts)
    sums[0] = 0
    page.describe("unit", sums[page.unit])


def _around(page: Facts, against: "Ints") -> None:
    import numpy as np

    names = ("has", "length", "linked", "sentence", "level", "against")
    linked = share(page.linked, page.length)
    base = np.column_stack([page.has, np.minimum(page.length, 2_000), linked, page.sentence, page.level, against])
    padded = np.pad(base, ((_NEAR, _NEAR), (0, 0)), constant_values=-1)
    for step in range(-_NEAR, _NEAR + 1):
        if step:
            start = _NEAR + step
            page.add_all([f"{name} {step:+d}" for name in names], padded[start : start + page.count])
    for name, back, ahead in (("near", 4, 4), ("wide", 12, 12), ("back", 15, 0), ("ahead", 0, 15)):
        low, high = np.maximum(page.number - back, 0), np.minimum(page.number + ahead + 1, page.count)
        page.describe(name, page.sums[high] - page.sums[low])


def _whole(page: Facts, html: str, *, conversation: bool) -> None:
    import numpy as np

    position = np.cumsum(page.size) - page.size
    page.add("position", share(position, page.total))
    page.add("place", 1000 * page.number // page.count)
    page.add("chars before", np.minimum(position, 200_000))
    page.add("chars after", np.minimum(page.total - position, 200_000))
    whole: dict[str, int] = {"total": min(page.total, 1_000_000), "blocks": page.count}
    chars, links, sentences, kept, headings, count = page.sums[-1].tolist()
    whole["linked"] = 1000 * links // max(chars, 1)
    whole["sentences"] = 1000 * sentences // max(chars, 1)
    whole["kept"] = 1000 * kept // max(chars, 1)
    whole["headings"] = headings
    whole["mean"] = chars // max(count, 1)
    whole["mean section"] = chars // max(headings, 1)
    whole["code"] = 1000 * int(page.size[page.kind == 1].sum()) // page.total
    whole["items"] = 1000 * int(page.size[page.kind == 2].sum()) // page.total
    whole["cells"] = 1000 * int(page.size[page.row > 0].sum()) // page.total
    signs = html[:SIGN_CHARS]
    typed = "schema.org" in signs
    for sign in _PAGE_TYPES:
        whole[sign] = int(typed and sign in signs)
    whole["DiscussionForumPosting"] = int(conversation)
    whole[_ARTICLE] = int(_ARTICLE in signs)
    for name, value in whole.items():
        page.same(f"page {name}", value)
