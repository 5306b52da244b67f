"""Templates of others, rendered with a bound: Jinja's sandbox keeps them in, and each rendering may do so much work.

The sandbox says what a template may touch, and not how long it may take: nested loops, `'x' * 10 ** 9`, a width of
three thousand million or a list of lists of lists end a process. Here work is counted: a step of a loop, a call, a
letter or an item that is made or looked through. Whatever could make much out of little is asked beforehand how much it
would make. So the same template ends at the same place on every machine, after seconds and some hundred MB at most.

Import this module inside functions: it imports Jinja.
"""

import functools
import itertools
from collections.abc import Callable, Iterator, Mapping
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.runtime import BlockReference, LoopContext, Macro, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace

from builder.llm.bounded.counting import Counting
from builder.llm.bounded.filters import LEFT_OUT, OWN, PLAIN_TESTS, Filters, paid
from builder.llm.bounded.work import (
    LONG,
    MOST_BITS,
    TooMuch,
    allowance,
    format_work,
    join_work,
    replace_work,
    size_of,
    spend,
    whole,
)

MOST_CHARS = 256_000
"""Length of a template; those of known models have 20,000 at most."""
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
        self.filters = Filters(self.filters | OWN)
        self.tests = Filters(self.tests, PLAIN_TESTS, result=False)
        for name in LEFT_OUT:
            self.globals.pop(name, None)
        self.finalize = _written

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        if len(source) > MOST_CHARS:
            raise TooMuch(f"it has {len(source):,} letters; the most is {MOST_CHARS:,}")
        tree = super()._parse(source, name, filename)
        spend(len(source))
        return Counting().visit(tree)  # type: ignore[no-any-return]

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
            spend(format_work(left, "%", right))
        elif isinstance(left, int) and isinstance(right, int):
            bits = left.bit_length() * max(right, 0) if operator == "**" else left.bit_length() + right.bit_length()
            if bits > MOST_BITS:
                raise TooMuch(LONG)
        elif operator == "*":
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | list | tuple) and isinstance(other, int):
                    spend(size_of(one) * max(other, 1))
        elif not (isinstance(left, float) or isinstance(right, float)):
            spend(size_of(left) + size_of(right))
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`str.format`, which pays beforehand."""
        wrapped: Any = super().wrap_str_format(value)
        if wrapped is None:
            return None

        def run(*args: Any, **kwargs: Any) -> str:
            spend(format_work(value.__self__, "{", [args, kwargs]))
            return wrapped(*args, **kwargs)  # type: ignore[no-any-return]

        functools.update_wrapper(run, wrapped)
        run.pays = "beforehand"  # type: ignore[attr-defined]
        return run

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call what a template may call: methods of texts and lists, macros, and what the environment has."""
        spend(1 + sum(map(size_of, args)) + sum(map(size_of, kwargs.values())))
        owner = getattr(obj, "__self__", None)
        known = next((kind for kind in _METHODS if isinstance(owner, kind)), None)
        name = getattr(obj, "__name__", "")
        if isinstance(obj, BuiltinMethodType | MethodType) and known is not None:
            if name not in _METHODS[known]:
                raise SecurityError(f"a template may not call {name} of a {known.__name__}")
            args = _before_method(owner, name, args, kwargs)
            return paid(super().call(context, obj, *args, **kwargs))
        if not (
            isinstance(obj, (*_CALLABLE, Undefined))
            or isinstance(owner, _WITH_METHODS)
            or (isinstance(obj, FunctionType) and isinstance(getattr(obj, "pays", None), str))
            or any(obj is value for value in context.parent.values())
        ):
            raise SecurityError(f"a template may not call {str(obj)[:80]}")
        return paid(super().call(context, obj, *args, **kwargs))

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Attributes of plain values and of what Jinja itself makes."""
        return super().is_safe_attribute(obj, attr, value) and not isinstance(obj, type | FunctionType | MethodType)


def _before_method(owner: Any, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
    """Pay for what a method looks through, and for what it could make of little; the arguments, generators read."""
    spend(size_of(owner))
    if name in ("center", "ljust", "rjust", "zfill"):
        spend(whole(args[0]) if args else 0)
    elif name == "expandtabs":
        size = next(itertools.chain(args, kwargs.values()), 8)
        spend(owner.count("\t") * whole(size))
    elif name == "replace" and len(args) > 1:
        spend(replace_work(owner, str(args[0]), str(args[1])))
    elif name == "join" and args:
        items = list(args[0])
        spend(join_work(owner, items))
        return (items, *args[1:])
    elif name in ("format", "format_map"):
        spend(format_work(owner, "{", [args, dict(kwargs)]))
    return args


def _written(value: Any) -> Any:
    """A value that is about to be written."""
    if type(value) is str:
        spend(len(value) + 1)
        return value
    if (isinstance(value, Namespace | LoopContext) or callable(value)) and not isinstance(value, Undefined):
        raise SecurityError(f"a template may not write a {type(value).__name__}")
    spend(size_of(value))
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
