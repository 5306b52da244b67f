"""Work directories that are not where a recipe has them, as after somebody has moved or renamed one."""

import os
import re
import shlex
from pathlib import Path

from builder.workspace.layout import STAGE_FILE

_STAGE = re.compile(r"[a-z][a-z0-9-]*-[0-9a-f]{12}")
_MOST_FOLDERS = 200


def no_build(folder: Path, root: Path) -> str:
    """What is said where a work directory holds no stage at all; empty where it holds one.

    Args:
        folder: That of the recipe.
        root: The work directory.
    """
    if has_stages(root):
        return ""
    near = others(folder, root)
    place = shlex.quote(str(near[0])) if near else "PATH"
    return f"{root} holds no build; if it was moved or renamed: --work-dir {place}"


def has_stages(root: Path) -> bool:
    """Whether a folder holds a stage of a build, done or not."""
    try:
        with os.scandir(root) as entries:
            return any(_STAGE.fullmatch(entry.name) and _is_stage(Path(entry.path)) for entry in entries)
    except OSError:
        return False


def _is_stage(folder: Path) -> bool:
    return (folder / STAGE_FILE).is_file()


def others(folder: Path, root: Path) -> list[Path]:
    """The folders beside a recipe that look like a work directory and are not its own."""
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry for entry in found if entry.is_dir()), key=lambda entry: entry.name)
    except OSError:
        return []
    paths = [Path(entry.path) for entry in entries[:_MOST_FOLDERS] if not entry.name.startswith(".")]
    return [path for path in paths if path.resolve() != root and has_stages(path)]
