"""What a page of documentation names: files, functions, keys, commands, links; and which of these are not there."""

import ast
import functools
import re
import typing
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from builder.recipe.keys import sections_in
from builder.recipe.recipe import Recipe

ROOT = next(folder for folder in Path(__file__).parents if (folder / "pyproject.toml").is_file())
PACKAGE = ROOT / "builder"
TOPS = ("builder", "tests", "scripts", "recipes", "docs", "dataset_cards")
"""Folders of the repository that pages name; all other paths of the code are below `builder/`."""
ENDINGS = ("yaml", "json", "jsonl", "md", "sh", "txt", "jinja", "parquet")
"""What the names of files end with that a dot does not make a module."""
IN_LINE = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"[\w.*-]+(?:/[\w.*-]*)+|[\w*-]+\.py")
DOTTED = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+)(?:: .*|\(\))?")
OF_A_FILE = re.compile(r"([A-Za-z_]\w*(?:\.\w+)?\(\)|[A-Z][A-Za-z]+\.\w+|[A-Z]\w+)")
"""A function with its brackets, a class, a part of a class, or a constant: what stands behind a file."""


def stale(page: Path) -> Iterator[str]:
    """Everything that a page names and that is not there, with its line."""
    yield from stale_in(page.read_text(encoding="utf-8"), page)


def stale_in(text: str, page: Path) -> Iterator[str]:
    """The same of a text that stands on a page."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        codes = [line] if fenced else IN_LINE.findall(line)
        problems = [*(problem for code in codes for problem in _commands(code))]
        if not fenced:
            problems += [*_links(line, page), *_names(codes)]
        yield from (f"{page.relative_to(ROOT)}:{number}: {problem}" for problem in problems)


def _commands(code: str) -> Iterator[str]:
    for target in re.findall(r"\bmake ([a-z][\w-]*)", code):
        if not re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE):
            yield f"make {target} is no target"
    for verb in re.findall(r"\bhumpback ([a-z]+)\b", code):
        if verb not in verbs():
            yield f"humpback {verb} is no command"
    for module in re.findall(r"-m ((?:builder|support|hub_server)[\w.]*)", code):
        place = module.replace(".", "/")
        if not any(
            (top / f"{place}{end}").is_file() for top in (ROOT, ROOT / "tests") for end in (".py", "/__main__.py")
        ):
            yield f"python -m {module} is no program"
    for path in re.findall(rf"(?<![\w./-])((?:{'|'.join(TOPS)})/[\w./*-]*)", code):
        if not exists(path):
            yield f"{path} is not there"


@functools.cache
def verbs() -> frozenset[str]:
    """The commands of `humpback`."""
    from builder.cli.main import cli

    return frozenset(cli.commands)


def exists(path: str) -> bool:
    """Whether a path of the repository or of the package, which may have stars, names something."""
    return any(any(top.glob(path.rstrip("/"))) for top in (ROOT, PACKAGE))


def _links(line: str, page: Path) -> Iterator[str]:
    for target in LINK.findall(line):
        place, _, anchor = target.partition("#")
        file = page.parent / place if place else page
        if re.match(r"[a-z]+:", target):
            continue
        if not file.exists():
            yield f"the link {target} leads nowhere"
        elif anchor and anchor not in anchors(file):
            yield f"the link {target} leads to no heading"


def anchors(page: Path) -> set[str]:
    """The names by which headings of a page are linked to."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def _names(codes: list[str]) -> Iterator[str]:
    """The files, modules and keys among the words of a line, and what stands behind a file."""
    file = ""
    for code in codes:
        if PATH.fullmatch(code):
            file = code if code.endswith(".py") else ""
            if is_ours(code) and not exists(code):
                yield f"{code} is not there"
        elif file and OF_A_FILE.fullmatch(code) and code.rpartition(".")[2] not in ENDINGS:
            if not has(file, code.removesuffix("()")):
                yield f"{file} has no {code}"
        elif (dotted := DOTTED.fullmatch(code)) and not is_known(dotted[1]):
            yield f"{code} is neither of a module nor a key of the recipe"


def is_ours(path: str) -> bool:
    """Whether a path is one of the repository, and not of a work directory or a release."""
    first = path.partition("/")[0]
    return not path.endswith(".parquet") and (path.endswith(".py") or first in TOPS or (PACKAGE / first).is_dir())


def has(path: str, name: str) -> bool:
    """Whether a module defines a name, or a class of it the part of the class."""
    file = next((top / path for top in (ROOT, PACKAGE) if (top / path).is_file()), None)
    return file is not None and name in defined(file)


@functools.cache
def defined(file: Path) -> frozenset[str]:
    """The names that a module defines, those of its classes as `Class.name`."""
    return frozenset(_defined(ast.parse(file.read_text(encoding="utf-8")).body))


def _defined(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name
        if isinstance(node, ast.ClassDef) and not prefix:
            yield from _defined(node.body, f"{node.name}.")
        for target in _targets(node):
            yield from (prefix + inner.id for inner in ast.walk(target) if isinstance(inner, ast.Name))


def _targets(node: ast.stmt) -> list[ast.expr]:
    if isinstance(node, ast.AnnAssign):
        return [node.target]
    return node.targets if isinstance(node, ast.Assign) else []


def is_known(dotted: str) -> bool:
    """Whether a name with dots is one of the package or a key of the recipe; true where it is about neither."""
    first, *rest = dotted.removeprefix("builder.").split(".")
    of_package = (PACKAGE / first).is_dir() or (PACKAGE / f"{first}.py").is_file()
    if (rest[-1:] and rest[-1] in ENDINGS) or not (of_package or first in Recipe.model_fields):
        return True
    return (of_package and is_of_package([first, *rest])) or is_key(Recipe, [first, *rest])


def is_of_package(parts: list[str]) -> bool:
    """Whether the first parts of a name are a module or folder of the package, and the others in it."""
    for size in range(len(parts), 0, -1):
        place, rest = PACKAGE.joinpath(*parts[:size]), ".".join(parts[size:])
        if place.with_suffix(".py").is_file():
            return not rest or rest in defined(place.with_suffix(".py"))
        if place.is_dir():
            return not rest
    return False


def is_key(section: type[BaseModel], parts: list[str]) -> bool:
    """Whether a name with dots is a key of a section, or of one of its own sections; judges go by their names."""
    field = section.model_fields.get(parts[0])
    if field is None or not parts[1:]:
        return field is not None
    inner = list(sections_in(field.annotation))
    if len(inner) > 1:
        of_judge = [below for below in inner if typing.get_args(below.model_fields["judge"].annotation) == (parts[1],)]
        if of_judge:
            return not parts[2:] or is_key(of_judge[0], parts[2:])
    return any(is_key(below, parts[1:]) for below in inner)
