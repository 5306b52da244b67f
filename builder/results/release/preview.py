"""`humpback release --dry-run`: what a release would be and how it differs from the one before; no network."""

from dataclasses import dataclass
from pathlib import Path

from builder.data.storage import read_json
from builder.results.release.cards.changelog import describe_changes
from builder.results.release.changes import Changes, compare
from builder.results.release.hub.files import Difference, RemoteFile, difference, local_files
from builder.results.release.manifest import MANIFEST
from builder.results.release.versions import Previous


@dataclass(frozen=True)
class Preview:
    """What a release would be.

    Attributes:
        folder: Where it would stand.
        changes: How it differs from the release before; None if there is none here.
        parts: What a push would send and delete, of the dataset and of each model.
    """

    folder: Path
    changes: Changes | None
    parts: dict[str, Difference]

    def text(self) -> str:
        """The same for a reader."""
        first = f"There is no release before it beside {self.folder}."
        return "\n".join([
            f"{self.folder}: would be assembled; it passes its checks",
            "",
            describe_changes(self.changes).rstrip() if self.changes else first,
            *(line for part, change in self.parts.items() for line in _lines(part, change)),
            "",
            "Nothing was written and nothing was sent.",
        ])  # fmt: skip

    def as_dict(self) -> dict[str, object]:
        """The same as plain JSON values."""
        files = {
            part: {"send": [file.path for file in change.send], "delete": change.delete}
            for part, change in self.parts.items()
        }
        if self.changes is None:
            return {"path": str(self.folder), "previous": None, "files": files}
        reasons = [{"level": str(level), "reason": reason} for level, reason in self.changes.reasons]
        said = {"previous": str(self.changes.previous.version), "level": str(self.changes.level), "reasons": reasons}
        return {"path": str(self.folder), **said, "files": files}


def preview(scratch: Path, folder: Path, previous: Previous | None) -> Preview:
    """Compare a release that was assembled for this with the one before.

    Args:
        scratch: The release; it is not needed any more afterwards.
        folder: Where it would stand.
        previous: The release before; None if there is none here.
    """
    changes = compare(previous, scratch / "dataset", _fingerprints(scratch / "dataset")) if previous else None
    return Preview(folder, changes, {part: _files(scratch, part, previous) for part in _parts(scratch)})


def _parts(scratch: Path) -> list[str]:
    return ["dataset", *sorted(path.relative_to(scratch).as_posix() for path in (scratch / "models").glob("*"))]


def _fingerprints(dataset: Path) -> dict[str, str]:
    return {name: stage["fingerprint"] for name, stage in read_json(dataset / MANIFEST)["stages"].items()}


def _files(scratch: Path, part: str, previous: Previous | None) -> Difference:
    """What a push would send and delete, if the release before is what the Hub has."""
    before = previous.dataset.parent / part if previous else None
    known = local_files(before) if before and (before / MANIFEST).is_file() else []
    return difference(
        {file.path: RemoteFile(file.size, file.sha256, "") for file in known}, local_files(scratch / part)
    )


def _lines(part: str, change: Difference) -> list[str]:
    size = sum(file.size for file in change.send) / 1e6
    return [
        "",
        f"{part}: {len(change.send)} files to send ({size:,.1f} MB), {len(change.delete)} to delete",
        *(f"  + {file.path}" for file in change.send),
        *(f"  - {path}" for path in change.delete),
    ]
