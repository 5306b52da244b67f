"""Facts about the containers that a block is in."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from builder.method.corpus.cutting import regions
from builder.method.corpus.cutting.content.table import Facts
from builder.method.corpus.cutting.regions import settle

if TYPE_CHECKING:
    from builder.method.corpus.cutting.blocks import Block
    from builder.method.corpus.cutting.content.table import Ints
    from builder.method.corpus.cutting.regions import Region

_BITS = 26
_TELLING = [
    mark.bit_length() - 1
    for mark in (
        regions.COMMENT_NAME, regions.RELATED_NAME, regions.SIDE_NAME, regions.META_NAME, regions.HEAD_NAME,
        regions.REVIEW_NAME, regions.USER_NAME, regions.TAGS_NAME, regions.NAV_NAME, regions.HIDDEN,
    )
]  # fmt: skip


def mark_facts(page: Facts) -> "Ints":
    """Add what the containers around each block say about themselves; whether any of it speaks against it."""
    import numpy as np

    marks = np.array([settle(block.region, page.total) for block in page.blocks], dtype=np.int64)
    bits = (marks[:, None] >> np.arange(_BITS)) & 1
    page.add_all([f"mark {index}" for index in range(_BITS)], bits)
    # Of the page's text, how much has the mark: what most of it has tells nothing apart.
    shares = 1000 * (page.size @ bits) // page.total
    page.add_all([f"share of mark {index}" for index in _TELLING], np.where(bits, shares, -1)[:, _TELLING])
    for name, mark in (("articles", regions.ARTICLE), ("mains", regions.MAIN), ("comments", regions.COMMENT_NAME)):
        page.same(name, int(shares[mark.bit_length() - 1]))
    against: Ints = (marks & ~(regions.CONTENT | regions.PRAISE_NAME) != 0).astype(np.int64)
    page.add("marks against", against)
    head = np.maximum.accumulate(np.where(page.level > 0, page.number, -1))
    above = np.where(head >= 0, marks[np.maximum(head, 0)], 0)
    page.add("other than heading", ((above & ~regions.HEADER & ~regions.CONTENT & ~marks) != 0).astype(np.int64))
    return against


def container_facts(page: Facts) -> None:
    """Add what is in the containers around each block, and where those are."""
    import numpy as np

    found = _found(page.blocks)
    where, parent, depths = found.of_block, found.parents, found.depths
    sums = np.zeros((len(parent), page.amounts.shape[1]), dtype=np.int64)
    np.add.at(sums, where, page.amounts)
    order = np.argsort(depths, kind="stable")
    bounds = np.searchsorted(depths[order], np.arange(int(depths.max()) + 2))
    layers = [order[start:end] for start, end in pairwise(bounds[1:])]  # the outermost is left out
    for rows in reversed(layers):
        np.add.at(sums, parent[rows], sums[rows])
    # The nearest container with a heading, and the outermost that is not the frame of the page.
    box, top, named = np.arange(len(parent)), np.arange(len(parent)), found.own.copy()
    frame = 2 * sums[:, 0] > page.total
    for rows in layers:
        box[rows] = np.where(sums[rows, 4] > 0, rows, box[parent[rows]])
        top[rows] = np.where(frame[parent[rows]], rows, top[parent[rows]])
        named[rows] |= named[parent[rows]]
    children = np.bincount(parent[1:], minlength=len(parent))
    up = parent[where]
    groups = {"region": where, "parent": up, "grandparent": parent[up], "box": box[where], "top": top[where]}
    for name, which in groups.items():
        page.describe(name, sums[which])
        page.add(f"{name} children", children[which])
    page.add("depth", depths[where])
    page.add("top begins", 1000 * found.starts[groups["top"]] // page.count)
    page.add("in box", page.number - found.starts[groups["box"]])
    bits = (named[where][:, None] >> np.array(_TELLING)) & 1
    page.add_all([f"any mark {index}" for index in _TELLING], bits)
    _root(page, where, parent, sums, depths, layers)


@dataclass(frozen=True)
class _Found:
    """The containers of a page, each after the one that it is in.

    Attributes:
        of_block: Number of the container that each block is in.
        parents: Of each container the one around it; the outermost is its own.
        depths: How many are around each.
        own: Marks of each.
        starts: Number of the first block in each.
    """

    of_block: "Ints"
    parents: "Ints"
    depths: "Ints"
    own: "Ints"
    starts: "Ints"


def _found(blocks: "list[Block]") -> _Found:
    import numpy as np

    numbers: dict[Region, int] = {}
    rows: list[tuple[int, int, int, int]] = []
    of_block = []
    for block in blocks:
        at = numbers.get(block.region)
        if at is None:
            chain = []
            outer: Region | None = block.region
            while outer is not None and outer not in numbers:
                chain.append(outer)
                outer = outer.parent
            at = numbers[outer] if outer is not None else 0
            depth = rows[at][1] + 1 if outer is not None else 0
            for inner in reversed(chain):
                numbers[inner] = len(rows)
                rows.append((at, depth, inner.own, block.number))
                at, depth = len(rows) - 1, depth + 1
        of_block.append(at)
    parents, depths, own, starts = np.array(rows, dtype=np.int64).T.copy()
    return _Found(np.array(of_block), parents, depths, own, starts)


def _root(page: Facts, where: "Ints", parent: "Ints", sums: "Ints", depths: "Ints", layers: "list[Ints]") -> None:
    """How far each block is from the smallest container that holds nearly all that Resiliparse keeps."""
    import numpy as np

    kept = sums[:, 3]
    enough = 10 * kept >= 9 * kept[0]
    root = int(np.argmax(np.where(enough, depths, -1))) if kept[0] else 0
    inside = np.zeros(len(parent), dtype=np.int64)
    inside[root] = 1
    for rows in layers[int(depths[root]) :]:
        inside[rows] = inside[parent[rows]]
    page.add("inside", inside[where])
    page.add("under root", depths[where] - depths[root])
    page.same("root of page", 1000 * int(sums[root, 0]) // page.total)
