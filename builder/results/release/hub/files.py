"""The files of one repository as they are to stand on the Hub, and how a commit there differs from them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.paths import inside
from builder.data.storage import read_json
from builder.errors import ReleaseError
from builder.results.release.manifest import MANIFEST, sha256
from builder.results.release.stated import files_of, read_manifest

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd


@dataclass(frozen=True)
class RemoteFile:
    """A file of a commit: its size, and the sha256 of a large file or the git object id of a small one."""

    size: int
    sha256: str | None
    oid: str


@dataclass(frozen=True)
class File:
    """A file to publish, by its path in the repository; its content lies on disk or, for small ones, in memory."""

    path: str
    source: Path | bytes
    sha256: str
    size: int

    def is_at(self, remote: RemoteFile | None) -> bool:
        """Whether the Hub has exactly this content."""
        if remote is None or remote.size != self.size:
            return False
        return remote.sha256 == self.sha256 if remote.sha256 else remote.oid == self._git_oid()

    def _git_oid(self) -> str:
        data = self.source.read_bytes() if isinstance(self.source, Path) else self.source
        return hashlib.sha1(b"blob %d\x00%b" % (len(data), data), usedforsecurity=False).hexdigest()

    def operation(self) -> "CommitOperationAdd":
        """What `huggingface_hub` uploads and commits."""
        from huggingface_hub import CommitOperationAdd

        operation = CommitOperationAdd(self.path, self.source)
        operation.upload_info.sha256 = bytes.fromhex(self.sha256)  # of the manifest, so it need not be computed again
        return operation


@dataclass(frozen=True)
class Difference:
    """What turns a commit into the files wanted."""

    send: list[File]
    delete: list[str]

    def __bool__(self) -> bool:
        return bool(self.send or self.delete)

    def __str__(self) -> str:
        parts = [([file.path for file in self.send], "changed or missing"), (self.delete, "not of this release")]
        named = [(paths, reason) for paths, reason in parts if paths]
        return "; ".join(f"{reason}: {', '.join(paths[:3])}{', ...' * (len(paths) > 3)}" for paths, reason in named)


def local_files(folder: Path, replaced: Mapping[str, bytes] | None = None) -> list[File]:
    """The files of a dataset or model folder, by its manifest.

    Args:
        folder: The folder; it has passed its checks, so the manifest's digests are those of the files.
        replaced: Contents that stand in for those of the folder.
    """
    described = read_manifest(folder)
    places = files_of(folder, described)
    files = {item.path: File(item.path, places[item.path], item.sha256, item.bytes) for item in described.files}
    manifest = inside(folder, MANIFEST, str(folder))
    files[MANIFEST] = File(MANIFEST, manifest, sha256(manifest), manifest.stat().st_size)
    for path, data in (replaced or {}).items():
        files[path] = File(path, data, hashlib.sha256(data).hexdigest(), len(data))
    return [files[path] for path in sorted(files)]


def refuse_changed(files: Iterable[File]) -> None:
    """Raise a ReleaseError unless the files on disk are plain files with the digests that they are published with."""
    for file in files:
        if not isinstance(file.source, Path):
            continue
        if file.source.is_symlink() or not file.source.is_file():
            raise ReleaseError(f"{file.source}: is no plain file; a release holds no links, so nothing is sent")
        if file.source.stat().st_size != file.size or sha256(file.source) != file.sha256:
            raise ReleaseError(f"{file.source}: is not the file that {MANIFEST} names, so nothing is sent")


def difference(tree: Mapping[str, RemoteFile], files: Iterable[File]) -> Difference:
    """How a commit differs from the files wanted; what is in neither of them is deleted."""
    wanted = {file.path: file for file in files}
    send = [file for path, file in wanted.items() if not file.is_at(tree.get(path))]
    return Difference(send, sorted(tree.keys() - wanted.keys()))


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
