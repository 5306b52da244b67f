"""The sets of pairs of a build that the paper's tables compare: seed, all augmented, kept and dropped by iteration."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from builder.build import Build
from builder.data.records import Row
from builder.data.storage import read_rows

SEED, AUGMENTED, DROPPED = "seed", "augmented", "dropped"


@dataclass(frozen=True)
class Parts:
    """The sets of a build, read anew each time.

    Attributes:
        build: As far as it is done.
    """

    build: Build

    @property
    def names(self) -> list[str]:
        """Seed, augmented, `A_1` ... `A_N`, and what the last selection dropped."""
        done = [f"A_{t}" for t, curated in enumerate(self.build.curated, 1) if curated.status == "done"]
        augmented = [AUGMENTED] if self.build.candidates.status == "done" else []
        return [SEED, *augmented, *done, *([DROPPED] if done else [])]

    def rows(self, name: str) -> Iterator[Row]:
        """Pairs with `id`, `instruction` and `output`."""
        columns = ["id", "instruction", "output"]
        if name == SEED:
            yield from read_rows(self.build.human.data, columns)
        elif name == AUGMENTED:
            yield from read_rows(self.build.candidates.data, columns)
        elif name == DROPPED:
            last = [curated for curated in self.build.curated if curated.status == "done"][-1]
            kept = {row["id"] for row in read_rows(last.data, ["id"])}
            yield from (row for row in read_rows(self.build.candidates.data, columns) if row["id"] not in kept)
        else:
            yield from read_rows(self.build.curated[int(name.removeprefix("A_")) - 1].data, columns)

    def sizes(self) -> Mapping[str, int]:
        """Rows of each set."""
        return {name: sum(1 for _ in self.rows(name)) for name in self.names}
