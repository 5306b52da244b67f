"""Some pages of a corpus, cut as the build cuts them: what a page costs and gives, and how many pages there are."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.cli.planning.probe import SAMPLE, Probe, bytes_of, measured
from builder.data.accounting import Counts, Stats
from builder.data.storage import read_json, write_json
from builder.method.corpus.reading.crawl import Input, Loss, Page, Shard
from builder.method.corpus.reading.readers import read_pages
from builder.method.corpus.reading.sources import list_inputs
from builder.method.corpus.stage import run_blocks
from builder.method.corpus.tasks import TaskFiles
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime

_FILES = 64
_PACKED = 5.0
"""How much smaller packed JSON lines are, where their place in the file says nothing of the file."""


def measure_segments(out: Path, config: Probe, *, runtime: Runtime) -> Stats:
    """Cut pages of files from all parts of the corpus."""
    begun = time.monotonic()
    settings: Segments = config.settings()
    inputs = list_inputs(settings.sources)
    tasks = min(runtime.workers, settings.tasks)
    files = TaskFiles(out / SAMPLE, "sample", tasks)
    files.prepare()
    chosen = _spread([item for item in inputs if item.format == "html"], config.units // 2)
    archives = _spread([item for item in inputs if item.format != "html"], _FILES)
    each = -(-(config.units - len(chosen)) // max(len(archives), 1))
    chosen += archives
    read = ReadSome(chosen, each, config.seconds, out)
    prepared = time.monotonic()
    run_blocks(read, settings, files, workers=tasks)
    ended = time.monotonic()
    notes = [read_json(out / "notes" / f"{rank}.json") for rank in range(tasks)]
    counts = {"pages": Counts(), "segments": Counts()}
    for result in files.results():
        for kind, value in counts.items():
            value.add(Counts.from_dict(result["counts"][kind]))
    worked = max(note["seconds"] for note in notes)
    pages = sum(part["seen"] for note in notes for part in note["files"])
    rounds = -(-settings.tasks // runtime.workers)
    return measured(
        pages,
        start=(prepared - begun) + rounds * max(ended - prepared - worked, 0.0),
        each=worked / max(pages, 1),
        unit="pages",
        units=_pages_of(inputs, [part for note in notes for part in note["files"]]),
        whole=all(part["whole"] for note in notes for part in note["files"]) and len(chosen) == len(inputs),
        kept=counts["segments"].kept / max(pages, 1),
        bytes_each=bytes_of(out / SAMPLE / "data") / max(pages, 1),
    )


def _spread(inputs: list[Input], most: int) -> list[Input]:
    """Some of the files, from all parts of the list."""
    return inputs[:: -(-len(inputs) // max(most, 1))] if inputs else []


@dataclass
class ReadSome:
    """The first block: the first pages of some files, for as long as there is time."""

    inputs: list[Input]
    each: int
    seconds: float
    out: Path

    def __call__(self, data: object, rank: int, world_size: int) -> Iterator[Page | Loss]:
        """Read, and note how much of which file that was."""
        begun, notes = time.monotonic(), list[dict[str, Any]]()
        for item in self.inputs[rank::world_size]:
            note: dict[str, Any] = {"format": item.format, "seen": 0, "whole": True, "size": _weight(item), "at": 0}
            for outcome in read_pages([item], Shard()):
                if note["seen"] >= self.each or time.monotonic() - begun > self.seconds:
                    note["whole"] = False
                    break
                note["seen"] += 1
                note["at"] = max(note["at"], getattr(outcome, "record_offset", 0))
                yield outcome
            notes.append(note | {"packed": item.name.endswith((".gz", ".zst"))})
        write_json(self.out / "notes" / f"{rank}.json", {"files": notes, "seconds": time.monotonic() - begun})


def _weight(item: Input) -> int:
    """Bytes of a file here, rows of a table; 1 where neither is known."""
    if not isinstance(item.location, Path):
        return 1
    if item.format == "parquet":
        import pyarrow.parquet as pq

        return int(pq.read_metadata(item.location).num_rows)
    return max(item.location.stat().st_size, 1)


def _pages_of(inputs: list[Input], notes: list[dict[str, Any]]) -> float:
    """How many pages all files have, by what was seen of some."""
    pages = 0.0
    for form in {item.format for item in inputs}:
        of = [note for note in notes if note["format"] == form]
        files = [item for item in inputs if item.format == form]
        if form == "html":
            pages += len(files)
        elif of:
            weight = sum(note["size"] for note in of)
            pages += sum(map(_pages_in, of)) * sum(map(_weight, files)) / weight
    return pages


def _pages_in(note: dict[str, Any]) -> float:
    if note["whole"]:
        return float(note["seen"])
    if note["format"] == "parquet":
        return float(note["size"])
    size = note["size"] * (_PACKED if note["packed"] and note["format"] == "jsonl" else 1.0)
    return float(max(note["seen"], note["seen"] * size / note["at"])) if note["at"] else float(note["seen"])
