"""The candidate pairs of a build for its page: numbers of all of them, or of a sample, and the texts of some."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from builder.build import Build
from builder.data.records import Row, stable_id
from builder.data.row_groups import read_batches, row_groups
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.method.curate.iterations import Iteration, read_iterations
from builder.results.report.columns import scores_column, small_numbers
from builder.text.domains import registered_domain
from builder.workspace.stage_names import score

MOST_ROWS = 50_000
"""Rows whose numbers a page holds; of more it holds so many, by the hash of their ids."""
MOST_TEXTS = 2_000
MOST_CHARACTERS = {"header": 300, "instruction": 2_000, "output": 6_000, "url": 500}
"""Of each text; what is longer is cut, and says so."""
DOMAINS = 200
"""Domains that are told apart; the others count as one."""
FIFTHS = 5
TEXTS = ("instruction", "output")
SPLITS = ("none", "train", "test")
"""As the page numbers them."""


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


@dataclass(frozen=True)
class Source:
    """Where the pairs of a page come from: a build, or a release.

    Attributes:
        folder: Of the Parquet files with every pair.
        iterations: All selections, at least one.
        reasons: Why a pair is not in the last one, by id; of the pairs in it nothing.
        splits: Of the pairs in it, `train` or `test`, by id.
    """

    folder: Path
    iterations: Sequence[Iteration]
    reasons: Mapping[str, str]
    splits: Mapping[str, str]


def of_build(build: Build) -> Source:
    """The pairs of a finished build.

    Raises:
        RecipeError: If a stage is not done.
    """
    missing = [item.stage for item in build.artifacts.values() if item.status != "done"]
    if missing:
        raise RecipeError(
            f"the build is not finished ({', '.join(missing[:3])}{', ...' * (len(missing) > 3)}); "
            "`humpback build RECIPE` finishes it, `humpback watch RECIPE` shows one that runs"
        )
    iterations = read_iterations(build.recipe.curate, map(build.iteration, build.steps))
    last = build.curated[iterations[-1].number - 1]
    rejected = last.path / "rejected"
    reasons = read_rows(rejected, ["id", "reason"]) if rejected.is_dir() else ()
    return Source(
        build.candidates.data,
        iterations,
        {row["id"]: row["reason"] for row in reasons},
        {row["id"]: row["split"] for row in read_rows(last.data, ["id", "split"])},
    )


def pairs_of(source: Source) -> Pairs:
    """What a page knows of the pairs of a source."""
    every = [row["id"] for row in read_rows(source.folder, ["id"])]
    ids = every if len(every) <= MOST_ROWS else _drawn(every)
    lengths, hosts = _measured(source.folder, ids)
    names, numbers = _numbered(hosts)
    reasons = ["selected", *sorted(set(source.reasons.values()))]
    known = {name: at for at, name in enumerate(reasons)}
    why = np.array([known[source.reasons.get(key, "selected")] for key in ids], dtype=np.uint8)
    splits = np.array([SPLITS.index(source.splits.get(key, "none")) for key in ids], dtype=np.uint8)
    columns: dict[str, Any] = {name: small_numbers(of) for name, of in lengths.items()}
    columns |= {"domain": numbers, "reason": why, "split": splits}
    for item in source.iterations:
        columns[f"selected-{item.number}"] = np.array([key in item.selected for key in ids], dtype=np.uint8)
        for judge, scores in item.scores.items():
            columns[str(score(item.number, judge))] = scores_column([scores.get(key) for key in ids])
    return Pairs(len(every), ids, columns, names, reasons, _texts(source, ids, reasons, why))


def _measured(folder: Path, ids: Sequence[str]) -> tuple[dict[str, list[int]], list[str]]:
    """Of each pair the lengths of its texts in characters, and its domain; in the order of the folder."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths: dict[str, list[int]] = {name: [] for name in TEXTS}
    hosts: list[str] = []
    wanted = pa.array(ids, pa.string())
    for _, batch in read_batches(row_groups(folder), ["id", "url", *TEXTS]):
        rows = batch.filter(pc.is_in(batch.column("id"), value_set=wanted))
        for name, of in lengths.items():
            has = name in rows.schema.names
            of += pc.fill_null(pc.utf8_length(rows.column(name)), 0).to_pylist() if has else [0] * rows.num_rows
        hosts += [registered_domain(url or "") for url in rows.column("url").to_pylist()]
    return lengths, hosts


def _drawn(ids: Sequence[str]) -> list[str]:
    chosen = set(sorted(ids, key=lambda key: stable_id("page", key))[:MOST_ROWS])
    return [key for key in ids if key in chosen]


def _numbered(hosts: Sequence[str]) -> tuple[list[str], Any]:
    common = [name for name, _ in Counter(hosts).most_common(DOMAINS)]
    numbers = {name: at for at, name in enumerate(common)}
    rest = len(common)
    found = np.array([numbers.get(host, rest) for host in hosts], dtype=np.uint16)
    return [name or "no domain" for name in common] + (["another domain"] if (found == rest).any() else []), found


def _texts(source: Source, ids: Sequence[str], reasons: Sequence[str], why: Any) -> list[Row]:
    """Pairs to read: as many of each reason, fifth of the scores, and way that they moved, in turn."""
    last, first = source.iterations[-1], source.iterations[0]
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
    place = {key: at for at, key in enumerate(ids)}
    found = []
    for row in _rows_of(source.folder, chosen):
        shown = {name: _cut(row.get(name) or "", most) for name, most in MOST_CHARACTERS.items()}
        found.append({"id": row["id"], **shown, "logprob": row.get("logprob"), "at": place[row["id"]]})
    return found


def _rows_of(folder: Path, ids: Sequence[str]) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.compute as pc

    wanted = pa.array(ids, pa.string())
    for _, batch in read_batches(row_groups(folder), ["id", "logprob", *MOST_CHARACTERS]):
        yield from batch.filter(pc.is_in(batch.column("id"), value_set=wanted)).to_pylist()


def _cut(text: str, most: int) -> str:
    cut = len(text) - most
    return text if cut <= 0 else f"{text[:most]} … ({cut:,} more characters)"
