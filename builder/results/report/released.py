"""The page of a release, from its dataset folder alone: whoever has downloaded one has no build."""

from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from builder.data.accounting import Counts
from builder.data.records import Row
from builder.data.storage import open_parquet, parquet_files, read_json, read_rows
from builder.errors import ReleaseError
from builder.method.curate.differences import iteration_differences
from builder.method.curate.iterations import Iteration
from builder.results.release.content.columns import Lengths
from builder.results.release.content.joined import Scores
from builder.results.release.content.numbers import TOP_DOMAINS, spread
from builder.results.release.manifest import MANIFEST
from builder.results.report.content import EXAMPLES, KeysOf, histograms, summary_of, wordings
from builder.results.report.rows import TEXTS, Source
from builder.text.domains import registered_domain
from builder.workspace.stage_names import parse
from builder.workspace.workers import beside

ROWS = "augmented"
"""The config that has every pair."""
OTHERS = "not selected"
"""Why a pair is not in the last selection; a release says no more of it."""


def dataset_of(folder: Path) -> Path:
    """The dataset of a release, where the release itself is named or its dataset.

    Raises:
        ReleaseError: If neither is a dataset that humpback has released with its candidates.
    """
    for place in (folder / "dataset", folder):
        if (place / MANIFEST).is_file() and (place / ROWS).is_dir():
            return place
    raise ReleaseError(f"{folder}: holds no {MANIFEST} with {ROWS}/ beside it; name a release, or its dataset folder")


def of_release(dataset: Path) -> Source:
    """The pairs of a release."""
    iterations = list(_iterations(dataset))
    last = iterations[-1].selected
    ids = [row["id"] for row in read_rows(dataset / ROWS, ["id"])]
    # There a pair that is not selected has a split too: that of its page.
    splits = {row["id"]: row["split"] for row in read_rows(dataset / ROWS, ["id", "split"]) if row["id"] in last}
    return Source(dataset / ROWS, iterations, {key: OTHERS for key in ids if key not in last}, splits)


def content_of_release(dataset: Path, source: Source, keys_of: KeysOf) -> dict[str, Any]:
    """Everything on the page but the rows; what only a build knows is left out.

    Args:
        dataset: From `dataset_of`.
        source: From `of_release`.
        keys_of: Which keys of the recipe govern a reason.
    """
    manifest = read_json(dataset / MANIFEST)
    with beside(partial(wordings, dataset / ROWS)) as told:
        parts = {
            "name": manifest["name"],
            "title": f"{manifest['name']} {manifest['version']}",
            "funnel": list(_funnel(manifest)),
            "reasons": list(_reasons(manifest, keys_of)),
            "lengths": _lengths(dataset, source),
            "scores": [
                {"column": f"score_{item.number}_{judge}", **_spread(scores, source.iterations[-1].selected)}
                for item in source.iterations
                for judge, scores in item.scores.items()
            ],
            "histograms": [entry for item in source.iterations for entry in histograms(item)],
            "iterations": iteration_differences(source.iterations, EXAMPLES),
            "domains": _domains(dataset, source),
            "trainings": [],
            "steps": [],
            "lineage": [
                {"stage": name, "fingerprint": of["fingerprint"], "seconds": None, "inputs": [], "versions": {}}
                for name, of in manifest["stages"].items()
            ],
            "warnings": [{"stage": "release", "text": text} for text in manifest.get("warnings", [])],
            "labels": None,
            "evaluation": {},
            "conformance": "",
        }
        parts |= told()
    return parts | {"summary": summary_of(parts)}


def _iterations(dataset: Path) -> Iterator[Iteration]:
    with open_parquet(parquet_files(dataset / ROWS)[0]) as file:
        names = file.schema_arrow.names
    numbers = sorted(int(name.removeprefix("selected_")) for name in names if name.startswith("selected_"))
    for number in numbers:
        columns = [name for name in names if name.startswith(f"score_{number}_")]
        rows = list(read_rows(dataset / ROWS, ["id", f"selected_{number}", "split", *columns]))
        scores = {
            name.removeprefix(f"score_{number}_"): {row["id"]: row[name] for row in rows} for name in columns
        }  # fmt: skip
        selected = {row["id"] for row in rows if row[f"selected_{number}"]}
        by = _selector(scores, selected)
        yield Iteration(number, scores, by, selected, {row["id"] for row in rows if row["split"] == "train"} & selected)


def _selector(scores: Mapping[str, Mapping[str, float | None]], selected: set[str]) -> str:
    """The score by which the selected pairs are the highest of all; else the first one."""

    def above(name: str) -> int:
        given = sorted((value for value in scores[name].values() if value is not None), reverse=True)
        least = given[min(len(selected), len(given)) - 1] if given and selected else 0.0
        return sum((scores[name].get(key) or least) >= least for key in selected)

    return max(scores, key=above)


def _spread(scores: Mapping[str, float | None], selected: set[str]) -> dict[str, Any]:
    import numpy as np
    import pyarrow as pa

    given = np.array([value for value in scores.values() if value is not None], dtype=float)
    chosen = np.array([value for key, value in scores.items() if value is not None and key in selected], dtype=float)
    return spread(Scores(pa.nulls(0), given, chosen, len(scores) - len(given)))


def _stages(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, Counts]]:
    for name, of in manifest["stages"].items():
        for kind, counts in of["counts"].items():
            yield name, kind, Counts.from_dict(counts)


def _funnel(manifest: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, kind, counts in _stages(manifest):
        if not name.startswith(("model", "score")):
            left_out = (counts.dropped + counts.failed).most_common()
            yield {"stage": name, "kind": kind, "in": counts.rows_in, "kept": counts.kept, "left_out": left_out}


def _reasons(manifest: Mapping[str, Any], keys_of: KeysOf) -> Iterator[dict[str, Any]]:
    for name, _, counts in _stages(manifest):
        for reason, rows in (counts.dropped + counts.failed).most_common():
            keys = keys_of(parse(name), reason)
            yield {"stage": name, "reason": reason, "rows": rows, "keys": keys, "examples": []}


def _lengths(dataset: Path, source: Source) -> list[dict[str, Any]]:
    import pyarrow as pa

    selections = {f"curated, iteration {item.number}": item.selected for item in source.iterations}
    found = {name: {text: Lengths() for text in TEXTS} for name in (*selections, "all augmented")}
    for batch in _batches(read_rows(dataset / ROWS)):
        for name, of in found.items():
            chosen = selections.get(name)
            rows = [row for row in batch if chosen is None or row["id"] in chosen]
            for text, lengths in of.items():
                lengths.add(pa.array([row.get(text) or "" for row in rows], pa.string()))
    return [
        {"part": name, "rows": of["output"].rows, **{text: lengths.summary() for text, lengths in of.items()}}
        for name, of in found.items()
    ]


def _batches(rows: Iterator[Row], size: int = 10_000) -> Iterator[list[Row]]:
    while batch := list(islice(rows, size)):
        yield batch


def _domains(dataset: Path, source: Source) -> dict[str, Any]:
    last = source.iterations[-1].selected
    counts = Counter(
        registered_domain(row["url"] or "") for row in read_rows(dataset / ROWS, ["id", "url"]) if row["id"] in last
    )
    largest = [(name, rows) for name, rows in counts.most_common() if name]
    top = [{"name": name, "rows": rows, "share": rows / counts.total()} for name, rows in largest[:TOP_DOMAINS]]
    return {"number": len(largest), "top": top, "without": counts[""]}
