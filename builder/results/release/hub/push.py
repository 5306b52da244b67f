"""Push a release folder: each repository by one commit and one tag, checked afterwards from an empty cache.

Order: the dataset, then the models, which name its commit. In each: create (private), upload what has changed, one
commit onto the head that was looked at, tag that commit, verify. Main moves once or not at all, and a second run goes
on from whatever the first one left.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from builder.errors import RecipeError, ReleaseError
from builder.recipe.sections.release import Release
from builder.results.release.checks.plain import check_plain
from builder.results.release.content.standoff import refuse_unreviewed
from builder.results.release.folder import RECEIPT
from builder.results.release.hub.files import Difference, File, difference, linked, local_files, refuse_changed
from builder.results.release.hub.receipt import Entry, known_receipt, write_receipt
from builder.results.release.hub.repository import HubRepository, Refs
from builder.results.release.hub.retry import TRIES, pause_after, refusal
from builder.results.release.hub.verify import verify
from builder.results.release.manifest import MANIFEST
from builder.results.release.versions import Version, parse_version, refuse_going_down

Say = Callable[[str], None]
FRESH = frozenset({"README.md"})
"""What a repository without a release may hold: the card that the Hub's site writes when it creates one."""


@dataclass(frozen=True)
class Push:
    """How to push.

    Attributes:
        onto: Heads of main that may be built on though they are no release.
        public: Whether everybody may see the repositories afterwards; they are created private.
        gated: Whether readers must ask first, and who answers.
        full: Whether everything is loaded again to verify it, whatever its size.
    """

    onto: Collection[str] = ()
    public: bool = False
    gated: Literal["auto", "manual"] | None = None
    full: bool = False


class Published(NamedTuple):
    """A repository whose tag is right."""

    commit: str
    already: bool


def push_release(folder: Path, release: Release, version: Version, push: Push, say: Say) -> list[Entry]:
    """Push dataset and models, verify them, and write the receipt into the release folder.

    Args:
        folder: The assembled and checked release.
        release: The recipe's section, which names the repositories.
        version: Of the release.
        push: How.
        say: Takes a line of progress.

    Returns:
        The entries of the receipt, the dataset's first.

    Raises:
        RecipeError: If the recipe names no repository.
        ReleaseError: If the Hub refuses, what it holds is not what this release follows, or the licence of a crawl
            that the models learned from was not reviewed.
    """
    refuse_unreviewed(release, folder)
    if unsafe := list(check_plain(folder)):
        raise ReleaseError("\n".join(f"{folder}: {problem}" for problem in unsafe))
    refuse_no_token()
    dataset = HubRepository("dataset", repository_of(release))
    parts = sorted(path for path in (folder / "models").glob("*") if path.is_dir())
    models = [(HubRepository("model", release.repository("model", part.name) or ""), part) for part in parts]
    for repository, _ in models:
        refuse_early(repository, version, push.onto)
    entries = [_push_one(dataset, folder / "dataset", {}, version, push, say)]
    for repository, part in models:
        links = linked(part, version.tag, entries[0].commit)
        entries.append(_push_one(repository, part, links, version, push, say))
    for entry in entries:
        HubRepository(entry.kind, entry.repository).settle(public=push.public, gated=push.gated)
    write_receipt(folder / RECEIPT, version, entries)
    return entries


def repository_of(release: Release) -> str:
    """The dataset's repository.

    Raises:
        RecipeError: If the recipe names none.
    """
    if release.dataset is None:
        raise RecipeError("release.dataset is missing; --push needs the Hub repository of the dataset, as owner/name")
    return release.dataset


def refuse_no_token() -> None:
    """Raise a ReleaseError if there is no token to push with; it comes from HF_TOKEN or the stored login alone."""
    from huggingface_hub import get_token

    if get_token() is None:
        raise ReleaseError("--push needs a token that may write; log in with `hf auth login`, or set HF_TOKEN")


def _push_one(
    repository: HubRepository, part: Path, links: dict[str, bytes], version: Version, push: Push, say: Say
) -> Entry:
    """Publish a folder and verify it, unless the receipt says that this was done."""
    files = local_files(part, links)
    published = publish(repository, files, version, push.onto, say)
    manifest = next(file.sha256 for file in files if file.path == MANIFEST)
    receipt = (part.parent if repository.kind == "dataset" else part.parents[1]) / RECEIPT
    known = known_receipt(receipt, repository, published.commit, manifest)
    if known is not None and (known.verified == "full" or not push.full):
        say(f"{repository}: already released as {version.tag}, verified before")
        return known
    verified = verify(repository, published.commit, files, full=push.full)
    done = "already released as" if published.already else "released as"
    say(f"{repository}: {done} {version.tag} at {published.commit[:12]}, verified ({verified})")
    return Entry(repository.kind, part.name, repository.name, version.tag, published.commit, manifest, verified)


