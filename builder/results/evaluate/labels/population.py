"""All candidate pairs of a build in strata: selected or not, by how high they scored; those without a score apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from builder.build import Build
from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError
from builder.method.curate.iterations import Iteration, read_iterations
from builder.method.curate.selection import in_order
from builder.results.evaluate.statistics.strata import PILOT

PARTS = {"selected": 2, "left": 4}
"""Into how many parts of one size each group is cut by score, at most."""
UNSCORED = "unscored"
NEW = "new"
"""Pairs that came after the sample was drawn, of which none can be in it."""
FILE = "strata.parquet"
"""Beside the labels: the stratum of every pair when the sample was drawn, which holds whatever is selected later."""


@dataclass(frozen=True)
class Population:
    """The candidate pairs of a build with what its iterations say of them.

    Attributes:
        ids: Of all pairs.
        iterations: Those whose selection is done.
        strata: The stratum of each pair.
        selection: Fingerprint of the last selection.
    """

    ids: Sequence[str]
    iterations: Sequence[Iteration]
    strata: Mapping[str, str]
    selection: str

    @property
    def sizes(self) -> dict[str, int]:
        """Rows by stratum, in a fixed order."""
        counts: dict[str, int] = {}
        for name in sorted(set(self.strata.values())):
            counts[name] = sum(found == name for found in self.strata.values())
        return counts

    def as_drawn(self, folder: Path) -> "Population":
        """The same pairs in the strata that a sample of them was drawn by, if the folder of the labels has them."""
        file = folder / FILE
        if not file.is_file():
            return self
        drawn = {row["id"]: row["stratum"] for row in read_rows(file, ["id", "stratum"])}
        return replace(self, strata={key: drawn.get(key, NEW) for key in self.ids})

    def keep_strata(self, folder: Path) -> None:
        """Write down the stratum of every pair, as a sample is drawn by them."""
        import pyarrow as pa

        schema = pa.schema([("id", pa.string()), ("stratum", pa.string())])
        write_rows(folder / FILE, ({"id": key, "stratum": name} for key, name in self.strata.items()), schema)


def population_of(build: Build) -> Population:
    """The pairs of a build whose selection is done.

    Raises:
        RecipeError: If no selection is done.
        StageError: If scores that a selection was made from are gone.
    """
    iterations = read_iterations(build.recipe.curate, map(build.iteration, build.steps))
    ids = [row["id"] for row in read_rows(build.candidates.data, ["id"])]
    if not ids:
        raise RecipeError(f"{build.candidates.stage}: holds no pair, so there is nothing to label")
    last = iterations[-1]
    fingerprint = build.curated[last.number - 1].fingerprint
    return Population(ids, iterations, strata_of(ids, last.selector, last.selected), fingerprint)


def strata_of(ids: Sequence[str], scores: Mapping[str, float | None], selected: set[str]) -> dict[str, str]:
    """The stratum of each pair; a group too small for that is cut into fewer parts.

    Args:
        ids: Of all pairs.
        scores: That the selection was made by; None, or missing, is without one.
        selected: Ids of the selection.
    """
    order = in_order({key: scores.get(key) for key in ids})
    groups = {
        "selected": [key for key in order if key in selected],
        "left": [key for key in order if key not in selected],
    }
    found: dict[str, str] = {}
    for name, members in groups.items():
        parts = max(1, min(PARTS[name], len(members) // (2 * PILOT)))
        for place, key in enumerate(members):
            found[key] = f"{name}-{parts - place * parts // len(members)}"
    for key in ids:
        found.setdefault(key, UNSCORED)
    return found
