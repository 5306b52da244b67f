"""Load a model's tokenizer."""

from pathlib import Path
from typing import Any

from builder.data.resources import INSTALL
from builder.errors import StageError


def load_tokenizer(location: str | Path, revision: str | None = None) -> Any:
    """Load a tokenizer, with an error a user can act on.

    Raises:
        StageError: If it cannot be loaded.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise StageError(f"transformers is not installed: {INSTALL['transformers']}") from error
    try:
        return AutoTokenizer.from_pretrained(str(location), revision=revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise StageError(f"{location}: the tokenizer cannot be loaded: {first}") from error
