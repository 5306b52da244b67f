"""`humpback show`: what became of the rows of a stage, with examples of those kept and those rejected."""

import statistics
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import Any

from builder.build import Build
from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.reference.reasons.table import keys_in
from builder.data.storage import read_json, read_rows
from builder.errors import RecipeError, StageError
from builder.method.curate.histogram import describe_thresholds, histogram, thresholds
from builder.method.curate.iterations import selection_scores
from builder.recipe.sections.curate import RATINGS
from builder.text.escape import escape, shortened
from builder.workspace.console import describe_counts
from builder.workspace.layout import METRICS
from builder.workspace.stage_names import CURATE, SCORE
from builder.workspace.workspace import Artifact, refuse_damaged

SHOWN_CHARS = 600
CHANGED = ("masked_emails", "masked_ips", "escaped", "unseen", "unseen_chars", "trimmed", "trimmed_chars")
"""Details that count what was changed in texts."""


def show_stages(project: Project) -> Answer:
    """The counts and warnings of every finished stage."""
    artifacts = project.look_at_build().artifacts.values()
    records = {item.stage: item.record for item in artifacts if item.status == "done"}
    shown = ("counts", "warnings", "seconds")
    stages = {stage: {key: record.get(key) for key in shown} for stage, record in records.items()}
    return Answer(stages, lambda: _describe_stages(stages, project.build_command))


def _describe_stages(stages: dict[str, dict[str, Any]], build: str) -> str:
    if not stages:
        return f"nothing has been built yet; run `{build}`"
    lines = []
    for stage, record in stages.items():
        lines.append(f"{stage:<20} {describe_counts(record['counts'])}")
        lines += [f"    warning: {escape(warning, 'terminal')}" for warning in record["warnings"] or []]
    return "\n".join(lines)


def show_stage(project: Project, stage: str, *, rows: int, rejected: bool = False) -> Answer:
    """One stage: its record, its scores and what thresholds would keep, and rows: kept ones, or rejected by reason.

    Args:
        project: The project.
        stage: Name of the stage.
        rows: How many rows to show; of each reason, with `rejected`. Whole ones in the value, shortened in the text.
        rejected: Show rejected rows instead of kept ones.

    Raises:
        RecipeError: If there is no such stage, or it has not run.
        StageError: If it was done and is no longer whole; others may be damaged.
    """
    build = project.look_at_build(damaged_too=True)
    if stage not in build.artifacts:
        raise RecipeError(f"{stage}: no such stage; the stages are {', '.join(build.artifacts)}")
    artifact = build.artifacts[stage]
    refuse_damaged([artifact])
    if artifact.status == "missing":
        raise RecipeError(f"{stage}: has not run; `{project.build_command}` runs it")
    return _show_rejected(artifact, rows) if rejected else _show_kept(build, artifact, rows)


def _show_rejected(artifact: Artifact, rows: int) -> Answer:
    groups = {
        reason: {"keys": keys_in(artifact.name, reason), **group}
        for reason, group in rejected_examples(_rejected_rows(artifact), rows).items()
    }
    return Answer(
        {"record": artifact.record, "rejected": groups},
        lambda: "\n\n".join([_describe_record(artifact), *(_describe_group(*item) for item in groups.items())]),
    )


def _show_kept(build: Build, artifact: Artifact, rows: int) -> Answer:
    sample = list(islice(read_rows(artifact.data), rows)) if artifact.data.is_dir() else []
    table = _thresholds(build, artifact)
    trainings = training_table(artifact, build)

    def text() -> str:
        described = describe_thresholds(table)
        if described and artifact.name.kind == CURATE:
            described = f"what a score would keep of all candidates, before any other limit:\n{described}"
        parts = [_describe_record(artifact), describe_trainings(trainings), _describe_scores(artifact), described]
        return "\n\n".join(part for part in (*parts, *map(_describe_row, sample)) if part)

    value = {"record": artifact.record, "thresholds": table, "rows": sample}
    return Answer(value | ({"trainings": trainings} if trainings else {}), text)


