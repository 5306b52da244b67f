"""The figures of a training, beside those of the same model with other seeds."""

import statistics
from typing import Any

from builder.build import Build
from builder.data.storage import read_json
from builder.workspace.layout import METRICS
from builder.workspace.workspace import Artifact

_DEVIATION = "standard deviation"
_CELLS = 8
"""The least cells of a figure."""


def training_table(artifact: Artifact, build: Build) -> list[dict[str, Any]]:
    """Figures of a finished training, and of those of the same model with other seeds.

    Returns:
        One entry a training: `stage`, `steps`, `rows_a_step`, `tokens_per_second`, and losses in nats per trained
        token: `last_loss` of the rows trained on, `held_out` by source, before and after. Empty for other stages.
    """
    if not artifact.name.trains:
        return []
    trainings, alike = [], [build.final, *build.repeats.values()]
    for item in alike if artifact in alike else [artifact]:
        if item.status == "done" and (item.path / METRICS).is_file():
            metrics = read_json(item.path / METRICS)
            keys = ("steps", "rows_a_step", "tokens_per_second", "last_loss", "held_out")
            trainings.append({"stage": item.stage, **{key: metrics.get(key) for key in keys}})
    return trainings


def describe_trainings(table: list[dict[str, Any]]) -> str:
    """The figures as lines, with mean and standard deviation over seeds where there are several."""
    if not table:
        return ""
    sources = list(dict.fromkeys(name for entry in table for name in entry["held_out"] or {}))
    names = ["last loss", *(f"{source} {when}" for source in sources for when in ("before", "after"))]
    rows = [
        [entry["last_loss"], *(_held_out(entry, source, when) for source in sources for when in ("before", "after"))]
        for entry in table
    ]
    first = max(len(entry["stage"]) for entry in table) if len(table) == 1 else len(_DEVIATION)
    lines = [
        f"steps {table[0]['steps']:,}, rows a step {table[0]['rows_a_step']}; loss in nats per trained token, on rows "
        "trained on (last loss) and held out",
        _line("", names, names, first),
        *(_line(entry["stage"], _figures(row), names, first) for entry, row in zip(table, rows, strict=True)),
    ]
    if len(rows) > 1:
        columns = list(zip(*rows, strict=True))
        for name, figure in (("mean", statistics.mean), (_DEVIATION, statistics.stdev)):
            figures = _figures([None if None in column else figure(column) for column in columns])
            lines.append(_line(name, figures, names, first))
    return "\n".join(lines)


def _held_out(entry: dict[str, Any], source: str, when: str) -> float | None:
    losses = (entry["held_out"] or {}).get(source)
    return losses[when] if losses else None


def _figures(values: list[float | None]) -> list[str]:
    return ["-" if value is None else format(value, ".4f") for value in values]


def _line(name: str, values: list[str], names: list[str], first: int) -> str:
    """A line of the table, no wider than its names ask for."""
    cells = (f"{value:>{max(len(column), _CELLS)}}" for value, column in zip(values, names, strict=True))
    return " ".join([f"{name:<{first}}", *cells]).rstrip()
