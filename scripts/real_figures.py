"""What a build came to, as Markdown: time and rows by stage, reasons, trainings, scores, and instructions as they fell.

    .venv/bin/python scripts/real_figures.py FOLDER

Everything is read from the files of the stages. No text of a page is shown but its headings, which a build keeps beside
every instruction.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from builder.build import Build
from builder.cli.project import Project, open_project
from builder.cli.rows.scored import selection_scores_of
from builder.cli.rows.trainings import training_table
from builder.data.records import segment_of, stable_id
from builder.data.storage import read_rows
from builder.method.curate.histogram import histogram
from builder.text.escape import escape
from builder.workspace.environment import visible_gpus
from builder.workspace.live.line import total_time
from builder.workspace.workspace import Artifact

OF_TRAININGS = (
    "learning_rate", "lr_scheduler_type", "num_train_epochs", "per_device_train_batch_size",
    "gradient_accumulation_steps", "max_length", "dtype", "bf16",
)  # fmt: skip
"""Keys of a TRL recipe that are told."""
SHOWN = 20
"""So many instructions that passed, and so many that did not, are shown."""
_LONGEST = 300


def figures_of(folder: Path) -> str:
    """The figures of a finished build.

    Args:
        folder: Of its recipe.

    Raises:
        StageError: If a stage is not done, or no longer whole.
    """
    project = open_project(folder, only_looks=True)
    build = project.look_at_build(verify=True)
    parts = [
        ("Settings", setting_table(build)),
        ("Time and rows", stage_table(build.artifacts.values())),
        ("Why rows did not go on", reason_table(build.artifacts.values())),
        ("Trainings", training_rows(build)),
        ("How instructions begin", opening_table(build.candidates)),
        ("Scores", "\n\n".join(score_histograms(build))),
        ("Selections", selection_table(build)),
        (f"The first {SHOWN} instructions by the hash of their ids", written(build, SHOWN)),
        (f"The first {SHOWN} that the gate refused", refused(build, SHOWN)),
    ]
    return "\n".join([ran_on(project, build), *(f"\n### {title}\n\n{text}" for title, text in parts), ""])


def ran_on(project: Project, build: Build) -> str:
    """What was run, and with which libraries."""
    record, recipe = build.final.record, project.recipe
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    seconds = sum(item.record["seconds"] for item in build.artifacts.values())
    where = f"{len(visible_gpus())} GPUs" if visible_gpus() else f"a CPU, {recipe.runtime.threads} threads"
    return (
        f"Iterations: {recipe.iterations}. Ran on {where}, {total_time(seconds)} in all, engine {recipe.engine.kind} "
        f"in {recipe.engine.dtype}. Versions: {versions}."
    )


def setting_table(build: Build) -> str:
    """What was set for the trainings, and how much was to be done."""
    recipe, training = build.recipe, build.recipe.training
    rows = [
        (f"{file.name}: {key}", value)
        for file in (training.backward, training.forward)
        for key, value in yaml.safe_load(file.read_text(encoding="utf-8")).items()
        if key in OF_TRAININGS
    ]
    rows += [
        ("dedup.sample", recipe.dedup.sample),
        ("augment.max_tokens", recipe.augment.max_tokens),
        ("curate", recipe.curate.model_dump(exclude_defaults=True, mode="json")),
        ("runtime", {key: getattr(recipe.runtime, key) for key in ("threads", "chunk_rows", "kv_cache_mb")}),
    ]
    return table(("key", "value"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; text of others comes in made safe by `_quoted`."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def stage_table(stages: Iterable[Artifact]) -> str:
    """Seconds of every stage, and the rows that it took and handed on."""
    rows = []
    for item in stages:
        kind, counts = list(item.record["counts"].items())[-1]
        rows.append((item.stage, f"{item.record['seconds']:.1f}", kind, f"{counts['in']:,}", f"{counts['kept']:,}"))
    rows.append(("all", f"{sum(float(row[1]) for row in rows):.1f}", "", "", ""))
    return table(("stage", "seconds", "rows", "in", "out"), rows)


def reason_table(stages: Iterable[Artifact]) -> str:
    """How many rows each stage dropped, by reason; the commonest first."""
    rows = []
    for item in stages:
        for kind, counts in item.record["counts"].items():
            lost = {**counts["dropped"], **counts["failed"]}
            rows += [(item.stage, kind, *pair) for pair in sorted(lost.items(), key=lambda pair: (-pair[1], pair[0]))]
    return table(("stage", "rows", "reason", "number"), rows)


def training_rows(build: Build) -> str:
    """Steps, speed and losses of every training."""
    entries = [entry for item in build.artifacts.values() for entry in training_table(item, build)]
    keys = ("steps", "rows_a_step", "tokens_per_second", "last_loss")
    once = {entry["stage"]: entry for entry in entries}
    head = ("training", "steps", "rows a step", "tokens a second", "last loss, nats a token")
    return table(head, ((name, *(_number(entry[key]) for key in keys)) for name, entry in once.items()))


def opening_table(candidates: Artifact) -> str:
    """The commonest first words of the instructions that passed the gate."""
    found = candidates.record["details"]["openings"]
    return table(("opening", "share"), ((_quoted(item["opening"]), f"{item['share']:.1%}") for item in found["most"]))


def score_histograms(build: Build) -> Iterator[str]:
    """All scores of every judge and iteration."""
    for (step, judge), artifact in build.scores.items():
        when = "all iterations" if step is None else f"iteration {step}"
        scores = [row["score"] for row in read_rows(artifact.data, ["score"])]
        yield f"`{judge}`, {when}:\n\n```text\n{histogram(scores)}\n```"


def selection_table(build: Build) -> str:
    """How many each iteration selected, and how many of them the one before had."""
    rows, before = [], set[str]()
    for t in build.steps:
        now = {row["id"] for row in read_rows(build.curated[t - 1].data, ["id"])}
        rows.append((t, len(now), len(now & before) if t > 1 else ""))
        before = now
    return table(("iteration", "selected", "of them selected before"), rows)


def written(build: Build, number: int) -> str:
    """Instructions that passed, with header and last scores; which ones is left to the hash of their ids."""
    rows = _by_hash(read_rows(build.candidates.data, ["id", "header", "instruction"]))[:number]
    last = build.curated[-1]
    scores = selection_scores_of(build, last)
    selected = {row["id"] for row in read_rows(last.data, ["id"])}
    head = ("header", "instruction", "score", "selected")
    return table(
        head,
        (
            (
                _quoted(row["header"]),
                _quoted(row["instruction"]),
                _number(scores.get(row["id"])),
                "yes" if row["id"] in selected else "",
            )
            for row in rows
        ),
    )


def refused(build: Build, number: int) -> str:
    """Instructions that did not pass, with header and reason."""
    headers = {row["id"]: row["header"] for row in read_rows(build.segments.data, ["id", "header"])}
    rows = [
        (row["reason"], _quoted(headers.get(segment_of(row["id"]), "")), _quoted(row["text"]))
        for row in _by_hash(read_rows(build.candidates.path / "rejected", ["id", "reason", "text"]))
        if row["text"] is not None
    ]
    return table(("reason", "header", "instruction"), rows[:number])


def _by_hash(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: stable_id("shown", row["id"]))


def _quoted(text: str) -> str:
    return escape(text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ...", "markdown")


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}" if value >= 100 else f"{value:.3f}"


if __name__ == "__main__":
    sys.stdout.write(figures_of(Path(sys.argv[1])))
