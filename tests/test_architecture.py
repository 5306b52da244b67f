"""The layout of the package is a check: no cycle, no room that imports upward, no folder that outgrows a screen."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = next(parent for parent in Path(__file__).parents if (parent / "pyproject.toml").exists()) / "builder"
ENTRIES = 14
"""So much can be taken in at a look: entries of `builder/`, and modules of any folder in it."""
FLOORS = (
    ("cli",),
    ("results.report",),
    ("results.release", "sample"),
    ("results.evaluate",),
    ("build",),
    ("method.augment", "method.curate", "method.train"),
    ("method.corpus", "method.seed", "llm"),
    ("workspace",),
    ("recipe",),
    ("data", "text"),
    ("errors",),
)
"""From the roof down; a room may import what is below it, and its neighbours where that makes no circle."""


def modules() -> dict[str, Path]:
    named = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


MODULES = modules()


def imported(module: str) -> Iterator[tuple[str, int]]:
    """Modules of the package that a module imports, inside functions too, with the line."""
    for node in ast.walk(ast.parse(MODULES[module].read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            found = next((known for known in (name, name.rpartition(".")[0]) if known in MODULES), None)
            if found is not None and found != module:
                yield found, node.lineno


def place(module: str) -> tuple[str, int]:
    """The room of a module and its floor, counted from the roof."""
    for floor, rooms in enumerate(FLOORS):
        for room in rooms:
            if f"{module}.".startswith(f"builder.{room}."):
                return room, floor
    raise AssertionError(f"{module} is in no room of FLOORS")


def in_rooms() -> list[str]:
    return [
        name for name in MODULES if name not in ("builder", "builder.__main__", "builder.method", "builder.results")
    ]


def test_imports_form_no_cycle_between_modules():
    graph = {module: {name for name, _ in imported(module)} for module in MODULES}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"import cycle: {' <- '.join(error.args[1])}")


def test_rooms_form_no_cycle():
    graph: dict[str, set[str]] = {}
    for module in in_rooms():
        room = place(module)[0]
        graph.setdefault(room, set()).update(place(name)[0] for name, _ in imported(module) if name != "builder")
        graph[room].discard(room)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"rooms import each other in a circle: {' <- '.join(error.args[1])}")


def test_no_room_imports_upward():
    upward = [
        f"{module}:{line} imports {name}"
        for module in in_rooms()
        for name, line in imported(module)
        if name != "builder" and place(name)[1] < place(module)[1]
    ]
    assert upward == []


def test_the_top_of_the_package_fits_a_look():
    entries = sorted(path.name for path in PACKAGE.iterdir() if path.name not in ("__pycache__", "_data"))
    assert len(entries) <= ENTRIES, entries


def test_no_folder_outgrows_a_look():
    folders = [PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    counts = {str(folder.relative_to(PACKAGE.parent)): len(list(folder.glob("*.py"))) for folder in folders}
    assert {folder: count for folder, count in counts.items() if count > ENTRIES} == {}


def test_packages_import_nothing():
    inits = {name: path for name, path in MODULES.items() if path.name == "__init__.py" and name != "builder"}
    assert [name for name in inits if list(imported(name))] == []
