"""The figures of the dataset card, computed from the stages' counts and rows."""

import itertools
import json
import statistics
import unicodedata
from collections import Counter
from typing import Any

from builder.data.accounting import Counts
from builder.errors import ReleaseError
from builder.method.curate.iterations import Iteration
from builder.results.evaluate.labels.measure import measure
from builder.results.evaluate.labels.population import Population
from builder.results.evaluate.labels.store import ONE, read_labels
from builder.results.release.content.joined import Pairs, Scores
from builder.results.release.content.material import Material
from builder.results.release.content.parquet import Config
from builder.results.release.content.places import segments_of
from builder.results.release.facts.origins import WEB

TOP_DOMAINS = 5
SAMPLE_CHARS = 2_000
SAMPLE_CANDIDATES = 500
"""A sample row is the first short enough one, or the shortest, of this many rows."""
SAMPLE_WIDTH = 72
"""So wide, in letters of Latin, a text in a sample row may be; a card that is read on a screen scrolls to no side."""


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
    origins = material.joined.seed.origins
    counts = Counter(zip(origins["source"].to_pylist(), origins["license"].to_pylist(), strict=True))
    return [{"source": source, "license": licence, "rows": rows} for (source, licence), rows in sorted(counts.items())]


def page_licences(material: Material) -> list[dict[str, Any]]:
    """Name, licence, sentence and candidates of every source of pages; of pages whose source is not known as `web`."""
    build, joined = material.build, material.joined
    numbers = joined.segments.sources(segments_of(joined.candidates.pairs.ids))
    sources, entries = build.recipe.segments.sources, dict[tuple[str | None, ...], int]()
    for number, rows in sorted(Counter(numbers.to_pylist()).items(), key=lambda item: (item[0] is None, item[0] or 0)):
        told: tuple[str | None, ...] = (None, None, "which of the sources is not known")
        if number is not None:
            told = (sources[number].name, sources[number].license, sources[number].about)
        entries[told] = entries.get(told, 0) + rows
    return [
        {"name": name or WEB, "license": licence, "about": about, "rows": rows}
        for (name, licence, about), rows in entries.items()
    ]


def languages(material: Material) -> list[dict[str, Any]]:
    """Language, rows and share of the texts in the final selection, the most frequent first; unknown ones left out."""
    joined = material.joined
    counts = joined.segments.languages(segments_of(joined.final.pairs.ids))
    total = counts.total()
    return [{"code": code, "rows": rows, "share": rows / total} for code, rows in counts.most_common() if code]


def secrets(material: Material) -> int:
    """How many segments and instructions were left out because they hold what looks like a key or password."""
    return sum(rows for entry in funnel(material) for reason, rows in entry["left_out"] if reason == "secret")


def text_statistics(material: Material) -> list[dict[str, Any]]:
    """The paper's table of data: examples, lengths of instruction and output in characters, mean and sd."""
    joined = material.joined
    parts = {"seed": joined.seed.pairs}
    parts |= {f"curated, iteration {t}": pairs for t, pairs in enumerate(joined.selections, start=1)}
    parts["all augmented"] = joined.candidates.pairs
    return [{"part": name, **_lengths(pairs)} for name, pairs in parts.items()]


def _lengths(pairs: Pairs) -> dict[str, Any]:
    return {"rows": len(pairs.ids), **{name: lengths.summary() for name, lengths in pairs.lengths.items()}}


def score_summary(material: Material) -> list[dict[str, Any]]:
    """Spread of every score column over all candidates, and its mean over the final selection."""
    columns = zip(material.scores, material.joined.scores, strict=True)
    return [{"column": column, **spread(scores)} for column, scores in columns]


def spread(scores: Scores) -> dict[str, Any]:
    """Least, quarters and greatest of a score, and its mean over the final selection."""
    import numpy as np

    given = np.sort(scores.given, kind="stable").tolist()
    quarters = statistics.quantiles(given, n=4, method="inclusive") if len(given) > 1 else given * 3
    return {
        "scored": len(given),
        "unscored": scores.unscored,
        "spread": [given[0], *quarters, given[-1]] if given else [],
        "selected_mean": statistics.fmean(scores.selected.tolist()) if len(scores.selected) else None,
    }


