"""How fast the stages of a build are on a machine, as measured; kept in the work directory, for that machine alone."""

import math
import os
import platform
import re
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.data.storage import read_json, write_json
from builder.errors import StageError
from builder.workspace.environment import versions, visible_gpus
from builder.workspace.layout import RATES

GPUS = Path("/proc/driver/nvidia/gpus")
CPU = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Rate:
    """What a stage costs.

    Attributes:
        start: Seconds that it takes whatever it does: processes, imports, start of the engine, model loaded and saved.
        each: Seconds for a unit of work more, with all its processes or engines together.
        low: What `each` is multiplied with to be low.
        high: The same to be high.
        unit: `pages`, `rows` or `steps`.
        tokens: Of a unit, where a model reads or writes them.
        bytes_fixed: Of what it leaves, whatever it does: a model.
        bytes_each: Of what it leaves for a unit.
        devices: GPUs that it has for all of its time.
        units: How many units there are, where the stage itself knows.
        kept: Rows that go on, for a unit: likely, low and high.
        step_rows: Rows of a step of a training.
        notes: What makes it uncertain.
        settings: Of what it depends on beside the machine; see `calls.settings_mark`.
    """

    start: float
    each: float
    unit: str
    low: float = 0.8
    high: float = 1.3
    tokens: float | None = None
    bytes_fixed: float = 0.0
    bytes_each: float = 0.0
    devices: int = 0
    units: float | None = None
    kept: tuple[float, float, float] = (1.0, 1.0, 1.0)
    step_rows: int | None = None
    notes: tuple[str, ...] = ()
    settings: str = ""


@dataclass(frozen=True)
class Rates:
    """The rates of a build by key, and why some could not be measured."""

    known: Mapping[str, Rate] = field(default_factory=dict)
    unknown: Mapping[str, str] = field(default_factory=dict)


def of_selected(pairs: Rate, seed: Rate | None) -> Rate:
    """The rate of a training on the seed and selected pairs, of which nobody knows yet how long they are.

    A judge that learned from the seed takes pairs like the seed's, and another one any. So the cost of a step lies
    between that of a training on the seed alone and that of one on pairs as they come; the middle of the two is taken.

    Args:
        pairs: Measured on the seed and on pairs as they come.
        seed: Measured on the seed alone, in steps of as many rows; None if it was not.
    """
    if seed is None or not 0 < seed.each < pairs.each or seed.step_rows != pairs.step_rows:
        return pairs
    each = math.sqrt(seed.each * pairs.each)
    tokens = math.sqrt(seed.tokens * pairs.tokens) if seed.tokens and pairs.tokens else pairs.tokens
    note = "how long the selected pairs are is not known: between those of the seed and all that there are"
    return replace(
        pairs,
        each=each,
        low=pairs.low * seed.each / each,
        high=pairs.high * pairs.each / each,
        tokens=tokens,
        notes=(*pairs.notes, note),
    )


def machine() -> dict[str, Any]:
    """What rates are measured on: another machine, or other libraries, have others."""
    return {
        "host": socket.gethostname(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpus": [_gpu_name(number) for number in visible_gpus()],
        "versions": versions(),
    }


def _processor() -> str:
    text = CPU.read_text(encoding="utf-8", errors="replace") if CPU.is_file() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.machine()


def _gpu_name(number: str) -> str:
    names = []
    for path in sorted(GPUS.glob("*/information")):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        names += [line.partition(":")[2].strip() for line in lines if line.startswith("Model:")]
    return names[int(number)] if number.isdigit() and int(number) < len(names) else number


def write_rates(work_dir: Path, rates: Rates) -> None:
    """Keep rates in a work directory, beside those of other stages that were measured on the same machine before."""
    before = read_rates(work_dir).known
    kept = {key: rate for key, rate in before.items() if key not in rates.unknown} | dict(rates.known)
    write_json(work_dir / RATES, {"machine": machine(), "rates": {key: asdict(rate) for key, rate in kept.items()}})


def read_rates(work_dir: Path) -> Rates:
    """The rates that were measured in a work directory; none if that was on another machine, or nothing can be read."""
    try:
        value = read_json(work_dir / RATES) if (work_dir / RATES).is_file() else {}
        if value.get("machine") != machine():
            return Rates()
        return Rates({key: _rate(item) for key, item in value["rates"].items()})
    except (StageError, AttributeError, KeyError, TypeError, ValueError):
        return Rates()


def _rate(value: dict[str, Any]) -> Rate:
    likely, low, high = map(float, value["kept"])
    return Rate(**value | {"kept": (likely, low, high), "notes": tuple(map(str, value["notes"]))})
