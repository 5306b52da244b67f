"""`humpback show`: what became of the rows of a stage, with examples of those kept and those rejected."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from builder.build import Build
from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.reference.reasons.table import keys_in
from builder.cli.rows.layout import describe_row, indented, terminal_width, wrapped
from builder.cli.rows.scored import SPARE, Choice, chosen, refuse_unscored, scored_rows, selection_scores_of, with_texts
from builder.cli.rows.trainings import describe_trainings, training_table
from builder.data.storage import read_rows
from builder.errors import RecipeError, StageError
from builder.method.curate.histogram import describe_thresholds, histogram, thresholds
from builder.method.curate.iterations import selection_scores
from builder.recipe.sections.curate import RATINGS
from builder.results.evaluate.comparison.found import found_stages
from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.console import describe_counts
from builder.workspace.finished.moved import no_build
from builder.workspace.stage_names import CURATE, SCORE
from builder.workspace.workspace import Artifact, refuse_damaged

CHANGED = ("masked_emails", "masked_ips", "escaped", "unseen", "unseen_chars", "trimmed", "trimmed_chars")
"""Details that count what was changed in texts."""


def show_stages(project: Project) -> Answer:
    """The counts and warnings of every finished stage, those of evaluations after those of the build."""
    artifacts = {**project.look_at_build().artifacts, **found_stages(project.work_dir)}
    records = {name: item.record for name, item in artifacts.items() if item.status == "done"}
    shown = ("counts", "warnings", "seconds")
    stages = {stage: {key: record.get(key) for key in shown} for stage, record in records.items()}
    none = "" if stages else f"nothing has been built yet; run `{project.command('build')}`{_moved(project)}"
    return Answer(stages, lambda: _describe_stages(stages) or wrapped(none, terminal_width(), "  "))


def _moved(project: Project) -> str:
    said = no_build(project.folder, project.work_dir)
    return said and f"\n  {escape(said, 'terminal')}"


def _describe_stages(stages: dict[str, dict[str, Any]]) -> str:
    lines, width = [], terminal_width()
    for stage, record in stages.items():
        lines.append(wrapped(f"{stage:<20} {describe_counts(record['counts'])}", width, " " * 21))
        warnings = [f"    warning: {escape(warning, 'terminal')}" for warning in record["warnings"] or []]
        lines += [wrapped(warning, width, " " * 6) for warning in warnings]
    return "\n".join(lines)


def show_stage(project: Project, stage: str, choice: Choice) -> Answer:
    """One stage: its record, its scores and what thresholds would keep, and rows: kept ones, or rejected by reason.

    Args:
        project: The project.
        stage: Name of the stage.
        choice: Which rows to show: whole ones in the value, shortened on a terminal.

    Raises:
        RecipeError: If there is no such stage, it has not run, has no scores to go by, or rejects for no such reason.
        StageError: If it was done and is no longer whole; others may be damaged.
    """
    build = project.look_at_build(damaged_too=True)
    stages = {**build.artifacts, **found_stages(project.work_dir)}
    if stage not in stages:
        raise RecipeError(f"{stage}: no such stage; the stages are {', '.join(stages)}")
    artifact = stages[stage]
    refuse_damaged([artifact])
    if artifact.status == "missing":
        raise RecipeError(f"{stage}: has not run; `{project.command('build')}` runs it{_moved(project)}")
    if choice.by_score:
        refuse_unscored(build, artifact)
    return _show_rejected(build, artifact, choice) if choice.of_rejected else _show_kept(build, artifact, choice)


def _show_rejected(build: Build, artifact: Artifact, choice: Choice) -> Answer:
    groups = {
        reason: {
            "keys": keys_in(artifact.name, reason),
            "rows": group["rows"],
            "examples": with_texts(build, artifact, group["examples"]),
        }
        for reason, group in rejected_examples(_rejected_rows(build, artifact, choice), choice).items()
    }
    if choice.reason is not None and not groups:
        given = ", ".join(rejected_examples(_rejected_rows(build, artifact, Choice(rejected=True)), Choice(rows=0)))
        said = f"its reasons are {escape(given, 'terminal')}" if given else "it has rejected none"
        raise RecipeError(f"{artifact.stage}: no row was rejected for {choice.reason!r}; {said}")

    def text() -> str:
        width = terminal_width()
        shown = (_describe_group(*item, width) for item in groups.items())
        return "\n\n".join([_describe_record(artifact, width), *shown])

    return Answer({"record": artifact.record, "rejected": groups}, text)


def _show_kept(build: Build, artifact: Artifact, choice: Choice) -> Answer:
    sample = with_texts(build, artifact, _sample(build, artifact, choice))
    table = _thresholds(build, artifact)
    trainings = training_table(artifact, build)

    def text() -> str:
        width, described = terminal_width(), describe_thresholds(table)
        if described and artifact.name.kind == CURATE:
            described = f"what a score would keep of all candidates, before any other limit:\n{described}"
        shown = [describe_row(row, width) for row in sample]
        if choice.around is not None:
            above = sum(row["score"] >= choice.around for row in sample)
            shown.insert(above, _line_of(choice, above, len(sample) - above))
        record, trained = _describe_record(artifact, width), wrapped(describe_trainings(trainings), width, "  ")
        return "\n\n".join(part for part in (record, trained, _describe_scores(artifact), described, *shown) if part)

    value = {"record": artifact.record, "thresholds": table, "rows": sample}
    return Answer(value | ({"trainings": trainings} if trainings else {}), text)


def _line_of(choice: Choice, above: int, below: int) -> str:
    """What stands between the rows above a score and those below it; it says where there are none."""
    none = [f"no row {side}" for side, rows in (("above", above), ("below", below)) if not rows]
    said = f" ({', '.join(none)})" if none and choice.rows > 1 else ""  # a single row has one side in any case
    return f"---- {choice.around:g} ----{said}"


def _sample(build: Build, artifact: Artifact, choice: Choice) -> list[dict[str, Any]]:
    if not artifact.data.is_dir():
        return []
    if not choice.by_score:
        return list(islice(read_rows(artifact.data), choice.rows))
    return chosen(scored_rows(build, artifact, of_all=choice.around is not None), choice)


def _rejected_rows(build: Build, artifact: Artifact, choice: Choice) -> Iterator[dict[str, Any]]:
    """Rejected rows; those of a score stage stand among the others, with a reason instead of a score.

    Those of a selection have the scores that it was made by, as far as the stages that gave them are whole.
    """
    if artifact.name.kind == SCORE:
        found = (
            (row for row in read_rows(artifact.data) if row["score"] is None) if artifact.data.is_dir() else iter(())
        )
    else:
        folder = artifact.path / "rejected"
        found = read_rows(folder) if folder.is_dir() else iter(())
    scores = _scores_of_rejected(build, artifact, choice)
    for row in found:
        if choice.reason in (None, row["reason"]):
            yield {**row, "score": scores.get(row["id"])} if scores else row


def _scores_of_rejected(build: Build, artifact: Artifact, choice: Choice) -> Mapping[str, float | None]:
    if artifact.name.kind != CURATE or artifact.name.iteration is None:
        return {}
    try:
        return selection_scores_of(build, artifact)
    except StageError:
        if choice.by_score:
            raise
        return {}  # the rows can be shown without


def rejected_examples(rejected: Iterable[dict[str, Any]], choice: Choice) -> dict[str, dict[str, Any]]:
    """Of each reason, the commonest first: how many rows, and some of them, by score or those with a text first."""
    counts: Counter[str] = Counter()
    examples: dict[str, list[dict[str, Any]]] = {}
    for row in rejected:
        reason = row.pop("reason")
        counts[reason] += 1
        shown = examples.setdefault(reason, [])
        if len(shown) < choice.rows or choice.by_score:
            shown.append(row)
            if choice.by_score and len(shown) > SPARE * (choice.rows + 1):
                shown[:] = chosen(shown, choice)
        elif row.get("text") and (bare := [at for at, old in enumerate(shown) if not old["text"]]):
            shown[bare[0]] = row
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    best = {reason: chosen(rows, choice) if choice.by_score else rows for reason, rows in examples.items()}
    return {reason: {"rows": count, "examples": best[reason]} for reason, count in ranked}


def _describe_group(reason: str, group: dict[str, Any], width: int | None) -> str:
    decided = f"  ({', '.join(group['keys'])})" if group["keys"] else ""
    heading = wrapped(f"{escape(reason, 'terminal')}: {counted(group['rows'], 'rows')}{decided}", width, "  ")
    inner = None if width is None else width - 4
    return "\n".join([heading, *(indented(describe_row(row, inner)) for row in group["examples"])])


def _describe_record(artifact: Artifact, width: int | None) -> str:
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
    return wrapped("\n".join(lines), width, "  ")


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
