"""The candidate pairs of a build for its page: numbers of all of them, or of a sample, and the texts of some."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from builder.build import Build
from builder.data.records import Row, stable_id
from builder.data.storage import read_rows
from builder.method.curate.iterations import Iteration, read_iterations
from builder.results.report.columns import scores_column, small_numbers
from builder.text.domains import registered_domain

MOST_ROWS = 50_000
"""Rows whose numbers a page holds; of more it holds so many, by the hash of their ids."""
MOST_TEXTS = 2_000
MOST_CHARACTERS = {"header": 300, "instruction": 2_000, "output": 6_000, "url": 500}
"""Of each text; what is longer is cut, and says so."""
DOMAINS = 200
"""Domains that are told apart; the others count as one."""
FIFTHS = 5


@dataclass(frozen=True)
class Pairs:
    """What a page knows of candidate pairs.

    Attributes:
        total: How many there are.
        ids: Of those on the page, in its order.
        columns: Their numbers by name.
        domains: Names of the domains, by their number.
        reasons: Why pairs were not selected in the last iteration, by their number; the first is that they were.
        texts: Some of them whole.
    """

    total: int
    ids: Sequence[str]
    columns: Mapping[str, Any]
    domains: Sequence[str]
    reasons: Sequence[str]
    texts: Sequence[Row]


def pairs_of(build: Build) -> Pairs:
    """The pairs of a build whose selections are done."""
    iterations = read_iterations(build.recipe.curate, map(build.iteration, build.steps))
    every = [row["id"] for row in read_rows(build.candidates.data, ["id"])]
    ids = every if len(every) <= MOST_ROWS else _drawn(every)
    place = {key: at for at, key in enumerate(ids)}
    lengths: dict[str, list[int]] = {"instruction": [0] * len(ids), "output": [0] * len(ids)}
    hosts = [""] * len(ids)
    for row in read_rows(build.candidates.data, ["id", "instruction", "output", "url"]):
        if (at := place.get(row["id"])) is not None:
            lengths["instruction"][at], lengths["output"][at] = len(row["instruction"]), len(row["output"])
            hosts[at] = registered_domain(row["url"] or "")
    names, numbers = _numbered(hosts)
    reasons, why = _reasons(build, iterations[-1], ids)
    columns: dict[str, Any] = {
        "instruction": small_numbers(lengths["instruction"]),
        "output": small_numbers(lengths["output"]),
        "domain": numbers,
        "reason": why,
        "split": _splits(build, ids),
    }
    for item in iterations:
        columns[f"selected-{item.number}"] = np.array([key in item.selected for key in ids], dtype=np.uint8)
        for judge, scores in item.scores.items():
            columns[f"score-{item.number}-{judge}"] = scores_column([scores.get(key) for key in ids])
    texts = _texts(build, iterations, ids, reasons, why)
    return Pairs(len(every), ids, columns, names, reasons, texts)


def _drawn(ids: Sequence[str]) -> list[str]:
    chosen = set(sorted(ids, key=lambda key: stable_id("page", key))[:MOST_ROWS])
    return [key for key in ids if key in chosen]


def _numbered(hosts: Sequence[str]) -> tuple[list[str], Any]:
    common = [name for name, _ in Counter(hosts).most_common(DOMAINS)]
    numbers = {name: at for at, name in enumerate(common)}
    rest = len(common)
    found = np.array([numbers.get(host, rest) for host in hosts], dtype=np.uint16)
    return [name or "no domain" for name in common] + (["another domain"] if (found == rest).any() else []), found


def _reasons(build: Build, last: Iteration, ids: Sequence[str]) -> tuple[list[str], Any]:
    """Why each pair is not in the last selection."""
    folder = build.curated[last.number - 1].path / "rejected"
    given = {row["id"]: row["reason"] for row in read_rows(folder, ["id", "reason"])} if folder.is_dir() else {}
    names = ["selected", *sorted(set(given.values()))]
    numbers = {name: at for at, name in enumerate(names)}
    return names, np.array([numbers[given.get(key, "selected")] for key in ids], dtype=np.uint8)


def _splits(build: Build, ids: Sequence[str]) -> Any:
    """0 for none, 1 for train, 2 for test."""
    split = {row["id"]: row["split"] for row in read_rows(build.curated[-1].data, ["id", "split"])}
    return np.array([{"train": 1, "test": 2}.get(split.get(key, ""), 0) for key in ids], dtype=np.uint8)


def _texts(
    build: Build, iterations: Sequence[Iteration], ids: Sequence[str], reasons: Sequence[str], why: Any
) -> list[Row]:
    """Pairs to read: as many of each reason, fifth of the scores, and way that they moved, in turn."""
    last, first = iterations[-1], iterations[0]
    order = sorted(
        (key for key in ids if last.selector.get(key) is not None), key=lambda key: last.selector.get(key) or 0.0
    )
    fifth = {key: at * FIFTHS // max(1, len(order)) for at, key in enumerate(order)}
    groups: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for at, key in enumerate(ids):
        moved = (key in last.selected) - (key in first.selected)
        groups[reasons[int(why[at])], fifth.get(key, -1), moved].append(key)
    for name in groups:
        groups[name].sort(key=lambda key: stable_id("text", key))
    chosen: list[str] = []
    depth = 0
    while len(chosen) < min(MOST_TEXTS, len(ids)):
        for name in sorted(groups, key=str):
            if depth < len(groups[name]) and len(chosen) < MOST_TEXTS:
                chosen.append(groups[name][depth])
        depth += 1
    wanted, place = set(chosen), {key: at for at, key in enumerate(ids)}
    names = ["id", "header", "instruction", "output", "url"]
    found = []
    for row in read_rows(build.candidates.data, names):
        if row["id"] in wanted:
            shown = {name: _cut(row[name] or "", most) for name, most in MOST_CHARACTERS.items()}
            found.append({**row, **shown, "at": place[row["id"]]})
    return found


def _cut(text: str, most: int) -> str:
    cut = len(text) - most
    return text if cut <= 0 else f"{text[:most]} … ({cut:,} more characters)"
