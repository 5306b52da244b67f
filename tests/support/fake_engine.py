"""The one seam for an engine of a test: whoever starts an engine gets the given one, in this process or in a child."""

from typing import Any
from unittest.mock import patch

from builder.llm.engines.start import STARTERS


def starts_give(engine: Any) -> Any:
    """A context in which every start of an engine, of whatever kind, gives this one."""
    return patch.dict(STARTERS, dict.fromkeys(STARTERS, lambda *_: engine))
