"""`humpback hydrate`: give a stand-off release its text back from one's own copy of the crawl."""

import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.address import Address
from builder.data.resources import __version__
from builder.errors import RecipeError, ReleaseError
from builder.method.corpus.cutting.restore import Masks
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.changes import BUILD_FILE
from builder.results.release.hydrated import write_hydrated
from builder.results.release.search import Search
from builder.results.release.standoff_source import StandoffSource, open_standoff
from builder.results.release.stated import Manifest, checked

if TYPE_CHECKING:
    from builder.method.corpus.reading.readers import Input

WALKS = {"0.1.0": "dom-3", "0.2.0": "dom-4"}
"""The walk of each version. A new walk needs a new version, or nobody could be told what to install for the old one."""
FORMAT_KEYS = ("format", "html", "url", "id", "language", "base_url")
"""What says how to read a crawl; where it is, the command line says."""


def hydrate(release: Path, corpora: list[Path | Address], out: Path | None = None) -> dict[str, Any]:
    """Write a dataset folder with the texts of a stand-off release, as far as they come back.

    Args:
        release: The release folder, or the folder of its dataset.
        corpora: Files, folders or URLs with one's own copy of the crawl.
        out: Where to; beside the release if left out.

    Returns:
        How many texts and rows came back, and why the others did not.

    Raises:
        RecipeError: If there is no stand-off release, no crawl, or the folder holds something already.
        ReleaseError: If not one text came back, or the release was made with another walk.
    """
    source = open_standoff(release)
    manifest = source.manifest
    if manifest.walk != WALK_VERSION:
        raise ReleaseError(
            f"{release}: was made with walk {manifest.walk}, this version, {__version__}, has {WALK_VERSION} and "
            f"numbers blocks otherwise; {_cure(manifest)}"
        )
    out = out.resolve() if out else _beside(release.resolve())
    if out.is_symlink() or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise RecipeError(f"{out}: is there already; choose another folder with --out")
    with _scratch_beside(out) as scratch, _search_for(source, scratch / ".search") as search:
        look_through(search, _inputs(source, corpora, search))
        missing = search.missing()
        if not search.restored:
            raise ReleaseError(
                f"{', '.join(map(str, corpora))}: none of the {search.total:,} texts came back ({_counted(missing)}); "
                "--corpus must name the same crawl, laid out as segments.sources of the release's build.yaml says"
            )
        with _written(out):
            result = write_hydrated(scratch, source, search, missing)
            (scratch / ".search").unlink()
            if out.is_dir():
                out.rmdir()
            scratch.rename(out)
        return {"path": str(out), "texts": {"in": search.total, "restored": search.restored}, **result}


def _cure(manifest: Manifest) -> str:
    """Which version to install for a release of another walk."""
    having = [version for version, walk in WALKS.items() if walk == manifest.walk]
    version = manifest.made_with if manifest.made_with in having or not having else having[-1]
    if version == __version__:
        return f"install humpback-builder from the commit that made it: it had not yet become {version}"
    again = "`humpback hydrate RELEASE --corpus PATH`"
    return f"install humpback-builder {version}, and give the release and the crawl to its {again}"


def _beside(release: Path) -> Path:
    return release.with_name(f"{release.name}-hydrated")


def _search_for(source: StandoffSource, file: Path) -> Search:
    masks = Masks(source.manifest.mask_pii, source.manifest.on_control_tokens == "escape")
    return Search(file, masks, source.places())


def _inputs(source: StandoffSource, corpora: list[Path | Address], search: Search) -> "list[Input]":
    """The files of the crawl to read: those the texts come from, or all if no name is the same.

    Raises:
        RecipeError: If there is no file of a format that the build read.
    """
    from builder.method.corpus.reading.readers import list_inputs
    from builder.recipe.sections.corpus import CorpusSource

    inputs: list[Input] = []
    problems: list[str] = []
    for values in _formats(source):
        for corpus in corpora:
            try:
                path = corpus if isinstance(corpus, Address) else corpus.resolve()
                inputs += list_inputs([checked(CorpusSource, {**values, "path": path}, BUILD_FILE)])
            except RecipeError as error:
                problems.append(str(error))
    if not inputs:
        raise RecipeError("\n".join(dict.fromkeys(problems)).replace("segments.sources", "--corpus"))
    named = [item for item in inputs if Path(item.name).name in search.files]
    return named or inputs


def _formats(source: StandoffSource) -> list[dict[str, Any]]:
    """Formats and columns of the corpus, each once, as the released recipe has them."""
    recipe = parse_yaml(source.text(BUILD_FILE) or "", BUILD_FILE)
    segments = recipe.get("segments") if isinstance(recipe, dict) else None
    sources = segments.get("sources") if isinstance(segments, dict) else None
    if not isinstance(sources, list) or not all(isinstance(item, dict) for item in sources):
        raise ReleaseError(f"{source.dataset / BUILD_FILE}: names no sources of a crawl; get the release again")
    formats = [{key: item[key] for key in FORMAT_KEYS if key in item} for item in sources]
    return [values for place, values in enumerate(formats) if values not in formats[:place]]


def look_through(search: Search, inputs: "list[Input]") -> None:
    """Read the pages of a crawl until everything has come back."""
    from builder.method.corpus.reading.readers import Loss, Shard, read_pages

    for item in read_pages(inputs, Shard()):
        if isinstance(item, Loss):
            search.lose(item.identity)
        else:
            search.look(item)
        if not search.open:
            return


@contextmanager
def _scratch_beside(out: Path) -> Iterator[Path]:
    """A folder that gets the name of `out` when it is whole, and goes if it does not.

    Its name cannot be foretold, since whoever made the release may have put a link in its place.
    """
    with _written(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        scratch.chmod(0o777 & ~_umask())
        yield scratch
    except sqlite3.Error as error:
        raise ReleaseError(f"{scratch}: cannot be written ({error}); give another --out, or its disk room") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _written(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ReleaseError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from error


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _counted(missing: dict[str, str]) -> str:
    return ", ".join(f"{reason} {number:,}" for reason, number in Counter(missing.values()).most_common())
