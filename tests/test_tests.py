"""What holds for every test: public names alone, no clock in an assertion, helpers that say what they make."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import fake_engine

TESTS = next(folder for folder in Path(__file__).parents if folder.name == "tests")
FILES = sorted(TESTS.rglob("*.py"))
CLOCKS = {"time", "monotonic", "perf_counter", "process_time", "thread_time"}
OWN = {"self", "cls", "super"}
"""What a class of the tests calls its own private parts by."""


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def of_builder(name: str | None) -> bool:
    return name is not None and name.partition(".")[0] == "builder"


def root_of(node: ast.expr) -> str:
    """The name that an expression like `a.b(c).d` begins with."""
    while not isinstance(node, ast.Name):
        inner = getattr(node, "value", None) or getattr(node, "func", None)
        if not isinstance(inner, ast.expr):
            return ""
        node = inner
    return node.id


@functools.cache
def nodes_of(source: str) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source)))


def of_others(nodes: list[ast.AST]) -> set[str]:
    """The names that a file has imported from other packages; their private parts are not our matter."""
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not of_builder(node.module)):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return found - {"builder"}


def private_names(source: str) -> Iterator[str]:
    """The private names of the package in a source: imports, attributes, names in strings, programs in strings."""
    nodes = nodes_of(source)
    others = of_others(nodes)
    for node in nodes:
        match node:
            case ast.ImportFrom() | ast.Import():
                yield from filter(private_path, imported(node))
            case ast.Attribute(attr=name) if is_private(name) and root_of(node) not in OWN | others:
                yield ast.unparse(node)
            case ast.Call(args=[of, ast.Constant(str(name)), *_]) if is_private(name) and root_of(of) not in others:
                if ast.unparse(node.func).rpartition(".")[2] in ("setattr", "getattr", "delattr"):
                    yield name
            case ast.Constant(value=str(text)):
                yield from private_names_in(text)


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The whole names that an import takes from the package."""
    start = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
    return [name for alias in node.names if of_builder(name := start + alias.name)]


def private_path(name: str) -> bool:
    return any(map(is_private, name.split(".")))


def private_names_in(text: str) -> Iterator[str]:
    """The same of a text: the name of a thing to replace, or a program for a child."""
    if re.fullmatch(r"builder(\.\w+)+", text) and private_path(text):
        yield text
    if re.search(r"^\s*(from|import) builder\b", text, re.MULTILINE):
        try:
            yield from private_names(text)
        except SyntaxError:
            return  # no program


def timed_assertions(source: str) -> Iterator[str]:
    """The assertions that read a clock."""
    clocks = CLOCKS | {f"time.{clock}" for clock in CLOCKS}
    for node in nodes_of(source):
        if isinstance(node, ast.Assert):
            calls = [ast.unparse(inner.func) for inner in ast.walk(node.test) if isinstance(inner, ast.Call)]
            yield from (ast.unparse(node) for _ in clocks.intersection(calls))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("from builder.cli.plan import _key", ["builder.cli.plan._key"]),
        ("import builder._data", ["builder._data"]),
        ("import builder.cli.plan\nbuilder.cli.plan._key()", ["builder.cli.plan._key"]),
        ("engine.llm._step.x", ["engine.llm._step"]),
        ("make(1)._step", ["make(1)._step"]),
        ("import os\nos._exit(3)", []),
        ("self._x = super()._y", []),
        ("patch.setattr('builder.method.seed.stage._read', 1)", ["builder.method.seed.stage._read"]),
        ("patch.setattr(verify, '_load', 1)", ["_load"]),
        ("PROGRAM = 'from builder.cli.plan import _key'", ["builder.cli.plan._key"]),
    ],
)
def test_private_names_are_found_however_they_are_written(source: str, found: list[str]) -> None:
    assert list(private_names(source)) == found


def test_a_clock_in_an_assertion_is_found() -> None:
    assert list(timed_assertions("assert time.monotonic() - started < 5")) == ["assert time.monotonic() - started < 5"]
    assert list(timed_assertions("while time.monotonic() < end: pass\nassert done()")) == []


def broken_by(rule: object) -> dict[str, list[str]]:
    """What each file but this one has that a rule is against."""
    assert callable(rule)
    others = [path for path in FILES if path != Path(__file__)]
    found = {path.relative_to(TESTS).as_posix(): list(rule(path.read_text())) for path in others}
    return {name: broken for name, broken in found.items() if broken}


def test_tests_use_public_names_alone() -> None:
    assert broken_by(private_names) == {}


def test_no_assertion_reads_a_clock() -> None:
    assert broken_by(timed_assertions) == {}


def test_every_helper_says_what_it_makes() -> None:
    helpers = [path for path in FILES if not path.name.startswith("test_")]
    assert Path(fake_engine.__file__) in helpers
    assert [path.name for path in helpers if not ast.get_docstring(ast.parse(path.read_text()))] == []


def test_engines_are_replaced_in_one_place() -> None:
    def seams(source: str) -> list[str]:
        return re.findall(r"\bSTARTERS\b|setattr\([^\n]*start_engine|\.start_engine =", source)

    assert set(broken_by(seams)) == {"support/fake_engine.py"}
