"""Verify what a push has published: as the Hub lists it, and as a user gets it, from an empty cache and by commit.

Loading runs in a child process with a cache of its own: `load_dataset` falls back to whatever an earlier call has left
in a cache when it cannot get the revision it was asked for, and libraries read the place of their cache once.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from builder.data.storage import read_json
from builder.errors import ReleaseError
from builder.results.release.hub.files import File, difference
from builder.results.release.hub.receipt import Verified
from builder.results.release.hub.repository import HubRepository
from builder.workspace.environment import ALWAYS

FULL_BYTES = 2 * 10**9
"""Up to this size everything is downloaded and loaded without being asked to."""
CACHES = (
    "HF_HUB_CACHE",
    "HUGGINGFACE_HUB_CACHE",
    "HF_DATASETS_CACHE",
    "HF_XET_CACHE",
    "HF_ASSETS_CACHE",
    "HF_MODULES_CACHE",
)


def verify(repository: HubRepository, commit: str, files: list[File], *, full: bool) -> Verified:
    """Verify a commit: size and digest of all files as the Hub lists them, then their content as it comes back.

    Args:
        repository: Where it was published.
        commit: Its commit.
        files: The files that must be there, and no others.
        full: Whether to download and load everything even above 2 GB; else the small files and one shard of each
            config, or one file of weights.

    Returns:
        Whether all content came back, or a sample.

    Raises:
        ReleaseError: If anything is other than published; nothing on the Hub is changed.
    """
    listed = difference(repository.tree(commit), files)
    if listed:
        raise ReleaseError(_defect(repository, commit, f"the Hub lists other files than were pushed ({listed})"))
    everything = full or sum(file.size for file in files) <= FULL_BYTES
    asked = files if everything else sample(files)
    problems = loading_problems(repository, commit, asked, everything=everything)
    if problems:
        raise ReleaseError(_defect(repository, commit, "; ".join(problems[:5])))
    return "full" if everything else "sampled"


def sample(files: list[File]) -> list[File]:
    """The small files, and of each folder the first large one."""
    first: dict[str, File] = {}
    for file in files:
        if file.path.endswith((".parquet", ".safetensors")):
            first.setdefault(str(Path(file.path).parent), file)
    large = {file.path for file in files if file.path.endswith((".parquet", ".safetensors"))}
    return [file for file in files if file.path not in large or file in first.values()]


def _defect(repository: HubRepository, commit: str, problem: str) -> str:
    return (
        f"{repository}: what was published at {commit} does not verify: {problem}; tell nobody of this version yet, "
        "look at the repository, and run the same command again to verify again"
    )


def loading_problems(repository: HubRepository, commit: str, files: list[File], *, everything: bool) -> list[str]:
    """Problems that a fresh process finds when it downloads and loads files of a commit; a test may do without it.

    Args:
        repository: Where they are.
        commit: The commit that holds them.
        files: What is asked for.
        everything: Whether these are all files of the commit, so that whole configs can be loaded.
    """
    order = {
        "kind": repository.kind,
        "name": repository.name,
        "commit": commit,
        "files": {file.path: file.sha256 for file in files},
        "rows": _rows(files) if repository.kind == "dataset" else {},
        "everything": everything,
    }
    with tempfile.TemporaryDirectory(prefix="humpback-verify-") as home:
        command = [sys.executable, "-m", "builder.results.release.hub.verify_child", str(os.getpid())]
        result = subprocess.run(
            command,
            input=json.dumps(order),
            env=environment(home),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    try:
        return list(json.loads(result.stdout.splitlines()[-1]))
    except (ValueError, IndexError):
        tail = result.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        return [f"the process that loads it ended with code {result.returncode}: {tail[0][:300]}"]


def environment(home: str) -> dict[str, str]:
    """This process's environment with an empty cache; a stored login stays where it is, and is found there."""
    from huggingface_hub import constants

    kept = {name: value for name, value in os.environ.items() if name not in CACHES}
    own = {
        "HF_HOME": home,
        "HF_TOKEN_PATH": constants.HF_TOKEN_PATH,
        "HF_UPDATE_DOWNLOAD_COUNTS": "0",
        "HF_ENDPOINT": constants.ENDPOINT,
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    }
    return kept | ALWAYS | own


def _rows(files: list[File]) -> dict[str, Any]:
    """Rows of every Parquet file, by the manifest."""
    manifest = next(file.source for file in files if file.path == "manifest.json")
    described = json.loads(manifest) if isinstance(manifest, bytes) else read_json(manifest)
    asked = {file.path for file in files}
    return {item["path"]: item["rows"] for item in described["files"] if "rows" in item and item["path"] in asked}
