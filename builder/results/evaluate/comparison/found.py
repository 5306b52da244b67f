"""The stages of evaluations in a work directory, which belong to no recipe: the newest of each name."""

from pathlib import Path

from builder.data.storage import is_hidden
from builder.errors import StageError
from builder.workspace.workspace import Artifact

PREFIXES = ("evaluate-", "ablate-", "scale-")


def found_stages(work_dir: Path) -> dict[str, Artifact]:
    """Finished stages of evaluations, by name; of several with one name the one that was finished last."""
    found: dict[str, tuple[float, Artifact]] = {}
    for folder in sorted(work_dir.iterdir()) if work_dir.is_dir() else ():
        name, _, fingerprint = folder.name.rpartition("-")
        file = folder / "stage.json"
        if is_hidden(folder.name) or not name.startswith(PREFIXES) or not file.is_file():
            continue
        artifact, when = Artifact(name, fingerprint, folder), file.stat().st_mtime
        if _is_done(artifact) and when >= found.get(name, (0.0, artifact))[0]:
            found[name] = when, artifact
    return {name: artifact for name, (_, artifact) in found.items()}


def _is_done(artifact: Artifact) -> bool:
    try:
        return artifact.record.get("status") == "done"
    except StageError:
        return False
