"""Links from models to the dataset: its commit is known only after it was pushed, so their cards get it then.

The order that breaks the cycle: the dataset's card names the models by tag, which is known beforehand; the models'
cards and manifests name the dataset by tag and commit; the receipt holds all commits.
"""

import hashlib
import json
from pathlib import Path

from builder.data.storage import read_json
from builder.errors import ReleaseError
from builder.release.manifest import MANIFEST


def linked(model: Path, tag: str, commit: str) -> dict[str, bytes]:
    """README.md and manifest.json of a model folder, with the dataset's commit beside its tag.

    Args:
        model: The folder `models/<name>`.
        tag: The tag of the release.
        commit: The dataset's commit under that tag.

    Raises:
        ReleaseError: If the card does not name the dataset by its tag.
    """
    manifest = read_json(model / MANIFEST)
    if manifest["kind"] != "model":  # a base is the same whatever the dataset
        return {}
    lines = (model / "README.md").read_text(encoding="utf-8").split("\n")
    named, repository = f"at `{tag}`", f"datasets/{manifest['dataset']}"
    at = next((number for number, line in enumerate(lines) if repository in line and named in line), None)
    if at is None:
        raise ReleaseError(f"{model / 'README.md'}: has no line that names {repository} {named}; report this defect")
    lines[at] = lines[at].replace(named, f"{named} (commit `{commit}`)", 1)
    data = "\n".join(lines).encode()
    manifest["dataset_revision"] = {"tag": tag, "commit": commit}
    for entry in manifest["files"]:
        if entry["path"] == "README.md":
            entry |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return {"README.md": data, MANIFEST: text.encode()}
