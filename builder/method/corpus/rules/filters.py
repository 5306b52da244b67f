"""Document filters of other datasets (Gopher, C4, FineWeb) by name, as datatrove has them, on segments.

datatrove splits words and sentences with spaCy; here words are what white space parts, as in Gopher's rules, and
sentences end at their mark, which needs no further package and is faster. C4's filter also takes lines out of a text;
here it only decides, and the text stays whole.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from builder.method.corpus.rules.splitter import splitter

if TYPE_CHECKING:
    from builder.recipe.sections.corpus import FilterName


def filter_fault(text: str, names: "list[FilterName]") -> str | None:
    """The first filter that speaks against a text and its reason, as `name:reason`; None if all let it pass."""
    from datatrove.data import Document

    for name in names:
        verdict = load_filter(name)(Document(text=text, id=""))
        if verdict is not True:
            reason = verdict[1] if isinstance(verdict, tuple) else "dropped"
            return f"{name}:{reason.removeprefix('gopher_')}"
    return None


@lru_cache(maxsize=8)
def load_filter(name: "FilterName") -> Callable[[Any], bool | tuple[bool, str]]:
    """The deciding function of the filter `name`."""
    from datatrove.pipeline import filters

    kinds = {
        "gopher_quality": filters.GopherQualityFilter,
        "gopher_repetition": filters.GopherRepetitionFilter,
        "c4_quality": filters.C4QualityFilter,
        "fineweb_quality": filters.FineWebQualityFilter,
    }
    decide: Callable[[Any], bool | tuple[bool, str]] = kinds[name](language=splitter()).filter
    return decide
