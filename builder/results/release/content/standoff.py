"""Stand-off releases: where the text stands in the crawl instead of the text, for crawls that may not be passed on.

A row keeps what we and the models wrote (tags, instruction, scores) and the place of its text: page, heading, numbers
of the blocks of our DOM walk, digests. `builder.results.release.hydrate` is the way back.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.data.storage import parquet_files, read_json, read_rows
from builder.errors import ReleaseError
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.recipe.recipe import Recipe
from builder.recipe.sections.release import Release
from builder.results.release.content.material import BASE
from builder.results.release.content.places import CONVERSATION, may_stay, place_schema
from builder.results.release.facts.origins import WEB
from builder.results.release.manifest import MANIFEST

STANDOFF = "standoff"
SEED = "seed"
"""The config that is the same in both forms: its text is that of people, under a licence of its own."""


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
            if column not in allowed and not may_stay(column):
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
