"""Some pages of a corpus, cut as the build cuts them: what a page costs and gives, and how many pages there are."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from builder.cli.planning.probe import SAMPLE, Probe, bytes_of, measured
from builder.data.accounting import Stats
from builder.data.sampled import spread
from builder.data.storage import read_json, read_rows, write_json
from builder.method.corpus.extent import Part, Tried, in_all, measured_parts, part_of, parts_of, quiet
from builder.method.corpus.reading.crawl import Input, Loss, Page, Shard
from builder.method.corpus.reading.readers import read_pages
from builder.method.corpus.reading.sources import list_inputs
from builder.method.corpus.stage import run_blocks
from builder.method.corpus.tasks import TaskFiles
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime

_FILES = 64
"""So many archives are opened, of each a few pages."""
_AT_LEAST = "how large files at an address are is not known, so pages that were not read of them do not count"


def measure_segments(out: Path, config: Probe, *, runtime: Runtime) -> Stats:
    """Cut pages of files from all parts of the corpus; each part is reckoned by its own."""
    begun = time.monotonic()
    settings: Segments = config.settings()
    inputs = list_inputs(settings.sources)
    with quiet():
        parts, _ = measured_parts(inputs, 1)
    tasks = min(runtime.workers, settings.tasks)
    files = TaskFiles(out / SAMPLE, "sample", tasks)
    files.prepare()
    chosen = _chosen(inputs, config.units)
    prepared = time.monotonic()
    # Whoever plans waits for no queue.
    run_blocks(ReadSome(chosen, config.seconds, out), settings, files, runtime.model_copy(update={"executor": "local"}))
    ended = time.monotonic()
    notes = [read_json(out / "notes" / f"{rank}.json") for rank in range(tasks)]
    worked = max(note["seconds"] for note in notes)
    rounds = -(-settings.tasks // runtime.workers)
    found = _Found(parts, chosen, [part for note in notes for part in note["files"]], _kept(out / SAMPLE / "data"))
    beside = sum(part["seconds"] for part in found.notes) / worked if worked else 1.0
    pages = found.total()
    each = found.each("seconds") / max(beside, 1.0)
    return measured(
        found.pages,
        start=(prepared - begun) + rounds * max(ended - prepared - worked, 0.0),
        each=each,
        unit="pages",
        units=pages,
        kept=found.each("kept"),
        notes=[_AT_LEAST] if any(part.total is None for part in parts) else [],
        bytes_each=found.each("kept") * bytes_of(out / SAMPLE / "data") / max(sum(found.kept.values()), 1),
    )


@dataclass(frozen=True)
class Some:
    """A file of which pages are read, and how many at most."""

    item: Input
    most: int


def _chosen(inputs: list[Input], units: int) -> list[Some]:
    """As many pages of each part, from files all over it; the parts take turns, as there may be no time for all."""
    parts = parts_of(inputs)
    share = -(-units // len(parts))
    found: list[tuple[float, Some]] = []
    for (form, _), items in parts.items():
        files = spread(items, share if form == "html" else min(share, -(-_FILES // len(parts))))
        each = -(-share // len(files))
        found += [((at + 0.5) / len(files), Some(item, each)) for at, item in enumerate(files)]
    ordered = [some for _, some in sorted(found, key=lambda pair: pair[0])]
    # A name of its own, by which the rows are told apart: sources may have files of the same name.
    return [replace(some, item=replace(some.item, name=f"{at}/{some.item.name}")) for at, some in enumerate(ordered)]


@dataclass
class ReadSome:
    """The first block: the first pages of some files, for as long as there is time."""

    files: list[Some]
    seconds: float
    out: Path

    def __call__(self, data: object, rank: int, world_size: int) -> Iterator[Page | Loss]:
        """Read, and note how many pages of which file that was, and how long they took until they were written."""
        begun, notes = time.monotonic(), list[dict[str, Any]]()
        for some in self.files[rank::world_size]:
            started, pages = time.monotonic(), 0
            for outcome in read_pages([some.item], Shard()):
                if pages >= some.most or time.monotonic() - begun > self.seconds:
                    break
                pages += isinstance(outcome, Page)
                yield outcome
            notes.append({"name": some.item.name, "pages": pages, "seconds": time.monotonic() - started})
        write_json(self.out / "notes" / f"{rank}.json", {"files": notes, "seconds": time.monotonic() - begun})


def _kept(data: Path) -> Counter[str]:
    """The segments that stay of each file."""
    return Counter(str(row["source_file"]) for row in read_rows(data, ["source_file"]))


@dataclass
class _Found:
    """What came of the pages of each part."""

    parts: list[Part]
    chosen: list[Some]
    notes: list[dict[str, Any]]
    kept: Counter[str]

    @property
    def pages(self) -> int:
        return sum(note["pages"] for note in self.notes)

    def total(self) -> float:
        """How many pages there are; where sizes are not known, as many as were read of the files that were opened."""
        return sum(self._total(part) for part in self.parts)

    def each(self, what: str) -> float:
        """How many seconds, or kept segments, there are for one page of the corpus."""
        tried = (Tried(self._total(part), self._of(part, "pages"), self._of(part, what)) for part in self.parts)
        return (in_all(tried) or 0.0) / max(self.total(), 1.0)

    def _total(self, part: Part) -> float:
        return part.total if part.total is not None else float(self._of(part, "pages"))

    def _of(self, part: Part, what: str) -> Any:
        names = {some.item.name for some in self.chosen if part_of(some.item) == part.key}
        if what == "kept":
            return sum(self.kept[name] for name in names)
        return sum(note[what] for note in self.notes if note["name"] in names)
