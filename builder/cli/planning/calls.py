"""The stages of a build as they would be run: function, configuration, and the stages they read."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.build import run_stages
from builder.cli.project import Project
from builder.recipe.recipe import Recipe
from builder.workspace.fingerprint import mark
from builder.workspace.stage_names import BACKWARD, CURATE, MODEL, SCORE, SEED, SEED_CLEAN, StageName
from builder.workspace.workspace import Artifact, Workspace

OF_NO_RATE = {
    "work_dir", "slurm", "max_failed", "endpoint", "request_seconds", "request_tries", "max_too_long", "max_hours",
    "stall_minutes", "restarts",
}  # fmt: skip
"""Keys of `runtime` that do not say how fast a build is, or where a server is, which may move."""


@dataclass(frozen=True)
class Call:
    """A stage, run or not.

    Attributes:
        artifact: Its folder.
        function: What runs it.
        config: With what.
        inputs: The stages it reads.
    """

    artifact: Artifact
    function: Callable[..., Any]
    config: BaseModel
    inputs: tuple[Artifact, ...]

    @property
    def name(self) -> StageName:
        """What the stage is."""
        return self.artifact.name

    @property
    def is_done(self) -> bool:
        """Whether it costs nothing more."""
        return self.artifact.status == "done"

    @property
    def key(self) -> str:
        """Stages with the same key take the same time for a row."""
        return key_of(self.name, joins=self.function.__name__ == "join_halves")


def key_of(name: StageName, *, joins: bool = False) -> str:
    """What the rate of a stage is called.

    Args:
        name: The stage.
        joins: Whether it only puts two halves together.
    """
    if joins:
        return "join"
    if name.kind == MODEL:
        return f"{MODEL}-0" if name.iteration == 0 and name.half is None else MODEL
    if name.kind == SCORE:
        return f"{SCORE}-{name.judge}"
    return CURATE if name.kind == CURATE else str(name)


def trains(name: StageName) -> bool:
    """Whether the unit of a stage is a step of a training."""
    return name.kind in (MODEL, BACKWARD.kind)


@dataclass
class _Recorder(Workspace):
    """Runs nothing, and keeps what each stage would be given.

    Attributes:
        looks: Whether the work directory is looked at, and the files that the recipe names.
    """

    looks: bool = True
    calls: dict[str, Call] = field(default_factory=dict)

    def run(
        self,
        stage: StageName | str,
        function: Callable[..., Any],
        config: BaseModel,
        *inputs: Artifact,
        first: Callable[[], None] = lambda: None,
    ) -> Artifact:
        """Remember function, configuration and inputs of a stage."""
        if self.looks:
            artifact = super().run(stage, function, config, *inputs, first=first)
        else:
            artifact = self.artifacts[str(stage)] = Artifact(str(stage), "", self.root / str(stage))
        self.calls[artifact.stage] = Call(artifact, function, config, inputs)
        return artifact


def calls_of(project: Project) -> dict[str, Call]:
    """All stages of a build by name, in the order in which they run."""
    return _recorded(_Recorder(project.work_dir, project.recipe.runtime, dry_run=True), project.recipe)


def calls_anywhere(recipe: Recipe) -> dict[str, Call]:
    """The same for a recipe alone: nothing is looked at, and no stage counts as done."""
    return _recorded(_Recorder(Path("work"), recipe.runtime, dry_run=True, looks=False), recipe)


def _recorded(recorder: _Recorder, recipe: Recipe) -> dict[str, Call]:
    run_stages(recipe, recorder)
    return recorder.calls


def settings_mark(call: Call, project: Project) -> str:
    """What the rate of a stage depends on beside the machine: its configuration, and how it is run."""
    runtime = project.recipe.runtime.model_dump(mode="json", exclude=OF_NO_RATE)
    identity = {key: call.artifact.identity[key] for key in ("version", "config")}
    return mark({"runtime": runtime, **identity})


def first_of(calls: dict[str, Call], key: str) -> Call:
    """The first stage of a key, which stands for all."""
    return next(call for call in calls.values() if call.key == key)


def seed_name(calls: dict[str, Call]) -> str:
    """The stage whose pairs the forward models train on."""
    return str(SEED_CLEAN if str(SEED_CLEAN) in calls else SEED)
