"""Rows, time, GPU-hours and disk of every stage that is missing, reckoned from rates."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from builder.cli.planning.calls import Call, first_of, seed_name, settings_mark, trains
from builder.cli.planning.ranges import NOTHING, Range, exactly, total
from builder.cli.planning.rates import Rate, Rates
from builder.cli.project import Project
from builder.method.train.recipe import read_training_recipe, steps_of
from builder.recipe.sections.curate import Curate
from builder.workspace.finished.last_run import kept_before, rows_of
from builder.workspace.stage_names import AUGMENT, CURATE, DEDUP, SCORE, SEED, SEED_CLEAN, SEGMENTS, curate

START = (0.8, 1.3)
"""What the start of a stage is multiplied with to be low and high."""
BEFORE = (0.9, 1.0, 1.1)
"""The same for a share that an earlier run had."""
SELECTED = Range(0.02, 0.1, 0.5)
"""The share that a threshold selects, where nobody knows."""


@dataclass(frozen=True)
class Expected:
    """What is expected of a stage.

    Attributes:
        stage: Its name.
        known: Whether its time is known: it is done, or was measured.
        done: Whether it is done.
        unit: What `units` counts.
        units: What it works on.
        rows: What it hands on.
        seconds: How long it takes.
        devices: GPUs that it has.
        tokens: That models read and write.
        size: Bytes that it leaves.
        notes: What makes it uncertain, or why nothing is known.
    """

    stage: str
    known: bool
    done: bool
    unit: str = "rows"
    units: Range | None = None
    rows: Range | None = None
    seconds: Range = NOTHING
    devices: int = 0
    tokens: Range | None = None
    size: Range = NOTHING
    notes: tuple[str, ...] = ()

    @property
    def gpu_hours(self) -> Range:
        """Devices times hours."""
        return self.seconds.times(self.devices / 3600)


@dataclass
class Reckoning:
    """Goes through the stages of a build, each of which works on what those before it hand on."""

    project: Project
    calls: dict[str, Call]
    rates: Rates
    found: dict[str, Expected] = field(default_factory=dict)

    def all(self) -> list[Expected]:
        """Every stage, in order."""
        for name in self.calls:
            self.of(name)
        return list(self.found.values())

    def of(self, name: str) -> Expected:
        """What is expected of one stage."""
        if name not in self.found:
            self.found[name] = self._expected(self.calls[name])
        return self.found[name]

    def units(self, call: Call) -> Range | None:
        """How many pages, rows or steps a stage has to do; None where nobody knows."""
        rate = self.rate(call)
        if call.name in (SEED, SEED_CLEAN):
            return exactly(1.0)
        if call.name == SEGMENTS:
            return None if rate is None or rate.units is None else exactly(rate.units)
        if trains(call.name):
            rows = self._training_rows(call)
            step_rows = rate.step_rows if rate else None
            return None if rows is None else Range(*(float(self._steps(call, value, step_rows)) for value in rows))
        source = self.of(str(SEGMENTS if call.name == DEDUP else DEDUP if call.name == AUGMENT else AUGMENT)).rows
        return source.times(0.5) if source and call.name.kind == SCORE and call.name.half else source

    def rate(self, call: Call) -> Rate | None:
        """The rate of a stage, if it was measured for this very configuration."""
        rate = self.rates.known.get("curate" if call.key == "join" else call.key)
        key = CURATE if call.key == "join" else call.key
        return rate if rate and rate.settings == settings_mark(first_of(self.calls, key), self.project) else None

    def _expected(self, call: Call) -> Expected:
        stage = call.artifact.stage
        if call.is_done:
            count = rows_of(call.artifact.record)
            return Expected(stage, known=True, done=True, rows=None if count is None else exactly(float(count)))
        rate, units = self.rate(call), self.units(call)
        rows = self._handed_on(call, rate, units)
        if rate is None or units is None:
            why = self.rates.unknown.get(call.key, "not measured")
            return Expected(stage, known=False, done=False, units=units, rows=rows, notes=(why,))
        begun = call.artifact.status == "partial"
        start = Range(rate.start * START[0], rate.start, rate.start * START[1])
        each = Range(rate.each * rate.low, rate.each, rate.each * rate.high)
        return Expected(
            stage,
            known=True,
            done=False,
            unit=rate.unit,
            units=units,
            rows=rows,
            seconds=start.plus(each.times(units)),
            devices=rate.devices,
            tokens=None if rate.tokens is None else units.times(rate.tokens),
            size=units.times(rate.bytes_each).plus(rate.bytes_fixed),
            notes=rate.notes + (("has begun, and is reckoned as if it had not",) if begun else ()),
        )

    def _handed_on(self, call: Call, rate: Rate | None, units: Range | None) -> Range | None:
        name, recipe = call.name, self.project.recipe
        if trains(name):
            return self._training_rows(call)
        if name.kind == CURATE:
            return None if units is None else selected(recipe.curate, units, call)
        if name.kind == SCORE:
            return units
        if units is None or (rate is None and name not in (DEDUP, AUGMENT)):
            return None
        rows = units.times(_kept(call, rate, recipe.augment.samples))
        return rows.at_most(recipe.dedup.sample) if name == DEDUP and recipe.dedup.sample else rows

    def _training_rows(self, call: Call) -> Range | None:
        seed = self.of(seed_name(self.calls) if call.name.kind == "model" else str(SEED)).rows
        held = self.project.recipe.training.held_out
        rows = seed.times(1 - held) if seed else None
        for source in call.inputs:
            if rows is not None and source.name.kind == CURATE:
                more = self.of(source.stage).rows
                rows = rows.plus(more.times(0.5 if call.name.half else 1.0)) if more else None
        return rows

    def _steps(self, call: Call, rows: float, step_rows: int | None) -> int:
        config: Any = call.config
        device_batch = self.project.recipe.runtime.device_batch
        return steps_of(read_training_recipe(config.recipe), config.schedule, rows, device_batch, step_rows)


def _kept(call: Call, rate: Rate | None, samples: int) -> Range:
    """Rows that a stage hands on for one that it works on, by an earlier run, else by the sample."""
    # A sample of the same pages with the settings of now tells more than a run with others did.
    alike = rate is not None and call.name in (SEGMENTS, DEDUP)
    before = kept_before(call.artifact, of="pages" if call.name == SEGMENTS else None, alike=alike)
    if before is None:
        likely, low, high = rate.kept if rate else (1.0, 1.0, 1.0)
        return Range(low, likely, high)
    times = samples if call.name == AUGMENT else 1
    return Range(*(before * times * factor for factor in BEFORE))


def selected(rule: Curate, pairs: Range, call: Call) -> Range:
    """How many pairs a rule selects."""
    left = pairs.times(1 - rule.leave_out_top)
    if rule.top is not None:
        return left.at_most(rule.top)
    if rule.share is not None:
        return left.times(rule.share)
    before = kept_before(call.artifact)
    return left.times(SELECTED if before is None else Range(*(before * factor for factor in BEFORE)))


def summed(expected: Iterable[Expected]) -> tuple[Range, Range, Range]:
    """Seconds, GPU-hours and bytes of all stages together."""
    stages = list(expected)
    return (
        total(item.seconds for item in stages),
        total(item.gpu_hours for item in stages),
        total(item.size for item in stages),
    )


@dataclass(frozen=True)
class Wanted:
    """What `curate.top` takes.

    Attributes:
        rows: How many pairs are to be selected.
        segments: How many distinct segments that needs.
        there: How many there are.
    """

    rows: int
    segments: Range
    there: Range

    @property
    def enough(self) -> bool:
        """Whether the corpus at hand has as many, by the likely figures."""
        return self.there.mid >= self.segments.mid


def wanted(reckoning: Reckoning, passes: Range) -> Wanted | None:
    """What `curate.top` needs; None where the recipe has none, or nothing is known.

    Args:
        reckoning: The stages.
        passes: Of the pairs, those that a selection may take: they have a score and no limit is against them.
    """
    top = reckoning.project.recipe.curate.top
    segments, pairs = reckoning.of(str(DEDUP)).rows, reckoning.of(str(AUGMENT)).rows
    if top is None or segments is None or pairs is None or not segments.mid:
        return None
    each = Range(*(some / max(all_, 1.0) for some, all_ in zip(pairs, segments, strict=True))).times(passes)
    most, likely, least = (top / max(value, 1e-9) for value in each)
    return Wanted(top, Range(least, likely, most), segments)


def first_curation(calls: dict[str, Call]) -> Call:
    """The selection of the first iteration."""
    return calls[str(curate(1))]
