"""Templates of others, rendered with a bound: Jinja's sandbox keeps them in, and each rendering may do so much work.

The sandbox says what a template may touch, and not how long it may take: nested loops, `'x' * 10 ** 9`, a width of
three thousand million or a list of lists of lists end a process. Here work is counted: a step of a loop, a call, a
letter or an item that is made or looked through. Whatever could make much out of little is asked beforehand how much it
would make. So the same template ends at the same place on every machine, after seconds and some hundred MB at most.

Import this module inside functions: it imports Jinja.
"""

import functools
import itertools
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, MappingView
from contextlib import contextmanager
from string import Formatter
from types import BuiltinMethodType, FunctionType, GeneratorType, MethodType
from typing import Any

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.runtime import BlockReference, LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace, pass_context
from jinja2.visitor import NodeTransformer

WORK = 1_000_000
"""Units of work of a rendering, beside those for what it is given."""
TIMES = 64
"""So often may it go over what it is given."""
MOST_CHARS = 256_000
"""Length of a template; those of known models have 20,000 at most."""
DEEPEST = 100
"""How deep lists and mappings may be nested."""
MOST_BITS = 60
"""Of a whole number. Numbers up to here have hashes of their own, so that no set or mapping of them is slow."""
_LONG = "it works with whole numbers of too many digits"
_ATTRIBUTES = "_Namespace__attrs"
_DIGITS = re.compile(r"\d+")
_LEFT_OUT = ("lipsum", "pprint", "urlize", "wordwrap", "striptags", "xmlattr")
"""Filters and functions whose work cannot be told beforehand."""
_PLAIN_TESTS = frozenset("""
    boolean callable defined escaped even false filter float integer iterable mapping none number odd sameas sequence
    string test true undefined
""".split())  # fmt: skip  # noqa: SIM905
_METHODS: dict[type, frozenset[str]] = {
    str: frozenset("""
        capitalize casefold center count endswith expandtabs find format format_map index isalnum isalpha isascii
        isdecimal isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip
        partition removeprefix removesuffix replace rfind rindex rjust rpartition rsplit rstrip split splitlines
        startswith strip swapcase title upper zfill
    """.split()),  # noqa: SIM905
    dict: frozenset({"get", "items", "keys", "values", "copy"}),
    list: frozenset({"index", "count", "copy"}),
    tuple: frozenset({"index", "count"}),
}  # fmt: skip
_CALLABLE = (Macro, LoopContext, BlockReference, Joiner)
_WITH_METHODS = (LoopContext, Cycler, Extension)


class TooMuch(SecurityError):
    """A template would do more work than it may."""


class _Left(threading.local):
    """The work that is left to the rendering of this thread."""

    work = WORK


_left = _Left()


def spend(work: int) -> None:
    """Take work off what is left.

    Raises:
        TooMuch: If that is not enough.
    """
    _left.work -= max(work, 0)  # a template may know the name of a filter of ours
    if _left.work < 0:
        raise TooMuch("it does more work than a template may: too many steps of loops, or too much text")


@contextmanager
def allowance(*given: Any) -> Iterator[None]:
    """Let the block do so much work as `given` calls for; one within another takes from the outer one."""
    if getattr(_left, "running", False):
        yield
        return
    _left.work, _left.running = 1 << 60, True
    try:
        amount = sum(_size(value) for value in given)
        _left.work = WORK + TIMES * amount
        yield
    finally:
        _left.running = False


def _measured(value: Any) -> tuple[int, int, int]:
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
                raise TooMuch(_LONG)
            largest = max(largest, abs(item))
            size += item.bit_length() // 3
        elif isinstance(item, dict):
            waiting += ((inner, depth + 1) for pair in item.items() for inner in pair)
        elif isinstance(item, list | tuple):
            waiting += ((inner, depth + 1) for inner in item)
        elif isinstance(item, range):
            size += len(item)
        elif isinstance(item, Namespace):
            waiting += ((inner, depth + 1) for inner in object.__getattribute__(item, _ATTRIBUTES).values())
        elif isinstance(item, MappingView):
            waiting += ((inner, depth + 1) for inner in _listed(item))
        if size + len(waiting) > _left.work:
            spend(size + len(waiting))
    return size, deepest, largest


