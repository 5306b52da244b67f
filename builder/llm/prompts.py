"""Prompt templates: files rendered in a sandbox and with a bound, because a recipe may bring its own."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.named_text import why_unread
from builder.data.resources import template_path
from builder.errors import StageError

if TYPE_CHECKING:
    from jinja2 import Template


@functools.cache
def _template(path: Path) -> "Template":
    from jinja2 import DictLoader, StrictUndefined, TemplateSyntaxError

    from builder.llm.bounded.environment import BoundedEnvironment
    from builder.llm.bounded.work import TooMuch

    environment = BoundedEnvironment(loader=DictLoader({}), undefined=StrictUndefined)
    try:
        return environment.from_string(path.read_text(encoding="utf-8").removesuffix("\n"))
    except (OSError, UnicodeDecodeError) as error:
        raise StageError(f"{path}: the template cannot be read ({why_unread(error)})") from error
    except TemplateSyntaxError as error:
        raise StageError(f"{path}: line {error.lineno}: {error.message}") from error
    except (TooMuch, RecursionError, MemoryError, SyntaxError) as error:
        raise StageError(f"{path}: the template cannot be used: {_said(error)}") from error


def render(name: str | Path, **values: str | bool) -> str:
    """Render a template with exactly the given values.

    Args:
        name: Name of a template of the package, or the path of a recipe's own.
        values: What the template may use.

    Raises:
        StageError: If the template cannot be read or parsed, asks for another value, or is stopped by the sandbox.
    """
    from jinja2 import TemplateError

    from builder.llm.bounded.work import TooMuch

    try:
        return _template(template_path(name)).render(**values)
    except (TooMuch, RecursionError, MemoryError) as error:
        raise StageError(f"{template_path(name)}: the template is stopped: {_said(error)}; make it simpler") from error
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        offered = ", ".join(sorted(values))
        raise StageError(f"{template_path(name)}: {error}; a template may use only {offered}") from error


def _said(error: BaseException) -> str:
    return "it calls itself, or is nested, too deeply" if isinstance(error, RecursionError) else str(error)
