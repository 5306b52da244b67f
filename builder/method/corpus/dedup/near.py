"""Near duplicates by datatrove's MinHash: signatures, buckets, clusters.

datatrove's fourth stage keeps the root of each cluster, which depends on how rows lie in files. It is left out: the
clusters themselves do not depend on that, and the smallest id of each stays.
"""

import shutil
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.records import stable_id
from builder.data.row_groups import Group, read_batches
from builder.data.storage import read_json, write_json
from builder.method.corpus.rules.splitter import splitter
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.runtime import Runtime
from builder.workspace.cluster.tasks import Tasks
from builder.workspace.progress import Progress, beating, phase, polled

if TYPE_CHECKING:
    import numpy as np
    from datatrove.data import Document

    Marks = np.ndarray[Any, np.dtype[np.bool_]]

TASK_ROWS, MAX_TASKS = 5_000, 256
_POLL_SECONDS = 0.5
_ALIVE_SECONDS = 10.0


@dataclass
class MinHash:
    """One run of MinHash over the marked rows of a stage.

    Attributes:
        folder: Where signatures, buckets and clusters go; what is whole there from a run with the same mark stays.
        groups: The row groups of the input.
        marked: By place, whether a row takes part.
        config: The parameters.
    """

    folder: Path
    groups: list[Group]
    marked: "Marks"
    config: Dedup

    @property
    def tasks(self) -> int:
        """How many signature files there are."""
        return max(1, min(MAX_TASKS, len(self.groups), -(-int(self.marked.sum()) // TASK_ROWS)))

    def clusters(self, out: Path, content: str, runtime: Runtime) -> Iterator[list[int]]:
        """Yield the places of each cluster of near duplicates; rows without any are in none.

        Args:
            out: Stage folder, for progress.
            content: Identity of the marked rows; with another one, an unfinished run is not gone on with.
            runtime: How many processes, and where.
        """
        from datatrove.pipeline.dedup import minhash as stages

        self._prepare(content)
        config = stages.MinhashConfig(
            n_grams=self.config.n_grams,
            num_buckets=self.config.buckets,
            hashes_per_bucket=self.config.hashes_per_bucket,
        )
        signatures, buckets, clusters = (str(self.folder / name) for name in ("signatures", "buckets", "clusters"))
        sign = stages.MinhashDedupSignature(signatures, config=config, language=splitter(self.config.n_grams))
        match = stages.MinhashDedupBuckets(signatures, buckets, config=config)
        join = stages.MinhashDedupCluster(buckets, clusters, config=config, save_cluster_id=True)
        with self._watched(out):
            self._run("sign", [ReadTexts(self.groups, self.marked), sign], self.tasks, runtime)
        with phase("comparing signatures"), _alive(out):
            self._run("match", [match], config.num_buckets, runtime)
        with phase("joining near duplicates"), _alive(out):
            self._run("join", [join], 1, runtime)
        members: dict[int, list[int]] = {}
        for rank in range(self.tasks):
            places = [place for batch in self._places(rank) for place in batch]
            for document, cluster in _pairs(Path(clusters) / f"{rank:06d}.clusters"):
                members.setdefault(cluster, []).append(places[document])
        yield from members.values()

    def _prepare(self, content: str) -> None:
        """Keep what an earlier run has left if it was about the same rows and parameters, else nothing."""
        mark = stable_id(content, self.tasks, self.config.n_grams, self.config.buckets, self.config.hashes_per_bucket)
        file = self.folder / "mark.json"
        if not file.is_file() or read_json(file) != mark:
            shutil.rmtree(self.folder, ignore_errors=True)
            write_json(file, mark)

    def _run(self, name: str, blocks: list[Any], tasks: int, runtime: Runtime) -> None:
        Tasks(self.folder.parent, self.folder / "logs" / name, blocks, tasks).run(runtime)

    def _places(self, rank: int) -> "Iterator[Any]":
        """Places of the rows of one signature task, in its order."""
        import numpy as np

        for group in self.groups[rank :: self.tasks]:
            yield group.start + np.flatnonzero(self.marked[group.start : group.start + group.rows])

    @contextmanager
    def _watched(self, out: Path) -> Iterator[None]:
        """Tell how many signature tasks are done."""
        completions = self.folder / "logs" / "sign" / "completions"

        def done() -> int:
            return len(list(completions.iterdir())) if completions.is_dir() else 0

        progress = Progress(out, "signature tasks", self.tasks, before=done())

        def look() -> None:
            progress.advance(done() - progress.done)

        with polled(look, _POLL_SECONDS, name="progress"):
            yield


@dataclass
class ReadTexts:
    """The first block of the signature stage: the marked rows of one task."""

    groups: list[Group]
    marked: "Marks"

    def __call__(self, data: object, rank: int, world_size: int) -> "Iterator[Document]":
        """Ignore `data`; there is nothing before the first block."""
        from datatrove.data import Document

        for start, batch in read_batches(self.groups[rank::world_size], ["text"]):
            for offset, text in enumerate(batch.column("text")):
                if self.marked[start + offset]:
                    yield Document(text=text.as_py(), id=str(start + offset))


def _alive(out: Path) -> AbstractContextManager[None]:
    """Let the stage not seem to stand still: its few tasks may take hours each, and tell nothing meanwhile."""
    return polled(beating(out), _ALIVE_SECONDS, name="alive")


def _pairs(path: Path) -> Iterator[tuple[int, int]]:
    """Document and cluster numbers that the cluster stage has written for one signature file."""
    return struct.iter_unpack("<II", path.read_bytes()) if path.is_file() else iter(())
