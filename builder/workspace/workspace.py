"""The work directory: one folder a stage, found by fingerprint, run in a child process, done only when whole."""

import importlib
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.address import hidden_places
from builder.data.redaction import redacted
from builder.errors import BuilderError, StageError, TimeIsUp
from builder.workspace.child import request_of, run_child
from builder.workspace.environment import versions
from builder.workspace.failures import explain
from builder.workspace.fingerprint import identity, mark
from builder.workspace.finished.inventory import differences, refuse_links_out
from builder.workspace.finished.stage_file import read_stage_file, write_stage_file
from builder.workspace.inputs.earlier import earlier_identity
from builder.workspace.inputs.known import KnownInputs
from builder.workspace.inputs.listing import Inputs
from builder.workspace.progress import forget_progress, read_progress
from builder.workspace.stage_names import StageName, parse

if TYPE_CHECKING:
    from pydantic import BaseModel

    from builder.data.accounting import Stats
    from builder.recipe.sections.runtime import Runtime

_SHOWN = 3


@dataclass(frozen=True)
class Artifact:
    """The folder of one stage: `stage.json`, `data/` or `model/`, `rejected/`, `logs/`.

    Attributes:
        stage: Its name.
        fingerprint: Of all that its result depends on.
        path: The folder.
        identity: What the fingerprint is made of.
    """

    stage: str
    fingerprint: str
    path: Path
    identity: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def name(self) -> StageName:
        """What the stage is."""
        return parse(self.stage)

    @property
    def record(self) -> dict[str, Any]:
        """What `stage.json` says; empty before the stage has started.

        Raises:
            StageError: If it says nothing that a build has written for this stage.
        """
        return read_stage_file(self.path, self.fingerprint)

    @property
    def status(self) -> str:
        """`missing`, `partial` (started, or failed), `done`, or `damaged` (done, and no longer whole)."""
        return self._status(self.damage())

    def damage(self, *, verify: bool = False) -> list[str]:
        """What tells that a finished stage is not whole: a sentence for each file.

        Args:
            verify: Whether to read all of it, and not to compare names and sizes alone.
        """
        try:
            record = self.record
        except StageError as error:
            return [str(error)]
        done = record.get("status") == "done"
        return list(differences(self.path, record["files"], verify=verify)) if done and "files" in record else []

    def _status(self, damage: list[str]) -> str:
        if damage:
            return "damaged"
        return {"done": "done", None: "missing"}.get(self.record.get("status"), "partial")

    @property
    def data(self) -> Path:
        """Where the rows are."""
        return self.path / "data"

    @property
    def model(self) -> Path:
        """Where a trained model is."""
        return self.path / "model"


Report = Callable[[Artifact, str], None]
"""Called with an artifact and what happened: `cached`, `start`, `progress`, `done`, `missing` or `damaged`."""


