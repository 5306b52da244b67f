"""Holds the files of a stage against its counts."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from builder.data.accounting import Counts, Stats
from builder.data.records import segment_id
from builder.data.storage import count_rows, read_rows


def assert_accounted(out: Path, stats: Stats) -> Counts:
    """All counts add up, survive JSON, and agree with the files; returns the last ones."""
    stats.check("example")
    for counts in stats.counts.values():
        assert Counts.from_dict(json.loads(json.dumps(counts.as_dict()))) == counts
    last = list(stats.counts.values())[-1]
    lost = sum(counts.dropped.total() + counts.failed.total() for counts in stats.counts.values())
    reasons = sum((counts.dropped + counts.failed for counts in stats.counts.values()), Counter[str]())
    assert count_rows(out / "data") == last.kept
    assert count_rows(out / "rejected") == lost
    assert Counter(row["reason"] for row in read_rows(out / "rejected", ["reason"])) == reasons
    return last


def ids(place: Path) -> list[str]:
    return [row["id"] for row in read_rows(place, ["id"])]


def segment_row(number: int, text: str, source: str, **keys: Any) -> dict[str, Any]:
    key = segment_id(f"page-{number}", 0, "")
    return {"id": key, "page_id": f"page-{number}", "url": "u", "header": "h", "source_file": source,
            "record_offset": 0, "text": text, **keys}  # fmt: skip
