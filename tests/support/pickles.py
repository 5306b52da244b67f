"""Weights that are pickles, as a stranger would make them: whoever opens one touches a file."""

import pickle
from pathlib import Path


class Touch:
    """Touches a file when it is taken out of its pickle."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.canary,)


def write_pickle(file: Path, canary: Path) -> Path:
    """Write weights as torch once saved them, which touch `canary` when they are loaded as pickles are."""
    import torch

    torch.save({"weight": Touch(canary)}, file)
    return file


def is_live(file: Path, canary: Path) -> bool:
    """Whether the pickle does what it is for; the canary is taken away again."""
    import torch

    try:
        torch.load(file, weights_only=False)
    except pickle.UnpicklingError:
        return False
    found = canary.exists()
    canary.unlink(missing_ok=True)
    return found
