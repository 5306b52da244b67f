"""How much work it is to make or to look through a value: letters and items, counted before they are made."""

import re
import threading
from collections.abc import Iterator, MappingView
from contextlib import contextmanager
from string import Formatter
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.utils import Namespace

WORK = 1_000_000
"""Units of work of a rendering, beside those for what it is given."""
TIMES = 64
"""So often may it go over what it is given."""
DEEPEST = 100
"""How deep lists and mappings may be nested."""
MOST_BITS = 60
"""Of a whole number. Numbers up to here have hashes of their own, so that no set or mapping of them is slow."""
LONG = "it works with whole numbers of too many digits"
NAMESPACE = "_Namespace__attrs"
_DIGITS = re.compile(r"\d+")


class TooMuch(SecurityError):
    """A template would do more work than it may."""


class Left(threading.local):
    """The work that is left to the rendering of this thread."""

    work = WORK


LEFT = Left()


def spend(work: int) -> None:
    """Take work off what is left.

    Raises:
        TooMuch: If that is not enough.
    """
    LEFT.work -= max(work, 0)  # a template may know the name of a filter of ours
    if LEFT.work < 0:
        raise TooMuch("it does more work than a template may: too many steps of loops, or too much text")


@contextmanager
def allowance(*given: Any) -> Iterator[None]:
    """Let the block do so much work as `given` calls for; one within another takes from the outer one."""
    if getattr(LEFT, "running", False):
        yield
        return
    LEFT.work, LEFT.running = 1 << 60, True
    try:
        amount = sum(size_of(value) for value in given)
        LEFT.work = WORK + TIMES * amount
        yield
    finally:
        LEFT.running = False


def measured(value: Any) -> tuple[int, int, int]:
    """Letters and items of a value, how deep it is nested, and its largest whole number; the look itself is work."""
    size, deepest, largest, waiting = 0, 0, 0, [(value, 0)]
    while waiting:
        item, depth = waiting.pop()
        size, deepest = size + 1, max(deepest, depth)
        if depth > DEEPEST:
            raise TooMuch(f"it nests lists or mappings more than {DEEPEST} deep")
        if isinstance(item, str):
            size += len(item)
        elif isinstance(item, int):
            if item.bit_length() > MOST_BITS:
                raise TooMuch(LONG)
            largest = max(largest, abs(item))
            size += item.bit_length() // 3
        elif isinstance(item, dict):
            waiting += ((inner, depth + 1) for pair in item.items() for inner in pair)
        elif isinstance(item, list | tuple):
            waiting += ((inner, depth + 1) for inner in item)
        elif isinstance(item, range):
            size += len(item)
        elif isinstance(item, Namespace):
            waiting += ((inner, depth + 1) for inner in object.__getattribute__(item, NAMESPACE).values())
        elif isinstance(item, MappingView):
            waiting += ((inner, depth + 1) for inner in _listed(item))
        if size + len(waiting) > LEFT.work:
            spend(size + len(waiting))
    return size, deepest, largest


def _listed(view: Any) -> list[Any]:
    return list(view)


def size_of(value: Any) -> int:
    """Letters and items of a value, all that it holds counted."""
    return len(value) + 1 if isinstance(value, str) else measured(value)[0]


def _numbers(text: str) -> int:
    """The largest number that is written in a text."""
    return max((int(digits[:18]) for digits in _DIGITS.findall(text)), default=0)


def format_work(text: str, sign: str, values: Any) -> int:
    """The most that a format string can make of its values: each of its places holds all of them, in its full width."""
    if sign not in text:
        return len(text)
    size, _, largest = measured(values)
    if sign == "{" and _nests(text):
        raise TooMuch("it takes the width of a field from another field")
    width = max(_numbers(text), largest) if "*" in text else _numbers(text)
    return len(text) + text.count(sign) * (size + width)


def _nests(text: str) -> bool:
    """Whether a field of a format string has fields in it; `format` itself refuses what is no format string."""
    try:
        return any("{" in (inside or "") for _, _, inside, _ in Formatter().parse(text))
    except ValueError:
        return False


def round_work(precision: Any) -> int:
    """The digits that are rounded to, or away: a power of ten of so many digits is made for it."""
    if isinstance(precision, int) and abs(precision) > MOST_BITS:
        raise TooMuch(LONG)
    return 1


def join_work(separator: Any, items: list[Any]) -> int:
    """The letters of a text that is joined."""
    return sum(map(size_of, items)) + len(items) * size_of(separator)


def replace_work(text: str, old: str, new: str) -> int:
    """The letters of a text in which another is replaced."""
    return len(text) + (text.count(old) if old else len(text) + 1) * len(new)


def json_work(value: Any, indent: Any, separators: Any) -> int:
    """The most letters of a value as JSON."""
    size, deepest, _ = measured(value)
    step = len(indent) if isinstance(indent, str) else int(indent or 0)
    return size * (2 + max(step, 0) * (deepest + 1) + size_of(separators or ""))


def whole(value: Any) -> int:
    """A width or a count, where it is one and above 0."""
    return max(value, 0) if isinstance(value, int) else 0
