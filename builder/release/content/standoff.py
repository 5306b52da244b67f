"""Stand-off releases: where the text stands in the crawl instead of the text, for crawls that may not be passed on.

A row keeps what we and the models wrote (tags, instruction, scores) and the place of its text: page, heading, numbers
of the blocks of our DOM walk, digests. `builder.release.hydrate` is the way back.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.storage import parquet_files, read_json, read_rows
from builder.errors import ReleaseError
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.recipe.recipe import Recipe
from builder.recipe.sections.release import Release
from builder.release.content.material import BASE, Material
from builder.release.content.tables import WEB, configs
from builder.release.manifest import MANIFEST

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]
STANDOFF = "standoff"
SEED = "seed"
"""The config that is the same in both forms: its text is that of people, under a licence of its own."""
OF_SEGMENTS = ("source_file", "record_offset", "payload_digest", "position", "kept_blocks", "walk")
CONVERSATION = ("prompt", "id", "source", "score", "license", "judge")
CANDIDATE = ("id", "segment_id", "page_id", "instruction", "logprob", "tokens", "split", "judge")
_COMPUTED = ("score_", "selected_")


def place_schema() -> "pa.Schema":
    """Where the text of a row stands: file and record of the page, heading, blocks; and digests to check it by.

    `payload_digest` is the blake2b-128 of the raw page; `text_sha256` and `text_chars` are those of the text as
    published, masked and escaped.
    """
    import pyarrow as pa

    from builder.data.records import segment_schema

    digests = [pa.field("text_sha256", pa.string()), pa.field("text_chars", pa.int32())]
    return pa.schema([*(segment_schema().field(name) for name in OF_SEGMENTS), *digests])


def released_configs(material: Material) -> Iterator[tuple[str, dict[str, "pa.Table"]]]:
    """The configs as they are released: with their texts, or in a stand-off release with the places of them."""
    places = _places(material) if material.recipe.release.text == STANDOFF else None
    for name, tables in configs(material):
        if places is None or name == SEED:
            yield name, tables
        else:
            yield name, {split: _stand_off(table, places) for split, table in tables.items()}


def _stand_off(table: "pa.Table", places: dict[str, Row]) -> "pa.Table":
    import pyarrow as pa

    if "completion" in table.column_names:
        own = [table.schema.field(column) for column in CONVERSATION if column in table.column_names]
        own += [pa.field("segment_id", pa.string()), pa.field("page_id", pa.string())]
    else:
        own = [field for field in table.schema if _may_stay(field.name)]
    schema = pa.schema([*own, *place_schema()])
    rows = [row | _place_of(row, places) for batch in table.to_batches(5_000) for row in batch.to_pylist()]
    return pa.Table.from_pylist([{column: row.get(column) for column in schema.names} for row in rows], schema=schema)


def _may_stay(column: str) -> bool:
    return column in CANDIDATE or column.startswith(_COMPUTED)


def _place_of(row: Row, places: dict[str, Row]) -> Row:
    """Where the text of a row stands; nothing for a row of the seed."""
    if row.get("source", WEB) != WEB:
        return {}
    return places[row.get("segment_id") or row["id"].rpartition("-")[0]]


def _places(material: Material) -> dict[str, Row]:
    columns = ["id", "page_id", *OF_SEGMENTS, "text"]
    return {row["id"]: _place(row) for row in read_rows(material.build.segments.data, columns)}


def _place(row: Row) -> Row:
    text = row["text"]
    place = {name: row[name] for name in ("page_id", *OF_SEGMENTS)}
    return {**place, "segment_id": row["id"], "text_sha256": text_digest(text), "text_chars": len(text)}


def text_digest(text: str) -> str:
    """The sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def restoring(recipe: Recipe) -> dict[str, Any]:
    """What a manifest says of the text: whether it is there, may be, and how it was made from a page."""
    return {
        "text": recipe.release.text,
        "redistributable": all(source.redistributable for source in recipe.segments.sources),
        "walk": WALK_VERSION,
        "mask_pii": recipe.segments.mask_pii,
        "on_control_tokens": recipe.segments.on_control_tokens,
    }


def check_standoff(dataset: Path) -> Iterator[str]:
    """A stand-off release holds no text of the crawl, and a crawl that may not be passed on has no other release."""
    import pyarrow.parquet as pq

    manifest = read_json(dataset / MANIFEST)
    if manifest["text"] != STANDOFF:
        if not manifest["redistributable"]:
            yield f"{MANIFEST}: the corpus is not redistributable; release.text must be standoff"
        return
    allowed = {*CONVERSATION, "segment_id", "page_id", *place_schema().names}
    for path in parquet_files(dataset):
        name = path.relative_to(dataset).as_posix()
        if path.parent.name == SEED:
            if any(row["source"] == WEB for row in read_rows(path, ["source"])):
                yield f"{name}: has rows of the crawl, with their text; a stand-off release holds none"
            continue
        for column in pq.read_schema(path).names:
            if column not in allowed and not _may_stay(column):
                yield f"{name}: has the column {column}; a stand-off release holds no text of the crawl, take it out"


def refuse_unreviewed(release: Release, folder: Path) -> None:
    """Raise a ReleaseError if a release holds models trained on a crawl whose licence nobody has read."""
    if release.text != STANDOFF or release.licence_reviewed:
        return
    models = sorted(path.name for path in (folder / "models").glob("*") if path.is_dir() and path.name != BASE)
    if models:
        raise ReleaseError(
            f"{folder}: {', '.join(models)} learned from text that may not be passed on; read the licence of the crawl "
            "and set release.licence_reviewed: true, or release the dataset alone with release.models: []"
        )
