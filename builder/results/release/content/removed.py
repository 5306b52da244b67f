"""Take-downs: rows that no config of a release holds any more, whatever the build still has of them."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.data.storage import read_rows, write_text
from builder.errors import RecipeError, ReleaseError
from builder.text.escape import escape

REMOVED = "removed.txt"
"""In a release: the ids of all rows taken down so far, so that who has an older version can drop them too."""
NAMES_OF_A_ROW = ("id", "segment_id", "page_id", "url")
SHOWN = 5
_ID = re.compile(r"[0-9A-Za-z._:-]{1,200}")


def removed_ids(path: Path, rows: Iterable[Mapping[str, str | None]]) -> frozenset[str]:
    """Ids of the rows that a take-down file names.

    Args:
        path: The file of `release.removed`.
        rows: Seed rows and candidates with what may name them: `NAMES_OF_A_ROW`, or some of these.

    Raises:
        RecipeError: If the file cannot be read, or a line names nothing of this build.
    """
    wanted = read_removed(path)
    removed: set[str] = set()
    missing = set(wanted)
    for row in rows:
        named = wanted.keys() & {value for value in row.values() if value}
        missing -= named
        if named:
            removed.add(str(row["id"]))
    if missing:
        number, entry = min((wanted[entry], entry) for entry in missing)
        raise RecipeError(
            f"{path}:{number}: {escape(entry, 'terminal')} is no id of a row, segment or page and no address of this "
            f"build ({len(missing)} such lines); correct it, or take the line out"
        )
    return frozenset(removed)


def read_removed(path: Path) -> dict[str, int]:
    """The entries of a take-down file, one a line, and their line numbers; lines that start with # are comments.

    Raises:
        RecipeError: If there is no such text file.
    """
    try:
        refuse_special(path)
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path}: release.removed cannot be read ({why_unread(error)}); it must be a text file"
        ) from error
    entries = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return {entry: number for number, entry in entries if entry and not entry.startswith("#")}


def write_removed(dataset: Path, removed: frozenset[str], previous: Path | None) -> None:
    """Write `removed.txt` with the take-downs of this release and of those before it; no file if there are none.

    Raises:
        ReleaseError: If a row that an earlier release took down is in this one again.
    """
    before = _taken_down(previous / REMOVED) if previous and (previous / REMOVED).is_file() else frozenset[str]()
    back = sorted({row["id"] for row in read_rows(dataset, ["id"]) if row["id"] in before}) if before else []
    if back:
        raise ReleaseError(
            f"{len(back)} rows that an earlier release took down are back: {', '.join(back[:SHOWN])}"
            f"{', ...' if len(back) > SHOWN else ''}; keep their lines in the file of release.removed"
        )
    if removed | before:
        write_text(dataset / REMOVED, "".join(f"{key}\n" for key in sorted(removed | before)))


def _taken_down(path: Path) -> frozenset[str]:
    """The ids that an earlier release took down; they are written into this one, so each must be one."""
    entries = read_removed(path)
    if strange := [number for entry, number in entries.items() if not _ID.fullmatch(entry)]:
        raise ReleaseError(f"{path}:{strange[0]}: is no id of a row; no release writes this")
    return frozenset(entries)