def publish(
    repository: HubRepository, files: list[File], version: Version, onto: Collection[str], say: Say
) -> Published:
    """Bring a repository to hold these files under the version's tag, by at most one commit.

    Raises:
        ReleaseError: If the tag has other content, a higher version is there, or main is no release.
    """
    refs = repository.refs()
    if refs is None:
        repository.create()
        refs = repository.refs()
    if refs is None:
        raise ReleaseError(f"{repository}: was created but cannot be read; check what the token may do")
    if version.tag in refs.tags:
        _refuse_other_content(repository, files, version, refs.tags[version.tag])
        return Published(refs.tags[version.tag], already=True)
    released = _released(refs)
    refuse_going_down(version, released, str(repository))
    commit = _committed(repository, refs, files, version)
    if commit is None:
        tree = repository.tree(refs.head)
        _refuse_strange_head(repository, refs, released.values(), set(tree), onto)
        commit = _commit(repository, difference(tree, files), files, refs.head, _title(version), say)
    repository.tag(version.tag, commit)
    return Published(commit, already=False)


def refuse_early(repository: HubRepository, version: Version, onto: Collection[str]) -> None:
    """Raise a ReleaseError for a repository that `publish` would refuse, before any other was changed."""
    refs = repository.refs()
    if refs is None or version.tag in refs.tags:
        return
    released = _released(refs)
    refuse_going_down(version, released, str(repository))
    if not any(title == _title(version) for _, title in repository.titles()):
        _refuse_strange_head(repository, refs, released.values(), set(repository.tree(refs.head)), onto)


def _released(refs: Refs) -> dict[Version, str]:
    """Commits of the versions that are tagged."""
    return {parsed: commit for tag, commit in refs.tags.items() if (parsed := parse_version(tag)) and tag == parsed.tag}


def _title(version: Version) -> str:
    return f"Release {version.tag}"


def _refuse_other_content(repository: HubRepository, files: list[File], version: Version, commit: str) -> None:
    changes = difference(repository.tree(commit), files)
    if changes:
        raise ReleaseError(
            f"{repository}: {version.tag} is released already, at commit {commit}, with other content ({changes}); a "
            "released version never changes and a tag is never moved: choose another --version"
        )


def _committed(repository: HubRepository, refs: Refs, files: list[File], version: Version) -> str | None:
    """A commit of an earlier run that has no tag yet, though something else may be on top of it."""
    for commit, title in repository.titles():
        if title == _title(version) and not difference(repository.tree(commit), files):
            return commit
        if commit in refs.tags.values():
            return None
    return None


def _refuse_strange_head(
    repository: HubRepository, refs: Refs, released: Collection[str], paths: set[str], onto: Collection[str]
) -> None:
    """A commit replaces everything on main, so main must be the last release, nothing yet, or what `onto` names."""
    if refs.head in released or refs.head in onto or (not released and paths <= FRESH):
        return
    newest = next((title for commit, title in repository.titles() if commit == refs.head), "")
    head = f"commit {refs.head} ({newest!r}), which is no release"
    raise ReleaseError(
        f"{repository}: main is at {head}; this release would replace its {len(paths)} files. Look at it, and if that "
        f"is what you want, say --onto {refs.head}"
    )


def _commit(repository: HubRepository, change: Difference, files: list[File], parent: str, title: str, say: Say) -> str:
    """Upload what has changed and commit it onto `parent`, once.

    Raises:
        ReleaseError: If main has moved, or the Hub keeps failing.
    """
    size = sum(file.size for file in change.send)
    say(f"{repository}: {len(change.send)} files to send ({size / 1e6:,.1f} MB), {len(change.delete)} to delete")
    refuse_changed(change.send)
    operations = repository.upload(change.send)
    for attempt in range(TRIES):
        try:
            return repository.commit_once(operations, change.delete, parent, title)
        except Exception as error:
            # The commit may have been made though its answer says otherwise, or never came.
            refs = repository.refs()
            if refs is not None and refs.head != parent:
                return _ours(repository, refs, files, title, parent)
            pause = pause_after(error, attempt)
            if pause is None:
                raise refusal(error, f"{repository}: committing") from error
            time.sleep(pause)
    raise AssertionError("the last attempt raises")


def _ours(repository: HubRepository, refs: Refs, files: list[File], title: str, parent: str) -> str:
    """The commit we made onto `parent`; a ReleaseError if somebody else made one instead."""
    for commit, its_title in repository.titles():
        if commit == parent:
            break
        if its_title == title and not difference(repository.tree(commit), files):
            return commit
    raise ReleaseError(
        f"{repository}: somebody else has committed while this release was pushed: main went from {parent} to "
        f"{refs.head}. Nothing of this release is on main; look at that commit, then run the same command again"
    )
