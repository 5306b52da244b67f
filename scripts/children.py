"""Stages that development programs bring along: the processes of a build have to find them by name."""

import os
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent


def let_children_find_scripts() -> None:
    """Put this folder on the path of every process that is started from here on: a stage looks beside no program."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(SCRIPTS), *([before] if before else [])])