def _listed(view: Any) -> list[Any]:
    return list(view)


def _size(value: Any) -> int:
    """Letters and items of a value, all that it holds counted."""
    return len(value) + 1 if isinstance(value, str) else _measured(value)[0]


def _numbers(text: str) -> int:
    """The largest number that is written in a text."""
    return max((int(digits[:18]) for digits in _DIGITS.findall(text)), default=0)


def _format_work(text: str, sign: str, values: Any) -> int:
    """The most that a format string can make of its values: each of its places holds all of them, in its full width."""
    if sign not in text:
        return len(text)
    size, _, largest = _measured(values)
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


def _round_work(precision: Any) -> int:
    """The digits that are rounded to, or away: a power of ten of so many digits is made for it."""
    if isinstance(precision, int) and abs(precision) > MOST_BITS:
        raise TooMuch(_LONG)
    return 1


def _join_work(separator: Any, items: list[Any]) -> int:
    return sum(map(_size, items)) + len(items) * _size(separator)


def _replace_work(text: str, old: str, new: str) -> int:
    return len(text) + (text.count(old) if old else len(text) + 1) * len(new)


def _json_work(value: Any, indent: Any, separators: Any) -> int:
    size, deepest, _ = _measured(value)
    step = len(indent) if isinstance(indent, str) else int(indent or 0)
    return size * (2 + max(step, 0) * (deepest + 1) + _size(separators or ""))


def _whole(value: Any) -> int:
    return max(value, 0) if isinstance(value, int) else 0


_BEFOREHAND: dict[str, Callable[..., int]] = {
    "center": lambda value, width=80: _whole(width),
    "indent": lambda s, width=4, *_, **__: (
        (str(s).count("\n") + 1) * (len(width) if isinstance(width, str) else _whole(width))
    ),
    "replace": lambda s, old, new, count=None: _replace_work(str(s), str(old), str(new)),
    "format": lambda value, *args, **kwargs: _format_work(str(value), "%", [args, kwargs]),
    "tojson": lambda value, ensure_ascii=False, indent=None, separators=None, **_: _json_work(
        value, indent if indent is not None else ensure_ascii, separators
    ),
    "batch": lambda value, linecount, fill_with=None: _whole(linecount) * (1 + _size(fill_with)),
    "slice": lambda value, slices, fill_with=None: _whole(slices) * (1 + _size(fill_with)),
    "truncate": lambda s, length=255, killwords=False, end="...", *_, **__: _size((length, killwords, end)),
    "round": lambda value, precision=0, method="common": _round_work(precision),
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
            spend(_size(arguments[at]))
        for value in kwargs.values():
            spend(_size(value))
        if name == "join":
            items = arguments[passed] if isinstance(arguments[passed], Iterable) else []
            spend(_join_work([*arguments[passed + 1 :], *kwargs.values()], list(items)))
        elif name == "sum" and not isinstance(kwargs.get("start", (*arguments[passed + 2 :], 0)[0]), int | float):
            raise SecurityError("sum adds up numbers only")
        elif beforehand is not None:
            spend(beforehand(*arguments[passed:], **kwargs))
        made = function(*arguments, **kwargs)
        return _paid(made) if result else made

    return run


def _paid(made: Any) -> Any:
    """What a filter or a call has made, paid for; what comes bit by bit is paid for as it comes."""
    if isinstance(made, GeneratorType):
        return _each_paid(made)
    spend(_size(made))
    return made


def _each_paid(items: Iterator[Any]) -> Iterator[Any]:
    for item in items:
        spend(_size(item))
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
    spend(_size(value))
    return value


_OWN: dict[str, Callable[..., Any]] = {"_step": _step, "_step_of_test": _step_of_test, "_weighed": _weighed}


def _by_filter(name: str, node: Any) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno)


