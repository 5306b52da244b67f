"""Bad input through the real command line: each ends with a code and a message that says what, where and what to do.

Whatever goes wrong, no traceback is shown, no row is lost in silence, and no half-written file has a final name.
"""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.small_project import assert_nothing_lost, change_yaml, humpback

Change = Callable[[Path], None]


def unchanged(project: Path) -> None:
    """The project as it is."""


@dataclass(frozen=True)
class Case:
    """A change to a project, the command that meets it, and what must come of it.

    Attributes:
        name: What is wrong.
        arguments: Of the command line; PROJECT stands for the folder.
        code: The exit code.
        says: Patterns, each found in a line of stderr that starts with `error: `.
        change: Done to the project first.
    """

    name: str
    arguments: str
    code: int
    says: tuple[str, ...]
    change: Change = field(default=unchanged)


def run(project: Path, arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a project, and check what holds after any."""
    result = humpback(*[word.replace("PROJECT", str(project)) for word in arguments.split()], cwd=project)
    for text in (result.stdout, result.stderr):
        assert "Traceback" not in text, text
    assert_nothing_lost(project / "work")
    return result


def check(case: Case, project: Path) -> subprocess.CompletedProcess[str]:
    case.change(project)
    result = run(project, case.arguments)
    assert result.returncode == case.code, result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    for pattern in case.says:
        assert any(re.search(pattern, line) for line in errors), (pattern, result.stderr)
    if not case.code:
        assert errors == []
    return result


def named(cases: list[Case]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def only_source(**source: Any) -> Change:
    """Make a file or folder of the project its only corpus."""
    return lambda project: change_yaml(
        project / "build.yaml", segments={"sources": [{"format": "html", **source}], "min_chars": 40, "tasks": 2}
    )


def only_seed(*lines: object, **source: Any) -> Change:
    """Make the given lines, JSON unless they are text, the only seed."""

    def change(project: Path) -> None:
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        (project / "own.jsonl").write_text(text)
        entry = {"name": "own", "path": "own.jsonl", "license": "mit", **source}
        change_yaml(project / "build.yaml", seed={"sources": [entry]})

    return change


def in_turn(*changes: Change) -> Change:
    def change(project: Path) -> None:
        for item in changes:
            item(project)

    return change


def training_keys(role: str, **keys: Any) -> Change:
    return lambda project: change_yaml(project / f"sft_{role}.yaml", **keys)
