"""One repository on the Hub, as a push sees it; every call but the commit is repeated where repeating can help."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from builder.data.address import Address
from builder.errors import ReleaseError
from builder.results.release.hub.files import RemoteFile
from builder.results.release.hub.retry import retry

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, HfApi

    from builder.results.release.hub.files import File

Kind = Literal["dataset", "model"]
BATCH = 50
"""Files that are uploaded together before the commit: what a batch has sent is not sent again."""
OF_THE_HUB = ".gitattributes"
"""Written by the Hub when it creates a repository; no part of a release."""


@dataclass(frozen=True)
class Refs:
    """Head of main and commits of all tags."""

    head: str
    tags: dict[str, str]


class HubRepository:
    """A dataset or model repository."""

    def __init__(self, kind: Kind, name: str) -> None:
        self.kind, self.name = kind, name

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def url(self) -> str:
        """Its page."""
        return f"{Address(self._api.endpoint)}/{'datasets/' if self.kind == 'dataset' else ''}{self.name}"

    @property
    def _api(self) -> "HfApi":
        from huggingface_hub import HfApi

        return HfApi()

    def refs(self) -> Refs | None:
        """Head and tags; None if there is no such repository, or none that the token may see."""
        from huggingface_hub.errors import RepositoryNotFoundError

        def read() -> Refs | None:
            try:
                listed = self._api.list_repo_refs(self.name, repo_type=self.kind)
            except RepositoryNotFoundError:
                return None
            head = next((ref.target_commit for ref in listed.branches if ref.name == "main"), "")
            return Refs(head, {ref.name: ref.target_commit for ref in listed.tags})

        return retry(read, f"{self}: reading its tags")

    def create(self) -> None:
        """Create it, private; one that exists is left as it is."""
        create = self._api.create_repo
        retry(lambda: create(self.name, repo_type=self.kind, private=True, exist_ok=True), f"{self}: creating it")

    def tree(self, commit: str) -> dict[str, RemoteFile]:
        """All files of a commit but those that belong to the Hub."""
        from huggingface_hub.hf_api import RepoFile

        def read() -> dict[str, RemoteFile]:
            items = self._api.list_repo_tree(self.name, recursive=True, revision=commit, repo_type=self.kind)
            files = [item for item in items if isinstance(item, RepoFile) and item.path != OF_THE_HUB]
            return {
                item.path: RemoteFile(item.size, item.lfs.sha256 if item.lfs else None, item.blob_id) for item in files
            }

        return retry(read, f"{self}: listing its files")

    def titles(self) -> list[tuple[str, str]]:
        """Commits of main, the newest first, and their titles."""

        def read() -> list[tuple[str, str]]:
            commits = self._api.list_repo_commits(self.name, repo_type=self.kind)
            return [(commit.commit_id, commit.title) for commit in commits]

        return retry(read, f"{self}: listing its commits")

    def upload(self, files: Iterable["File"]) -> list["CommitOperationAdd"]:
        """Send the content of large files, batch by batch; main stays as it is.

        Returns:
            What `commit` takes.
        """
        operations = [file.operation() for file in files]
        if operations:
            self._choose_transfer()
        for batch in _batches(operations):
            upload = self._preupload(batch)
            retry(upload, f"{self}: uploading {batch[0].path_in_repo} and {len(batch) - 1} more")
        return operations

    def _preupload(self, batch: list["CommitOperationAdd"]) -> Callable[[], None]:
        preupload = self._api.preupload_lfs_files
        return lambda: preupload(self.name, batch, repo_type=self.kind, free_memory=False)

    def _choose_transfer(self) -> None:
        """Use LFS where the server has no Xet: the client would end in an error there instead of trying LFS."""
        from huggingface_hub import constants
        from huggingface_hub.utils import build_hf_headers, get_session  # type: ignore[attr-defined]

        if constants.HF_HUB_DISABLE_XET or find_spec("hf_xet") is None:
            return
        address = f"{self._api.endpoint}/api/{self.kind}s/{self.name}/xet-write-token/main"
        answer = retry(lambda: get_session().get(address, headers=build_hf_headers()), f"{self}: asking for Xet")
        if answer.status_code == 404:
            constants.HF_HUB_DISABLE_XET = True

    def commit_once(self, operations: list["CommitOperationAdd"], deleted: list[str], parent: str, title: str) -> str:
        """Send one commit onto `parent` and return its id; whatever goes wrong is raised as it came."""
        from huggingface_hub import CommitOperationDelete

        deletions = [CommitOperationDelete(path, is_folder=False) for path in deleted]
        options = {"repo_type": self.kind, "commit_message": title, "parent_commit": parent}
        return str(self._api.create_commit(self.name, [*operations, *deletions], **options).oid)  # type: ignore[call-overload]

    def tag(self, name: str, commit: str) -> None:
        """Put a tag on a commit.

        Raises:
            ReleaseError: If the tag is on another commit; it stays there.
        """
        create = self._api.create_tag
        # exist_ok leaves a tag of this name where it is, on whatever commit, and says nothing.
        options = {"tag": name, "revision": commit, "repo_type": self.kind, "exist_ok": True}
        retry(lambda: create(self.name, **options), f"{self}: tagging {name}")  # type: ignore[arg-type]
        refs = self.refs()
        tagged = refs.tags.get(name) if refs else None
        if tagged != commit:
            raise ReleaseError(
                f"{self}: tag {name} is on commit {tagged}, not on {commit}; somebody else has put it there, and a tag "
                "is never moved: choose another --version"
            )

    def download(self, path: str, revision: str) -> Path:
        """One file, from the cache where it is there."""
        fetch = self._api.hf_hub_download
        return Path(
            retry(lambda: fetch(self.name, path, revision=revision, repo_type=self.kind), f"{self}: reading {path}")
        )

    def snapshot(self, revision: str) -> Path:
        """All files of a revision, from the cache where they are there."""
        fetch = self._api.snapshot_download
        return Path(
            retry(lambda: fetch(self.name, revision=revision, repo_type=self.kind), f"{self}: reading {revision}")
        )

    def settle(self, *, public: bool, gated: Literal["auto", "manual"] | None) -> None:
        """Change who may see and read it, where that is asked for."""
        options = {**({"private": False} if public else {}), **({"gated": gated} if gated else {})}
        if options:
            update = self._api.update_repo_settings
            retry(lambda: update(self.name, repo_type=self.kind, **options), f"{self}: changing its settings")  # type: ignore[arg-type]


def _batches(operations: list["CommitOperationAdd"]) -> Iterator[list["CommitOperationAdd"]]:
    for start in range(0, len(operations), BATCH):
        yield operations[start : start + BATCH]
