"""Versions of a release, and whether a number fits what has changed (semantic versions, as in docs/releases.md)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

from builder.data.paths import files_inside
from builder.errors import RecipeError, ReleaseError, UnsafePath
from builder.results.release.manifest import MANIFEST
from builder.results.release.stated import Manifest, read_manifest


class Level(IntEnum):
    """What a user must do with a new version: nothing, look at the rows, change code."""

    PATCH = 0
    MINOR = 1
    MAJOR = 2

    def __str__(self) -> str:
        return self.name.lower()


class Version(NamedTuple):
    """X.Y.Z; ordered as numbers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, self))

    @property
    def tag(self) -> str:
        """Its tag on the Hub."""
        return f"v{self}"

    def next(self, level: Level) -> "Version":
        """The lowest version that is a step of this level."""
        if level is Level.MAJOR:
            return Version(self.major + 1, 0, 0)
        return Version(self.major, self.minor + 1, 0) if level is Level.MINOR else self._replace(patch=self.patch + 1)

    def step(self, after: "Version") -> Level:
        """The level of the step from a lower version to this one."""
        if self.major > after.major:
            return Level.MAJOR
        return Level.MINOR if self.minor > after.minor else Level.PATCH


def parse_version(text: str) -> Version | None:
    """Read X.Y.Z, or a tag vX.Y.Z; None for anything else."""
    numbers = re.fullmatch(r"v?(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})", text)
    return Version(*map(int, numbers.groups())) if numbers else None


def version_of(text: str) -> Version:
    """Read the option `--version`.

    Raises:
        RecipeError: If it is no version.
    """
    version = parse_version(text)
    if version is None or text.startswith("v"):
        raise RecipeError(f"--version {text}: it must be three numbers, e.g. 1.0.0")
    return version


@dataclass(frozen=True)
class Previous:
    """The release that a new one is compared with: its version, and the folder of its dataset."""

    version: Version
    dataset: Path


def read_previous(folder: Path) -> Previous:
    """The release in a folder that `--previous` names, `<release>` or `<release>/dataset`.

    Raises:
        RecipeError: If it holds none.
    """
    for dataset in (folder / "dataset", folder):
        if not (dataset / MANIFEST).is_file():
            continue
        manifest = read_manifest(dataset)
        version = parse_version(manifest.version)
        if version is not None and manifest.kind == "dataset":
            return Previous(version, dataset)
    raise RecipeError(f"--previous {folder}: holds no release; name a folder that was released, as releases/1.0.0")


def refuse_unsafe(previous: Previous) -> dict[str, Path]:
    """The files of the release before by name, before any of them is read.

    Raises:
        UnsafePath: If a name or link leads out of it, or something there is no plain file.
    """
    return files_inside(previous.dataset, f"the release {previous.version}")


def local_releases(folder: Path, name: str) -> dict[Version, Path]:
    """Dataset folders of the releases of a recipe that lie beside `folder`, and in it, by version."""
    datasets = {}
    for dataset in sorted(folder.parent.glob("[!.]*/dataset")):
        manifest = _manifest(dataset)
        version = parse_version(manifest.version) if manifest else None
        if manifest and version is not None and manifest.name == name:
            datasets[version] = dataset
    return datasets


def before(version: Version, others: Iterable[Version]) -> Version | None:
    """The highest lower version."""
    return max((other for other in others if other < version), default=None)


def refuse_going_down(version: Version, released: Iterable[Version], where: str) -> None:
    """Raise a ReleaseError if a higher version than a new one is released already."""
    highest = max(released, default=version)
    if highest > version:
        raise ReleaseError(
            f"version {version} is lower than {highest}, which is released already ({where}); versions only go up, "
            f"so choose {highest.next(Level.PATCH)} or higher"
        )


def refuse_misfit(version: Version, previous: Version, needed: Level, reasons: Iterable[str]) -> None:
    """Raise a ReleaseError if the step from the previous version is smaller than what has changed."""
    if version <= previous:
        raise ReleaseError(
            f"version {version} is not above {previous}, which it follows; choose {previous.next(needed)} or higher"
        )
    if version.step(previous) < needed:
        raise ReleaseError(
            f"version {version} after {previous} would be a {version.step(previous)} release, but "
            f"{'; '.join(reasons)}: that is a {needed} release, so it must be at least {previous.next(needed)}"
        )


def _manifest(dataset: Path) -> Manifest | None:
    """The manifest of a folder that may hold anything; None if it is no release."""
    try:
        return read_manifest(dataset)
    except (ReleaseError, UnsafePath, OSError):
        return None