@dataclass
class Workspace:
    """Runs stages that are not done, in order, and remembers which folder belongs to which stage.

    Attributes:
        root: The work directory.
        runtime: Where and how fast; handed to the stages, never hashed.
        report: Told about every stage as it passes.
        dry_run: Only find out what is there; run nothing.
        until: Stop after the stage of this name.
    """

    root: Path
    runtime: "Runtime"
    report: Report = lambda artifact, event: None
    dry_run: bool = False
    until: str | None = None
    artifacts: dict[str, Artifact] = field(default_factory=dict)
    files: Inputs = field(init=False, repr=False)
    """The files of inputs, with what the work directory knows of them."""
    stop_at: float | None = field(init=False, repr=False)
    """When a build has to stop, in seconds since 1970; None is never."""

    def __post_init__(self) -> None:
        """Read what the work directory knows of inputs, and start the time that the build may take."""
        self.files = Inputs(KnownInputs(self.root))
        hours = None if self.dry_run else self.runtime.max_hours
        self.stop_at = None if hours is None else time.time() + 3600 * hours

    def run(
        self,
        stage: StageName | str,
        function: Callable[..., "Stats"],
        config: "BaseModel",
        *inputs: Artifact,
        first: Callable[[], None] = lambda: None,
    ) -> Artifact:
        """Run one stage unless it is done, and return its artifact.

        Args:
            stage: Its name, unique in a build.
            function: `function(out, config, *input_folders, runtime=...) -> Stats`, importable by name.
            config: The sections of the recipe it uses.
            inputs: Artifacts of earlier stages.
            first: Called before the stage runs, and only then; what it raises ends the build.

        Raises:
            StageError: If the stage fails or loses a row, or was done and is no longer whole.
            TimeIsUp: If `runtime.max_hours` are over.
            Finished: After the stage named by `until`.
        """
        stage = str(stage)
        version = int(importlib.import_module(function.__module__).VERSION)
        self.files.looks.clear()
        value = identity(stage, version, config, {item.stage: item.fingerprint for item in inputs}, self.files)
        value = earlier_identity(self.root, value, mark(value)) or value
        artifact = Artifact(stage, mark(value), self.root / f"{stage}-{mark(value)}", value)
        self.artifacts[stage] = artifact
        status = artifact.status
        self.files.keep()
        if status == "done":
            self.report(artifact, "cached")
            if not self.dry_run:
                self.files.learn_of_done()
        elif self.dry_run:
            self.report(artifact, "damaged" if status == "damaged" else "missing")
        else:
            refuse_damaged([*inputs, artifact])
            first()
            self._execute(artifact, function, config, inputs)
        if stage == self.until:
            raise Finished
        return artifact

    def _execute(
        self,
        artifact: Artifact,
        function: Callable[..., "Stats"],
        config: "BaseModel",
        inputs: tuple[Artifact, ...],
    ) -> None:
        started, record = time.monotonic(), artifact.identity
        if self.stop_at is not None and time.time() >= self.stop_at:
            raise self._time_is_up(artifact, f"before {artifact.stage}")
        try:
            refuse_links_out(artifact.path)
            record = _begin(artifact)
            forget_progress(artifact.path)  # before anybody is told: what an earlier run has done is not of this one
            self.report(artifact, "start")
            self.files.learn(noted=False)
            result = run_child(
                artifact.path,
                request_of(function, config, [item.path for item in inputs], self.runtime),
                self.runtime,
                lambda: self.report(artifact, "progress"),
                stage=artifact.stage,
                hidden=hidden_places(config),
                stop_at=self.stop_at,
            )
            self.files.known.read_by(artifact.path)
            self.files.learn()
            result["warnings"] = [*record.get("warnings", []), *result["warnings"]]
            record = {**record, "status": "done", "seconds": round(time.monotonic() - started, 2), **result}
            write_stage_file(artifact.path, record)
        except TimeIsUp as error:
            raise self._time_is_up(artifact, f"in {artifact.stage}, {_how_far(artifact)}") from error
        except BuilderError as error:
            with suppress(OSError):
                write_stage_file(artifact.path, record | {"status": "failed", "error": redacted(str(error))})
            raise
        except OSError as error:
            raise StageError(f"{artifact.stage}: {explain(error)}") from error
        self.report(artifact, "done")

    def _time_is_up(self, artifact: Artifact, where: str) -> TimeIsUp:
        done = sum(item is not artifact for item in self.artifacts.values())
        return TimeIsUp(
            f"the time of runtime.max_hours ({self.runtime.max_hours:g}) is over: stopped {where}, after {done} "
            f"finished stage{'' if done == 1 else 's'}; all that is done stays"
        )


def _how_far(artifact: Artifact) -> str:
    seen = read_progress(artifact.path)
    if seen is None:
        return "begun"
    return f"{seen.done:,}{f' of {seen.total:,}' if seen.total else ''} {seen.unit} done"


def _begin(artifact: Artifact) -> dict[str, Any]:
    """Write that a stage runs, with which libraries; say so if it was begun with other ones."""
    before = artifact.record
    record = {
        **artifact.identity,
        "fingerprint": artifact.fingerprint,
        "status": "running",
        "versions": versions(),
        "warnings": before.get("warnings", []) if before.get("status") != "done" else [],
    }
    for change in changed_versions(before):
        text = f"begun with {change}, which may write other rows; delete {artifact.path} to start it anew"
        record["warnings"] = [*dict.fromkeys([*record["warnings"], text])]
    write_stage_file(artifact.path, record)
    return record


def changed_versions(record: dict[str, Any]) -> list[str]:
    """The libraries that differ between a stage's record and now, as `torch 2.12.0, now 2.13.0`."""
    now = versions()
    return [
        f"{package} {before}, now {now.get(package, 'not installed')}"
        for package, before in record.get("versions", {}).items()
        if now.get(package) != before
    ]


def refuse_damaged(artifacts: Iterable[Artifact], *, verify: bool = False) -> None:
    """Raise a StageError, with a line for each stage, if any of them was done and is no longer whole.

    Args:
        artifacts: Stages, done or not.
        verify: As of `Artifact.damage`.
    """
    found = {artifact: damage for artifact in artifacts if (damage := artifact.damage(verify=verify))}
    if found:
        raise StageError(
            "\n".join(f"{item.stage}: {describe_damage(item.path, damage)}" for item, damage in found.items())
        )


def describe_damage(folder: Path | str, damage: list[str]) -> str:
    """Which files of a stage folder are not what they were, and what to do about it."""
    more = f", and {len(damage) - _SHOWN:,} more" if len(damage) > _SHOWN else ""
    again = f"remove {folder} and run `humpback build RECIPE`, which runs this stage again"
    return f"{'; '.join(damage[:_SHOWN])}{more}; {again}"


class Finished(Exception):
    """Raised by `Workspace.run` after the stage that a build was asked to stop at."""