def _rejected_rows(artifact: Artifact) -> Iterable[dict[str, Any]]:
    """Rejected rows; those of a score stage stand among the others, with a reason instead of a score."""
    if artifact.name.kind == SCORE:
        return (row for row in read_rows(artifact.data) if row["score"] is None) if artifact.data.is_dir() else ()
    folder = artifact.path / "rejected"
    return read_rows(folder) if folder.is_dir() else ()


def rejected_examples(rejected: Iterable[dict[str, Any]], rows: int) -> dict[str, dict[str, Any]]:
    """Of each reason, the commonest first: how many rows, and up to `rows` of them, those with a text first."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[dict[str, Any]]] = {}
    for row in rejected:
        reason = row.pop("reason")
        counts[reason] += 1
        shown = examples.setdefault(reason, [])
        if len(shown) < rows:
            shown.append(row)
        elif row.get("text") and (bare := [at for at, old in enumerate(shown) if not old["text"]]):
            shown[bare[0]] = row
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return {reason: {"rows": count, "examples": examples[reason]} for reason, count in ranked}


def _describe_group(reason: str, group: dict[str, Any]) -> str:
    decided = f"  ({', '.join(group['keys'])})" if group["keys"] else ""
    heading = f"{escape(reason, 'terminal')}: {group['rows']:,} rows{decided}"
    return "\n".join([heading, *(_indented(_describe_row(row)) for row in group["examples"])])


def _describe_row(row: dict[str, Any]) -> str:
    return "\n".join(
        f"{name}: {shortened(value, SHOWN_CHARS)}" for name, value in row.items() if value not in (None, "")
    )


def _indented(text: str) -> str:
    first, *rest = text.splitlines()
    return "\n".join([f"  - {first}", *(f"    {line}" for line in rest)])


def _describe_record(artifact: Artifact) -> str:
    record = artifact.record
    lines = [f"{artifact.stage}  {record['status']}  {artifact.path}"]
    for kind, counts in record.get("counts", {}).items():
        lines.append(f"{kind}: {counts['in']:,} in, {counts['kept']:,} kept")
        for outcome in ("dropped", "failed"):
            lines += [
                f"  {outcome:<8} {count:>9,}  {escape(why, 'terminal')}" for why, count in counts[outcome].items()
            ]
    for source in record.get("details", {}).get("sources", []):
        lines.append(
            "source " + ", ".join(f"{name} {escape(_plain(value), 'terminal')}" for name, value in source.items())
        )
    details = record.get("details", {})
    if changed := [f"{name} {details[name]:,}" for name in CHANGED if details.get(name)]:
        lines.append(f"changed: {', '.join(changed)}")
    lines += [f"warning: {escape(warning, 'terminal')}" for warning in record.get("warnings", [])]
    if "error" in record:
        lines.append(f"error: {escape(record['error'], 'terminal')}")
    return "\n".join(lines)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + (", ".join(f"{key} {item:,}" for key, item in value.items()) or "nothing") + ")"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _describe_scores(artifact: Artifact) -> str:
    if artifact.name.kind not in (SCORE, CURATE) or not artifact.data.is_dir():
        return ""
    return histogram([row["score"] for row in read_rows(artifact.data, ["score"])])


def _thresholds(build: Build, artifact: Artifact) -> list[dict[str, float]]:
    """What each threshold would keep of the pairs that a stage has scored, or that a selection was made from."""
    config, name = build.recipe.curate, artifact.name
    if name.kind == SCORE and artifact.data.is_dir():
        scores = [row["score"] for row in read_rows(artifact.data, ["score"])]
        return thresholds(scores, rating=name.judge in RATINGS)
    if name.kind == CURATE and name.iteration is not None and artifact.status == "done":
        try:
            stages = build.iteration(name.iteration)
            refuse_damaged([*stages.judged, *stages.own.values(), stages.candidates])
            given = selection_scores(config, stages)
        except StageError:  # what it was made from is gone or damaged; the rest can still be shown
            return []
        return thresholds(list(given.values()), rating=len(config.judges) == 1 and config.judges[0] in RATINGS)
    return []


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
