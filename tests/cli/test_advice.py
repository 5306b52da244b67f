"""Every command that the program advises can be typed: it parses once RECIPE is a recipe."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import builder
from builder.cli.main import cli

PACKAGE = Path(builder.__file__).parent
ADVISED = re.compile("`humpback ([a-zA-Z][^`]*)`")
BY_NAME = {"hydrate"}
"""Commands that what a release says to its readers calls by their name alone."""


def strings(tree: ast.AST) -> Iterator[str]:
    """The strings of a module but for its docstrings; what is put into one at last stands as X."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        yield from strings(node) if not isinstance(node, ast.JoinedStr) else ()


def advised() -> set[str]:
    files = [(path, path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))]
    texts = (text for _, source in files if "humpback " in source for text in strings(ast.parse(source)))
    return {found for text in texts for found in ADVISED.findall(text)} - BY_NAME


def fault(line: str) -> str:
    """Why a command cannot be typed; empty where it can."""
    verb, *words = line.split()
    try:
        command = cli.commands[verb]
        command.make_context(verb, [*words]).close()
    except (click.ClickException, KeyError) as error:
        return repr(error)
    place = command.params[0].name == "recipe"
    return "it names no recipe" if place and "RECIPE" not in words and words != ["--pin", "X"] else ""


def test_every_advised_command_can_be_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "RELEASE").mkdir()
    found = advised()
    assert {"show RECIPE segments --rejected", "build RECIPE"} <= found
    assert {line: why for line in found if (why := fault(line))} == {}


@pytest.mark.parametrize("line", ["show segments --rejected", "build", "frobnicate RECIPE", "plan RECIPE --calibrat"])
def test_what_cannot_be_typed_is_found(line: str) -> None:
    assert fault(line)
