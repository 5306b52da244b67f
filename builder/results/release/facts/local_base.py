"""What a base model that is a folder here is, from its files: a reader of the release knows nothing else of it."""

import math
from pathlib import Path

from builder.data.storage import read_json

EMBEDDED = Path(__file__).parents[3] / "sample" / "base"
"""The base model of the quickstart, which comes with the package."""
WEIGHTS = "model.safetensors"


def local_base(base: Path) -> str:
    """A base model in words, to stand after its name.

    Args:
        base: Its folder.
    """
    number = _parameters(base)
    count = None if number is None else f"{_rounded(number)} parameters"
    if _is_embedded(base):
        size = f"{count}, " if count else ""
        return (
            f"the toy model of humpback's quickstart: {size}trained on a toy language; for trying the tool, not for use"
        )
    kind = _architecture(base)
    return "a local model" + (f" of {count}" if count else "") + (f" (`{kind}`)" if kind else "")


def _is_embedded(base: Path) -> bool:
    """Whether the weights are those that come with the package, byte for byte."""
    own, given = EMBEDDED / WEIGHTS, base / WEIGHTS
    if not (own.is_file() and given.is_file() and own.stat().st_size == given.stat().st_size):
        return False
    return own.read_bytes() == given.read_bytes()


def _parameters(base: Path) -> int | None:
    """As the heads of its weights say; None where they are unread, or quantised and so packed."""
    from safetensors import SafetensorError, safe_open

    if _settings(base).get("quantization_config"):
        return None
    number = 0
    try:
        for path in sorted(base.glob("*.safetensors")):
            with safe_open(path, "numpy") as file:
                number += sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except (SafetensorError, OSError):
        return None
    return number or None


def _architecture(base: Path) -> str | None:
    """The class that its configuration names, where that is a name."""
    given = _settings(base).get("architectures")
    name = given[0] if isinstance(given, list) and given else None
    return name if isinstance(name, str) and name.isidentifier() and name.isascii() else None


def _settings(base: Path) -> dict[str, object]:
    path = base / "config.json"
    value = read_json(path) if path.is_file() else {}
    return value if isinstance(value, dict) else {}


def _rounded(number: int) -> str:
    for least, of, word in ((10**9, 10**9, "billion"), (10**5, 10**6, "million")):
        if number >= least:
            return f"{number / of:.2f}".rstrip("0").rstrip(".") + f" {word}"
    return f"{number:,}"
