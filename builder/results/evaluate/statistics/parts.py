"""Strata that a threshold cuts in two: what is known of the whole goes into what is taken for known of each part."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from builder.results.evaluate.statistics.strata import Cell

_LEAST = 1e-9
"""No share is taken for certain."""


@dataclass
class _Part:
    rows: int = 0
    good: int = 0
    labelled: int = 0


def cells_of(strata: Mapping[str, str], taken: set[str], said: Mapping[str, bool]) -> list[Cell]:
    """The strata of some rows, each one of which only a part is taken cut in two.

    Before its own labels a part is taken for as good as its stratum, moved by how much more often, over all strata
    that are cut, taken rows are good than others (one odds ratio, after Mantel and Haenszel). That counts as one label:
    without it, a part with few labels would be a coin that is tossed; without the odds ratio, a judge that knows better
    than the strata would look like one that does not.

    Args:
        strata: The stratum of every row.
        taken: Ids of rows.
        said: Whether a row is good, of those that were labelled.
    """
    found: dict[str, tuple[_Part, _Part]] = {}
    for key, name in strata.items():
        part = found.setdefault(name, (_Part(), _Part()))[key in taken]
        part.rows += 1
        if key in said:
            part.labelled += 1
            part.good += said[key]
    found = dict(sorted(found.items()))
    odds = _odds_ratio([parts for parts in found.values() if all(part.rows for part in parts)])
    cells = []
    for out, inside in found.values():
        if out.rows and inside.rows:
            labelled = out.labelled + inside.labelled
            good = (out.good + inside.good + 0.5) / (labelled + 1)
            of_in, of_out = shares_of_parts(good, inside.rows / (inside.rows + out.rows), odds)
            cells += [_cell(out, of_out, selected=False), _cell(inside, of_in, selected=True)]
        elif inside.rows:
            cells.append(_cell(inside, None, selected=True))
        else:
            cells.append(_cell(out, None, selected=False))
    return cells


def _cell(part: _Part, known: float | None, *, selected: bool) -> Cell:
    return Cell(part.rows, part.good, part.labelled, selected, known)


def _odds_ratio(pairs: list[tuple[_Part, _Part]]) -> float:
    """Of good ones among taken rows to that among the others, half a label of a stratum on each side."""
    over = under = 0.5
    for out, inside in pairs:
        if labelled := out.labelled + inside.labelled:
            over += inside.good * (out.labelled - out.good) / labelled
            under += (inside.labelled - inside.good) * out.good / labelled
    return over / under


def shares_of_parts(share: float, inside: float, odds: float) -> tuple[float, float]:
    """Shares of two parts whose odds have a given ratio and which together have a given share.

    Args:
        share: Of good rows in the whole, above 0 and below 1.
        inside: The share of the first part's rows, above 0 and below 1.
        odds: The odds of the first part by those of the second, above 0.

    Returns:
        Of the first part, and of the second.
    """
    # The root of the table with these margins and this odds ratio that lies in it (Plackett 1965).
    sum_ = 1 + (inside + share) * (odds - 1)
    both = 2 * odds * inside * share / (sum_ + math.sqrt(max(sum_ * sum_ - 4 * odds * (odds - 1) * inside * share, 0)))
    first, second = both / inside, (share - both) / (1 - inside)
    return min(max(first, _LEAST), 1 - _LEAST), min(max(second, _LEAST), 1 - _LEAST)
