"""The blocks of the segments stage in this process, for tests that try many small corpora."""

from pathlib import Path
from typing import Any

from builder.data.accounting import Counts, Stats
from builder.method.corpus.cutting.page import cut_page
from builder.method.corpus.reading.crawl import Loss, Page, Shard
from builder.method.corpus.reading.readers import list_inputs, read_pages
from builder.method.corpus.tasks import TaskFiles
from builder.method.corpus.writer import WriteSegments
from builder.recipe.sections.corpus import Segments


def cut_and_write(out: Path, config: Segments) -> Stats:
    """Run all tasks, one after the other, and add up their counts."""
    files = TaskFiles(out, "mark", config.tasks)
    files.prepare()
    inputs = list_inputs(config.sources)
    for rank in range(config.tasks):
        outcomes = (_cut(item, config) for item in read_pages(inputs, Shard(rank, config.tasks)))
        assert list(WriteSegments(config, files)(outcomes, rank, config.tasks)) == []
    total = {"records": Counts(), "pages": Counts(), "segments": Counts()}
    for result in files.results():
        for kind, counts in result["counts"].items():
            total[kind].add(Counts.from_dict(counts))
    return Stats(total)


def _cut(item: Page | Loss, config: Segments) -> Any:
    """What the block `CutPages` makes of a page, without its child process; a page that breaks it is an error here."""
    if isinstance(item, Loss):
        return item
    result = cut_page(item, config)
    return Loss("pages", item.page_id, result) if isinstance(result, str) else (item, result)
