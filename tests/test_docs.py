"""What the pages name is there; what `docs/architecture.md` says of the rooms is so; its index answers."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.documented_names import PACKAGE, ROOT, exists, has, stale, stale_in

ARCHITECTURE = ROOT / "docs" / "architecture.md"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "recipes").glob("*/README.md")),
    PACKAGE / "sample" / "base" / "README.md",
]
ANSWERS = {
    "the header rule on capitals": "method/corpus/rules/header.py",
    "the prompt of M_yx": "llm/conversations.py",
    "a tag, S_a or S_w: put on a row": "llm/conversations.py",
    "the Hub tag of a release": "results/release/hub/repository.py",
    "what makes `score-1` run again": "workspace/fingerprint.py",
    "how a killed training resumes": "method/train/checkpoints.py",
    "how a killed generation resumes": "llm/batch/chunks.py",
    "the chat template, chosen": "llm/contract.py",
    "the score of `likelihood`": "method/curate/scoring/likelihoods.py",
}
"""What a newcomer asks first, and a file that the answer must name with a function."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_everything_that_a_page_names_is_there(page: Path) -> None:
    assert list(stale(page)) == []


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("`method/corpus/rules/heads.py`", "method/corpus/rules/heads.py is not there"),
        ("`gone.py`", "gone.py is not there"),
        ("`tests/corpus/test_gone.py`", "tests/corpus/test_gone.py is not there"),
        ("`recipes/humpback-7b/gone_*.yaml`", "recipes/humpback-7b/gone_*.yaml is not there"),
        ("`build.py` `run_built()`", "build.py has no run_built()"),
        ("`build.py` `Build.gone()`", "build.py has no Build.gone()"),
        ("`llm/contract.py` `Contrakt`", "llm/contract.py has no Contrakt"),
        ("`llm/engines/start.py` `STARTS`", "llm/engines/start.py has no STARTS"),
        ("`data.storage.whole_files`", "data.storage.whole_files is neither of a module nor a key of the recipe"),
        ("`training.global_bath: 32`", "training.global_bath: 32 is neither of a module nor a key of the recipe"),
        ("`make tests`", "make tests is no target"),
        ("`humpback built DIR`", "humpback built is no command"),
        ("`python -m builder.sample.kill_check`", "python -m builder.sample.kill_check is no program"),
        ("`python scripts/gone.py --seed 7`", "scripts/gone.py is not there"),
        ("[a page](gone.md)", "the link gone.md leads nowhere"),
        ("[a page](method.md#gone)", "the link method.md#gone leads to no heading"),
    ],
)
def test_a_stale_name_is_found(line: str, says: str) -> None:
    found = list(stale_in(f"text\n{line}\n", ARCHITECTURE))
    assert set(found) == {f"docs/architecture.md:2: {says}"}


def rows_of(heading: str) -> Iterator[list[str]]:
    """The rows of the tables below a heading of the page, cell by cell."""
    text = ARCHITECTURE.read_text(encoding="utf-8")
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"{heading} is no heading"
    level = heading.split()[0]
    below = re.split(rf"^{level} ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    for line in below.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def rooms() -> dict[str, list[str]]:
    """The rows of the table of rooms by room."""
    return {row[1].strip("`"): row for row in rows_of("## Rooms") if row[0].isdigit()}


def codes(cell: str) -> set[str]:
    return set(re.findall(r"`([^`]+)`", cell))


def imports_of(room: str) -> set[str]:
    """The whole names of everything that a room imports, inside functions and for type checking too."""
    place = PACKAGE.joinpath(*room.split("."))
    names = set()
    for file in sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def test_the_page_has_the_rooms_and_floors_that_lint_holds() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    floors = [
        {name.strip().removeprefix("builder.") for name in layer.split("|")} for layer in reversed(contract["layers"])
    ]
    told: dict[int, set[str]] = {}
    for room, row in rooms().items():
        told.setdefault(int(row[0]), set()).add(room)
    assert told == dict(enumerate(floors, start=1))


def test_the_page_says_which_rooms_a_room_imports() -> None:
    known = rooms()
    for room, row in known.items():
        imported = {
            other
            for name in imports_of(room)
            for other in known
            if other != room and f"{name}.".startswith(f"builder.{other}.")
        }
        assert codes(row[3]) == imported, room


def test_the_page_says_which_packages_a_room_leans_on() -> None:
    for room, row in rooms().items():
        tops = {name.partition(".")[0] for name in imports_of(room)}
        assert codes(row[4]) == tops - {"builder", "__future__"} - sys.stdlib_module_names, room


def test_the_page_has_every_folder_of_a_room() -> None:
    told = {row[0].strip("`").rstrip("/") for row in rows_of("## Rooms") if row[0].endswith("/`")}
    held = ("_data", "base", "handwritten", "__pycache__")
    folders = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*") if path.is_dir()}
    inner = {name for name in folders if not any(part in held for part in name.split("/"))}
    assert told == inner - {name.replace(".", "/") for name in rooms()} - {"method", "results"}


@pytest.mark.parametrize("question", ANSWERS)
def test_the_index_answers_with_file_and_function(question: str) -> None:
    answers = {row[0]: row[1] for row in rows_of("## Where is ...?")}
    named = re.findall(r"`([^`]+)`", answers[question])
    assert ANSWERS[question] in named
    functions = named[named.index(ANSWERS[question]) + 1 :]
    assert any(has(ANSWERS[question], name.removesuffix("()")) for name in functions)


def test_the_index_has_a_line_for_each_stage_and_for_what_one_adds() -> None:
    stages = " ".join(row[0] for row in rows_of("### Where a row's rejection reason is decided"))
    for stage in ("seed", "seed-clean", "segments", "dedup", "augment", "score-<t>", "curate-<t>", "model-<t>"):
        assert f"`{stage}" in stages
    added = {row[0] for row in rows_of("### How to add ...")}
    assert {"a judge", "a rule of the corpus", "a check of a release", "a command"} <= added


def test_each_page_is_linked_from_where_a_newcomer_looks() -> None:
    for start in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / start).read_text(encoding="utf-8")
        assert "(docs/architecture.md)" in text
        assert "(docs/work-directory.md)" in text
    assert exists("docs/work-directory.md")


def promises() -> list[str]:
    """The promises of `SECURITY.md`, one text each."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    below = text.partition("\n## What is promised\n")[2].partition("\n## ")[0]
    return [" ".join(item.split()) for item in re.split(r"^- ", below, flags=re.MULTILINE)[1:]]


def is_full(test: ast.FunctionDef) -> bool:
    return any("mark.full" in ast.unparse(decorator) for decorator in test.decorator_list)


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: promise[:40])
def test_a_promise_of_security_is_held_by_a_test_of_the_suite(promise: str) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", promise)
    assert named, "it names no test"
    found = {
        (file, node.name): is_full(node)
        for file, _ in named
        for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
    }
    assert [test for test in named if test not in found] == [], "a test that is not there"
    assert not all(found[test] for test in named), "all of its tests are `full`"
