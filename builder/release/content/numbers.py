"""The figures of the dataset card, computed from the stages' counts and rows."""

import json
import statistics
from collections import Counter
from typing import Any

from builder.data.accounting import Counts
from builder.data.storage import read_rows
from builder.method.augment.gate.phrases import is_refusal
from builder.method.curate.labels import agreement, label_pairs, read_labels
from builder.method.seed.stage import char_lengths
from builder.release.content.material import Material
from builder.release.content.parquet import Config
from builder.text.domains import registered_domain
from builder.text.words import fold
from builder.workspace.workspace import Artifact

TOP_DOMAINS = 5
SAMPLE_CHARS = 2_000
SAMPLE_CANDIDATES = 500
"""A sample row is the first short enough one, or the shortest, of this many rows."""


def funnel(material: Material) -> list[dict[str, Any]]:
    """One entry for every stage that hands on rows and kind of row: what came in, what was kept, why the rest went."""
    build, entries = material.build, []
    stages = [build.human, build.seed, build.extracted, build.segments, build.candidates, *build.curated]
    for name, artifact in {artifact.stage: artifact for artifact in stages}.items():
        for kind, value in artifact.record["counts"].items():
            counts = Counts.from_dict(value)
            left_out = (counts.dropped + counts.failed).most_common()
            entries.append(
                {"stage": name, "kind": kind, "in": counts.rows_in, "kept": counts.kept, "left_out": left_out}
            )
    return entries


def licences(material: Material) -> list[dict[str, Any]]:
    """Rows and licence of every seed source, from the rows themselves."""
    found = Counter((row["source"], row["license"]) for row in read_rows(material.build.seed.data))
    return [{"source": source, "license": licence, "rows": rows} for (source, licence), rows in sorted(found.items())]


def text_statistics(material: Material) -> list[dict[str, Any]]:
    """The paper's table of data: examples, lengths of instruction and output in characters, mean and sd."""
    parts = {"seed": material.build.seed}
    for t, artifact in enumerate(material.build.curated, start=1):
        parts[f"curated, iteration {t}"] = artifact
    parts["all augmented"] = material.build.candidates
    return [{"part": name, **_lengths(artifact)} for name, artifact in parts.items()]


def _lengths(artifact: Artifact) -> dict[str, Any]:
    lengths: dict[str, list[int]] = {"instruction": [], "output": []}
    for row in read_rows(artifact.data, list(lengths)):
        for name, values in lengths.items():
            values.append(len(row[name]))
    return {"rows": len(lengths["output"]), **{name: char_lengths(values) for name, values in lengths.items()}}


def score_summary(material: Material) -> list[dict[str, Any]]:
    """Spread of every score column over all candidates, and its mean over the final selection."""
    selected = {row["id"] for row in read_rows(material.build.curated[-1].data, ["id"])}
    return [{"column": column, **_spread(artifact, selected)} for column, artifact in material.scores.items()]


def _spread(artifact: Artifact, selected: set[str]) -> dict[str, Any]:
    rows = [(row["id"], row["score"]) for row in read_rows(artifact.data, ["id", "score"])]
    scores = sorted(score for _, score in rows if score is not None)
    chosen = [score for key, score in rows if key in selected and score is not None]
    quarters = statistics.quantiles(scores, n=4, method="inclusive") if len(scores) > 1 else scores * 3
    return {
        "scored": len(scores),
        "unscored": len(rows) - len(scores),
        "spread": [scores[0], *quarters, scores[-1]] if scores else [],
        "selected_mean": statistics.fmean(chosen) if chosen else None,
    }


def all_scores(material: Material) -> dict[str, tuple[list[float], list[float]]]:
    """Every score column with the scores of all candidates and those of the final selection."""
    selected = {row["id"] for row in read_rows(material.build.curated[-1].data, ["id"])}
    found: dict[str, tuple[list[float], list[float]]] = {}
    for column, artifact in material.scores.items():
        found[column] = ([], [])
        for row in read_rows(artifact.data, ["id", "score"]):
            if row["score"] is not None:
                found[column][0].append(row["score"])
                if row["id"] in selected:
                    found[column][1].append(row["score"])
    return found


def masked(material: Material) -> dict[str, int]:
    """How many e-mail and IP addresses were replaced in the segments, before rules and deduplication."""
    details = material.build.extracted.record.get("details", {})
    return {name: int(details.get(f"masked_{name}", 0)) for name in ("emails", "ips")}


def domains(material: Material) -> dict[str, Any]:
    """How many registered domains the final selection comes from, and the rows and share of the most frequent ones."""
    found = Counter(registered_domain(row["url"] or "") for row in read_rows(material.build.curated[-1].data, ["url"]))
    rows, largest = found.total(), [(name, number) for name, number in found.most_common() if name]
    top = [{"name": name, "rows": number, "share": number / rows} for name, number in largest[:TOP_DOMAINS]]
    return {"number": len(largest), "top": top, "without": found[""]}


def refusals(material: Material) -> dict[str, dict[str, int]]:
    """Of the seed and of the final selection: rows, and those whose output begins as a refusal does (in English)."""
    parts = {"seed": material.build.seed, "curated": material.build.curated[-1]}
    return {name: _refusals(artifact) for name, artifact in parts.items()}


def _refusals(artifact: Artifact) -> dict[str, int]:
    said = [is_refusal(fold(row["output"])) for row in read_rows(artifact.data, ["output"])]
    return {"rows": len(said), "refusals": sum(said)}


def judge_quality(material: Material) -> list[dict[str, Any]]:
    """How the selection of each iteration agrees with the labelled pairs of `release.labels`; empty without."""
    path = material.recipe.release.labels
    if path is None:
        return []
    labels = label_pairs(read_labels(path), read_rows(material.build.candidates.data, ["id", "segment_id"]))
    entries = []
    for t, artifact in enumerate(material.build.curated, start=1):
        selected = {row["id"] for row in read_rows(artifact.data, ["id"])}
        entries.append({"iteration": t, "labelled": len(labels), **agreement(selected, labels)})
    return entries


def samples(configs: list[Config]) -> dict[str, str]:
    """One real row of every config as JSON, by config."""
    return {config.name: _sample(config) for config in configs}


def _sample(config: Config) -> str:
    import pyarrow.parquet as pq

    with pq.ParquetFile(config.splits[0].files[0]) as file:
        batch = next(file.iter_batches(SAMPLE_CANDIDATES))
    texts = [json.dumps(row, indent=2, ensure_ascii=False) for row in batch.to_pylist()]
    return next((text for text in texts if len(text) <= SAMPLE_CHARS), min(texts, key=len))
