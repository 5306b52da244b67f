"""Filters and tests of templates that pay for what they look through and for what they make."""

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import GeneratorType
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import pass_context

from builder.llm.bounded.work import format_work, join_work, json_work, replace_work, round_work, size_of, spend, whole

LEFT_OUT = ("lipsum", "pprint", "urlize", "wordwrap", "striptags", "xmlattr")
"""Filters and functions whose work cannot be told beforehand."""
PLAIN_TESTS = frozenset("""
    boolean callable defined escaped even false filter float integer iterable mapping none number odd sameas sequence
    string test true undefined
""".split())  # fmt: skip  # noqa: SIM905
_BEFOREHAND: dict[str, Callable[..., int]] = {
    "center": lambda value, width=80: whole(width),
    "indent": lambda s, width=4, *_, **__: (
        (str(s).count("\n") + 1) * (len(width) if isinstance(width, str) else whole(width))
    ),
    "replace": lambda s, old, new, count=None: replace_work(str(s), str(old), str(new)),
    "format": lambda value, *args, **kwargs: format_work(str(value), "%", [args, kwargs]),
    "tojson": lambda value, ensure_ascii=False, indent=None, separators=None, **_: json_work(
        value, indent if indent is not None else ensure_ascii, separators
    ),
    "batch": lambda value, linecount, fill_with=None: whole(linecount) * (1 + size_of(fill_with)),
    "slice": lambda value, slices, fill_with=None: whole(slices) * (1 + size_of(fill_with)),
    "truncate": lambda s, length=255, killwords=False, end="...", *_, **__: size_of((length, killwords, end)),
    "round": lambda value, precision=0, method="common": round_work(precision),
}
"""What filters make that could be more than what they are given; their context, if any, is left out."""


def _bounded(name: str, function: Callable[..., Any], *, result: bool = True) -> Callable[..., Any]:
    """A filter or test that pays for what it looks through and for what it makes."""
    beforehand, passed = _BEFOREHAND.get(name), 1 if hasattr(function, "jinja_pass_arg") else 0

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        arguments = list(args)
        for at in range(passed, len(arguments)):
            if isinstance(arguments[at], GeneratorType) and name in ("join", "tojson", "string"):
                arguments[at] = list(arguments[at])
            spend(size_of(arguments[at]))
        for value in kwargs.values():
            spend(size_of(value))
        if name == "join":
            items = arguments[passed] if isinstance(arguments[passed], Iterable) else []
            spend(join_work([*arguments[passed + 1 :], *kwargs.values()], list(items)))
        elif name == "sum" and not isinstance(kwargs.get("start", (*arguments[passed + 2 :], 0)[0]), int | float):
            raise SecurityError("sum adds up numbers only")
        elif beforehand is not None:
            spend(beforehand(*arguments[passed:], **kwargs))
        made = function(*arguments, **kwargs)
        return paid(made) if result else made

    return run


def paid(made: Any) -> Any:
    """What a filter or a call has made, paid for; what comes bit by bit is paid for as it comes."""
    if isinstance(made, GeneratorType):
        return _each_paid(made)
    spend(size_of(made))
    return made


def _each_paid(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        spend(size_of(item))
        yield item


@pass_context
def _step(context: Any, work: int) -> str:
    """A step of a loop or a call of a macro, which may write so many letters of its own."""
    spend(work)
    return ""


@pass_context
def _step_of_test(context: Any, condition: Any) -> Any:
    spend(1)
    return condition


def _weighed(value: Any) -> Any:
    """A value that is built or compared as a whole."""
    spend(size_of(value))
    return value


OWN: dict[str, Callable[..., Any]] = {"_step": _step, "_step_of_test": _step_of_test, "_weighed": _weighed}


class Filters(dict[str, Any]):
    """Filters or tests by name, each of them bounded as it is put in."""

    def __init__(self, given: Mapping[str, Any], plain: frozenset[str] = frozenset(), *, result: bool = True) -> None:
        self._plain, self._result = plain, result
        super().__init__()
        for name, function in given.items():
            self[name] = function

    def __setitem__(self, name: str, function: Any) -> None:
        if name not in LEFT_OUT:
            known = name in self._plain or name in OWN
            super().__setitem__(name, function if known else _bounded(name, function, result=self._result))
