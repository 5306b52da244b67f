"""What the stages of a package depend on: by names, from one definition to the next, in this module or another.

The modules are read, and never run. A definition's digest leaves out what changes no result: formatting, comments,
docstrings, the words of our own errors, and where in the package it stands (no module path, no import).
"""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.util import resolve_name
from pathlib import Path
from typing import Any, NamedTuple

Key = tuple[str, str]
"""A module, and the name of one of its top-level definitions; `""` for its statements that bind no name."""


class Part(NamedTuple):
    """A definition or a file of data: the file it stands in, and its digest."""

    source: str
    digest: str


@dataclass
class Module:
    """A module: its top-level statements by the names that they bind, and what its imports stand for."""

    path: Path
    statements: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imported: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class Package:
    """The modules of a package, read and not run.

    Args:
        folder: Where it lies.
        plumbing: Modules, or folders of them, that are not followed, named from the package on.
    """

    def __init__(self, folder: Path, plumbing: Iterable[str]) -> None:
        self.folder, self.name = folder, folder.name
        self.plumbing = [f"{folder.name}.{name}" for name in plumbing]
        files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        self.modules = dict(_read_module(path, folder.parent) for path in files if path.suffix == ".py")
        self.data: dict[str, set[Path]] = defaultdict(set)
        for path in files:
            for named in (path, path.parent) if path.suffix != ".py" else ():
                self.data[str(named)].add(path)
        self._read: dict[ast.stmt, tuple[set[Part], set[Key]]] = {}

    def stages(self) -> list[Key]:
        """The functions in the `run("name", function, ...)` of the module `build`, by name."""
        build = f"{self.name}.build"
        calls = [node for node in ast.walk(_parse(self.modules[build].path)) if isinstance(node, ast.Call)]
        runs = [call for call in calls if len(call.args) > 1 and ast.unparse(call.func).split(".")[-1] == "run"]
        stages = {key for call in runs for key in self.follow(f"{build}.{ast.unparse(call.args[1])}")}
        return sorted(stages, key=lambda key: key[1])

    def version(self, stage: Key) -> int:
        """The VERSION beside a stage's function."""
        (statement,) = self.modules[stage[0]].statements["VERSION"]
        assert isinstance(statement, ast.Assign)
        return int(ast.literal_eval(statement.value))

    def parts(self, stage: Key) -> set[Part]:
        """All that a stage's function leads to, itself with it."""
        parts, seen, waiting = set[Part](), set[Key](), {stage}
        while waiting:
            module, name = key = waiting.pop()
            seen.add(key)
            for statement in self.modules[module].statements.get(name, ()):
                if statement not in self._read:
                    self._read[statement] = _Reading(self, module).read(statement)
                parts |= self._read[statement][0]
                waiting |= {key for key in self._read[statement][1] if not self.is_plumbing(key[0])} - seen
            waiting |= {(module, "")} - seen
        return parts

    def follow(self, dotted: str) -> set[Key]:
        """The definitions that a dotted name stands for; all those of a module, none for what is not ours."""
        if dotted in self.modules:
            return {(dotted, name) for name in self.modules[dotted].statements}
        place, _, name = dotted.rpartition(".")
        if place not in self.modules:
            return set()
        if name in self.modules[place].statements:
            return {(place, name)}
        return {key for target in self.modules[place].imported.get(name, ()) for key in self.follow(target)}

    def is_plumbing(self, module: str) -> bool:
        """Whether no digest looks into a module."""
        return any(module == name or module.startswith(f"{name}.") for name in self.plumbing)

    def shown(self, path: Path) -> str:
        """A file of the package, as a text names it."""
        return path.relative_to(self.folder.parent).as_posix()


