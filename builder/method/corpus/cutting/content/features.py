"""Facts about the blocks of a page in whole numbers, for a mask that is learned.

Shares are per mille, and nothing is rounded but by whole division: the same page gives the same facts on every machine.
"""

import unicodedata
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from builder.method.corpus.cutting import regions
from builder.method.corpus.cutting.content.headings import kind_of, threads
from builder.method.corpus.cutting.content.heard import Heard, key
from builder.method.corpus.cutting.content.points import FURNITURE_START, LONG_KEY
from builder.method.corpus.cutting.regions import settle

if TYPE_CHECKING:
    from numpy import ndarray

    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.cutting.regions import Region

    Ints = ndarray[Any, Any]
    Columns = dict[str, Ints]

_BITS = 26
_KINDS = {"text": 0, "code": 1, "item": 2, "cell": 3, "term": 4, "heading": 5}
_FAR = 60
_ENDS = frozenset(".!?:;。！？：；…؟।")
_PAGE_SIGNS = ("DiscussionForumPosting", '"Product"', "QAPage", "ItemList", 'content="article"')
SIGN_CHARS = 2_000_000
"""How much of a page is searched for signs of its type."""


def facts(blocks: "list[Block]", resiliparse: str, html: str, names: "tuple[str, ...]") -> "Ints":
    """Facts about each block of a page.

    Args:
        blocks: The page, as `walk` gives it.
        resiliparse: Text of the main content in Resiliparse's judgement, a block a line.
        html: The page, for what it says about its type.
        names: Which facts.

    Returns:
        A table with a row for each block and a column for each name.
    """
    import numpy as np

    columns = all_facts(blocks, resiliparse, html)
    return np.column_stack([columns[name] for name in names]).astype(np.int32)


def all_facts(blocks: "list[Block]", resiliparse: str, html: str) -> "Columns":
    """All facts, each a value for each block, by name."""
    page = _Page(blocks, resiliparse)
    columns: Columns = {}
    _text(page, columns)
    _heard(page, columns)
    _marks(page, columns)
    _regions(page, columns)
    _sections(page, columns)
    _units(page, columns)
    _around(page, columns)
    _whole(page, html, columns)
    return columns


class _Page:
    """What several groups of facts ask for."""

    def __init__(self, blocks: "list[Block]", resiliparse: str) -> None:
        import numpy as np

        self.blocks = blocks
        self.count = len(blocks)
        self.texts = [block.text for block in blocks]
        self.keys = [key(text) for text in self.texts]
        self.heard = Heard(blocks, self.keys, resiliparse)
        rows = [
            (block.level, block.linked, _KINDS[block.kind], block.unit, block.row >= 0, block.glued) for block in blocks
        ]
        self.level, self.linked, self.kind, self.unit, self.row, self.glued = np.array(rows, dtype=np.int64).T
        self.length = np.fromiter(map(len, self.texts), dtype=np.int64, count=self.count)
        self.size = np.where(self.level > 0, 0, self.length)
        self.total = max(1, int(self.size.sum()))
        self.sentence = np.fromiter((text[-1] in _ENDS for text in self.texts), dtype=np.int64, count=self.count)
        self.has = np.array(self.heard.has, dtype=np.int64)
        self.against: Ints = self.has  # until the marks are known
        # Characters of each block by what is true of it; sums of these are what groups of blocks are described with.
        body = self.size
        self.links = np.where(self.level > 0, 0, self.linked)
        self.amounts = np.column_stack(
            [
                body,
                self.links,
                body * self.sentence,
                body * self.has,
                (self.level > 0).astype(np.int64),
                self.level == 0,
            ]
        )


def _share(part: "Ints", whole: "Ints | int") -> "Ints":
    """Per mille; 0 of nothing."""
    import numpy as np

    result: Ints = 1000 * part // np.maximum(whole, 1)
    return result


def _describe(name: str, amounts: "Ints", columns: "Columns", total: int) -> None:
    """Facts about the group of blocks that each block is in."""
    import numpy as np

    chars, links, sentences, kept, headings, count = amounts.T
    columns[f"{name} chars"] = np.minimum(chars, 100_000)
    columns[f"{name} of page"] = _share(chars, total)
    columns[f"{name} linked"] = _share(links, chars)
    columns[f"{name} sentences"] = _share(sentences, chars)
    columns[f"{name} kept"] = _share(kept, chars)
    columns[f"{name} headings"] = headings
    columns[f"{name} blocks"] = count
    columns[f"{name} mean"] = chars // np.maximum(count, 1)


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
        classes[point] = 4 if character in _ENDS else 5 if character in ",،、" else kinds.get(category, sign)
    return classes


