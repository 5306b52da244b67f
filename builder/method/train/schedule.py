"""How many rows a training step has, how many steps there are, and how devices share them (paper, hyperparameters)."""

import math
from typing import Literal, NamedTuple

from builder.errors import StageError

PAPER_STEPS = {
    8: {100: 30, 800: 300, 1_600: 600},
    32: {3_200: 500, 6_400: 600, 12_800: 600, 25_600: 1_200, 51_200: 1_600},
}
"""The paper's table of hyperparameters: for each batch size, the steps for a number of training rows."""
_SMALL = 3_000


class ProcessShare(NamedTuple):
    """One process's part of a step.

    Attributes:
        device_rows: Rows that go through the model at once.
        accumulation: How often, before the weights move.
    """

    device_rows: int
    accumulation: int


def global_batch(setting: int | Literal["paper"] | None, rows: int) -> int | None:
    """Rows a step: those of the recipe, or the paper's 32, and 8 below 3,000 rows; None where the TRL recipe says."""
    return (8 if rows < _SMALL else 32) if setting == "paper" else setting


def paper_steps(rows: int) -> int:
    """Steps for a number of training rows: those of the entry of the paper's table that comes nearest, by ratio.

    Departure: the paper's table has eight numbers of rows, and says nothing of others.
    """
    table = PAPER_STEPS[8 if rows < _SMALL else 32]
    return table[min(table, key=lambda size: abs(math.log(size / max(rows, 1))))]


def share_of_a_process(rows: int, processes: int, most: int) -> ProcessShare:
    """Share the rows of a step evenly.

    Args:
        rows: Rows of a step, over all devices.
        processes: How many devices there are, one process each.
        most: The most rows that a device takes at once.

    Raises:
        StageError: If the rows cannot be shared evenly.
    """
    each, rest = divmod(rows, processes)
    if rest or not each:
        raise StageError(
            f"{rows} rows a step cannot be shared evenly by {processes} processes; start a number of processes that "
            f"divides {rows} (runtime.launcher), or set training.global_batch"
        )
    device_rows = next(size for size in range(min(most, each), 0, -1) if each % size == 0)
    return ProcessShare(device_rows, each // device_rows)