class _Reading(ast.NodeTransformer):
    """Reads a definition: leaves out what changes no result, and notes where its names lead."""

    def __init__(self, package: Package, name: str) -> None:
        self.package, self.name, self.module = package, name, package.modules[name]
        self.leads_to, self.data, self.foreign = set[Key](), set[Path](), set[str]()

    def read(self, statement: ast.stmt) -> tuple[set[Part], set[Key]]:
        text = "\n".join([_dump(self.visit(statement)), *sorted(self.foreign)])
        contents = {self.module.path: text.encode()} | {path: path.read_bytes() for path in self.data}
        return {Part(self.package.shown(path), digest([data])) for path, data in contents.items()}, self.leads_to

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Imports are left out; what their names stand for is not."""

    visit_ImportFrom = visit_Import

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if _is_text(node.value) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        call = node.exc
        if isinstance(call, ast.Call) and any(self.package.is_plumbing(module) for module, _ in self._keys(call.func)):
            node.exc = call.func
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.foreign |= {
            f"{node.id}: {name}" for name in self._targets(node) if name.split(".")[0] != self.package.name
        }
        keys = self._keys(node)
        self.leads_to |= keys
        return ast.Name(next(iter(keys))[1]) if len(keys) == 1 else node  # whatever an import calls it here

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        keys = self._keys(node)
        self.leads_to |= keys
        return ast.Name(node.attr) if keys else self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self._note_data(_path(node))
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if isinstance(node.value, str):
            self._note_data(node.value)
            keys = self.package.follow(node.value.replace(":", ".")) if "." in node.value else set()
            if keys:  # `package.module` for `python -m`, or `package.module:name`
                self.leads_to |= keys
                return ast.Constant("ours")
        return node

    def _note_data(self, path: str) -> None:
        """A file of data, or all those in a folder; the path is given from the module's folder or the package on."""
        for folder in (self.module.path.parent, self.package.folder) if path.strip("./") else ():
            self.data |= self.package.data.get(f"{folder}/{path}", set())

    def _keys(self, node: ast.expr) -> set[Key]:
        return {key for target in self._targets(node) for key in self.package.follow(target)}

    def _targets(self, node: ast.expr) -> set[str]:
        """What a name, or an attribute of a module, may stand for, as dotted names."""
        if isinstance(node, ast.Attribute):
            return {f"{target}.{node.attr}" for target in self._targets(node.value) if target in self.package.modules}
        if not isinstance(node, ast.Name):
            return set()
        own = {f"{self.name}.{node.id}"} if node.id in self.module.statements else set()
        return own | self.module.imported.get(node.id, set())


def _read_module(path: Path, root: Path) -> tuple[str, Module]:
    *folders, stem = path.relative_to(root).with_suffix("").parts
    within = ".".join(folders)
    module, tree = Module(path), _parse(path)
    for statement in tree.body:
        for name in _bound(statement) or [""]:
            module.statements[name].append(statement)
    for node in ast.walk(tree):
        for alias in node.names if isinstance(node, ast.Import | ast.ImportFrom) else ():
            if isinstance(node, ast.ImportFrom):
                target = f"{resolve_name('.' * node.level + (node.module or ''), within)}.{alias.name}"
            else:
                target = alias.name if alias.asname else alias.name.split(".")[0]
            module.imported[alias.asname or target.split(".")[-1]].add(target)
    return within if stem == "__init__" else f"{within}.{stem}", module


def _parse(path: Path) -> ast.Module:
    """The tree of a file, without what only a type checker reads."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [
        node for node in tree.body if not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    return tree


def _bound(statement: ast.stmt) -> set[str]:
    """The names that a top-level statement binds, but for imports."""
    definitions = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    nodes = [statement] if isinstance(statement, definitions) else list(ast.walk(statement))
    named = {node.name for node in nodes if isinstance(node, definitions)}
    return named | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _path(node: ast.expr) -> str:
    """The constant end of a path, as `llm/templates` of `Path(__file__).parents[1] / "llm" / "templates"`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return f"{_path(node.left)}/{_path(node.right)}".strip("/")
    return str(node.value) if isinstance(node, ast.Constant) and _is_text(node) else ""


def _dump(node: Any) -> str:
    """A tree as text, the same under every Python: without empty fields, which newer ones have more of."""
    if isinstance(node, list):
        return f"[{','.join(map(_dump, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if name != "ctx" and value not in (None, [])]
    return f"{type(node).__name__}({','.join(f'{name}={_dump(value)}' for name, value in fields)})"


def digest(contents: Iterable[bytes]) -> str:
    """A digest of some contents, whatever their order."""
    return hashlib.sha256(b"\n".join(sorted(contents))).hexdigest()[:16]
