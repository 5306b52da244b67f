"""What a finished build says of its rows, joined once: ids, scores, selections and numbers; texts pass by.

What is kept are columns, some hundred bytes a row. A place is the number of a row in its stage.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from builder.build import Build
from builder.data.page_address import web_address
from builder.data.records import Row
from builder.data.row_groups import read_batches, row_groups
from builder.llm.conversations import Tag, forward_pair
from builder.method.augment.gate.phrases import is_refusal
from builder.method.curate.withheld import withheld_pages
from builder.results.release.content.columns import Lengths, column_of, mapped, naming, with_column, with_constants
from builder.results.release.content.places import OF_SEGMENTS, segments_of
from builder.results.release.content.removed import NAMES_OF_A_ROW, read_removed
from builder.results.release.content.trained import row_digest, row_line
from builder.results.release.facts.origins import WEB, SegmentOrigins
from builder.text.domains import registered_domain
from builder.text.words import fold
from builder.workspace.workspace import Artifact

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Floats = np.ndarray[Any, np.dtype[np.float64]]

TEXTS = ("instruction", "output")


class Pairs:
    """Ids of the pairs of a stage, by place, and the lengths of their texts."""

    def __init__(self) -> None:
        self._ids: list[Any] = []
        self.lengths = {name: Lengths() for name in TEXTS}

    def add(self, batch: "pa.RecordBatch") -> None:
        """Add rows with id, instruction and output."""
        self._ids.append(batch.column("id"))
        for name, lengths in self.lengths.items():
            lengths.add(batch.column(name))

    @cached_property
    def ids(self) -> "pa.Array":
        """All ids."""
        return column_of(self._ids)


@dataclass
class Trainable:
    """Pairs that forward models train on: the seed, or the final selection.

    Attributes:
        pairs: Their ids and lengths.
        origins: By place, what a config has beside the conversation, and a digest of that; see `origins_schema`.
        refusals: How many outputs begin as a refusal does (in English).
    """

    pairs: Pairs
    origins: "pa.Table"
    refusals: int


def origins_schema() -> "pa.Schema":
    """Columns of `Trainable.origins`; `digest` is that of the row as a forward model trains on it."""
    import pyarrow as pa

    texts = ("id", "source", "license", "url", "page_id", "split")
    named = [pa.field(name, pa.string()) for name in texts]
    return pa.schema([*named, pa.field("score", pa.float64()), pa.field("digest", pa.binary())])


def trained_origins(*parts: Trainable) -> "pa.Table":
    """The origins of all pairs that forward models may train on."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pa.concat_tables(part.origins.filter(pc.field("split") == "train") for part in parts)


@dataclass
class Candidates:
    """All candidate pairs.

    Attributes:
        pairs: Their ids and lengths.
        pages: The page of each, by place.
        named: Rows that the file of take-downs names, with all names.
        asked: Id, segment and instruction, by place; none where the release has its texts.
    """

    pairs: Pairs
    pages: "pa.Array"
    named: list[Row]
    asked: "pa.Table"


@dataclass
class Scores:
    """One score column.

    Attributes:
        by_place: The score of each candidate; null where there is none, or one that is no finite number.
        given: All scores.
        selected: Those of the final selection.
        unscored: How many pairs have none.
    """

    by_place: "pa.Array"
    given: "Floats"
    selected: "Floats"
    unscored: int


