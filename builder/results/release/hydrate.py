"""`humpback hydrate`: give a stand-off release its text back from one's own copy of the crawl."""

import os
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.address import Address
from builder.data.resources import __version__
from builder.errors import RecipeError, ReleaseError
from builder.method.corpus.cutting.restore import Masks, page_blocks, restore
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.method.corpus.reading.crawl import printable
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.changes import BUILD_FILE
from builder.results.release.content.places import text_digest
from builder.results.release.hydrated import Texts, write_hydrated
from builder.results.release.standoff_source import StandoffSource, open_standoff
from builder.results.release.stated import Manifest, checked

if TYPE_CHECKING:
    from builder.method.corpus.reading.readers import Input, Page

PAGE_MISSING, PAGE_UNREADABLE, PAGE_DIFFERS, TEXT_DIFFERS = (
    "page_missing", "page_unreadable", "page_differs", "text_differs",
)  # fmt: skip
"""Why a text did not come back: no page of that id; a page that is no HTML any more; a page with other bytes than the
build saw; the same bytes, but another text, which a parser of another version may give."""
WALKS = {"0.1.0": "dom-3", "0.2.0": "dom-4"}
"""The walk of each version. A new walk needs a new version, or nobody could be told what to install for the old one."""
FORMAT_KEYS = ("format", "html", "url", "id", "language", "base_url")
"""What says how to read a crawl; where it is, the command line says."""


@dataclass
class Search:
    """What is looked for in a crawl, and what became of it.

    Attributes:
        masks: What the build did to texts.
        pages: Places by page and segment.
        texts: Header, text and address of the segments that came back.
        reasons: Why each of the others did not, by segment.
    """

    masks: Masks
    pages: dict[str, dict[str, dict[str, Any]]]
    texts: Texts = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether anything is still looked for."""
        return bool(self.pages)

    def look(self, page: "Page") -> None:
        """Take the texts that are looked for from a page; what does not match may still be in another copy of it."""
        wanted = self.pages.get(page.page_id)
        if wanted is None:
            return
        blocks = page_blocks(page)
        for key, place in list(wanted.items()):
            forms = restore(blocks, place["position"], place["kept_blocks"], self.masks) if blocks else ()
            restored = next((form for form in forms if text_digest(form.text) == place["text_sha256"]), None)
            if restored is not None:
                self.texts[key] = (restored.header, restored.text, page.url)
                del wanted[key]
            else:
                same = page.payload_digest == place["payload_digest"]
                self.reasons[key] = TEXT_DIFFERS if same else PAGE_DIFFERS
        if not wanted:
            del self.pages[page.page_id]

    def lose(self, page_id: str) -> None:
        """Take note of a page that could not be read."""
        for key in self.pages.get(page_id, {}):
            self.reasons.setdefault(key, PAGE_UNREADABLE)

    def missing(self) -> dict[str, str]:
        """Why each text that did not come back did not."""
        return {key: self.reasons.get(key, PAGE_MISSING) for wanted in self.pages.values() for key in wanted}


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
    search = Search(Masks(manifest.mask_pii, manifest.on_control_tokens == "escape"), _wanted(source))
    total = sum(map(len, search.pages.values()))
    _search(search, _inputs(source, corpora, search))
    missing = search.missing()
    if not search.texts:
        raise ReleaseError(
            f"{', '.join(map(str, corpora))}: none of the {total:,} texts came back ({_counted(missing)}); --corpus "
            "must name the same crawl, laid out as segments.sources of the release's build.yaml says"
        )
    result = _write(out, source, search.texts, missing)
    return {"path": str(out), "texts": {"in": total, "restored": len(search.texts)}, **result}


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


def _wanted(source: StandoffSource) -> dict[str, dict[str, dict[str, Any]]]:
    """The places of all texts, by page and segment."""
    pages: dict[str, dict[str, dict[str, Any]]] = {}
    for place in source.places():
        page_id = printable(place["page_id"])  # as it is read now, whatever version wrote it
        pages.setdefault(page_id, {})[place["segment_id"]] = place
    return pages


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
    names = {Path(place["source_file"]).name for wanted in search.pages.values() for place in wanted.values()}
    named = [item for item in inputs if Path(item.name).name in names]
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


def _search(search: Search, inputs: "list[Input]") -> None:
    from builder.method.corpus.reading.readers import Loss, Shard, read_pages

    for item in read_pages(inputs, Shard()):
        if isinstance(item, Loss):
            search.lose(item.identity)
        else:
            search.look(item)
        if not search.open:
            return


def _write(out: Path, source: StandoffSource, texts: Texts, missing: dict[str, str]) -> dict[str, Any]:
    """Write the folder under a temporary name, so that it is there only when whole.

    The name cannot be foretold, since whoever made the release may have put a link in its place.
    """
    scratch = out
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        scratch.chmod(0o777 & ~_umask())
        result = write_hydrated(scratch, source, texts, missing)
        if out.is_dir():
            out.rmdir()
        scratch.rename(out)
    except OSError as error:
        raise ReleaseError(f"{error.filename or out}: cannot be written ({error.strerror or error})") from error
    finally:
        if scratch != out:
            shutil.rmtree(scratch, ignore_errors=True)
    return result


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _counted(missing: dict[str, str]) -> str:
    return ", ".join(f"{reason} {number:,}" for reason, number in Counter(missing.values()).most_common())
