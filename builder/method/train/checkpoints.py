"""Training checkpoints that may be relied on: each is resumed from only if it carries our mark.

A trainer writes a checkpoint file by file under its final name, so a folder that is there may be half of one. The mark
is written after all files are on disk; it lists them, and says to which settings they belong.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from builder.data.storage import read_json, write_json
from builder.errors import StageError

MARK = "complete.json"


def mark_complete(checkpoint: Path, settings: str) -> None:
    """Flush the files of a checkpoint to disk and mark it as whole.

    Args:
        checkpoint: The folder `checkpoint-<step>`.
        settings: What the training depends on; another value makes the checkpoint useless.
    """
    write_json(checkpoint / MARK, {"settings": settings, "files": flush(checkpoint)})


def flush(folder: Path) -> dict[str, int]:
    """Flush the files of a checkpoint or model to disk; the size of each by its path in the folder, in bytes."""
    sizes = {}
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != MARK):
        with file.open("rb") as handle:
            os.fsync(handle.fileno())
        sizes[file.relative_to(folder).as_posix()] = file.stat().st_size
    return sizes


def last_complete(folder: Path, settings: str) -> Path | None:
    """The whole checkpoint of these settings with the most steps, or None."""
    whole = [checkpoint for checkpoint in _checkpoints(folder) if _is_whole(checkpoint, settings)]
    return max(whole, key=_step, default=None)


def remove_others(folder: Path, settings: str) -> None:
    """Remove the checkpoints that are torn or belong to other settings."""
    for checkpoint in _checkpoints(folder):
        if not _is_whole(checkpoint, settings):
            shutil.rmtree(checkpoint)


def make_room(folder: Path, settings: str, most: int, *, best: str | None = None) -> None:
    """Remove torn checkpoints, then the oldest, before another is written: with it no more than `most` stand.

    Args:
        folder: Where they lie.
        settings: What the training depends on; the last whole checkpoint of these settings stays.
        most: With the one that comes.
        best: The checkpoint that the trainer returns to in the end, which stays too.
    """
    stay = {last_complete(folder, settings), Path(best) if best else None}
    there = sorted(_checkpoints(folder), key=lambda path: (_is_whole(path, settings), _step(path)))
    surplus = max(len(there) - (most - 1), 0)
    for checkpoint in [path for path in there if path not in stay][:surplus]:
        shutil.rmtree(checkpoint)


def _checkpoints(folder: Path) -> list[Path]:
    return [path for path in folder.glob("checkpoint-*") if path.is_dir() and path.name.partition("-")[2].isdigit()]


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.partition("-")[2])


def _is_whole(checkpoint: Path, settings: str) -> bool:
    try:
        mark: dict[str, Any] = read_json(checkpoint / MARK)
        sizes = {name: (checkpoint / name).stat().st_size for name in mark["files"]}
    except (StageError, OSError, KeyError, TypeError):
        return False
    return bool(mark["settings"] == settings and mark["files"] == sizes)
