"""Segments beside the candidates on their pages, for M_yx to write wrong instructions of: a build may use a sample."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from builder.data.accounting import Counts, Stats
from builder.data.records import Row, segment_schema, stable_id
from builder.data.storage import read_rows, write_rows
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from planted.fit import is_question

VERSION = 1


class Siblings(Section):
    """Which segments are taken."""

    seed: int = 0
    most: Annotated[int, Field(ge=1)] = 80
    max_chars: Annotated[int, Field(ge=1)] = 1_500


def choose_siblings(out: Path, config: Siblings, candidates: Path, segments: Path, *, runtime: Runtime) -> Stats:
    """Take a segment of each page that has one text with an instruction and no other to take a wrong one from.

    Args:
        out: Stage folder; `data/` gets the segments, and no file where there are none.
        config: How many.
        candidates: Stage folder of the build's candidate pairs.
        segments: That of all segments that were cut from its pages.
        runtime: Not used; part of every stage's signature.
    """
    rows = list(read_rows(segments / "data"))
    known: dict[str, set[str]] = defaultdict(set)
    for row in read_rows(candidates / "data", ["page_id", "segment_id"]):
        known[row["page_id"]].add(row["segment_id"])
    taken = choose(rows, known, config)
    if taken:
        write_rows(out / "data" / "segments.parquet", taken, segment_schema())
    counts = Counts(len(rows), len(taken))
    counts.dropped["not_taken"] = len(rows) - len(taken)
    return Stats({"segments": counts})


def choose(rows: Iterable[Row], known: Mapping[str, set[str]], config: Siblings) -> list[dict[str, Any]]:
    """One segment for each page that needs one.

    Args:
        rows: All segments.
        known: By page the segments that have an instruction.
        config: How many, and how long they may be.
    """
    of_page: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of_page[row["page_id"]].append(row)
    found = []
    for page in sorted(known, key=lambda page: stable_id("page", config.seed, page)):
        others = [row for row in of_page[page] if row["id"] not in known[page]]
        if len(known[page]) > 1 or any(is_question(row["header"]) for row in others):
            continue
        short = [row for row in others if len(row["text"]) <= config.max_chars]
        found += sorted(short, key=lambda row: stable_id("sibling", config.seed, row["id"]))[:1]
    return found[: config.most]
