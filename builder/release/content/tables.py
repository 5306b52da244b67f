"""The rows of the four dataset configs (DESIGN section 4).

`curated`, `seed` and `sft` have one schema of `prompt` and `completion` conversations, the tag of paper 2.3 inside.
No config has `messages` beside them: a trainer that finds two forms in a row may take either.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from builder.data.records import candidate_schema, training_schema
from builder.data.storage import parquet_files, read_rows
from builder.errors import ReleaseError
from builder.llm.conversations import forward_pair
from builder.method.curate.curate import withheld_pages
from builder.recipe.strict_yaml import read_yaml
from builder.release.content.material import Material
from builder.release.content.provenance import judge_of_page

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from builder.workspace.workspace import Artifact

Row = dict[str, Any]
WEB = "web"
"""`source` of augmented rows. Their `license` is null: nobody has stated one for the page they come from."""

DEFAULT_CONFIG = "curated"


def conversation_schema(*, judge: bool = False) -> "pa.Schema":
    """Schema of `curated`, `seed` and `sft`; `score` is null on seed rows, `license` on web rows.

    Args:
        judge: Whether rows were scored by different models, so that each names its own.
    """
    import pyarrow as pa

    training = training_schema()
    columns = [training.field(name) for name in ("prompt", "completion", "id")]
    extra = [("source", pa.string()), ("score", pa.float64()), ("url", pa.string()), ("license", pa.string())]
    extra += [("judge", pa.string())] if judge else []
    return pa.schema(columns + [pa.field(name, kind) for name, kind in extra])


def augmented_schema(scores: Iterable[str], iterations: int, *, judge: bool = False) -> "pa.Schema":
    """Schema of `augmented`: a candidate, one column a score, one a selection, its split; `judge` as elsewhere."""
    import pyarrow as pa

    extra = [pa.field(name, pa.float64()) for name in scores]
    extra += [pa.field(f"selected_{t}", pa.bool_()) for t in range(1, iterations + 1)]
    extra += [pa.field("split", pa.string()), *([pa.field("judge", pa.string())] if judge else [])]
    return pa.schema([*candidate_schema(), *extra])


def configs(material: Material) -> Iterator[tuple[str, dict[str, "pa.Table"]]]:
    """Yield name and tables by split of every config, without the rows left out; an empty split is left out.

    Raises:
        ReleaseError: If the artifacts do not belong together.
    """
    for name, tables in _configs(material):
        kept = {split: _without(table, material.left_out) for split, table in tables.items()}
        yield name, {split: table for split, table in kept.items() if table.num_rows or split == "train"}


def _without(table: "pa.Table", removed: frozenset[str]) -> "pa.Table":
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.invert(pc.is_in(table["id"], pa.array(sorted(removed), pa.string())))) if removed else table


def _configs(material: Material) -> Iterator[tuple[str, dict[str, "pa.Table"]]]:
    own_judge = judge_of_page(material) is not None
    schema = conversation_schema(judge=own_judge)
    curated = {split: _sorted(table_of(_curated_rows(material, split), schema)) for split in ("train", "test")}
    yield DEFAULT_CONFIG, curated
    yield "seed", {"train": _sorted(table_of(_seed_rows(material), schema))}
    yield "sft", {"train": table_of(_sft_rows(material), schema)}
    augmented = augmented_schema(material.scores, material.recipe.iterations, judge=own_judge)
    yield "augmented", {"train": _sorted(table_of(_augmented_rows(material), augmented))}


def rows_digest(rows: Iterable[Row]) -> str:
    """The sha256 of id, prompt and completion of training rows, in their order."""
    state = hashlib.sha256()
    for row in rows:
        state.update(json.dumps([row["id"], row["prompt"], row["completion"]], ensure_ascii=False).encode())
        state.update(b"\n")
    return state.hexdigest()


def training_rows(model: "Artifact") -> Iterator[Row]:
    """The rows a model was trained on, in the order of its TRL recipe."""
    files = {str(path): path for path in parquet_files(model.path / "rows")}
    named = [entry["data_files"] for entry in read_yaml(model.path / "sft.yaml").get("datasets", [])]
    order = sorted(files, key=lambda name: (_place(files[name], named), name))
    for name in order:
        yield from read_rows(files[name])


def _place(file: "Path", named: list[str]) -> int:
    return next((place for place, name in enumerate(named) if name.endswith(f"/{file.name}")), len(named))


def _seed_rows(material: Material) -> Iterator[Row]:
    for row in read_rows(material.build.seed.data):
        source = {"source": row["source"], "license": row["license"]}
        yield forward_pair(material.recipe.chat, "seed", row) | source


def _curated_rows(material: Material, split: str) -> Iterator[Row]:
    judged_by = judge_of_page(material) or (lambda page_id: "")
    for row in read_rows(material.build.curated[-1].data):
        if row["split"] == split:
            known = {"source": WEB, "score": row["score"], "url": row["url"], "judge": judged_by(row["page_id"])}
            yield forward_pair(material.recipe.chat, "web", row) | known


def _sft_rows(material: Material) -> Iterator[Row]:
    """The final model's training rows as they are, with the columns that `seed` and `curated` have beside them.

    They keep the order of training instead of an order by id, so that the same recipe gives the same batches.
    """
    known, beside = {}, ("source", "score", "url", "license", "judge")
    for row in (*_seed_rows(material), *_curated_rows(material, "train")):
        known[row["id"]] = (rows_digest([row]), {name: row.get(name) for name in beside})
    final = material.build.final
    for row in training_rows(final):
        if row["id"] not in known or known[row["id"]][0] != rows_digest([row]):
            raise ReleaseError(
                f"{final.path.name}: the model was trained on row {row['id']}, which differs from the row of the seed "
                "or of the last selection; its stages do not belong together, build them again"
            )
        yield row | known[row["id"]][1]


def _augmented_rows(material: Material) -> Iterator[Row]:
    scores = {
        column: {row["id"]: row["score"] for row in read_rows(artifact.data, ["id", "score"])}
        for column, artifact in material.scores.items()
    }
    selected = {
        f"selected_{t}": {row["id"] for row in read_rows(artifact.data, ["id"])}
        for t, artifact in enumerate(material.build.curated, start=1)
    }
    candidates = material.build.candidates.data
    page_ids = (row["page_id"] for row in read_rows(candidates, ["page_id"]))
    withheld = withheld_pages(page_ids, material.recipe.curate)
    judged_by = judge_of_page(material) or (lambda page_id: "")
    for row in read_rows(candidates):
        row |= {column: values.get(row["id"]) for column, values in scores.items()}
        row |= {column: row["id"] in ids for column, ids in selected.items()}
        split = "test" if row["page_id"] in withheld else "train"
        yield row | {"split": split, "judge": judged_by(row["page_id"])}


def table_of(rows: Iterable[Row], schema: "pa.Schema", batch: int = 5_000) -> "pa.Table":
    """An Arrow table, filled batch by batch: as Python objects all rows would need several times the memory."""
    import pyarrow as pa

    batches, waiting = [], []
    for row in rows:
        waiting.append(row)
        if len(waiting) == batch:
            batches.append(pa.RecordBatch.from_pylist(waiting, schema=schema))
            waiting = []
    batches.append(pa.RecordBatch.from_pylist(waiting, schema=schema))
    return pa.Table.from_batches(batches, schema=schema)


def _sorted(table: "pa.Table") -> "pa.Table":
    """Sorted by id, so that two versions share most of their Parquet chunks."""
    return table.sort_by("id")
