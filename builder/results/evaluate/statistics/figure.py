"""A figure as it is written: a number with all that is needed to compute it again, or why there is none."""

import math
from typing import Any

Interval = tuple[float, float]
LEVEL = 0.95
DRAWS = 10_000
"""Of a bootstrap."""


def figure(
    value: float | None,
    n: int,
    formula: str,
    *,
    interval: Interval | None = None,
    level: float = LEVEL,
    seed: int | None = None,
    reason: str = "",
    **more: Any,
) -> dict[str, Any]:
    """A JSON object of one figure; a number that is not finite is null, with the reason beside it.

    Args:
        value: The figure.
        n: How many items it is made of.
        formula: How, in a line.
        interval: Its interval.
        level: Of the interval.
        seed: Of what was drawn for it.
        reason: Why there is no value; needed where there is none.
        more: Other keys.
    """
    finite = value is not None and math.isfinite(value)
    said: dict[str, Any] = {"value": value if finite else None, "n": n, "formula": formula, **more}
    if not finite:
        said["reason"] = reason or "not defined for these rows"
    if interval is not None:
        said |= {"interval": list(interval) if all(map(math.isfinite, interval)) else None, "level": level}
    if seed is not None:
        said["seed"] = seed
    return said


def percent(value: float | None, places: int = 1) -> str:
    """A share as it stands in a table, `-` for none."""
    return "-" if value is None else f"{100 * value:.{places}f}"


def with_interval(said: dict[str, Any], places: int = 1) -> str:
    """A share with its interval, as `71.8 [68.7, 74.9]` in percent."""
    text = percent(said["value"], places)
    if said["value"] is None or not said.get("interval"):
        return text
    low, high = said["interval"]
    return f"{text} [{percent(low, places)}, {percent(high, places)}]"
