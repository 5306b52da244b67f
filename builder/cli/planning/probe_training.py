"""A training that is ended early: what it costs to start and to save, and what a step costs."""

import time
from pathlib import Path
from typing import Any

from builder.cli.planning.probe import Probe, bytes_of, measured
from builder.data.accounting import Stats
from builder.data.storage import read_json
from builder.recipe.sections.runtime import Runtime
from builder.workspace.layout import METRICS
from builder.workspace.limits.deadline import finish_at
from builder.workspace.progress import polled, read_progress

_POLL_SECONDS = 0.1
_NEVER = 1e9
_STEADY_SECONDS = 3.0
"""So long a part of a training must be to tell what a step costs without the first ones."""


def measure_training(out: Path, config: Probe, *inputs: Path, runtime: Runtime) -> Stats:
    """Train for some steps, and save what comes of it as the model of the stage."""
    begun = time.monotonic()
    steps = _Steps(out, config.seconds, config.units)
    finish_at(out, time.time() + _NEVER)
    with polled(steps.look, _POLL_SECONDS, name="steps"):
        config.stage()(out, config.settings(), *inputs, runtime=runtime)
    seconds = time.monotonic() - begun
    metrics = read_json(out / METRICS)
    each = steps.each or metrics["seconds"] / metrics["steps"]
    return measured(
        metrics["steps"],
        start=max(seconds - metrics["steps"] * each, 0.0),
        each=each,
        unit="steps",
        tokens=_tokens(metrics),
        bytes_fixed=bytes_of(out / "model"),
        bytes_each=0.0,
        processes=metrics["processes"],
        step_rows=metrics["rows_a_step"],
    )


def _tokens(metrics: dict[str, Any]) -> float | None:
    """Tokens of a step."""
    seen = [(entry["num_tokens"], entry["step"]) for entry in metrics["history"] if "num_tokens" in entry]
    return seen[-1][0] / seen[-1][1] if seen and seen[-1][1] else None


class _Steps:
    """Watches a training, and ends it when enough is known."""

    def __init__(self, out: Path, seconds: float, units: int) -> None:
        self._out, self._seconds, self._units = out, seconds, units
        self._seen: list[tuple[float, int]] = []
        self._ended = False

    def look(self) -> None:
        seen = read_progress(self._out)
        if seen is None or not seen.done or self._ended:
            return
        now = time.monotonic()
        if not self._seen or seen.done > self._seen[-1][1]:
            self._seen.append((now, seen.done))
        if now - self._seen[0][0] >= self._seconds or seen.done >= self._units:
            self._ended = True
            if seen.total is None or seen.done < seen.total:
                finish_at(self._out)

    @property
    def each(self) -> float | None:
        """Seconds for a step, once it is under way."""
        if len(self._seen) < 2:
            return None
        (start, first), (end, last) = self._seen[0], self._seen[-1]
        return (end - start) / (last - first) if end - start >= _STEADY_SECONDS else None
