"""Measure what the missing stages of a build cost: each is run on a sample, in a folder that goes afterwards."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from builder.cli.planning import samples
from builder.cli.planning.calls import Call, calls_of, first_of, seed_name, settings_mark, trains
from builder.cli.planning.findings import about, distinct, plain_rate, rows_rate, training_rate, within_limits
from builder.cli.planning.probe import SAMPLE, Probe, run_probe
from builder.cli.planning.rates import Rate, Rates, of_selected, write_rates
from builder.cli.planning.reckoning import Reckoning
from builder.cli.project import Project
from builder.data.address import hidden_places
from builder.errors import BuilderError, StageError
from builder.method.train.recipe import check_training_recipes
from builder.recipe.sections.runtime import Runtime
from builder.workspace.aside.scratch import scratch
from builder.workspace.child import name_of, request_of, run_child
from builder.workspace.layout import CALIBRATION
from builder.workspace.locks import locked
from builder.workspace.stage_names import AUGMENT, CURATE, DEDUP, MODEL, SCORE, SEED, SEED_CLEAN, SEGMENTS

_HERE = "builder.cli.planning"
PAGES, LEAST_ROWS, LEAST_STEPS, PART = 200, 64, 20, 4
"""What is tried of a stage: so many pages, and of others one in `PART`, but no less than the others say."""


def calibrate(project: Project, seconds: float, say: Callable[[str], None] = lambda line: None) -> Rates:
    """Measure the rates of all stages that are missing, and keep them in the work directory.

    Args:
        project: The project.
        seconds: How long a stage may work, once it has started.
        say: Told which stage is tried.

    Raises:
        StageError: If the work directory is in use, or cannot be written.
    """
    training = project.recipe.training
    check_training_recipes([training.backward, training.initial or training.forward, training.forward])
    with locked(project.work_dir), scratch(project.work_dir, CALIBRATION) as folder:
        work = _Calibration(project, calls_of(project), folder, seconds)
        for key, call in work.missing():
            say(f"trying {key}")
            if not work.measure(key, call):
                say(f"{key}: not measured: {work.unknown[key]}")
        rates = Rates(work.known, work.unknown)
        write_rates(project.work_dir, rates)
    return rates


@dataclass
class _Calibration:
    project: Project
    calls: dict[str, Call]
    folder: Path
    seconds: float
    known: dict[str, Rate] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    made: dict[str, Path] = field(default_factory=dict)
    """Folders in the form of a stage's, by key."""

    @property
    def runtime(self) -> Runtime:
        return self.project.recipe.runtime

    def missing(self) -> Iterator[tuple[str, Call]]:
        """The first missing stage of each kind."""
        seen = {"join"}
        for call in self.calls.values():
            if not call.is_done and call.key not in seen:
                seen.add(call.key)
                yield call.key, call

    def measure(self, key: str, call: Call) -> bool:
        """Measure a stage; whether that was possible."""
        try:
            rate = self._rate(call)
            self.known[key] = replace(rate, settings=settings_mark(first_of(self.calls, key), self.project))
        except BuilderError as error:
            self.unknown[key] = _in_a_line(str(error))
        return key in self.known

    def _rate(self, call: Call) -> Rate:
        name = call.name
        if trains(name):
            return self._of_training(call)
        if name in (SEED, SEED_CLEAN):
            found = self._ask("probe:measure_once", call, self._inputs(call))
            return plain_rate(found, (found["kept"],) * 3)
        if name == SEGMENTS:
            found = self._ask("probe_segments:measure_segments", call, [])
            return plain_rate(found, about(found["kept"], 0.2), *found.get("notes", ()))
        if name == DEDUP:
            return self._of_dedup(call)
        if name == AUGMENT:
            return self._of_augment(call)
        return self._of_score(call) if name.kind == SCORE else self._of_curate(call)

    def _of_training(self, call: Call) -> Rate:
        rate = training_rate(self._ask("probe_training:measure_training", call, self._training_inputs(call)))
        # With a recipe of its own for M_0 a step of it says nothing of theirs.
        own = self.project.recipe.training.initial is not None
        missing = self._missing_selections(call)
        return of_selected(rate, self.known.get(f"{MODEL}-0")) if missing and not own else rate

    def _of_dedup(self, call: Call) -> Rate:
        found = self._ask("probe:measure_sampled", call, self._inputs(call))
        kept = distinct(found, self._reckoning().units(call))
        return plain_rate(found, kept, "a sample has fewer duplicates than the whole, nobody knows how many")

    def _of_augment(self, call: Call) -> Rate:
        settings: Any = call.config
        backward = self.calls[call.inputs[1].stage]
        untrained = settings.augment.model is None and not backward.is_done
        inputs = self._inputs(call) + ([self._input(self.calls[str(SEED)].artifact)] if untrained else [])
        found = self._ask("probe_rows:measure_augment", call, inputs)
        most = 1 if settings.augment.keep == "best" else settings.augment.samples
        likely = min(found["kept"], most)
        if not untrained:
            return rows_rate(found, self.runtime, (likely, likely * 0.9, min(likely * 1.1, most)))
        note = "M_yx is not trained yet, so instructions count as long as those of the seed and pass as often"
        passed = found["seed_passed"] * most
        return rows_rate(found, self.runtime, (passed, min(likely, passed), most), note)

    def _of_score(self, call: Call) -> Rate:
        scores = self.folder / call.key / "scores"
        self.made[call.key] = samples.scores_of(self._candidates(), str(call.name.judge), scores)
        found = self._ask("probe_rows:measure_score", call, [self._candidates(), self._input(call.inputs[1])])
        return rows_rate(found, self.runtime, (1.0, 1.0, 1.0))

    def _of_curate(self, call: Call) -> Rate:
        judges = [self.made.get(item.name.family) for item in call.inputs[1:]]
        scores = [
            made or samples.scores_of(self._candidates(), str(item.name.judge), self.folder / "scores" / item.stage)
            for made, item in zip(judges, call.inputs[1:], strict=True)
            if item.name.kind == SCORE
        ]
        found = self._ask("probe:measure_sampled", call, [self._candidates(), *scores])
        return plain_rate(found, about(within_limits(found), 0.1))

    def _ask(self, measure: str, call: Call, inputs: list[Path]) -> dict[str, Any]:
        """Let a child process measure a stage; what it found, with the time of the process in its start."""
        out, config = self.folder / call.key, call.config
        probe = Probe(
            measure=f"{_HERE}.{measure}",
            function=name_of(call.function),
            config_type=name_of(type(config)),
            config=config.model_dump(mode="json"),
            seconds=self.seconds,
            units=self._units(call),
        )
        request = request_of(run_probe, probe, inputs, self.runtime)
        hidden = [(["config", *place], whole) for place, whole in hidden_places(config)]
        begun = time.monotonic()
        result = run_child(out, request, self.runtime, lambda: None, stage=call.artifact.stage, hidden=hidden)
        found: dict[str, Any] = result["details"]
        found["start"] += max(time.monotonic() - begun - found["inside"], 0.0)
        self.made.setdefault(call.key, out if trains(call.name) else out / SAMPLE)
        return found

    def _reckoning(self) -> Reckoning:
        """What is known so far of the stages before."""
        return Reckoning(self.project, self.calls, Rates(self.known))

    def _units(self, call: Call) -> int:
        """How much of a stage is tried."""
        if call.name == SEGMENTS:
            return PAGES
        if call.name == DEDUP or call.name.kind == CURATE:
            return samples.ROWS
        units = self._reckoning().units(call)
        least = LEAST_STEPS if trains(call.name) else LEAST_ROWS
        return least if units is None else max(round(units.mid / PART), least)

    def _input(self, artifact: Any) -> Path:
        """The folder of a stage that is read: its own, or what stands in for it."""
        call = self.calls[artifact.stage]
        if call.is_done:
            return Path(artifact.path)
        for key in (call.key, f"{MODEL}-0") if call.name.kind == MODEL else (call.key,):
            if key in self.made:
                return self.made[key]
        raise StageError(f"{artifact.stage}, which it reads, could not be measured")

    def _inputs(self, call: Call) -> list[Path]:
        return [self._input(item) for item in call.inputs]

    def _candidates(self) -> Path:
        """Pairs, as far as there are some, else segments with their headings."""
        if "candidates" not in self.made:
            augment, folder = self.calls[str(AUGMENT)], self.folder / "candidates"
            self.made["candidates"] = (
                samples.first_candidates(augment.artifact.path, folder)
                if augment.is_done
                else samples.candidates_of(self._input(augment.inputs[0]), folder)
            )
        return self.made["candidates"]

    def _training_inputs(self, call: Call) -> list[Path]:
        """Seed pairs, and for a later model selected ones in the proportion that is expected."""
        chosen = self._missing_selections(call)
        if not chosen:
            return self._inputs(call)
        expected = self._reckoning().of(chosen[0].artifact.stage).rows
        most = max(round(expected.mid), 1) if expected else samples.ROWS
        curated = samples.curated_of(self._candidates(), most, self.folder / "curated")
        seed = self._input(self.calls[seed_name(self.calls)].artifact)
        seed = samples.in_proportion(seed, curated, expected.mid if expected else 1.0, self.folder / "seed-part")
        others = [self._input(item) for item in call.inputs if item.name.kind == MODEL]
        return [seed, curated, *others]

    def _missing_selections(self, call: Call) -> list[Call]:
        calls = [self.calls[item.stage] for item in call.inputs if item.name.kind == CURATE]
        return [call for call in calls if not call.is_done]


def _in_a_line(message: str) -> str:
    """What went wrong, without the log that goes with the folder."""
    first, *more = message.splitlines()
    return ": ".join([first.partition("; see ")[0], *(line.strip(" |") for line in more[-1:])])
