"""Which files a finished stage has, and whether they still are what they were when it was done."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.data.storage import is_hidden
from builder.errors import StageError
from builder.workspace.layout import LOGS, METRICS, STAGE_FILE

Files = dict[str, dict[str, Any]]
"""By path in the stage folder `size` in bytes and `sha256`."""
_BLOCK_BYTES = 1 << 24
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFLNK: "a link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def _silent() -> None:
    """Tell nobody that something moves."""


def take_inventory(folder: Path, beat: Callable[[], None] = _silent) -> Files:
    """List the files of a stage that others may read: all but `stage.json`, logs and hidden files.

    Args:
        folder: The stage folder.
        beat: Called again and again while the files are read, which may take hours.

    Raises:
        StageError: If something in the folder is no plain file.
    """
    states, _ = _look(folder)
    for name, state in states.items():
        if not stat.S_ISREG(state.st_mode):
            raise StageError(
                f"{folder / name} is {_kind(state)}, and a stage has plain files alone; remove it, and run the same "
                "command again"
            )
    return {name: file_state(folder / name, beat) for name in sorted(states)}


def file_state(path: Path, beat: Callable[[], None] = _silent) -> dict[str, Any]:
    """Size and digest of a file, as an inventory has them; `beat` is called while it is read."""
    return {"size": path.stat().st_size, "sha256": _digest(path, beat)}


def is_unchanged(path: Path, state: object, beat: Callable[[], None] = _silent) -> bool:
    """Whether a file still is what `file_state` said; `beat` is called while it is read."""
    try:
        there = path.lstat()
        return (
            stat.S_ISREG(there.st_mode)
            and isinstance(state, dict)
            and there.st_size == state.get("size")
            and (_digest(path, beat) == state.get("sha256"))
        )
    except FileNotFoundError:
        return False


def differences(folder: Path, listed: Mapping[str, Mapping[str, Any]], *, verify: bool = False) -> Iterator[str]:
    """Yield a sentence for each file that is not what an inventory says, in the order of the names.

    No path is made of a name in the inventory, so it may come from anybody.

    Args:
        folder: The stage folder.
        listed: What `take_inventory` said when the stage was done.
        verify: Whether to read the files and compare their digests, beside sizes and names.
    """
    states, folders = _look(folder)
    for name in sorted({*states, *listed}):
        state, was = states.get(name), listed.get(name)
        if was is None:
            yield f"{name} was not there when the stage was done"
        elif state is None:
            yield f"{name} is a folder, and was a file" if name in folders else f"{name} is gone"
        elif not stat.S_ISREG(state.st_mode):
            yield f"{name} is {_kind(state)}, and was a file"
        elif state.st_size != was["size"]:
            yield f"{name} has {state.st_size:,} bytes, and had {was['size']:,} when the stage was done"
        elif verify and _digest(folder / name) != was["sha256"]:
            yield f"{name} has another content than when the stage was done"


def is_inventory(value: object) -> bool:
    """Whether a value has the form of an inventory."""
    return isinstance(value, dict) and all(
        isinstance(item, dict) and _is_size(item.get("size")) and isinstance(item.get("sha256"), str)
        for item in value.values()
    )


def refuse_links_out(folder: Path) -> None:
    """Raise a StageError if a link leads out of a stage folder: whoever writes in it would write elsewhere."""
    root = folder.resolve()
    for path in _links(folder):
        if not path.resolve().is_relative_to(root):
            raise StageError(
                f"{path} is a link to {path.resolve()}, outside of the stage folder, and a build would write there; "
                "remove it, and run the same command again"
            )


def _links(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        yield from (path for name in (*folders, *files) if (path := Path(place, name)).is_symlink())


def _look(folder: Path) -> tuple[dict[str, os.stat_result], set[str]]:
    """What lies below a stage folder that counts, by path, not following links; and the folders among it."""
    states: dict[str, os.stat_result] = {}
    folders: set[str] = set()
    pending = [""]
    while pending:
        place = pending.pop()
        for entry in _scanned(folder / place):
            name = f"{place}{entry.name}"
            if not _counts(name):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.add(name)
                pending.append(f"{name}/")
            elif not name.endswith("~"):
                states[name] = entry.stat(follow_symlinks=False)
    return states, folders


def _scanned(folder: Path) -> Iterable["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        return list(entries)


def _counts(name: str) -> bool:
    """Whether a path is one that others may read, or a folder that may hold one."""
    first, _, rest = name.partition("/")
    if first == LOGS:
        return not rest or name == METRICS
    return name != STAGE_FILE and not is_hidden(name.rpartition("/")[2])


def _kind(state: os.stat_result) -> str:
    return _KINDS.get(stat.S_IFMT(state.st_mode), "a device")


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _digest(path: Path, beat: Callable[[], None] = _silent) -> str:
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
            beat()
    return digest.hexdigest()
