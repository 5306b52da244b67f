"""The folder that `humpback hydrate` writes: the configs of the release with their texts, for oneself."""

import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.records import Row, candidate_schema
from builder.data.storage import read_rows, write_json, write_text
from builder.llm.conversations import completion
from builder.release.cards.card import config_entries, front_matter_text, size_category
from builder.release.checks.card import read_front_matter
from builder.release.content.columns import table_of
from builder.release.content.parquet import Config, Rows, write_config
from builder.release.content.places import WEB, place_schema
from builder.release.content.standoff import SEED
from builder.release.content.trained import conversation_schema, rows_digest

if TYPE_CHECKING:
    import pyarrow as pa

Texts = dict[str, tuple[str, str, str]]
"""Header, text and address by segment."""
COPIED = ("training", "build.yaml")
REPORT = "hydrate.json"


def write_hydrated(
    folder: Path, dataset: Path, manifest: dict[str, Any], texts: Texts, missing: dict[str, str]
) -> dict[str, Any]:
    """Write a dataset folder with what came back; rows whose text did not are left out and named in the report.

    Args:
        folder: The new folder.
        dataset: The dataset folder of the stand-off release.
        manifest: Its manifest.
        texts: What came back.
        missing: Why the other texts did not, by segment.

    Returns:
        `missing`, counts by reason; `rows`, by config how many there were and are; `sft_as_trained`, whether `sft` is
        the one of the build, or None where rows are missing.
    """
    front = read_front_matter(dataset / "README.md")
    people = {row["id"]: row["completion"] for row in read_rows(dataset / SEED)}
    written, rows = [], {}
    for entry in front["configs"]:
        name = entry["config_name"]
        splits = {item["split"]: sorted(dataset.glob(item["path"])) for item in entry["data_files"]}
        tables = {split: _table(name, files, texts, people) for split, files in splits.items()}
        written.append(write_config(folder, name, Rows.of_tables(tables)))
        before = sum(1 for files in splits.values() for file in files for _ in read_rows(file, ["id"]))
        rows[name] = {"in": before, "restored": written[-1].rows}
    same = rows_digest(read_rows(folder / "sft")) == manifest["sft"]["rows"]
    result = {
        "missing": dict(Counter(missing.values()).most_common()),
        "rows": rows,
        "sft_as_trained": same if rows["sft"]["in"] == rows["sft"]["restored"] else None,
    }
    for name in COPIED:
        source = dataset / name
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, folder / name)
    write_text(folder / "README.md", _card(front, written, manifest))
    write_json(folder / REPORT, {**result, "segments_missing": missing})
    return result


def _table(name: str, files: list[Path], texts: Texts, people: dict[str, Any]) -> "pa.Table":
    """The rows of a split in the schema of a full release."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(files[0])
    read = (row for file in files for row in read_rows(file))
    rows = read if name == SEED else (full for row in read if (full := _full(row, texts, people)) is not None)
    return table_of(rows, _full_schema(schema))


def _full_schema(schema: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa

    if "prompt" in schema.names:
        return conversation_schema(judge="judge" in schema.names)
    known = {*candidate_schema().names, *place_schema().names}
    return pa.schema([*candidate_schema(), *(field for field in schema if field.name not in known)])


def _full(row: Row, texts: Texts, people: dict[str, Any]) -> Row | None:
    """The row with its text; None if that did not come back."""
    if row.get("source", WEB) != WEB:
        return row | {"completion": people[row["id"]], "url": None}
    restored = texts.get(row["segment_id"])
    if restored is None:
        return None
    header, text, url = restored
    if "prompt" in row:
        return row | {"completion": completion(text), "url": url}
    return row | {"header": header, "output": text, "url": url}


def _card(front: dict[str, Any], written: list[Config], manifest: dict[str, Any]) -> str:
    """A card that loads the folder, and says what it is not."""
    rows = sum(config.rows for config in written)
    values = {**front, "size_categories": [size_category(rows)], **config_entries(written)}
    return (
        f"---\n{front_matter_text(values)}---\n\n# {manifest['name']} {manifest['version']}, with its texts\n\n"
        "Restored by `humpback hydrate` from one's own copy of the crawl. The crawl may not be passed on, and neither\n"
        f"may this folder: it is no release. What did not come back, and why, is in `{REPORT}`.\n"
    )
