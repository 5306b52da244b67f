"""What each key of a recipe is for: the text below it in the code of its section.

It is read when somebody asks. pydantic would read the code of all sections whenever a command starts.
"""

import ast
import inspect
import sys
from functools import cache
from itertools import pairwise

from pydantic import BaseModel


def sentence_of(section: type[BaseModel], key: str) -> str:
    """The text below a key, in a section or in one that it inherits the key from; empty where there is none."""
    above = (_of_module(base.__module__).get(base.__qualname__, {}) for base in section.__mro__)
    return next((found[key] for found in above if key in found), "")


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    """The texts below the keys of all classes at the top of a module."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[name]))
    except (OSError, TypeError):  # one that comes with the interpreter
        return {}
    return {node.name: dict(_below_keys(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _below_keys(section: ast.ClassDef) -> list[tuple[str, str]]:
    return [
        (key.target.id, inspect.cleandoc(below.value.value))
        for key, below in pairwise(section.body)
        if isinstance(key, ast.AnnAssign)
        and isinstance(key.target, ast.Name)
        and isinstance(below, ast.Expr)
        and isinstance(below.value, ast.Constant)
        and isinstance(below.value.value, str)
    ]
