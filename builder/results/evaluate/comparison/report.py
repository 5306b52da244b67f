"""Win rates as a report: of each model, and of each against the first, as JSON and as text."""

from collections.abc import Mapping, Sequence
from typing import Any

from builder.results.evaluate.comparison.annotations import Judgements, length_audit
from builder.results.evaluate.statistics.figure import percent, with_interval
from builder.results.evaluate.statistics.significance import holm
from builder.results.evaluate.statistics.win_rates import by_group, paired, win_rate


def report_of(models: Mapping[str, Judgements], *, seed: int = 0) -> dict[str, Any]:
    """All figures of some models that were judged against the same reference.

    Args:
        models: By name; the first is what the others are compared with.
        seed: Of the bootstraps.

    Returns:
        `models`: by name `win_rate`, `by_source`, `by_length`, `lengths` and the `input`'s digest; `paired`: of each
        later model the difference to the first, with `q`, its p value adjusted for them all (Holm).
    """
    names = list(models)
    differences = [paired(models[name].scores, models[names[0]].scores, seed=seed) for name in names[1:]]
    adjusted = holm([difference["p"] for difference in differences])
    return {
        "models": {name: _of_model(judged, seed) for name, judged in models.items()},
        "paired": {
            name: difference | {"against": names[0], "q": q}
            for name, difference, q in zip(names[1:], differences, adjusted, strict=True)
        },
    }


def _of_model(judged: Judgements, seed: int) -> dict[str, Any]:
    scores = judged.scores
    return {
        "win_rate": win_rate(scores, seed=seed),
        "by_source": by_group(scores, judged.sources, seed=seed),
        "by_length": by_group(scores, judged.longer, seed=seed),
        "lengths": length_audit(judged),
        "out_of_range": judged.out_of_range,
        "input": judged.digest,
    }


def describe_report(report: Mapping[str, Any]) -> str:
    """The report as text: figures in percent."""
    lines = [_row("", ["win rate", "se", "win", "draw", "lose", "unread", "characters"])]
    for name, of in report["models"].items():
        lines.append(_row(name, _cells(of["win_rate"], of["lengths"]["model"])))
    for name, of in report["models"].items():
        parts = of["by_source"] | of["by_length"] if len(of["by_source"]) > 1 else of["by_length"]
        lines += ["", name] if parts else []
        lines += [_row(f"  {part}", _cells(figures)) for part, figures in parts.items()]
    if report["paired"]:
        lines += ["", _row("against the first", ["difference", "se", "better", "worse", "p", "Holm"])]
    for name, of in report["paired"].items():
        values = [with_interval(of), percent(of["standard_error"]), of["better"], of["worse"]]
        lines.append(_row(name, [*map(str, values), f"{of['p']:.2g}", f"{of['q']:.2g}"]))
    return "\n".join(line.rstrip() for line in lines)


def _cells(of: Mapping[str, Any], characters: float | None = None) -> list[str]:
    counts = [f"{of[key]:,}" for key in ("wins", "draws", "losses", "unread")]
    length = [] if characters is None else [f"{characters:,.0f}"]
    return [with_interval(dict(of)), percent(of["standard_error"]), *counts, *length]


def _row(first: str, cells: Sequence[str]) -> str:
    wide, *others = cells
    return f"{first:<26} {wide:>20} " + " ".join(f"{cell:>8}" for cell in others)
