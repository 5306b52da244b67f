"""Time of the dedup stage, and what it finds of planted near duplicates (`make bench-dedup`).

Segments are random words of a vocabulary with Zipf's frequencies. Every tenth has a copy in which a share of the
words is replaced. A copy is found when the stage leaves out one of the two; a row is left out wrongly when it has no
copy, or is said to repeat another segment.
"""

import argparse
import itertools
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.data.records import segment_id, segment_schema
from builder.data.storage import open_rows, read_rows
from builder.method.corpus.dedup.stage import deduplicate
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.runtime import Runtime

EDITS = (0.0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
"""Shares of replaced words, dealt out to the copies in turn."""
WORDS = 290
"""Words a segment: about 1,800 characters."""


def segments(count: int, seed: int = 0, words: int = WORDS) -> Iterator[dict[str, Any]]:
    """`count` rows, about an eleventh of them copies; `title` says `family edits`, which no stage looks at."""
    rng = random.Random(seed)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    vocabulary = ["".join(rng.choices(letters, range(52, 0, -2), k=rng.randint(2, 9))) for _ in range(20_000)]
    weights = list(itertools.accumulate(1 / rank for rank in range(3, len(vocabulary) + 3)))
    made = 0
    for family in itertools.count():
        text = rng.choices(vocabulary, cum_weights=weights, k=words)
        versions = [(text, "-")]
        if family % 10 == 0:
            edits = EDITS[family // 10 % len(EDITS)]
            places = set(rng.sample(range(words), round(edits * words)))
            copy = [rng.choice(vocabulary) if at in places else word for at, word in enumerate(text)]
            versions.append(([*copy[:-1], copy[-1].upper()], f"{edits:g}"))
        for version, edits_made in versions:
            if made == count:
                return
            yield _row(f"page-{made}", " ".join(version), f"{family} {edits_made}")
            made += 1


def _row(page: str, text: str, title: str) -> dict[str, Any]:
    return {
        "id": segment_id(page, 0, text), "page_id": page, "url": f"https://{page}.example.org/", "source_file": "bench",
        "record_offset": 0, "title": title, "header": "h", "text": text, "kept_blocks": [1],
    }  # fmt: skip


def write_segments(folder: Path, count: int, seed: int = 0, rows_per_group: int = 5_000) -> None:
    """Write the rows as the segments stage would."""
    rows = segments(count, seed)
    with open_rows(folder / "data" / "00000.parquet", segment_schema()) as write:
        while chunk := list(itertools.islice(rows, rows_per_group)):
            write(chunk)


def measure(given: Path, result: Path) -> tuple[dict[str, tuple[int, int]], int, int]:
    """Found and planted copies by share of edits; rows left out rightly, and wrongly."""
    titles = {row["id"]: row["title"].split() for row in read_rows(given / "data", ["id", "title"])}
    planted = Counter(edits for _, edits in titles.values() if edits != "-")
    copies = {family: edits for family, edits in titles.values() if edits != "-"}
    recalled: Counter[str] = Counter()
    wrong = 0
    for row in read_rows(result / "rejected"):
        family, twin = titles[row["id"]][0], titles[row["twin"]][0]
        if family == twin and family in copies:
            recalled[copies[family]] += 1
        else:
            wrong += 1
    by_edits = {f"{edits:g}": (recalled[f"{edits:g}"], planted[f"{edits:g}"]) for edits in EDITS}
    return by_edits, sum(recalled.values()), wrong


def _processor_seconds() -> Iterator[float]:
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        yield usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print time, recall by share of edits, and precision."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--segments", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        given, result = Path(name) / "given", Path(name) / "result"
        write_segments(given, options.segments)
        started, before = time.monotonic(), sum(_processor_seconds())
        stats = deduplicate(result, Dedup(), given, runtime=Runtime(workers=options.workers))
        seconds, processor = time.monotonic() - started, sum(_processor_seconds()) - before
        by_edits, right, wrong = measure(given, result)
    counts = stats.counts["segments"]
    outcomes = ", ".join(
        f"{number:,} {outcome}" for outcome, number in [("kept", counts.kept), *counts.dropped.items()]
    )
    print(f"{counts.rows_in:,} segments in {seconds:.1f} s, {processor:.1f} s of processor time, "
          f"{options.workers} workers: {outcomes}")  # fmt: skip
    for edits, (recalled, planted) in by_edits.items():
        alike = (1 - float(edits)) ** 5
        print(f"  {float(edits):>5.1%} of the words replaced (Jaccard index of 5-grams {alike / (2 - alike):.2f}): "
              f"{recalled:>5,} of {planted:>5,} found ({recalled / planted:.3f})")  # fmt: skip
    print(f"  precision {right / max(1, right + wrong):.4f} ({wrong:,} left out wrongly)")


if __name__ == "__main__":
    main()