def _work_of(body: Iterable[nodes.Node]) -> int:
    """What a body may do once: the parts that it has, and the letters that stand in it."""
    found = 0
    for part in body:
        found += 1 + (len(part.data) if isinstance(part, nodes.TemplateData) else _work_of(part.iter_child_nodes()))
    return found


class _Counting(NodeTransformer):
    """Puts the counting into a template."""

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self._count(node)
        if node.test is not None:
            # A step even where the test leaves the item out.
            node.test = _by_filter("_step_of_test", node.test)
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        self._count(node)
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        self._count(node)
        return node

    def visit_Block(self, node: nodes.Block) -> nodes.Node:
        self._count(node)
        return node

    def _count(self, node: Any) -> None:
        work = 1 + _work_of(node.body)
        self.generic_visit(node)
        step = _by_filter("_step", nodes.Const(work, lineno=node.lineno))
        node.body.insert(0, nodes.ExprStmt(step, lineno=node.lineno))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return _by_filter("_weighed", node) if node.items else node

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return _by_filter("_weighed", node) if node.items else node

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return node if node.ctx != "load" or not node.items else _by_filter("_weighed", node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        self.generic_visit(node)
        if isinstance(node.arg, nodes.Slice):
            node.node = _by_filter("_weighed", node.node)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        self.generic_visit(node)
        node.nodes = [part if isinstance(part, nodes.Const) else _by_filter("_weighed", part) for part in node.nodes]
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        self.generic_visit(node)
        plain = isinstance(node.expr, nodes.Const) or all(isinstance(part.expr, nodes.Const) for part in node.ops)
        for part in node.ops:
            if part.op in ("in", "notin") or not plain:
                part.expr = part.expr if isinstance(part.expr, nodes.Const) else _by_filter("_weighed", part.expr)
        return node


class _Filters(dict[str, Any]):
    """Filters or tests by name, each of them bounded as it is put in."""

    def __init__(self, given: Mapping[str, Any], plain: frozenset[str] = frozenset(), *, result: bool = True) -> None:
        self._plain, self._result = plain, result
        super().__init__()
        for name, function in given.items():
            self[name] = function

    def __setitem__(self, name: str, function: Any) -> None:
        if name not in _LEFT_OUT:
            known = name in self._plain or name in _OWN
            super().__setitem__(name, function if known else _bounded(name, function, result=self._result))


class _Template(Template):
    """Renders with an allowance."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        with allowance(*map(_shown, (*args, *kwargs.values()))):
            return super().render(*args, **kwargs)

    def generate(self, *args: Any, **kwargs: Any) -> Iterator[str]:
        with allowance(*map(_shown, (*args, *kwargs.values()))):
            yield from super().generate(*args, **kwargs)


def _shown(value: Any) -> Any:
    return value if isinstance(value, str | list | tuple | dict) else ""


class BoundedEnvironment(ImmutableSandboxedEnvironment):
    """Jinja's sandbox with a bound of work, and with lists of what may be called; it renders the same texts."""

    template_class = _Template
    intercepted_binops = frozenset(["+", "-", "*", "/", "//", "%", "**"])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters = _Filters(self.filters | _OWN)
        self.tests = _Filters(self.tests, _PLAIN_TESTS, result=False)
        for name in _LEFT_OUT:
            self.globals.pop(name, None)
        self.finalize = _written

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > MOST_CHARS:
            raise TooMuch(f"it has {len(source):,} letters; the most is {MOST_CHARS:,}")
        tree = super()._parse(source, name, filename)
        spend(len(source))
        return _Counting().visit(tree)  # type: ignore[no-any-return]

    def from_string(self, source: Any, *args: Any, **kwargs: Any) -> Template:
        """Compile a template; what is worked out then counts as well."""
        with allowance(source if isinstance(source, str) else ""):
            return super().from_string(source, *args, **kwargs)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operation, once it is known how much it makes."""
        if operator == "+" and type(left) is str and type(right) is str:  # what chat templates do most
            spend(len(left) + len(right))
            return left + right
        if operator == "%" and isinstance(left, str):
            spend(_format_work(left, "%", right))
        elif isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * max(right, 0) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > MOST_BITS:
                raise TooMuch(_LONG)
        elif operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | list | tuple) and isinstance(other, int):
                    spend(_size(one) * max(other, 1))
        elif not (isinstance(left, float) or isinstance(right, float)):
            spend(_size(left) + _size(right))
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`str.format`, which pays beforehand."""
        wrapped: Any = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def run(*args: Any, **kwargs: Any) -> str:
            spend(_format_work(value.__self__, "{", [args, kwargs]))
            return wrapped(*args, **kwargs)  # type: ignore[no-any-return]

        functools.update_wrapper(run, wrapped)
        run.pays = "beforehand"  # type: ignore[attr-defined]
        return run

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template may call: methods of texts and lists, macros, and what the environment has."""
        spend(1 + sum(map(_size, args)) + sum(map(_size, kwargs.values())))
        owner = getattr(obj, "__self__", None)
        known = next((kind for kind in _METHODS if isinstance(owner, kind)), None)
        name = getattr(obj, "__name__", "")
        if isinstance(obj, BuiltinMethodType | MethodType) and known is not None:
            if name not in _METHODS[known]:
                raise SecurityError(f"a template may not call {name} of a {known.__name__}")
            args = _before_method(owner, name, args, kwargs)
            return _paid(super().call(context, obj, *args, **kwargs))
        if not (
            isinstance(obj, (*_CALLABLE, Undefined))
            or isinstance(owner, _WITH_METHODS)
            or (isinstance(obj, FunctionType) and isinstance(getattr(obj, "pays", None), str))
            or any(obj is value for value in context.parent.values())
        ):
            raise SecurityError(f"a template may not call {str(obj)[:80]}")
        return _paid(super().call(context, obj, *args, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Attributes of plain values and of what Jinja itself makes."""
        return super().is_safe_attribute(obj, attr, value) and not isinstance(obj, type | FunctionType | MethodType)


def _before_method(owner: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Pay for what a method looks through, and for what it could make of little; the arguments, generators read."""
    spend(_size(owner))
    if name in ("center", "ljust", "rjust", "zfill"):
        spend(_whole(args[0]) if args else 0)
    elif name == "expandtabs":
        size = next(itertools.chain(args, kwargs.values()), 8)
        spend(owner.count("\t") * _whole(size))
    elif name == "replace" and len(args) > 1:
        spend(_replace_work(owner, str(args[0]), str(args[1])))
    elif name == "join" and args:
        items = list(args[0])
        spend(_join_work(owner, items))
        return (items, *args[1:])
    elif name in ("format", "format_map"):
        spend(_format_work(owner, "{", [args, dict(kwargs)]))
    return args


def _written(value: Any) -> Any:
    """A value that is about to be written."""
    if type(value) is str:
        spend(len(value) + 1)
        return value
    if (isinstance(value, Namespace | LoopContext) or callable(value)) and not isinstance(value, Undefined):
        raise SecurityError(f"a template may not write a {type(value).__name__}")
    spend(_size(value))
    return value


def bound_chat_templates() -> None:
    """Let transformers, and whoever renders with it in this process, render chat templates with the bound.

    Raises:
        RuntimeError: If this version of transformers renders them in another way than the one that is known.
    """
    from transformers.utils import chat_template_utils as utils

    module: Any = utils
    if getattr(module, "ImmutableSandboxedEnvironment", None) is BoundedEnvironment:
        return
    module.ImmutableSandboxedEnvironment = BoundedEnvironment
    module._compile_jinja_template.cache_clear()
    if not isinstance(module._compile_jinja_template("x").environment, BoundedEnvironment):
        raise RuntimeError(
            "this transformers renders chat templates in a way that is not known; install another version"
        )
