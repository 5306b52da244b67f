"""The reasons that the sources of the stages can give, read off their syntax trees.

A reason is a word in one of these places: an argument of a call that rejects a row, what a function that says why
returns, an entry of a table that such a function looks up, an assignment to a reason, or an entry of a listed constant.
An f-string stands for every text that it can be.
"""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

from support.documented_names import PACKAGE

REJECTS = re.compile(
    r"(.*\.)?(Loss|Break|Candidate|SourceRow|Failed|RequestFailure|Reading|unscored|_?reject|rejects\.add|reasons\.\w+)"
)
"""Calls of which a word among the arguments is a reason."""
SAYS_WHY = re.compile(
    r"_?why\w*|\w*fault|\w*_why_\w+|refuse|unsafe|broken|_cut_page|_cut|_contained|_frame|_block|_member"
)
LISTS = ("Reason", "RULES", "REASONS", "OTHER_RECORDS", "TOO_LONG", "BAD_REPLY", "LOST", "NO_LOGPROBS")
WORD = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
PLACES = {
    "seed": ("method/seed/conversations.py", "method/seed/files.py", "method/seed/oasst.py", "method/seed/pairs.py",
             "method/seed/stage.py"),
    "seed-clean": ("method/seed/decontaminate.py",),
    "segments": ("method/corpus/*.py", "method/corpus/cutting/page.py", "method/corpus/cutting/markup/source.py",
                 "method/corpus/reading/*.py", "method/corpus/reading/files/zst.py", "method/corpus/rules/*.py"),
    "dedup": ("method/corpus/dedup/stage.py",),
    "augment": ("method/augment/stage.py", "method/augment/gate/rules.py", "llm/engines/*.py"),
    "score": ("method/curate/scoring/*.py", "llm/engines/*.py"),
    "curate": ("method/curate/curate.py", "method/curate/selection.py", "method/seed/decontaminate.py"),
    "model": ("method/train/rows.py",),
}  # fmt: skip
"""By kind of stage the modules that reject its rows."""
NO_REASONS = {"records", "pages", "dropped", "verdict"}
"""Words in those places that are kinds of rows, another program's, or a judge's name."""


@functools.cache
def given(stage: str) -> frozenset[str]:
    """Patterns of the reasons that a kind of stage can give."""
    files = [file for place in PLACES[stage] for file in sorted(PACKAGE.glob(place))]
    return frozenset(pattern for file in files for pattern in reasons_in(file) if pattern not in NO_REASONS)


def reasons_in(file: Path) -> Iterator[str]:
    """Patterns of the reasons in a module."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and REJECTS.fullmatch(ast.unparse(node.func)):
            for value in (*node.args, *(keyword.value for keyword in node.keywords)):
                yield from words(value)
        elif isinstance(node, ast.FunctionDef) and SAYS_WHY.fullmatch(node.name):
            yield from _said(node)
        elif isinstance(node, ast.FunctionDef):
            yield from _defaults(node)
        elif isinstance(node, ast.AugAssign):
            yield from _assigned(ast.unparse(node.target), node.value)
        elif isinstance(node, ast.Dict):
            for key, entry in zip(node.keys, node.values, strict=True):
                yield from words(entry) if isinstance(key, ast.Constant) and key.value == "reason" else ()
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
            yield from _assigned(target, node.value)


def _said(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            values = node.value.elts[:1] if isinstance(node.value, ast.Tuple) else [node.value]
            for value in values:
                yield from words(value)
        elif isinstance(node, ast.Dict):
            for entry in node.values:
                yield from words(entry.elts[-1]) if isinstance(entry, ast.Tuple) else ()


def _defaults(function: ast.FunctionDef) -> Iterator[str]:
    names = [argument.arg for argument in function.args.args][-len(function.args.defaults) :]
    for name, default in zip(names, function.args.defaults, strict=False):
        if name in ("why", "reason"):
            yield from words(default)


def _assigned(target: str, value: ast.expr) -> Iterator[str]:
    if target in LISTS:
        for node in ast.walk(value):
            yield from words(node)
    elif re.fullmatch(r"(\w+\.)?reasons?(\[\w+\])?|of_tree|.*\bmissing\)?|\(?(self\.)?reasons\[key\], .*", target):
        for node in ast.walk(value) if isinstance(value, ast.DictComp) else [value]:
            yield from words(node)


def words(value: ast.expr | ast.AST) -> Iterator[str]:
    """The reasons that an expression may be."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str) and WORD.fullmatch(value.value):
        yield value.value
    elif isinstance(value, ast.IfExp):
        yield from (*words(value.body), *words(value.orelse))
    elif isinstance(value, ast.BoolOp | ast.Tuple):
        for inner in value.values if isinstance(value, ast.BoolOp) else value.elts:
            yield from words(inner)
    elif isinstance(value, ast.Call) and ast.unparse(value.func) == "dict.fromkeys":
        yield from words(value.args[-1])
    elif isinstance(value, ast.BinOp):
        yield from (*words(value.left), *words(value.right))
    elif isinstance(value, ast.JoinedStr):
        text = "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[^ ]+" for part in value.values
        )
        if " " not in text.replace("[^ ]+", "") and re.search(r"[a-z]_|_[a-z]|[a-z]:|^\[\^ \]\+:\[\^ \]\+$", text):
            yield text
