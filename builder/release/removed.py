"""Take-downs: rows that no config of a release holds any more, whatever the build still has of them."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import RecipeError, ReleaseError
from builder.escape import escape
from builder.storage import read_rows, write_text

if TYPE_CHECKING:
    from builder.release.material import Material

REMOVED = "removed.txt"
"""In a release: the ids of all rows taken down so far, so that who has an older version can drop them too."""
NAMES_OF_A_ROW = ("id", "segment_id", "page_id", "url")
SHOWN = 5


def removed_ids(material: "Material") -> frozenset[str]:
    """Ids of the rows that `release.removed` takes down, seed rows and candidates.

    Raises:
        RecipeError: If the file cannot be read, or a line names nothing of this build.
    """
    path = material.recipe.release.removed
    if path is None:
        return frozenset()
    wanted = read_removed(path)
    found: set[str] = set()
    missing = set(wanted)
    for row in _named_rows(material):
        named = wanted.keys() & {value for value in row.values() if value}
        missing -= named
        if named:
            found.add(str(row["id"]))
    if missing:
        number, entry = min((wanted[entry], entry) for entry in missing)
        raise RecipeError(
            f"{path}:{number}: {escape(entry, 'terminal')} is no id of a row, segment or page and no address of this "
            f"build ({len(missing)} such lines); correct it, or take the line out"
        )
    return frozenset(found)


def _named_rows(material: "Material") -> Iterator[dict[str, str | None]]:
    yield from read_rows(material.seed.data, ["id"])
    yield from read_rows(material.stage("augment").data, list(NAMES_OF_A_ROW))


def read_removed(path: Path) -> dict[str, int]:
    """The entries of a take-down file, one a line, and their line numbers; lines that start with # are comments.

    Raises:
        RecipeError: If there is no such text file.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: release.removed cannot be read ({error}); it must be a text file") from error
    entries = ((number, line.strip()) for number, line in enumerate(lines, start=1))
    return {entry: number for number, entry in entries if entry and not entry.startswith("#")}


def write_removed(dataset: Path, removed: frozenset[str], previous: Path | None) -> None:
    """Write `removed.txt` with the take-downs of this release and of those before it; no file if there are none.

    Raises:
        ReleaseError: If a row that an earlier release took down is in this one again.
    """
    before = frozenset(read_removed(previous / REMOVED)) if previous and (previous / REMOVED).is_file() else frozenset()
    present = {row["id"] for row in read_rows(dataset, ["id"])}
    back = sorted(before & present)
    if back:
        raise ReleaseError(
            f"{len(back)} rows that an earlier release took down are back: {', '.join(back[:SHOWN])}"
            f"{', ...' if len(back) > SHOWN else ''}; keep their lines in the file of release.removed"
        )
    if removed | before:
        write_text(dataset / REMOVED, "".join(f"{key}\n" for key in sorted(removed | before)))
