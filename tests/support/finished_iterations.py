"""A project whose selections have run on scores made by hand; its models were never trained."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from builder.cli.project import open_project
from builder.data.records import candidate_schema, score_schema, training_schema
from builder.data.storage import write_json, write_rows
from builder.method.curate.curate import select
from builder.method.curate.iterations import Iteration
from builder.recipe.sections.runtime import Runtime
from builder.workspace.workspace import Artifact
from support.recipe_changes import write_small_recipe

Scores = dict[str, float | None]
UNLIMITED = ("decontaminate=null", "curate.test_share=0")


def finish(
    folder: Path, scores: dict[str, list[Scores]], *overrides: str, texts: dict[str, str] | None = None
) -> tuple[Path, tuple[str, ...]]:
    """Write candidates and, of each judge, the scores of each iteration; select; return recipe and settings."""
    path, settings = write_small_recipe(folder), (*UNLIMITED, *overrides)
    project = open_project(path, overrides=settings)
    stages = project.look_at_build().artifacts
    ids = list(next(iter(scores.values()))[0])
    rows = [
        {"id": key, "segment_id": f"segment of {key}", "page_id": key, "url": "u", "header": "h", "tokens": 1,
         "instruction": (texts or {}).get(key, f"What is {key}?"), "output": key, "logprob": -1.0}
        for key in ids
    ]  # fmt: skip
    _finished(stages["augment"], rows, candidate_schema())
    for judge, columns in scores.items():
        for t, column in enumerate(columns, 1):
            given = [{"id": key, "score": value} for key, value in column.items()]
            _finished(stages[f"score-{t}-{judge}"], given, score_schema(judge))
    for t in range(1, len(next(iter(scores.values()))) + 1):
        stage = stages[f"curate-{t}"]
        inputs = [stages[name].path for name in stage.identity["inputs"]]
        stats = select(stage.path, project.recipe.curate_stage, *inputs, runtime=Runtime())
        _record(stage, {kind: counts.as_dict() for kind, counts in stats.counts.items()})
    return path, settings


def train_on(path: Path, settings: tuple[str, ...], iteration: int, ids: list[str]) -> None:
    """Leave the rows that a model was trained on."""
    model = open_project(path, overrides=settings).look_at_build().artifacts[f"model-{iteration}"]
    write_rows(model.path / "rows" / "curated.parquet", [{"id": key} for key in ids], training_schema())


def _finished(stage: Artifact, rows: list[dict[str, Any]], schema: Any) -> None:
    write_rows(stage.data / "rows.parquet", rows, schema)
    counts = {"in": len(rows), "kept": len(rows), "dropped": {}, "failed": {}}
    _record(stage, {"pairs": counts})


def _record(stage: Artifact, counts: dict[str, Any]) -> None:
    write_json(stage.path / "stage.json", {"stage": stage.stage, "status": "done", "counts": counts})


def iteration(number: int, scores: Scores, selected: Iterable[str], trained: Iterable[str] = ()) -> Iteration:
    """An iteration by hand, that trained on all that it selected if nothing else is said."""
    return Iteration(number, {"expected": scores}, "expected", set(selected), set(trained or selected))
