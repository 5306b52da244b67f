"""Which files a corpus consists of, and which of them are refused before any work is done."""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.address import Address
from builder.data.inputs import NotAFileError, files_below, open_binary
from builder.data.page_address import address_below
from builder.data.remote.listing import list_remote
from builder.errors import RecipeError
from builder.method.corpus.reading.archives import holds_page, kind_of
from builder.method.corpus.reading.crawl import Columns, Format, Input, printable
from builder.method.corpus.reading.files.unread import Unread, kind_of_file
from builder.method.corpus.reading.html_files import holds_html
from builder.method.corpus.reading.inflate import Piece, RawFile, is_packed, pieces
from builder.method.corpus.reading.tables import PLAIN_JSON, check_columns
from builder.method.corpus.reading.warc import WarcReader, WarcRecord

if TYPE_CHECKING:
    from builder.recipe.sections.corpus import CorpusSource

_ENDINGS: dict[Format, tuple[str, ...]] = {
    "warc": (".warc", ".warc.gz", ".warc.zst", ".arc", ".arc.gz"),
    "html": (".html", ".htm", ".html.gz", ".htm.gz"),
    "jsonl": (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json.zst"),
    "parquet": (".parquet",),
}
_COMPANION = "companion"
"""A file that belongs to another one, which is read: nobody has to be told of it."""
_LOOKED_INTO = 100
"""So many files are opened to see whether they hold HTML; of remote ones a tenth."""
_HEAD_BYTES = 1 << 18
_NO_HEADINGS = "holds text without HTML, so there are no headers to cut at; point segments.sources at"


@dataclass(frozen=True)
class CorpusFiles:
    """The files of a corpus: those that are read, source by source and sorted by name, and the others."""

    inputs: list[Input]
    unread: list[Unread]


def list_inputs(sources: "list[CorpusSource]") -> list[Input]:
    """The files of the sources that are read.

    Raises:
        RecipeError: As `list_files` does.
    """
    return list_files(sources).inputs


def list_files(sources: "list[CorpusSource]") -> CorpusFiles:
    """All files of the sources.

    Raises:
        RecipeError: If a source does not exist, holds no file of its format, or holds text that once was HTML.
    """
    found, rest = list[Input](), dict[str, Unread]()
    for source in sources:
        read, unread = _list_source(source)
        found += read
        rest |= unread
    for item in found:
        rest.pop(_place(item.location), None)
    inputs = list(_told_apart(found))
    for item in inputs[: _LOOKED_INTO if isinstance(inputs[0].location, Path) else _LOOKED_INTO // 10]:
        try:
            _look_into(item)
        except OSError:
            continue  # the reader counts it
    return CorpusFiles(inputs, list(rest.values()))


def _place(location: Path | Address) -> str:
    """What tells a file from others, without its secrets but with what may be one file of several."""
    return location.full() if isinstance(location, Address) else str(location)


def _told_apart(inputs: Iterable[Input]) -> Iterator[Input]:
    """Number files of the same name whose addresses differ in the query, which is not part of a name."""
    queries: dict[str, list[str]] = {}
    for item in inputs:
        if not isinstance(item.location, Address) or not item.location.query:
            yield item
            continue
        known = queries.setdefault(item.name, [])
        if item.location.query not in known:
            known.append(item.location.query)
        number = known.index(item.location.query) + 1
        stem, dot, ending = item.name.partition(".")
        yield item if number == 1 else replace(item, name=f"{stem}~{number}{dot}{ending}")


def _list_source(source: "CorpusSource") -> tuple[list[Input], dict[str, Unread]]:
    """The files of a source that are read, and the others by their places."""
    sizes = dict[str, int | None]()
    if isinstance(source.path, Path):
        files = _list_local(source.path)
    else:
        listed = list_remote(source.path)
        files, sizes = {file.name: file.url for file in listed}, {file.name: file.size for file in listed}
    single = len(files) == 1 and str(source.path).rstrip("/").endswith(f"/{next(iter(files))}")
    strays = (
        _strays(source.path, files)
        if source.format == "html" and isinstance(source.path, Path) and source.path.is_dir()
        else set()
    )
    names, rest = [], dict[str, Unread]()
    for name, location in files.items():
        kind = "" if single else _why_unread(name, location, source.format, files, name in strays)
        if not kind:
            names.append(name)
        elif kind != _COMPANION:
            rest[_place(location)] = Unread(str(source.path), source.format, printable(name), kind)
    if not names:
        _refuse_texts(files)
        raise RecipeError(
            f"{source.path}: the folder holds no file {_looked_for(source.format)}; point segments.sources at the "
            f"folder that does, or change format (it is {source.format})"
        )
    columns = Columns(source.html, source.url, source.id, source.language)
    if single and isinstance(source.path, Path) and (beside := _offsets_name(source.path)).is_file():
        files[beside.name] = beside
    inputs = [
        Input(
            files[name],
            printable(name),
            source.format,
            columns,
            files.get(str(_offsets_name(Path(name)))),
            "link_outside" if name in strays else "",
            address=address_below(source.base_url, name) if source.base_url else "",
            source=str(source.path),
            size=sizes.get(name) if sizes else _size(files[name]),
        )
        for name in names
    ]
    return inputs, rest


def _looked_for(form: Format) -> str:
    endings = f"ending in {' or '.join(_ENDINGS[form])}"
    return f"{endings}, and none that starts as HTML" if form == "html" else endings


def _why_unread(
    name: str, location: Path | Address, form: Format, files: dict[str, Path | Address], stray: bool
) -> str:
    """What a file is that is not read; empty for one that is.

    In a folder of HTML the content decides where the ending does not: pages of a mirror end in `.php` or nothing.
    """
    if name.lower().endswith(_ENDINGS[form]):
        return ""
    of = name.removesuffix(".offset")
    if form == "warc" and of != name and (of in files or f"{of}.gz" in files):
        return _COMPANION
    kind = kind_of_file(printable(name))
    if form != "html" or kind == "hidden":
        return kind
    if stray:
        return "link_outside"
    try:
        return "" if holds_html(location) else kind
    except NotAFileError:
        return "not_a_file"
    except OSError:
        return "unreadable"


def _strays(folder: Path, files: dict[str, Path | Address]) -> set[str]:
    """The files that a link below a folder takes from elsewhere.

    Any file of text may pass for a page, so whoever made the folder could have a file of the reader's published.
    """
    root, folders = folder.resolve(), dict[Path, Path]()
    strays = set()
    for name, file in files.items():
        above = Path(file).parent
        if above not in folders:
            folders[above] = above.resolve()
        real = Path(os.path.realpath(file)) if Path(file).is_symlink() else folders[above] / Path(file).name
        if not real.is_relative_to(root):
            strays.add(name)
    return strays


def _list_local(path: Path) -> dict[str, Path | Address]:
    if not path.exists():
        raise RecipeError(f"{path}: no such file or folder; segments.sources names it, correct the path")
    if path.is_file():
        return {path.name: path}
    return {file.relative_to(path).as_posix(): file for file in files_below(path)}


def _size(file: Path | Address) -> int | None:
    try:
        return Path(file).stat().st_size
    except OSError:
        return None  # the reader counts it


def _offsets_name(path: Path) -> Path:
    """ClueWeb22 puts x.warc.offset beside x.warc.gz."""
    return path.with_name(f"{path.name.removesuffix('.gz')}.offset")


def _look_into(item: Input) -> None:
    """Refuse a file that holds text without HTML, or a table without the columns asked for."""
    if item.format in ("jsonl", "parquet"):
        if item.format == "jsonl" and _is_clueweb_text(item.location):
            raise _clueweb_text(item.location)
        check_columns(item)
    if item.format != "warc":
        return
    with open_binary(item.location) as handle:
        reader = WarcReader(BytesIO(handle.read(_HEAD_BYTES)), item.name)
        records = [record for record in islice(reader, 3) if isinstance(record, WarcRecord)]
    first = next((record for record in records if kind_of(record.headers) != "warcinfo"), None)
    if first is not None and kind_of(first.headers) == "conversion" and not holds_page(first):
        raise _wet(item.location)
    if not records and _is_clueweb_text(item.location):
        raise _clueweb_text(item.location)


def _refuse_texts(files: dict[str, Path | Address]) -> None:
    for name, location in files.items():
        if name.lower().endswith((".wet", ".wet.gz")):
            raise _wet(location)
    first = next((location for name, location in files.items() if name.endswith(".json.gz")), None)
    if first is not None and _is_clueweb_text(first):
        raise _clueweb_text(first)


def _wet(location: Path | Address) -> RecipeError:
    return RecipeError(
        f"{location}: a WET file {_NO_HEADINGS} the WARC files of the same crawl (warc/ instead of wet/)"
    )


def _clueweb_text(location: Path | Address) -> RecipeError:
    return RecipeError(
        f"{location}: the text format of ClueWeb22 (all there is of category L) {_NO_HEADINGS} the html/ folder of "
        "category A or B"
    )


def _is_clueweb_text(location: Path | Address) -> bool:
    with open_binary(location) as handle:
        raw = RawFile(BytesIO(handle.read(_HEAD_BYTES)))
        head = pieces(raw, b"{", packed=is_packed(raw, ".gz", PLAIN_JSON))
        line = b"".join(piece.data for piece in islice(head, 4) if isinstance(piece, Piece)).partition(b"\n")[0]
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(row, dict) and "Clean-Text" in row
