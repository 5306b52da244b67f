"""The folder that `humpback hydrate` writes: the configs of the release with their texts, for oneself."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.page_address import web_address
from builder.data.paths import shown
from builder.data.records import Row, candidate_schema
from builder.data.storage import count_rows, read_rows, write_json, write_text
from builder.errors import ReleaseError
from builder.llm.conversations import completion
from builder.results.release.cards.card import config_entries, front_matter_text, size_category
from builder.results.release.content.columns import Spool, spool
from builder.results.release.content.parquet import Config, Rows, write_config
from builder.results.release.content.places import place_schema
from builder.results.release.content.standoff import SEED
from builder.results.release.content.trained import conversation_schema, rows_digest
from builder.results.release.hydrated_recipes import write_recipes
from builder.results.release.portable.chat import CHAT, chat_rows
from builder.results.release.search import Search
from builder.results.release.standoff_source import StandoffSource, is_web

if TYPE_CHECKING:
    import pyarrow as pa

REPORT = "hydrate.json"


def write_hydrated(folder: Path, source: StandoffSource, search: Search, missing: dict[str, str]) -> dict[str, Any]:
    """Write a dataset folder with what came back; rows whose text did not are left out and named in the report.

    Nothing is copied: tables, card, recipes and template are written anew from what was checked.

    Args:
        folder: The new folder.
        source: The stand-off release.
        search: What came back.
        missing: Why the other texts did not, by segment.

    Returns:
        `missing`, counts by reason; `rows`, by config how many there were and are; `sft_as_trained`, whether `sft` is
        the one of the build, or None where rows are missing; `left_out`, what of the recipes was not taken over.
    """
    people = {row["id"]: row["completion"] for files in source.tables[SEED].values() for row in _rows(files)}
    written, rows = [], {}
    for name, splits in source.tables.items():
        parts = {split: _restored(folder, name, files, search, people) for split, files in splits.items()}
        written.append(write_config(folder, name, Rows.of_spools(parts)))
        for part in parts.values():
            part.file.unlink()
        before = sum(count_rows(file) for files in splits.values() for file in files)
        rows[name] = {"in": before, "restored": written[-1].rows}
    if CHAT not in source.tables and rows["sft"]["restored"]:
        written.append(write_config(folder, CHAT, chat_rows(folder / "sft")))
    same = source.manifest.sft is not None and rows_digest(read_rows(folder / "sft")) == source.manifest.sft.rows
    result = {
        "missing": dict(Counter(missing.values()).most_common()),
        "rows": rows,
        "sft_as_trained": same if rows["sft"]["in"] == rows["sft"]["restored"] else None,
        "left_out": write_recipes(folder, source),
    }
    write_text(folder / "README.md", _card(written, source))
    write_json(folder / REPORT, {**result, "segments_missing": missing})
    return result


def _rows(files: list[Path]) -> Iterator[Row]:
    return (row for file in files for row in read_rows(file))


def _restored(folder: Path, name: str, files: list[Path], search: Search, people: dict[str, Any]) -> Spool:
    """The rows of a split in the schema of a full release, in a file of the folder."""
    import pyarrow.parquet as pq

    schema = pq.read_schema(files[0])
    read = _rows(files)
    rows = read if name == SEED else (full for row in read if (full := _full(row, search, people)) is not None)
    return spool(folder / f".{name}-{files[0].stem}.rows", rows, _full_schema(schema))


def _full_schema(schema: "pa.Schema") -> "pa.Schema":
    import pyarrow as pa

    if "prompt" in schema.names:
        return conversation_schema(judge="judge" in schema.names)
    known = {*candidate_schema().names, *place_schema().names}
    return pa.schema([*candidate_schema(), *(field for field in schema if field.name not in known)])


def _full(row: Row, search: Search, people: dict[str, Any]) -> Row | None:
    """The row with its text; None if that did not come back."""
    if not is_web(row):
        if row["id"] not in people:
            raise ReleaseError(
                f"row {shown(row['id'])} is said to be of the seed, which has none; get the release again"
            )
        return row | {"completion": people[row["id"]], "url": None}
    restored = search.text(row["segment_id"])
    if restored is None:
        return None
    url = web_address(restored.address)
    if "prompt" in row:
        return row | {"completion": completion(restored.text), "url": url}
    return row | {"header": restored.header, "output": restored.text, "url": url}


def _card(written: list[Config], source: StandoffSource) -> str:
    """A card that loads the folder, and says what it is not."""
    rows, manifest = sum(config.rows for config in written), source.manifest
    values = {**source.front.kept(), "size_categories": [size_category(rows)], **config_entries(written)}
    return (
        f"---\n{front_matter_text(values)}---\n\n# {manifest.name} {manifest.version}, with its texts\n\n"
        "Restored by `humpback hydrate` from one's own copy of the crawl. The crawl may not be passed on, and neither\n"
        f"may this folder: it is no release. What did not come back, and why, is in `{REPORT}`.\n"
    )
