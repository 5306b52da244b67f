"""`humpback show RECIPE model-t`: what a training came to, beside those with other seeds."""

import statistics
from typing import Any

from builder.build import Build
from builder.storage import read_json
from builder.training_output import METRICS
from builder.workspace import Artifact


def training_table(artifact: Artifact, build: Build) -> list[dict[str, Any]]:
    """Figures of a finished training, and of those of the same model with other seeds.

    Returns:
        One entry a training: `stage`, `steps`, `rows_a_step`, `tokens_per_second`, and losses in nats per trained
        token: `last_loss` of the rows trained on, `held_out` by source, before and after. Empty for other stages.
    """
    if not artifact.name.trains:
        return []
    found, alike = [], [build.final, *build.repeats.values()]
    for item in alike if artifact in alike else [artifact]:
        if item.status == "done" and (item.path / METRICS).is_file():
            metrics = read_json(item.path / METRICS)
            keys = ("steps", "rows_a_step", "tokens_per_second", "last_loss", "held_out")
            found.append({"stage": item.stage, **{key: metrics.get(key) for key in keys}})
    return found


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
    lines = [
        f"steps {table[0]['steps']:,}, rows a step {table[0]['rows_a_step']}; loss in nats per trained token, on rows "
        "trained on (last loss) and held out",
        " ".join([f"{'':<20}", *(f"{name:>15}" for name in names)]),
        *(_line(entry["stage"], row) for entry, row in zip(table, rows, strict=True)),
    ]
    if len(rows) > 1:
        columns = list(zip(*rows, strict=True))
        for name, figure in (("mean", statistics.mean), ("standard deviation", statistics.stdev)):
            lines.append(_line(name, [None if None in column else figure(column) for column in columns]))
    return "\n".join(lines)


def _held_out(entry: dict[str, Any], source: str, when: str) -> float | None:
    losses = (entry["held_out"] or {}).get(source)
    return losses[when] if losses else None


def _line(name: str, values: list[float | None]) -> str:
    return " ".join([f"{name:<20}", *(f"{'-' if value is None else format(value, '.4f'):>15}" for value in values)])
