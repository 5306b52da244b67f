"""Which pairs are labelled, in which order: the same for every rater, drawn by a seed, and written down."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder.data.records import stable_id
from builder.data.storage import write_json
from builder.errors import RecipeError
from builder.results.evaluate.labels.population import FILE as STRATA
from builder.results.evaluate.labels.population import Population
from builder.results.evaluate.statistics.strata import PILOT, allocate

FILE = "sheet.json"
BUDGET = 250
"""Labels of a rater; so many the paper's author gave."""


@dataclass(frozen=True)
class Sheet:
    """The pairs to label.

    Attributes:
        selection: Fingerprint of the selection that the strata were made of.
        seed: Of the order.
        budget: Labels of a rater in all.
        strata: Rows by stratum.
        items: Ids with their strata, in the order in which they are shown.
        pilot: So many of them were chosen before any label was there.
    """

    selection: str
    seed: int
    budget: int
    strata: dict[str, int]
    items: list[tuple[str, str]]
    pilot: int

    @property
    def complete(self) -> bool:
        """Whether what follows the pilot was chosen."""
        return len(self.items) > self.pilot or self.pilot >= min(self.budget, sum(self.strata.values()))

    def save(self, folder: Path) -> None:
        """Write it whole."""
        write_json(folder / FILE, {**vars(self), "items": [list(item) for item in self.items]})


def draw_sheet(population: Population, *, budget: int = BUDGET, seed: int = 0) -> Sheet:
    """The first pairs of every stratum, in one order that says nothing of the strata."""
    sizes = population.sizes
    # A budget below ten a stratum is shared out evenly; what is over goes to the first ones.
    each = {name: min(size, PILOT, max(1, budget // len(sizes))) for name, size in sizes.items()}
    items = _first(population, each, {}, seed)
    return Sheet(population.selection, seed, budget, sizes, items, len(items))


def extend_sheet(sheet: Sheet, population: Population, labels: Mapping[str, bool]) -> Sheet:
    """The sheet with the pairs that follow the pilot: more where labels differ, and where there are more rows.

    Args:
        sheet: With a pilot that was labelled.
        population: The same that it was drawn from.
        labels: Of the pilot.
    """
    stratum = dict(sheet.items)
    labelled, good = (dict.fromkeys(sheet.strata, 0) for _ in range(2))
    for key, value in labels.items():
        if key in stratum:
            labelled[stratum[key]] += 1
            good[stratum[key]] += value
    asked = {name: sum(of == name for of in stratum.values()) for name in sheet.strata}
    wanted = allocate(sheet.strata, good, {name: max(asked[name], labelled[name]) for name in asked}, sheet.budget)
    more = _first(population, wanted, asked, sheet.seed)
    return replace(sheet, items=[*sheet.items, *more])


def grown(folder: Path, sheet: Sheet, population: Population, labels: Mapping[str, bool]) -> Sheet:
    """The sheet, extended and written once a rater has answered its pilot."""
    if sheet.complete or left_for(sheet, list(labels)):
        return sheet
    longer = extend_sheet(sheet, population, labels)
    longer.save(folder)
    return longer


def _first(
    population: Population, until: Mapping[str, int], after: Mapping[str, int], seed: int
) -> list[tuple[str, str]]:
    """Of each stratum the pairs from one place of its random order to another, all mixed."""
    members: dict[str, list[str]] = {name: [] for name in until}
    for key in population.ids:
        if population.strata[key] in members:
            members[population.strata[key]].append(key)
    drawn = [
        (key, name)
        for name, keys in members.items()
        for key in sorted(keys, key=lambda key: stable_id(seed, "label", key))[after.get(name, 0) : until[name]]
    ]
    return sorted(drawn, key=lambda item: stable_id(seed, "shown", item[0]))


def open_sheet(folder: Path, population: Population, *, budget: int, seed: int) -> Sheet:
    """The sheet of a folder, or a new one; a sheet stays good where other pairs are selected.

    Args:
        folder: Of the labels.
        population: In the strata that the folder has, if it has some.
        budget: Labels of a rater.
        seed: Of the order.

    Raises:
        RecipeError: If the folder has one that was drawn from other pairs, or that is none.
    """
    file = folder / FILE
    if not file.is_file():
        sheet = draw_sheet(population, budget=budget, seed=seed)
        population.keep_strata(folder)
        sheet.save(folder)
        return sheet
    sheet = _read(file)
    if any(population.strata.get(key) != name for key, name in sheet.items):
        raise RecipeError(
            f"{file}: was drawn from other pairs than the build has now, or its {STRATA} is gone; rename the folder to "
            "start a new sheet"
        )
    return sheet


def _read(file: Path) -> Sheet:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        items = [(str(key), str(name)) for key, name in found.pop("items")]
        return Sheet(**found, items=items)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecipeError(f"{file}: is not a sheet of humpback ({error}); rename it to start a new one") from error


def left_for(sheet: Sheet, answered: Sequence[str]) -> list[str]:
    """The ids that a rater has still to answer, in order."""
    done = set(answered)
    return [key for key, _ in sheet.items if key not in done]