class Joined:
    """The rows of a build, joined by id. Nothing is read before it is asked for, and nothing twice.

    Args:
        build: A finished build.
        digests: Whether rows are to be held against those of models; otherwise they get no digest, which saves time.
    """

    def __init__(self, build: Build, *, digests: bool = True) -> None:
        self._build, self._release, self._digests = build, build.recipe.release, digests

    @cached_property
    def segments(self) -> SegmentOrigins:
        """The distinct segments."""
        return SegmentOrigins(self._build, ("page_id", *OF_SEGMENTS) if self._release.text == "standoff" else ())

    @cached_property
    def seed(self) -> Trainable:
        """The human-written pairs."""
        return self._trainable(self._build.seed, "seed", ("source", "license"))

    @cached_property
    def final(self) -> Trainable:
        """The final selection, train and test."""
        return self._trainable(self._build.curated[-1], "web", ("url", "page_id", "split", "score"))

    def _trainable(self, artifact: Artifact, tag: Tag, columns: tuple[str, ...]) -> Trainable:
        import pyarrow as pa

        pairs, origins, refusals, prompts = Pairs(), [], 0, self._build.recipe.chat
        for _, batch in read_batches(row_groups(artifact.data), ["id", *TEXTS, *columns]):
            pairs.add(batch)
            refusals += sum(is_refusal(fold(output)) for output in batch.column("output").to_pylist())
            rows = batch.to_pylist() if self._digests else []
            lines = (row_line(forward_pair(prompts, tag, row)) for row in rows)
            digests: list[bytes | None] = [*map(row_digest, lines)] or [None] * batch.num_rows
            known = batch.select(["id", *columns]).append_column("digest", pa.array(digests, pa.binary()))
            if tag == "web":
                known = with_column(known, "url", mapped(known.column("url"), web_address))
                licences = self.segments.licences(segments_of(known.column("id")))
                known = known.append_column("license", licences)
            origins.append(with_constants(known, origins_schema(), {"source": WEB, "split": "train"}))
        return Trainable(pairs, pa.Table.from_batches(origins, schema=origins_schema()), refusals)

    @cached_property
    def selections(self) -> list[Pairs]:
        """A_k(1) ... A_k(N)."""
        return [*(pairs for pairs, _ in self._earlier), self.final.pairs]

    @cached_property
    def _earlier(self) -> "list[tuple[Pairs, pa.Array]]":
        """A_k(1) ... A_k(N-1), each with the pages of its pairs."""
        return [_pairs(artifact) for artifact in self._build.curated[:-1]]

    @cached_property
    def domains(self) -> Counter[str]:
        """Rows of the final selection by registered domain, the empty one for addresses without."""
        return Counter(registered_domain(url or "") for url in self.final.origins["url"].to_pylist())

    @cached_property
    def candidates(self) -> Candidates:
        """All candidate pairs."""
        down, pairs = self._taken_down(), Pairs()
        pages, named, asked = [], list[Row](), []
        columns = dict.fromkeys(["id", *TEXTS, *NAMES_OF_A_ROW])
        for _, batch in read_batches(row_groups(self._build.candidates.data), [*columns]):
            pairs.add(batch)
            pages.append(batch.column("page_id"))
            named += naming(batch.select(list(NAMES_OF_A_ROW)), down)
            if self._release.text == "standoff":
                asked.append(batch.select(["id", "segment_id", "instruction"]))
        return Candidates(pairs, column_of(pages), named, _asked(asked))

    @cached_property
    def withheld(self) -> "pa.Array":
        """Whether each candidate is on a page that is withheld for testing, by place."""
        import pyarrow as pa
        import pyarrow.compute as pc

        pages, first = self.candidates.pages, self._earlier[0][1] if self._earlier else self.final.origins["page_id"]
        withheld = withheld_pages(pages.to_pylist(), first.to_pylist(), self._build.recipe.curate)
        return pc.is_in(pages, value_set=pa.array(sorted(withheld), pa.string()))

    def named(self) -> Iterator[Row]:
        """The rows of seed and candidates that the file of take-downs names, with their names."""
        import pyarrow as pa

        yield from naming(pa.RecordBatch.from_arrays([self.seed.pairs.ids], names=["id"]), self._taken_down())
        yield from self.candidates.named

    def _taken_down(self) -> "pa.Array":
        import pyarrow as pa

        path = self._release.removed
        return pa.array(read_removed(path) if path else [], pa.string())

    @cached_property
    def scores(self) -> list[Scores]:
        """The score columns, in the order of `Build.scores`."""
        return [self._scores(artifact) for artifact in self._build.scores.values()]

    def _scores(self, artifact: Artifact) -> Scores:
        import pyarrow.compute as pc

        batches = [batch for _, batch in read_batches(row_groups(artifact.data), ["id", "score"])]
        ids, stored = (column_of([batch.column(name) for batch in batches]) for name in ("id", "score"))
        scores = pc.if_else(pc.is_finite(stored), stored, None)
        candidates = self.candidates.pairs.ids
        by_place = scores if ids.equals(candidates) else scores.take(pc.index_in(candidates, value_set=ids))
        selected = scores.filter(pc.is_in(ids, value_set=self.final.pairs.ids))
        given, chosen = (column.drop_null().to_numpy() for column in (scores, selected))
        return Scores(by_place, given, chosen, scores.null_count)


def _asked(batches: "list[pa.RecordBatch]") -> "pa.Table":
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in ("id", "segment_id", "instruction")])
    return pa.Table.from_batches(batches, schema=schema)


def _pairs(artifact: Artifact) -> "tuple[Pairs, pa.Array]":
    pairs, pages = Pairs(), []
    for _, batch in read_batches(row_groups(artifact.data), ["id", *TEXTS, "page_id"]):
        pairs.add(batch)
        pages.append(batch.column("page_id"))
    return pairs, column_of(pages)
