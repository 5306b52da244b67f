"""Which rows somebody means: by an id or its beginning, an address, a domain, or words of the text."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.storage import open_parquet, parquet_files
from builder.errors import RecipeError
from builder.text.domains import registered_domain

LEAST_DIGITS = 8
MOST = 20
"""Segments whose history is told at once; of more only how many there are."""
_HEX = re.compile(r"[0-9a-f]+(?:-\d+)?")
_SAMPLE = re.compile(r"-\d+$")


@dataclass(frozen=True)
class Subject:
    """A segment that is asked about, kept or not.

    Attributes:
        segment: Its id.
        place: Where it was last seen: `segments`, `dedup`, or the same with ` rejected`.
        row: What is known of it there.
    """

    segment: str
    place: str
    row: dict[str, Any] = field(repr=False)


def subjects_of(build: Build, wanted: str) -> list[Subject]:
    """The segments that `wanted` names.

    Args:
        build: As far as it is done.
        wanted: An id of a segment, a pair or a page, or its beginning of at least 8 digits; an address; a domain; or
            words that a text or its heading holds.

    Raises:
        RecipeError: If nothing is meant by it, or a beginning is not unique.
    """
    finders = (_by_id, _by_address, _by_words)
    for find in finders:
        found = find(build, wanted.strip())
        if found:
            return found
    raise RecipeError(
        f"{wanted!r}: no segment, pair or page of this build has that id, address, domain or text; ids need their "
        f"first {LEAST_DIGITS} digits"
    )


def matching(folder: Path, column: str, test: Any, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a folder whose value in a column passes a test on a whole column at once.

    Args:
        folder: With Parquet files; nothing is found where there is none.
        column: Name of the column.
        test: Takes a pyarrow array, gives one of booleans.
        columns: Names of those that are read of the rows; all where left out.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    found: list[dict[str, Any]] = []
    for path in parquet_files(folder) if folder.is_dir() else ():
        with open_parquet(path) as file:
            if column not in file.schema_arrow.names:
                continue
            for group in range(file.num_row_groups):
                mask = pc.fill_null(test(file.read_row_group(group, columns=[column]).column(column)), False)
                if pc.any(mask).as_py():
                    names = [name for name in columns or file.schema_arrow.names if name in file.schema_arrow.names]
                    table: pa.Table = file.read_row_group(group, columns=names).filter(mask)
                    found += table.to_pylist()
    return found


def _places(build: Build) -> Iterable[tuple[str, Path]]:
    """Where segments are, from the last stage back to the first; a segment counts where it is found first."""
    for artifact in (build.segments, build.extracted):
        yield artifact.stage, artifact.data
        yield f"{artifact.stage} rejected", artifact.path / "rejected"


def _gathered(build: Build, column: str, test: Any) -> list[Subject]:
    found: dict[str, Subject] = {}
    for place, folder in _places(build):
        for row in matching(folder, column, test):
            found.setdefault(row["id"], Subject(row["id"], place, row))
    return list(found.values())


def _by_id(build: Build, wanted: str) -> list[Subject]:
    import pyarrow.compute as pc

    if not _HEX.fullmatch(wanted):
        return []
    bare = _SAMPLE.sub("", wanted)
    if len(bare) < LEAST_DIGITS:
        return []
    found = _gathered(build, "id", lambda values: pc.starts_with(values, bare))
    if len(found) > 1 and len({subject.segment for subject in found}) > 1:
        ids = ", ".join(subject.segment[: len(bare) + 4] for subject in found[:3])
        raise RecipeError(f"{wanted}: {len(found)} segments begin so ({ids} ...); give more digits")
    return found or _gathered(build, "page_id", lambda values: pc.equal(values, wanted))


def _by_address(build: Build, wanted: str) -> list[Subject]:
    import pyarrow as pa
    import pyarrow.compute as pc

    page = _gathered(build, "page_id", lambda values: pc.equal(values, wanted))
    if page:
        return page
    if "://" in wanted:
        kept = _gathered(build, "url", lambda values: pc.equal(values, wanted))
        pages = {subject.row["page_id"] for subject in kept}
        rejected = _gathered(
            build, "page_id", lambda values: pc.is_in(values, value_set=pa.array(sorted(pages), pa.string()))
        )
        return list({subject.segment: subject for subject in (*rejected, *kept)}.values())
    if "." not in wanted or " " in wanted:
        return []

    def of_domain(values: Any) -> Any:
        return pa.array([registered_domain(url or "") == wanted.lower() for url in values.to_pylist()])

    return _gathered(build, "url", of_domain)


def _by_words(build: Build, wanted: str) -> list[Subject]:
    import pyarrow.compute as pc

    if len(wanted) < 3:
        return []
    texts = _gathered(build, "text", lambda values: pc.match_substring(values, wanted, ignore_case=True))
    if texts:
        return texts
    pairs = matching(
        build.candidates.data, "instruction", lambda values: pc.match_substring(values, wanted, ignore_case=True),
        ["segment_id"],
    )  # fmt: skip
    import pyarrow as pa

    ids = pa.array(sorted({row["segment_id"] for row in pairs}), pa.string())
    return _gathered(build, "id", lambda values: pc.is_in(values, value_set=ids)) if pairs else []
