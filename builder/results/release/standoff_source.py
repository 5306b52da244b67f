"""A stand-off release as `hydrate` reads it: files that its manifest names, tables of known columns, a checked card."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from builder.data.paths import distinct, inside, shown
from builder.data.records import Row, candidate_schema
from builder.data.storage import read_rows
from builder.errors import RecipeError, ReleaseError
from builder.results.release.checks.card import parse_front_matter
from builder.results.release.content.places import may_stay, place_schema
from builder.results.release.content.standoff import SEED, STANDOFF
from builder.results.release.content.trained import conversation_schema
from builder.results.release.facts.origins import WEB
from builder.results.release.manifest import MANIFEST, sha256
from builder.results.release.outside import outside_text
from builder.results.release.stated import (
    ConfigName,
    Manifest,
    SplitName,
    Stated,
    by_name,
    checked,
    files_of,
    read_manifest,
)
from builder.text.escape import escape

if TYPE_CHECKING:
    import pyarrow as pa

CARD = "README.md"
CARD_BYTES = 4 * 1024**2
NEEDED = (SEED, "sft")
_PLACE = ("segment_id", "page_id", "source_file", "position", "kept_blocks", "walk", "payload_digest", "text_sha256")


def _one_line(text: str) -> str:
    if escape(text, "terminal") != text or "\n" in text:
        raise ValueError("is not one line of characters that are seen")
    return text


Line = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_one_line)]
Lines = Annotated[list[Line], Field(max_length=100)]


class _Files(Stated):
    split: SplitName
    path: str


class _Config(Stated):
    config_name: ConfigName
    data_files: Annotated[list[_Files], Field(min_length=1, max_length=10)]


class Front(Stated):
    """What is kept of the front matter of a card."""

    license: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+-]*$", max_length=60)]
    license_name: Line | None = None
    license_link: Line | None = None
    language: Lines = Field([])
    pretty_name: Line | None = None
    task_categories: Lines = Field([])
    annotations_creators: Lines = Field([])
    language_creators: Lines = Field([])
    source_datasets: Lines = Field([])
    tags: Lines = Field([])
    configs: Annotated[list[_Config], Field(min_length=1, max_length=20)]

    def kept(self) -> dict[str, Any]:
        """The entries of a new card but those that name its files."""
        return {key: value for key, value in self.model_dump(exclude={"configs"}).items() if value}


@dataclass(frozen=True)
class StandoffSource:
    """A stand-off release whose files are those of its manifest.

    Attributes:
        dataset: Its folder.
        manifest: What it says of itself.
        front: What is kept of its card.
        tables: Its Parquet files by config and split.
        files: The names of all its files.
    """

    dataset: Path
    manifest: Manifest
    front: Front
    tables: dict[str, dict[str, list[Path]]]
    files: frozenset[str]

    def text(self, name: str) -> str | None:
        """The text of one of its files; None if it has no such file."""
        return outside_text(self.dataset, name, CARD_BYTES) if name in self.files else None

    def places(self) -> Iterator[Row]:
        """The place of every text.

        Raises:
            ReleaseError: If one is no place.
        """
        for name, splits in self.tables.items():
            for file in (file for files in splits.values() for file in files if name != SEED):
                for place in read_rows(file, list(_PLACE)):
                    if place["segment_id"] is not None:
                        yield _sound_place(place, file)


def open_standoff(release: Path) -> StandoffSource:
    """Open the folder of a stand-off release, or of its dataset.

    Raises:
        RecipeError: If it is none.
        ReleaseError: If it is damaged, or says of itself what no release says.
        UnsafePath: If a name or link in it leads out of it.
    """
    dataset = inside(release, "dataset", str(release)) if (release / "dataset").is_dir() else release
    if not (dataset / MANIFEST).is_file():
        raise RecipeError(
            f"{release}: holds no {MANIFEST}, so it is no release; name the folder of a stand-off release"
        )
    manifest = read_manifest(dataset)
    if manifest.kind != "dataset" or manifest.text != STANDOFF or manifest.sft is None:
        raise RecipeError(f"{release}: is no stand-off release; its texts are in it, there is nothing to restore")
    files = files_of(dataset, manifest)
    if CARD not in files:
        raise ReleaseError(f"{dataset / MANIFEST}: names no {CARD}; get the release again")
    _refuse_changed(files, manifest)
    front = checked(Front, parse_front_matter(outside_text(dataset, CARD, CARD_BYTES), CARD), str(dataset / CARD))
    source = StandoffSource(dataset, manifest, front, _tables(front, files, dataset), frozenset(files))
    for name, splits in source.tables.items():
        for file in (file for of_split in splits.values() for file in of_split):
            _refuse_columns(file, _columns(seed=name == SEED))
    return source


def _refuse_changed(files: dict[str, Path], manifest: Manifest) -> None:
    """Raise a ReleaseError unless every file has the size and digest that the manifest gives."""
    for file in manifest.files:
        path = files[file.path]
        if not path.is_file() or path.stat().st_size != file.bytes or sha256(path) != file.sha256:
            raise ReleaseError(f"{path}: is missing, or is not the file that {MANIFEST} names; get the release again")


def _tables(front: Front, files: dict[str, Path], dataset: Path) -> dict[str, dict[str, list[Path]]]:
    names = [config.config_name for config in front.configs]
    distinct(names, str(dataset / CARD))
    tables: dict[str, dict[str, list[Path]]] = {}
    for config in front.configs:
        distinct((item.split for item in config.data_files), str(dataset / CARD))
        for item in config.data_files:
            wanted = f"{config.config_name}/{item.split}-*.parquet"
            if item.path != wanted:
                raise ReleaseError(
                    f"{dataset / CARD}: split {item.split} of config {config.config_name} has the path "
                    f"{shown(item.path)}; a release has {wanted}"
                )
            shards = by_name(files, config.config_name, item.split)
            if not shards:
                raise ReleaseError(f"{dataset / CARD}: {wanted} names no file of {MANIFEST}")
            tables.setdefault(config.config_name, {})[item.split] = shards
    for name in NEEDED:
        if name not in tables:
            raise ReleaseError(f"{dataset / CARD}: has no config {name}; every release has one")
    return tables


def _columns(*, seed: bool) -> "dict[str, pa.DataType]":
    """The columns that a table may have."""
    import pyarrow as pa

    known = {column.name: column.type for column in conversation_schema(judge=True)}
    if seed:
        return known
    known |= {column.name: column.type for column in candidate_schema() if may_stay(column.name)}
    known |= {column.name: column.type for column in place_schema()}
    ids = {"segment_id": pa.string(), "page_id": pa.string(), "split": pa.string()}
    return {name: kind for name, kind in (known | ids).items() if name not in ("completion", "url")}


def _refuse_columns(file: Path, known: "dict[str, pa.DataType]") -> None:
    """Raise a ReleaseError for a column that no release has, or that has another type there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (OSError, pa.ArrowException) as error:
        raise ReleaseError(f"{file}: the Parquet file cannot be read: {' '.join(str(error).split())}") from error
    for column in schema:
        computed = {"score_": pa.float64(), "selected_": pa.bool_()}
        own = next((kind for start, kind in computed.items() if column.name.startswith(start)), None)
        if own is not None and column.name.isidentifier() and column.name.isascii():
            known = known | {column.name: own}
        if known.get(column.name) != column.type:
            raise ReleaseError(
                f"{file}: has the column {shown(column.name)} of the type {shown(str(column.type))}, which no "
                "stand-off release has; do not use it"
            )
    needed = ["id", *(_PLACE if "completion" not in known else ("prompt", "completion", "source"))]
    if missing := [name for name in needed if name not in schema.names]:
        raise ReleaseError(f"{file}: lacks the columns {', '.join(missing)}; get the release again")


def _sound_place(place: Row, file: Path) -> Row:
    blocks = place["kept_blocks"]
    if any(place[name] is None for name in _PLACE) or place["position"] < 0 or not _numbers(blocks):
        raise ReleaseError(f"{file}: has a row whose text stands nowhere; get the release again")
    return place


def _numbers(values: Iterable[int | None]) -> bool:
    return all(value is not None and value >= 0 for value in values)


def is_web(row: Row) -> bool:
    """Whether the text of a row came from the crawl."""
    return bool(row.get("source", WEB) == WEB)
