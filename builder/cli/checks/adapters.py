"""Whether the base has the modules that an adapter is to change; read from the names of its weights."""

import difflib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEY = "lora_target_modules"
_MOST_BYTES = 32 << 20
_PLAIN = re.compile(r"[\w.]+")


def module_problems(file: Path, options: Mapping[str, Any], base: Path | None) -> Iterator[str]:
    """What of `lora_target_modules` would end a training, or be left out of it without a word.

    Args:
        file: The TRL recipe.
        options: What it holds.
        base: The folder of the base, if it is one here that may be opened.
    """
    names = options.get(KEY)
    if not options.get("use_peft") or not isinstance(names, list):
        return
    names = [name for name in names if isinstance(name, str) and _PLAIN.fullmatch(name)]
    if len(options[KEY]) == 1 and names:
        yield (
            f"{file}: {KEY} has one name alone, which peft takes for a pattern of whole names, and none is "
            f"{names[0]!r}; write it as ['.*\\.{names[0]}'], or name another module beside it"
        )
        return
    modules = _modules(base) if base else set()
    known = sorted({module.rpartition(".")[2] for module in modules})
    for name in names:
        if modules and not any(module == name or module.endswith(f".{name}") for module in modules):
            close = difflib.get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            yield f"{file}: {KEY} has {name!r}, and the base {base} has no module of that name; {meant}"


def _modules(base: Path) -> set[str]:
    """The modules of a base whose weights are matrices; empty where that cannot be read, which others tell."""
    found: set[str] = set()
    for weights in sorted(base.glob("*.safetensors")):
        try:
            with weights.open("rb") as file:
                length = int.from_bytes(file.read(8), "little")
                header = json.loads(file.read(min(length, _MOST_BYTES)))
            matrices = [name for name, tensor in header.items() if len(tensor.get("shape", ())) == 2]
        except (OSError, ValueError, AttributeError, RecursionError):
            return set()
        found |= {name.removesuffix(".weight") for name in matrices if name.endswith(".weight")}
    return found