def masked(material: Material) -> dict[str, int]:
    """How many e-mail and IP addresses were replaced in the segments, before rules and deduplication."""
    details = material.build.extracted.record.get("details", {})
    return {name: int(details.get(f"masked_{name}", 0)) for name in ("emails", "ips")}


def unseen(material: Material) -> dict[str, int]:
    """How many unseen characters were taken out of segments and seed pairs, and of how many of each."""
    segments, seed = (stage.record.get("details", {}) for stage in (material.build.extracted, material.build.human))
    chars = sum(int(details.get("unseen_chars", 0)) for details in (segments, seed))
    return {"chars": chars, "segments": int(segments.get("unseen", 0)), "pairs": int(seed.get("unseen", 0))}


def domains(material: Material) -> dict[str, Any]:
    """How many registered domains the final selection comes from, and the rows and share of the most frequent ones."""
    counts = material.joined.domains
    rows, largest = counts.total(), [(name, number) for name, number in counts.most_common() if name]
    top = [{"name": name, "rows": number, "share": number / rows} for name, number in largest[:TOP_DOMAINS]]
    return {"number": len(largest), "top": top, "without": counts[""]}


def refusals(material: Material) -> dict[str, dict[str, int]]:
    """Of the seed and of the final selection: rows, and those whose output begins as a refusal does (in English)."""
    parts = {"seed": material.joined.seed, "curated": material.joined.final}
    return {name: {"rows": len(part.pairs.ids), "refusals": part.refusals} for name, part in parts.items()}


def judge_quality(material: Material) -> list[dict[str, Any]]:
    """Precision, recall and share of good pairs of each selection by `release.labels`, with intervals; empty without.

    Labels of a stratified sheet (`humpback label`) weigh as many pairs as they stand for; others count as one sample.
    """
    path = material.recipe.release.labels
    if path is None:
        return []
    ids = material.joined.candidates.pairs.ids.to_pylist()
    chosen = [set(pairs.ids.to_pylist()) for pairs in material.joined.selections]
    iterations = [Iteration(t, {}, "", pairs, pairs) for t, pairs in enumerate(chosen, start=1)]
    population = Population(ids, iterations, dict.fromkeys(ids, ONE), material.build.curated[-1].fingerprint)
    report = measure(population.as_drawn(path.parent), read_labels(path))
    if not report["labelled"]:
        raise ReleaseError(f"{path}: none of its ids is that of a candidate pair or its segment; were they built anew?")
    return [
        {"iteration": int(t), "labelled": report["labelled"], "good": report["good"], **figures}
        for t, figures in report["selections"].items()
    ]


def samples(configs: list[Config]) -> dict[str, str]:
    """One real row of every config as JSON, by config; of long texts the beginning."""
    return {config.name: _sample(config) for config in configs}


def _sample(config: Config) -> str:
    import pyarrow.parquet as pq

    with pq.ParquetFile(config.splits[0].files[0]) as file:
        batch = next(file.iter_batches(SAMPLE_CANDIDATES))
    rows = batch.to_pylist()
    sizes = [len(json.dumps(row, ensure_ascii=False)) for row in rows]
    row = next(
        (row for row, size in zip(rows, sizes, strict=True) if size <= SAMPLE_CHARS), rows[sizes.index(min(sizes))]
    )
    return json.dumps(_shown(row), indent=2, ensure_ascii=False)


def _shown(value: Any) -> Any:
    """A value whose texts are no wider than a line of the card."""
    if isinstance(value, dict):
        return {key: _shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    ends = list(itertools.accumulate(map(_width, text[: SAMPLE_WIDTH + 1])))
    if not ends or ends[-1] <= SAMPLE_WIDTH:
        return text
    return text[: sum(end <= SAMPLE_WIDTH for end in ends)].rstrip() + " …"


def _width(letter: str) -> int:
    """How many letters of Latin a letter is as wide as, in JSON."""
    return 2 if letter in '\n\t"\\' or unicodedata.east_asian_width(letter) in "WF" else 1
