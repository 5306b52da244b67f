"""What a build is expected to cost, as `plan` says it: a table, its sums, and what `curate.top` needs."""

from typing import Any

from builder.cli.answer import Answer
from builder.cli.planning.calibrate import calibrate
from builder.cli.planning.calls import calls_of
from builder.cli.planning.ranges import Range, between, exactly, size
from builder.cli.planning.rates import Rates, read_rates
from builder.cli.planning.reckoning import Expected, Reckoning, Wanted, first_curation, summed, wanted
from builder.cli.project import Project
from builder.cli.rows.layout import terminal_width, wrapped
from builder.text.escape import escape

_HEAD = f"{'stage':<20} {'':<8} {'rows':>11} {'tokens':>8} {'disk':>7}  time"


def plan_with_costs(project: Project, seconds: float, say: Any) -> Answer:
    """`humpback plan --calibrate`: measure what is missing, and say what the build will cost."""
    rates = calibrate(project, seconds, say)
    stages, needs = _told(Reckoning(project, calls_of(project), rates))
    value = {
        "stages": [as_dict(item) for item in stages],
        "total": total_of(stages),
        **({"top": as_top(needs)} if needs else {}),
    }
    lines = [_HEAD, *map(_line, stages), "", *sums(stages, needs)]
    return Answer(value, lambda: wrapped("\n".join(lines), terminal_width(), "      "))


def known_costs(project: Project) -> tuple[list[Expected], Wanted | None]:
    """What the stages will cost by rates that were measured here before, and what `curate.top` needs.

    Returns:
        The stages, none where nothing was measured; and None where the recipe has no `curate.top`, or nothing is known.
    """
    rates = read_rates(project.work_dir)
    if not rates.known:
        return [], None
    return _told(Reckoning(project, calls_of(project), Rates(rates.known)))


def _told(reckoning: Reckoning) -> tuple[list[Expected], Wanted | None]:
    stages = reckoning.all()
    return stages, wanted(reckoning, _passes(reckoning))


def _passes(reckoning: Reckoning) -> Range:
    """Of the pairs, those that a selection may take."""
    rate = reckoning.rate(first_curation(reckoning.calls))
    if rate is None:
        return exactly(1.0)
    likely, low, high = rate.kept
    return Range(low, likely, min(high, 1.0))


def as_dict(item: Expected) -> dict[str, Any]:
    """A stage as JSON has it."""
    value: dict[str, Any] = {"stage": item.stage, "cached": item.done, "known": item.known, "unit": item.unit}
    ranges = {"units": item.units, "rows": item.rows, "tokens": item.tokens}
    value |= {key: None if found is None else found.as_dict(0) for key, found in ranges.items()}
    value |= {"seconds": item.seconds.as_dict(), "gpu_hours": item.gpu_hours.as_dict(3), "bytes": item.size.as_dict(0)}
    return value | {"notes": list(item.notes)}


def total_of(stages: list[Expected]) -> dict[str, Any]:
    """The sums as JSON has them."""
    seconds, gpu_hours, bytes_ = summed(stages)
    unknown = [item.stage for item in stages if not item.known]
    return {
        "seconds": seconds.as_dict(),
        "gpu_hours": gpu_hours.as_dict(3),
        "bytes": bytes_.as_dict(0),
        "unknown": unknown,
    }


def as_top(needs: Wanted) -> dict[str, Any]:
    """What `curate.top` needs, as JSON has it."""
    return {
        "rows": needs.rows,
        "segments_needed": needs.segments.as_dict(0),
        "segments_there": needs.there.as_dict(0),
        "enough": needs.enough,
    }


def _line(item: Expected) -> str:
    rows = "" if item.rows is None else f"{'' if item.done else '~'}{item.rows.mid:,.0f}"
    tokens = "" if item.tokens is None else _short(item.tokens.mid)
    status = "cached" if item.done else "" if item.known else "unknown"
    disk = "" if item.done or not item.known else size(item.size.mid)
    time = "" if item.done or not item.known else between(item.seconds)
    first = f"{item.stage:<20} {status:<8} {rows:>11} {tokens:>8} {disk:>7}  {time}".rstrip()
    return "\n".join([first, *(f"    {escape(note, 'terminal')}" for note in item.notes)])


def _short(count: float) -> str:
    for unit, least in (("G", 1e9), ("M", 1e6), ("k", 1e4)):
        if count >= least:
            return f"{count / least * (10 if unit == 'k' else 1):.1f} {unit}"
    return f"{count:,.0f}"


def sums(stages: list[Expected], needs: Wanted | None) -> list[str]:
    """What is still to run costs, and what `curate.top` needs, a line each."""
    lines = [_cost_line(stages)]
    if needs is not None:
        verdict = "enough" if needs.enough else "too few"
        lines.append(
            f"curate.top {needs.rows:,} needs some {needs.segments.mid:,.0f} distinct segments "
            f"({needs.segments.low:,.0f} to {needs.segments.high:,.0f}); the corpus has some {needs.there.mid:,.0f}, "
            f"{verdict}"
        )
    return lines


def _cost_line(stages: list[Expected]) -> str:
    """One line: time, GPU-hours and disk of all that is missing."""
    seconds, gpu_hours, bytes_ = summed(stages)
    unknown = [item.stage for item in stages if not item.known]
    if len(unknown) == len([item for item in stages if not item.done]) > 0:
        return "nothing is known of the time; see the reasons above"
    parts = [f"about {between(seconds)}"]
    if gpu_hours.mid:
        parts.append(f"{gpu_hours.mid:.1f} GPU-hours ({gpu_hours.low:.1f} to {gpu_hours.high:.1f})")
    parts.append(f"{size(bytes_.mid)} of disk")
    more = f"; without {', '.join(unknown)}, of which nothing is known" if unknown else ""
    return f"still to run: {', '.join(parts)}{more}"
