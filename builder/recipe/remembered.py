"""What the user has consented to, remembered beside the work directory and signed with a key of his own.

The file lies where a stranger's folder may bring one along, so an entry counts only with the user's signature. The key
is in `$XDG_STATE_HOME/humpback/`, or `~/.local/state/humpback/`, and is for its user alone.
"""

import grp
import hashlib
import hmac
import json
import os
import pwd
import secrets
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

_KEY_BYTES = 32
_MOST_BYTES = 1 << 20


class Memory:
    """The consents of one user about one recipe.

    Args:
        recipe: Its file, without links on the way.
        work_dir: The memory is beside it; what `humpback init` wrote is beside the default one.
    """

    def __init__(self, recipe: Path, work_dir: Path) -> None:
        self._recipe, self._folder = recipe, recipe.parent
        self._file = _beside(Path(os.path.realpath(work_dir)))
        self._files = dict.fromkeys((self._file, _beside(self._folder / "work")))

    def consents(self) -> set[str]:
        """The digests that the user has consented to for this recipe."""
        key = _key(make=False)
        entries = [entry for file in self._files for entry in _entries(file)] if key else []
        found = [entry for entry in entries if key and _is_signed(entry, "recipe", self._recipe, key)]
        return {digest for entry in found for digest in entry["digests"]}

    def consent(self, digests: Iterable[str]) -> str | None:
        """Remember digests of this recipe; what it says if that cannot be written down."""
        return _remember(self._file, "recipe", self._recipe, sorted({*self.consents(), *digests}))

    def is_own(self) -> bool:
        """Whether `humpback init` or `quickstart` wrote the folder of this recipe for this user."""
        key = _key(make=False)
        entries = [entry for file in self._files for entry in _entries(file)] if key else []
        return any(key and _is_signed(entry, "folder", self._folder, key) for entry in entries)


def remember_own(folder: Path) -> str | None:
    """Remember that the user has written the recipe in a folder; what it says if that cannot be written down."""
    folder = folder.resolve()
    return _remember(_beside(folder / "work"), "folder", folder, [])


def of_others(paths: Iterable[Path]) -> Path | None:
    """The first of the paths that another user has, or may write."""
    return next((path for path in paths if not _is_ours(path)), None)


def _is_ours(path: Path) -> bool:
    try:
        state = path.lstat()
    except OSError:
        return True  # nothing there, nothing to doubt
    if state.st_uid != os.geteuid():
        return False
    if stat.S_ISLNK(state.st_mode):
        return True
    group = state.st_mode & stat.S_IWGRP and not _is_private(state.st_gid)
    return not (group or state.st_mode & stat.S_IWOTH)


def _is_private(number: int) -> bool:
    """Whether a group is the user's alone, as many systems make one for each user."""
    try:
        name, group = pwd.getpwuid(os.geteuid()).pw_name, grp.getgrgid(number)
    except KeyError:
        return False
    return group.gr_name == name and not {*group.gr_mem} - {name}


def _beside(work_dir: Path) -> Path:
    return work_dir.parent / f".{work_dir.name or 'root'}.trusted.json"


def _entries(file: Path) -> list[dict[str, Any]]:
    try:
        # Of a stranger's folder it may be a pipe, a device or a link.
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return []
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return []
        found = json.loads(os.read(handle, _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return []
    finally:
        os.close(handle)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def _signed(kind: str, path: Path, digests: list[str], key: bytes) -> dict[str, Any]:
    text = json.dumps([kind, os.fspath(path), digests])
    signature = hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
    return {"kind": kind, "path": os.fspath(path), "digests": digests, "signature": signature}


def _is_signed(entry: dict[str, Any], kind: str, path: Path, key: bytes) -> bool:
    digests = entry.get("digests")
    if not isinstance(digests, list) or not all(isinstance(digest, str) for digest in digests):
        return False
    signature = str(entry.get("signature")).encode("utf-8", "replace")
    return hmac.compare_digest(_signed(kind, path, digests, key)["signature"].encode(), signature)


def _remember(file: Path, kind: str, path: Path, digests: list[str]) -> str | None:
    try:
        if (key := _key(make=True)) is None:
            return f"{_state_folder()}: the key of this user cannot be kept there"
        others = [
            entry for entry in _entries(file) if (entry.get("kind"), entry.get("path")) != (kind, os.fspath(path))
        ]
        _write(file, json.dumps([*others, _signed(kind, path, digests, key)], indent=2).encode())
    except OSError as error:
        return f"{error.filename or file}: {error.strerror}"
    return None


def _write(file: Path, content: bytes) -> None:
    """Write a file under a new name and rename it: no name that a stranger could have put a link at is opened."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _state_folder() -> Path | None:
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    with suppress(RuntimeError):
        return (given if given.is_absolute() else Path.home() / ".local" / "state") / "humpback"
    return None


def _key(*, make: bool) -> bytes | None:
    """The key of this user; None if there is none, or others may read or write it."""
    folder = _state_folder()
    if folder is None:
        return None
    file = folder / "trust.key"
    if make and not file.exists():
        _make_key(file)
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        state = os.fstat(handle)
        if not stat.S_ISREG(state.st_mode) or state.st_uid != os.geteuid() or state.st_mode & 0o077:
            return None
        key = os.read(handle, _KEY_BYTES)
    finally:
        os.close(handle)
    return key if len(key) == _KEY_BYTES else None


def _make_key(file: Path) -> None:
    """Make the key, whole or not at all; of two that do so at once, one has made it for both."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, temporary = tempfile.mkstemp(prefix=".trust.", dir=file.parent)  # for this user alone
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(_KEY_BYTES))
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):
            os.link(temporary, file)
    finally:
        Path(temporary).unlink()
