"""The day of a release, which is the same however often the release is made."""

import os
from datetime import UTC, datetime
from pathlib import Path

from builder.data.storage import read_json
from builder.errors import RecipeError, StageError
from builder.recipe.sections.release import Release
from builder.results.release.manifest import MANIFEST

EPOCH = "SOURCE_DATE_EPOCH"
"""The variable by which builds are told their time (reproducible-builds.org)."""


def release_date(release: Release, folder: Path, version: str) -> str:
    """The day that the recipe or the environment gives; else the one on which this version was first assembled.

    Args:
        release: What the recipe says.
        folder: The release folder, which may hold this version.
        version: Of the release.

    Raises:
        RecipeError: If the variable holds no time.
    """
    if release.date is not None:
        return release.date
    if given := os.environ.get(EPOCH):
        return _day_of(given)
    return _recorded(folder, version) or datetime.now(UTC).date().isoformat()


def _day_of(seconds: str) -> str:
    try:
        return datetime.fromtimestamp(int(seconds), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise RecipeError(f"{EPOCH}={seconds}: it must be a number of seconds since 1970") from error


def _recorded(folder: Path, version: str) -> str | None:
    try:
        manifest = read_json(folder / "dataset" / MANIFEST)
        day = manifest["date"] if manifest["version"] == version else None
        return None if day is None else datetime.fromisoformat(str(day)).date().isoformat()
    except (StageError, KeyError, TypeError, ValueError):
        return None
