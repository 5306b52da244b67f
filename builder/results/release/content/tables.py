"""The rows of the four dataset configs (DESIGN section 4).

`curated`, `seed` and `sft` have one schema of `prompt` and `completion` conversations, the tag of paper 2.3 inside.
No config has `messages` beside them: a trainer that finds two forms in a row may take either. `chat`, the rows of `sft`
in that form, is made of them in `builder.results.release.portable.chat`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from builder.data.page_address import web_address
from builder.data.records import candidate_schema, curated_schema, seed_schema
from builder.data.row_groups import read_batches, row_groups
from builder.llm.conversations import Tag, forward_pair
from builder.results.release.content.columns import mapped, with_column
from builder.results.release.content.joined import Trainable
from builder.results.release.content.material import Material
from builder.results.release.content.parquet import Rows, Source, by_id
from builder.results.release.content.places import segments_of, stand_off, stand_off_schema
from builder.results.release.content.trained import conversation_schema
from builder.results.release.facts.origins import WEB
from builder.workspace.workspace import Artifact

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT_CONFIG = "curated"


def augmented_schema(scores: Iterable[str], iterations: int, *, judge: bool = False) -> "pa.Schema":
    """Schema of `augmented`: a candidate, one column a score, one a selection, its split; `judge` as elsewhere."""
    import pyarrow as pa

    extra = [pa.field(name, pa.float64()) for name in scores]
    extra += [pa.field(f"selected_{t}", pa.bool_()) for t in range(1, iterations + 1)]
    extra += [pa.field("split", pa.string()), *([pa.field("judge", pa.string())] if judge else [])]
    return pa.schema([*candidate_schema(), *extra])


def configs(material: Material) -> Iterator[tuple[str, Rows]]:
    """Yield name and rows of every config as it is released, without the rows left out.

    Raises:
        ReleaseError: If the artifacts do not belong together.
    """
    joined, build = material.joined, material.build
    yield DEFAULT_CONFIG, _released(material, _conversations(material, build.curated[-1], joined.final, "web"))
    yield "seed", by_id(_conversations(material, build.seed, joined.seed, "seed"), material.left_out)
    yield "sft", material.sft.rows(material.trained)
    yield "augmented", _released(material, _augmented(material))


def _released(material: Material, source: Source) -> Rows:
    """The rows with their texts, or in a stand-off release with the places of these."""
    places = material.places
    if places is None:
        return by_id(source, material.left_out)
    schema, rows = stand_off_schema(source.schema), places.rows(segments_of(source.ids))

    def read() -> "Iterator[tuple[int, pa.RecordBatch]]":
        for start, batch in source.read():
            yield start, stand_off(batch, schema, places, rows.slice(start, batch.num_rows))

    return by_id(replace(source, schema=schema, read=read, taken=False), material.left_out)


def _conversations(material: Material, artifact: Artifact, pairs: Trainable, tag: Tag) -> Source:
    """Pairs as a forward model trains on them, with what is known of them beside."""
    import pyarrow as pa

    schema = conversation_schema(judge=material.judged_by is not None)

    def read() -> "Iterator[tuple[int, pa.RecordBatch]]":
        known = {"source": WEB} if tag == "web" else {}
        for start, batch in read_batches(row_groups(artifact.data), names):
            beside = _of_pages(material, batch) if tag == "web" else batch
            rows = [known | row | forward_pair(material.recipe.chat, tag, row) for row in beside.to_pylist()]
            if tag == "web" and (judged_by := material.judged_by):
                rows = [row | {"judge": judged_by(row["page_id"])} for row in rows]
            yield start, pa.RecordBatch.from_pylist(rows, schema=schema)

    names = (curated_schema() if tag == "web" else seed_schema()).names
    return Source(schema, pairs.pairs.ids, pairs.origins["split"].combine_chunks(), read)


def _of_pages(material: Material, batch: "pa.RecordBatch") -> "pa.RecordBatch":
    """Pairs from the web with the addresses that a release has, and the licences of their pages."""
    licences = material.joined.segments.licences(batch.column("segment_id"))
    return with_column(batch, "url", mapped(batch.column("url"), web_address)).append_column("license", licences)


def _augmented(material: Material) -> Source:
    """All candidates with their scores, selections and splits, joined by place."""
    import pyarrow as pa
    import pyarrow.compute as pc

    joined, judged_by = material.joined, material.judged_by
    schema = augmented_schema(material.scores, material.recipe.iterations, judge=judged_by is not None)
    ids = joined.candidates.pairs.ids
    selected = [pc.is_in(ids, value_set=pairs.ids) for pairs in joined.selections]
    splits = pc.if_else(joined.withheld, "test", "train")
    beside = [*(scores.by_place for scores in joined.scores), *selected, splits]

    def read() -> "Iterator[tuple[int, pa.RecordBatch]]":
        for start, batch in read_batches(row_groups(material.build.candidates.data), candidate_schema().names):
            batch = with_column(batch, "url", mapped(batch.column("url"), web_address))
            columns = [*batch.columns, *(column.slice(start, batch.num_rows) for column in beside)]
            if judged_by is not None:
                columns.append(mapped(batch.column("page_id"), judged_by))
            yield start, pa.RecordBatch.from_arrays(columns, schema=schema)

    return Source(schema, ids, pa.repeat("train", len(ids)), read)
