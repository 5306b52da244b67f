"""Facts about the containers that a block is in."""

from dataclasses import dataclass
from itertools import islice
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
    where, parent, depths = np.array(found.of_block), np.array(found.parents), np.array(found.depths)
    starts = np.array(found.starts)
    sums = page.sums[found.ends] - page.sums[starts]
    box, top, named = _reached(found, sums[:, 4].tolist(), (2 * sums[:, 0] > page.total).tolist())
    children = np.bincount(parent[1:], minlength=len(parent))
    up = parent[where]
    groups = {"region": where, "parent": up, "grandparent": parent[up], "box": box[where], "top": top[where]}
    for name, which in groups.items():
        page.describe(name, sums[which])
    page.add_all([f"{name} children" for name in groups], np.stack([children[which] for which in groups.values()], 1))
    page.add("depth", depths[where])
    page.add("top begins", 1000 * starts[groups["top"]] // page.count)
    page.add("in box", page.number - starts[groups["box"]])
    bits = (named[where][:, None] >> np.array(_TELLING)) & 1
    page.add_all([f"any mark {index}" for index in _TELLING], bits)
    _root(page, found, where, sums)


@dataclass(frozen=True)
class _Found:
    """The containers of a page, each after the one that it is in.

    Attributes:
        of_block: Number of the container that each block is in.
        parents: Of each container the one around it; the outermost is its own.
        depths: How many are around each.
        own: Marks of each.
        starts: Number of the first block in each.
        ends: Number of the first block behind each: all between are in it.
    """

    of_block: list[int]
    parents: list[int]
    depths: list[int]
    own: list[int]
    starts: list[int]
    ends: list[int]


def _found(blocks: "list[Block]") -> _Found:
    numbers: dict[Region, int] = {}
    found = _Found([], [], [], [], [], [])
    parents, depths = found.parents, found.depths
    for block in blocks:
        at = numbers.get(block.region)
        if at is None:
            chain = []
            outer: Region | None = block.region
            while outer is not None and outer not in numbers:
                chain.append(outer)
                outer = outer.parent
            at = numbers[outer] if outer is not None else 0
            depth = depths[at] + 1 if outer is not None else 0
            for inner in reversed(chain):
                numbers[inner] = number = len(parents)
                parents.append(at)
                depths.append(depth)
                found.own.append(inner.own)
                found.starts.append(block.number)
                found.ends.append(0)
                at, depth = number, depth + 1
        found.of_block.append(at)
        found.ends[at] = block.number + 1
    ends = found.ends
    for number in range(len(parents) - 1, 0, -1):
        if ends[parents[number]] < ends[number]:
            ends[parents[number]] = ends[number]
    return found


def _reached(found: _Found, headings: list[int], frame: list[bool]) -> "tuple[Ints, Ints, Ints]":
    """Of each container: the nearest with a heading, the outermost that is no frame, marks with those around.

    Args:
        found: The containers.
        headings: How many headings are in each.
        frame: Whether each holds most of the page.
    """
    import numpy as np

    box, top, named = list(range(len(headings))), list(range(len(headings))), found.own.copy()
    for number, parent in islice(enumerate(found.parents), 1, None):
        if not headings[number]:
            box[number] = box[parent]
        if not frame[parent]:
            top[number] = top[parent]
        named[number] |= named[parent]
    return np.array(box), np.array(top), np.array(named)


def _root(page: Facts, found: _Found, where: "Ints", sums: "Ints") -> None:
    """How far each block is from the smallest container that holds nearly all that Resiliparse keeps."""
    import numpy as np

    kept, depths = sums[:, 3], np.array(found.depths)
    enough = 10 * kept >= 9 * kept[0]
    root = int(np.argmax(np.where(enough, depths, -1))) if kept[0] else 0
    inside = (found.starts[root] <= page.number) & (page.number < found.ends[root])
    page.add("inside", inside)
    page.add("under root", depths[where] - depths[root])
    page.same("root of page", 1000 * int(sums[root, 0]) // page.total)
