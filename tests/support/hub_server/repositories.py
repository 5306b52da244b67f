"""What the stand-in keeps: repositories of commits, each a whole tree; large files by their sha256 on disk."""

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ATTRIBUTES = "".join(f"*.{kind} filter=lfs diff=lfs merge=lfs -text\n" for kind in ("parquet", "safetensors", "png"))
LFS_KINDS = (".parquet", ".safetensors", ".png", ".bin", ".model", ".arrow")
LFS_BYTES = 10_000_000


class HubError(Exception):
    """An answer that is no success: status, `X-Error-Code`, and what is wrong."""

    def __init__(self, status: int, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its bytes, or size and sha256 of a large one."""

    oid: str
    size: int
    data: bytes | None = None

    @classmethod
    def regular(cls, data: bytes) -> "Entry":
        return cls(hashlib.sha1(b"blob %d\x00%b" % (len(data), data)).hexdigest(), len(data), data)

    @property
    def is_lfs(self) -> bool:
        return self.data is None

    def describe(self, path: str) -> dict[str, Any]:
        """The entry as the tree and paths-info routes say it."""
        value: dict[str, Any] = {"type": "file", "path": path, "size": self.size, "oid": self.oid}
        if self.is_lfs:
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n".encode()
            value["oid"] = Entry.regular(pointer).oid
            value["lfs"] = {"oid": self.oid, "size": self.size, "pointerSize": len(pointer)}
        return value


Tree = dict[str, Entry]


@dataclass(frozen=True)
class Commit:
    """A commit of main."""

    oid: str
    title: str
    description: str
    author: str
    tree: Tree
    date: str = field(default_factory=lambda: datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"))

    def describe(self) -> dict[str, Any]:
        authors = [{"user": self.author, "avatar": ""}]
        return {"id": self.oid, "title": self.title, "message": self.description, "date": self.date, "authors": authors}


class Repository:
    """A model or dataset repository with one branch, main, and tags that never move by themselves."""

    def __init__(self, kind: str, name: str, owner: str, *, private: bool) -> None:
        self.kind, self.name, self.private = kind, name, private
        self.gated: str | bool = False
        self.commits: list[Commit] = []
        self.tags: dict[str, str] = {}
        self.lock = threading.Lock()
        self.add({".gitattributes": Entry.regular(ATTRIBUTES.encode())}, "initial commit", owner)

    @property
    def head(self) -> Commit:
        return self.commits[-1]

    def add(self, tree: Tree, title: str, author: str, description: str = "") -> Commit:
        """Put a commit on main."""
        seed = f"{self.kind}/{self.name}/{len(self.commits)}/{title}/{sorted((p, e.oid) for p, e in tree.items())}"
        commit = Commit(hashlib.sha1(seed.encode()).hexdigest(), title, description, author, tree)
        self.commits.append(commit)
        return commit

    def at(self, revision: str) -> Commit:
        """The commit of a branch, tag or oid."""
        oid = self.tags.get(revision, revision)
        commit = (
            self.head if oid in ("main", "refs/heads/main") else next((c for c in self.commits if c.oid == oid), None)
        )
        if commit is None:
            raise HubError(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def tag(self, name: str, revision: str) -> None:
        if name in self.tags:
            raise HubError(409, f"Tag {name} already exists")
        self.tags[name] = self.at(revision).oid

    def commit(self, operations: list[dict[str, Any]], author: str, objects: Path) -> Commit:
        """Apply the lines of a commit request; all of them or none.

        Raises:
            HubError: As the Hub answers a moved main, a missing large file, or a deletion of what is not there.
        """
        import base64

        header, tree = {}, dict(self.head.tree)
        for operation in operations:
            value = operation["value"]
            match operation["key"]:
                case "header":
                    header = value
                case "file":
                    tree[value["path"]] = Entry.regular(base64.b64decode(value["content"]))
                case "lfsFile":
                    if not (objects / value["oid"]).is_file():
                        raise HubError(400, f"LFS object {value['oid']} of {value['path']} was never uploaded")
                    tree[value["path"]] = Entry(value["oid"], value["size"])
                case "deletedFile":
                    if tree.pop(value["path"], None) is None:
                        raise HubError(404, "A file with this name doesn't exist", "EntryNotFound")
                case "deletedFolder":
                    tree = {path: entry for path, entry in tree.items() if not path.startswith(value["path"])}
        parent = header.get("parentCommit")
        if parent and parent != self.head.oid:
            raise HubError(412, "A commit has happened since. Please refresh and try again.")
        return self.add(tree, header["summary"], author, header.get("description", ""))
