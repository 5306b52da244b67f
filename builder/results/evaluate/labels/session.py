"""Labelling in a terminal: a pair at a time, one key an answer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from builder.build import Build
from builder.data.storage import read_rows
from builder.results.evaluate.labels.population import Population
from builder.results.evaluate.labels.sheet import Sheet, grown, left_for
from builder.results.evaluate.labels.store import Store

KEYS = "g good   b bad   s skip for now   u address of the page   z back   q stop"
_SHOWN = ["id", "instruction", "output", "header", "url"]
Pairs = Mapping[str, Mapping[str, str]]


def read_pairs(build: Build, ids: set[str]) -> Pairs:
    """The texts of some candidate pairs, by id."""
    return {row["id"]: row for row in read_rows(build.candidates.data, _SHOWN) if row["id"] in ids}


@dataclass
class Session:
    """One rater at work on a sheet.

    Attributes:
        folder: Of sheet and labels.
        population: The pairs of the build.
        sheet: The pairs to label; it grows once its pilot is done.
        store: The rater's labels.
        read: Gives the texts of pairs.
    """

    folder: Path
    population: Population
    sheet: Sheet
    store: Store
    read: Callable[[set[str]], Pairs]

    def run(
        self, show: Callable[[Mapping[str, str], int, int], None], key: Callable[[], str], say: Callable[[str], None]
    ) -> bool:
        """Ask for every pair that is left, until all are answered or the rater stops.

        Args:
            show: Shows a pair, blind: neither score nor selection; with its place and how many there are.
            key: Waits for a key.
            say: Says something else, as the address of a page.

        Returns:
            Whether all pairs are answered.
        """
        while True:
            todo = self._todo()
            if not todo:
                return True
            if not self._ask_all(todo, show, key, say):
                return False

    def _todo(self) -> list[str]:
        self.sheet = grown(self.folder, self.sheet, self.population, self.store.answers)
        self.store.follow(self.sheet)
        return left_for(self.sheet, list(self.store.answers))

    def _ask_all(
        self,
        todo: list[str],
        show: Callable[[Mapping[str, str], int, int], None],
        key: Callable[[], str],
        say: Callable[[str], None],
    ) -> bool:
        """One way through the pairs that are left; False once the rater stops."""
        pairs, at, skipped = self.read(set(todo)), 0, 0
        while at < len(todo):
            row = pairs[todo[at]]
            show(row, len(self.store.answers), len(self.sheet.items))
            for pressed in self._pressed(key):
                if pressed == "q":
                    return False
                if pressed == "u":
                    say(row["url"])
                    continue
                if pressed in "gb":
                    self.store.add(row["id"], pressed == "g")
                skipped += pressed == "s"
                at = max(0, at - 1) if pressed == "z" else at + 1
                break
        return skipped < len(todo)  # a way on which all were skipped is the last one

    @staticmethod
    def _pressed(key: Callable[[], str]) -> Iterator[str]:
        while True:
            pressed = key().lower()
            if pressed and pressed in "gbsuzq":
                yield pressed
