"""`receipt.json` in a release folder: what was pushed, where, at which commits, and how that was verified."""

from pathlib import Path
from typing import Any, Literal, NamedTuple

from builder.data.resources import __version__
from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.results.release.hub.repository import HubRepository, Kind
from builder.results.release.versions import Version

Verified = Literal["full", "sampled"]


class Entry(NamedTuple):
    """One repository: its tag, the commit under it, the sha256 of its manifest.json, and how it was verified."""

    kind: Kind
    name: str
    repository: str
    tag: str
    commit: str
    manifest: str
    verified: Verified


def write_receipt(path: Path, version: Version, entries: list[Entry]) -> None:
    """Write the receipt of a finished push."""
    tool = {"name": "humpback-builder", "version": __version__}
    value = {"version": str(version), "tool": tool, "repositories": [entry._asdict() for entry in entries]}
    write_json(path, value)


def known_receipt(path: Path, repository: HubRepository, commit: str, manifest: str) -> Entry | None:
    """The entry of an earlier push of the same content to the same commit; None if there is none."""
    for item in _entries(path):
        try:
            entry = Entry(**item)
        except TypeError:
            continue
        place = (repository.kind, repository.name, commit, manifest)
        if (entry.kind, entry.repository, entry.commit, entry.manifest) == place:
            return entry
    return None


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        value = read_json(path)
    except (StageError, OSError):
        return []
    entries = value.get("repositories") if isinstance(value, dict) else None
    return [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