def _text(page: _Page, columns: "Columns") -> None:
    import numpy as np

    points = np.frombuffer("".join(page.texts).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    classes = _classes()
    kinds = classes[np.minimum(points, len(classes) - 1)]
    owner = np.repeat(np.arange(0, 8 * page.count, 8), page.length)
    counts = np.bincount(owner + kinds, minlength=8 * page.count).reshape(page.count, 8)
    length = page.length
    columns["length"] = np.minimum(length, 5_000)
    columns["linked"] = _share(page.linked, length)
    columns["sentence"] = page.sentence
    columns["kind"] = page.kind
    columns["cell"] = page.row
    columns["glued"] = page.glued
    for index, name in ((1, "capitals"), (2, "digits"), (6, "signs"), (5, "commas"), (4, "ends")):
        columns[name] = _share(counts[:, index], length)
    words = counts[:, 3] + 1
    columns["words"] = np.minimum(words, 1_000)
    columns["word length"] = 10 * length // words
    columns["number of ends"] = np.minimum(counts[:, 4], 100)
    times = Counter(text for text, level in zip(page.keys, page.level, strict=True) if not level)
    columns["times"] = np.fromiter((min(times[text], 20) for text in page.keys), dtype=np.int64, count=page.count)
    columns["start"] = np.fromiter(map(_start, page.texts), dtype=np.int64, count=page.count)


def _start(text: str) -> int:
    if text.startswith(("©", "Copyright", "(c)")) or "rights reserved" in text:
        return 3
    if FURNITURE_START.match(text):
        return 2
    return 1 if text[0].islower() else 0


def _heard(page: _Page, columns: "Columns") -> None:
    import numpy as np

    heard, number = page.heard, np.arange(page.count)
    columns["has"] = page.has
    columns["long"] = np.fromiter((len(text) >= LONG_KEY for text in page.keys), dtype=np.int64, count=page.count)
    places = np.array(heard.places or [-10 * _FAR], dtype=np.int64)
    before = np.searchsorted(places, number, side="left") - 1
    after = np.searchsorted(places, number, side="right")
    ahead = np.where(after < len(places), places[np.minimum(after, len(places) - 1)] - number, _FAR)
    behind = np.where(before >= 0, number - places[np.maximum(before, 0)], _FAR)
    columns["kept before"] = np.clip(behind, 0, _FAR)
    columns["kept after"] = np.clip(ahead, 0, _FAR)
    columns["kept around"] = np.clip(np.maximum(ahead, behind), 0, _FAR)


def _marks(page: _Page, columns: "Columns") -> None:
    import numpy as np

    marks = np.fromiter((settle(block.region, page.total) for block in page.blocks), dtype=np.int64, count=page.count)
    bits = (marks[:, None] >> np.arange(_BITS)) & 1
    for index in range(_BITS):
        columns[f"mark {index}"] = bits[:, index]
    # Of the page's text, how much has the mark: what most of it has tells nothing apart.
    shares = 1000 * (bits * page.size[:, None]).sum(axis=0) // page.total
    for index in _TELLING:
        columns[f"share of mark {index}"] = np.where(bits[:, index] > 0, shares[index], -1)
    columns["articles"] = np.full(page.count, shares[(regions.ARTICLE).bit_length() - 1])
    columns["mains"] = np.full(page.count, shares[(regions.MAIN).bit_length() - 1])
    columns["comments"] = np.full(page.count, shares[(regions.COMMENT_NAME).bit_length() - 1])
    against = marks & ~(regions.CONTENT | regions.PRAISE_NAME)
    columns["marks against"] = (against != 0).astype(np.int64)
    head = np.maximum.accumulate(np.where(page.level > 0, np.arange(page.count), -1))
    above = np.where(head >= 0, marks[np.maximum(head, 0)], 0)
    columns["other than heading"] = ((above & ~regions.HEADER & ~regions.CONTENT & ~marks) != 0).astype(np.int64)
    page.against = columns["marks against"]


_TELLING = [
    mark.bit_length() - 1
    for mark in (
        regions.COMMENT_NAME, regions.RELATED_NAME, regions.SIDE_NAME, regions.META_NAME, regions.HEAD_NAME,
        regions.REVIEW_NAME, regions.USER_NAME, regions.TAGS_NAME, regions.NAV_NAME, regions.HIDDEN,
    )
]  # fmt: skip


def _regions(page: _Page, columns: "Columns") -> None:
    import numpy as np

    numbers: dict[Region, int] = {}
    parents: list[int] = []
    depths: list[int] = []
    own: list[int] = []
    starts: list[int] = []
    of_block = []
    for block in page.blocks:
        region = block.region
        at = numbers.get(region)
        if at is None:
            chain = []
            outer: Region | None = region
            while outer is not None and outer not in numbers:
                chain.append(outer)
                outer = outer.parent
            at = numbers[outer] if outer is not None else -1
            depth = depths[at] + 1 if at >= 0 else 0
            for inner in reversed(chain):
                numbers[inner] = len(parents)
                parents.append(at)
                depths.append(depth)
                own.append(inner.own)
                starts.append(block.number)
                at, depth = len(parents) - 1, depth + 1
        of_block.append(at)
    where, parent = np.array(of_block), np.maximum(np.array(parents), 0)
    depth_of = np.array(depths)
    sums = np.zeros((len(parents), page.amounts.shape[1]), dtype=np.int64)
    np.add.at(sums, where, page.amounts)
    order = np.argsort(depth_of, kind="stable")
    bounds = np.searchsorted(depth_of[order], np.arange(depth_of[order[-1]] + 2))
    for depth in range(len(bounds) - 2, 0, -1):
        rows = order[bounds[depth] : bounds[depth + 1]]
        np.add.at(sums, parent[rows], sums[rows])
    children = np.bincount(parent[1:], minlength=len(parents)) if len(parents) > 1 else np.zeros(1, dtype=np.int64)
    # The nearest container with a heading, and the outermost that is not the frame of the page.
    box, top, named = np.arange(len(parents)), np.arange(len(parents)), np.array(own)
    frame = 2 * sums[:, 0] > page.total
    for depth in range(1, len(bounds) - 1):
        rows = order[bounds[depth] : bounds[depth + 1]]
        box[rows] = np.where(sums[rows, 4] > 0, rows, box[parent[rows]])
        top[rows] = np.where(frame[parent[rows]], rows, top[parent[rows]])
        named[rows] |= named[parent[rows]]
    starts_ = np.array(starts)
    up = parent[where]
    for name, which in (
        ("region", where),
        ("parent", up),
        ("grandparent", parent[up]),
        ("box", box[where]),
        ("top", top[where]),
    ):
        _describe(name, sums[which], columns, page.total)
        columns[f"{name} children"] = children[which]
    columns["depth"] = depth_of[where]
    columns["top begins"] = 1000 * starts_[top[where]] // page.count
    columns["in box"] = np.arange(page.count) - starts_[box[where]]
    bits = (named[where][:, None] >> np.arange(_BITS)) & 1
    for index in _TELLING:
        columns[f"any mark {index}"] = bits[:, index]
    _root(page, where, parent, sums, depth_of, columns)


def _root(page: _Page, where: "Ints", parent: "Ints", sums: "Ints", depths: "Ints", columns: "Columns") -> None:
    """How far each block is from the smallest container that holds nearly all that Resiliparse keeps."""
    import numpy as np

    kept = sums[:, 3]
    enough = kept >= 0.9 * kept[0]
    root = int(np.flatnonzero(enough & (depths == depths[enough].max()))[0]) if kept[0] else 0
    inside = np.zeros(len(parent), dtype=np.int64)
    inside[root] = 1
    for depth in range(int(depths[root]) + 1, int(depths.max()) + 1):
        rows = np.flatnonzero(depths == depth)
        inside[rows] = inside[parent[rows]]
    columns["inside"] = inside[where]
    columns["under root"] = depths[where] - depths[root]
    columns["root of page"] = np.full(page.count, 1000 * int(sums[root, 0]) // page.total)


def _sections(page: _Page, columns: "Columns") -> None:
    import numpy as np

    blocks, level = page.blocks, page.level
    section = np.cumsum(level > 0)
    count = int(section[-1]) + 1
    sums = np.zeros((count, page.amounts.shape[1]), dtype=np.int64)
    np.add.at(sums, section, page.amounts)
    heads = np.flatnonzero(level > 0)
    head = np.concatenate([[-1], heads])[section]
    empty = head < 0
    at = np.maximum(head, 0)
    kinds = np.zeros(page.count, dtype=np.int64)
    for number in heads:
        kinds[number] = kind_of(blocks[number].text)
    _describe("section", sums[section], columns, page.total)
    del columns["section headings"]
    columns["since heading"] = np.where(empty, -1, np.arange(page.count) - head)
    columns["chars since heading"] = np.cumsum(page.size) - page.size - np.where(empty, 0, (np.cumsum(page.size))[at])
    columns["heading level"] = np.where(empty, 0, level[at])
    columns["heading length"] = np.where(empty, 0, page.length[at])
    columns["heading linked"] = np.where(empty, 0, _share(page.linked[at], page.length[at]))
    columns["heading kind"] = np.where(empty, -1, kinds[at])
    columns["heading has"] = np.where(empty, -1, page.has[at])
    last_bad = np.maximum.accumulate(np.where(kinds >= 3, np.arange(page.count), -1))
    columns["worst heading above"] = np.where(last_bad >= 0, 1 + (section - section[np.maximum(last_bad, 0)]), 0)
    thread = np.zeros(page.count, dtype=np.int64)
    thread[list(threads(blocks))] = 1
    columns["thread"] = thread
    title = np.flatnonzero(level == 1)
    columns["after title"] = (np.arange(page.count) > (title[0] if len(title) else page.count)).astype(np.int64)
    for name, step in (("section before", -1), ("section after", 1)):
        other = np.clip(section + step, 0, count - 1)
        outside = (section + step != other).astype(np.int64)
        chars, links, sentences, kept = sums[other].T[:4]
        columns[f"{name} chars"] = np.where(outside, -1, chars)
        columns[f"{name} linked"] = np.where(outside, -1, _share(links, chars))
        columns[f"{name} sentences"] = np.where(outside, -1, _share(sentences, chars))
        columns[f"{name} kept"] = np.where(outside, -1, _share(kept, chars))


def _units(page: _Page, columns: "Columns") -> None:
    import numpy as np

    sums = np.zeros((int(page.unit.max()) + 1, page.amounts.shape[1]), dtype=np.int64)
    np.add.at(sums, page.unit, page.amounts)
    sums[0] = 0
    _describe("unit", sums[page.unit], columns, page.total)


def _around(page: _Page, columns: "Columns") -> None:
    import numpy as np

    base = {
        "has": page.has, "length": np.minimum(page.length, 2_000), "linked": _share(page.linked, page.length),
        "sentence": page.sentence, "level": page.level, "against": page.against,
    }  # fmt: skip
    for step in (-3, -2, -1, 1, 2, 3):
        source = np.arange(page.count) + step
        outside = (source < 0) | (source >= page.count)
        source = np.clip(source, 0, page.count - 1)
        for name, values in base.items():
            columns[f"{name} {step:+d}"] = np.where(outside, -1, values[source])
    sums = np.concatenate([np.zeros((1, page.amounts.shape[1]), dtype=np.int64), np.cumsum(page.amounts, axis=0)])
    number = np.arange(page.count)
    for name, back, ahead in (("near", 4, 4), ("wide", 12, 12), ("back", 15, 0), ("ahead", 0, 15)):
        low, high = np.maximum(number - back, 0), np.minimum(number + ahead + 1, page.count)
        _describe(name, sums[high] - sums[low], columns, page.total)


def _whole(page: _Page, html: str, columns: "Columns") -> None:
    import numpy as np

    position = np.cumsum(page.size) - page.size
    columns["position"] = _share(position, page.total)
    columns["place"] = 1000 * np.arange(page.count) // page.count
    columns["chars before"] = np.minimum(position, 200_000)
    columns["chars after"] = np.minimum(page.total - position, 200_000)
    whole: dict[str, int] = {"total": min(page.total, 1_000_000), "blocks": page.count}
    chars, links, sentences, kept, headings, count = (int(value) for value in page.amounts.sum(axis=0))
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
    for sign in _PAGE_SIGNS:
        whole[sign] = int(sign in signs)
    for name, value in whole.items():
        columns[f"page {name}"] = np.full(page.count, value)
