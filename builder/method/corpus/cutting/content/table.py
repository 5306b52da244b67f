"""A table of facts about the blocks of a page: whole numbers, a row for each block and a column for each fact."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy import ndarray

    from builder.method.corpus.cutting.content.mask import Evidence

    Ints = ndarray[Any, Any]

ENDS = frozenset(".!?:;。！？：；…؟।")
"""What a sentence ends with."""
_KINDS = {"text": 0, "code": 1, "item": 2, "cell": 3, "term": 4, "heading": 5}
_DESCRIBED = ("chars", "of page", "linked", "sentences", "kept", "headings", "blocks", "mean")
_MOST_CHARS = 100_000


class Facts:
    """The facts that are gathered about the blocks of a page, and what several groups of them start from."""

    def __init__(self, evidence: "Evidence") -> None:
        import numpy as np

        self.blocks = blocks = evidence.blocks
        self.count = len(blocks)
        self.number: Ints = np.arange(self.count)
        self.texts = [block.text for block in blocks]
        self.keys = evidence.keys
        self.heard = evidence.resiliparse
        rows = [
            (block.level, block.linked, _KINDS[block.kind], block.unit, block.row >= 0, block.glued, len(block.text))
            for block in blocks
        ]
        self.level, self.linked, self.kind, self.unit, self.row, self.glued, self.length = np.array(
            rows, dtype=np.int64
        ).T.copy()
        heading = self.level > 0
        self.size: Ints = np.where(heading, 0, self.length)
        self.total = max(1, int(self.size.sum()))
        self.sentence: Ints = np.array([text[-1] in ENDS for text in self.texts], dtype=np.int64)
        self.has: Ints = np.array(self.heard.has, dtype=np.int64)
        # Characters of each block by what is true of it; sums of these are what groups of blocks are described with.
        links = np.where(heading, 0, self.linked)
        prose, kept = self.size * self.sentence, self.size * self.has
        self.amounts: Ints = np.column_stack([self.size, links, prose, kept, heading, ~heading]).astype(np.int64)
        self.sums: Ints = np.zeros((self.count + 1, self.amounts.shape[1]), dtype=np.int64)
        """Amounts of all blocks before each, and of all: what is in a run of blocks is a difference."""
        np.cumsum(self.amounts, axis=0, out=self.sums[1:])
        self._same: dict[str, int] = {}
        self._names: list[str] = []
        self._parts: list[Ints] = []
        self._groups: dict[str, Ints] = {}

    def add(self, name: str, values: "Ints") -> None:
        """Add a fact."""
        self._names.append(name)
        self._parts.append(values[:, None])

    def add_all(self, names: list[str], values: "Ints") -> None:
        """Add several, each a column."""
        self._names += names
        self._parts.append(values)

    def same(self, name: str, value: int) -> None:
        """Add a fact about the page."""
        self._same[name] = value

    def describe(self, name: str, amounts: "Ints") -> None:
        """Add facts about the group of blocks that each block is in, from the sums of its amounts."""
        self._groups[name] = amounts

    def table(self, rows: list[int] | None = None) -> "tuple[list[str], Ints]":
        """Names of all facts, and the table, or these rows of it."""
        import numpy as np

        chosen = slice(None) if rows is None else np.array(rows, dtype=np.int64)
        groups = np.stack([amounts[chosen] for amounts in self._groups.values()], axis=2)
        chars, links, sentences, kept, headings, count = groups.transpose(1, 0, 2)
        some = np.maximum(chars, 1)
        described = [
            np.minimum(chars, _MOST_CHARS), 1000 * chars // self.total, 1000 * links // some, 1000 * sentences // some,
            1000 * kept // some, headings, count, chars // np.maximum(count, 1),
        ]  # fmt: skip
        names = [f"{group} {what}" for what in _DESCRIBED for group in self._groups]
        same = np.array(list(self._same.values()), dtype=np.int64)
        whole = np.broadcast_to(same, (len(chars), len(same)))
        parts = np.concatenate(self._parts, axis=1, dtype=np.int32, casting="unsafe")[chosen]
        table = np.concatenate([parts, *described, whole], axis=1, dtype=np.int32, casting="unsafe")
        return [*self._names, *names, *self._same], table


def share(part: "Ints", whole: "Ints | int") -> "Ints":
    """Per mille; 0 of nothing."""
    import numpy as np

    result: Ints = 1000 * part // np.maximum(whole, 1)
    return result
