"""How many tokens texts have, by the tokenizer of a base alone: no model library is loaded for that."""

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.storage import read_json
from builder.errors import StageError

if TYPE_CHECKING:
    from builder.recipe.sections.models import Origin

TOKENIZER = "tokenizer.json"
_CONFIG = "config.json"


class TokenCounter:
    """Counts the tokens of texts, without the marks that a chat template puts around them.

    Args:
        tokenizer: Of the package `tokenizers`.
    """

    def __init__(self, tokenizer: Any) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer

    def __call__(self, *texts: str) -> int:
        """How many tokens these texts have together."""
        return sum(len(self._tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)


def token_counter(base: "Origin") -> TokenCounter | None:
    """A counter by the tokenizer of a base that is here; None where it is not, or has no `tokenizer.json`."""
    file = _file(base, TOKENIZER)
    if file is None or not importlib.util.find_spec("tokenizers"):
        return None
    from tokenizers import Tokenizer

    try:
        return TokenCounter(Tokenizer.from_file(str(file)))
    except Exception:  # it has no class of its own; whoever loads the model says what is wrong with the file
        return None


def context_length(base: "Origin") -> int | None:
    """How many tokens a base takes, as its configuration says; None where it is not here or does not say."""
    file = _file(base, _CONFIG)
    try:
        config = read_json(file) if file is not None else None
    except (StageError, OSError):
        return None
    if not isinstance(config, dict):
        return None
    own = config.get("text_config")
    length = (own if isinstance(own, dict) else config).get("max_position_embeddings")
    return length if isinstance(length, int) and not isinstance(length, bool) and length > 0 else None


def _file(base: "Origin", name: str) -> Path | None:
    """A file of a base, if it is here: in its folder, or downloaded before."""
    if base.path is not None:
        return base.path / name if (base.path / name).is_file() else None
    if not importlib.util.find_spec("huggingface_hub"):
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(base.location, name, revision=base.revision)
    return Path(found) if isinstance(found, str) else None
