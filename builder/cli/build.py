"""`humpback build`: run what is missing, and say what came of it."""

from typing import Any

from builder.build import Build
from builder.cli.answer import Answer
from builder.cli.planning.ahead import ahead_of
from builder.cli.project import Project, build_project
from builder.text.counted import counted
from builder.workspace.workspace import Artifact


def build_recipe(project: Project, until: str | None = None, *, verify: bool = False) -> Answer:
    """`humpback build`: run what is missing, and say what came of it."""
    build = build_project(project, until, verify=verify, ahead=lambda stage: ahead_of(project, stage, until))
    ran = list(build.artifacts)
    shown = ran if until is None else ran[: ran.index(until) + 1]
    return Answer({name: _described(build.artifacts[name]) for name in shown}, lambda: _outcome(project, build, until))


def _outcome(project: Project, build: Build, until: str | None) -> str:
    if until is not None:
        return f"stopped after {until}: {build.artifacts[until].path}"
    pairs = build.curated[-1].record["counts"]["pairs"]
    return (
        f"{pairs['kept']:,} of {counted(pairs['in'], 'pairs')} selected; final model {build.final.model}\n"
        f"look at it: {project.command('report')}\n"
        f"next: {project.command('release', '--version', '1.0.0')}"
    )


def _described(artifact: Artifact) -> dict[str, Any]:
    record = artifact.record
    return {
        "id": artifact.fingerprint,
        "path": str(artifact.path),
        **{key: record.get(key) for key in ("status", "seconds", "counts", "details", "warnings")},
    }
