"""What `humpback check` finds in some rows and pages of each input, and the line that it ends with."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any

from builder.cli.checks.lengths import Lengths, look_at_lengths
from builder.cli.checks.pages import own_notes, page_notes, told
from builder.cli.checks.size import why_unknown, work_bytes
from builder.cli.planning.ranges import size
from builder.data.sampled import spread
from builder.errors import RecipeError
from builder.method.corpus.sample import PageSample, sample_pages
from builder.method.seed.sample import SeedSample, sample_source, twice_decoded
from builder.recipe.recipe import Recipe
from builder.text.counted import counted
from builder.text.escape import escape, shortened
from builder.workspace.workers import WorkerDiedError, in_own_process

if TYPE_CHECKING:
    from builder.cli.project import Project

_NAMED = 5
_SHOWN = 60
"""So many characters of a text are shown."""
_TEXTS = 20
"""So many texts of a source are looked at for their language."""
_FEW = 5
"""Fewer pairs say nothing about the length of texts."""
_SWAPPED = 2
"""So many times as long as outputs are instructions that look swapped with them."""
_STRANGE = 0.2
"""Below this share of texts in another language nothing is said: short texts are taken for any language."""


@dataclass
class Looked:
    """What was found in the inputs of a recipe.

    Attributes:
        seeds: Of each source that is here.
        pages: Of the corpus; None where it cannot be read.
        lengths: Of pairs and segments in tokens; None where the tokenizer is not here.
        bytes: About how large the work directory will be; None where that cannot be said.
        bytes_unknown: Why it cannot be said.
        faults: What would end a build.
        notes: What the user should know.
        unchecked: What could not be looked into.
        state: What stands in the work directory.
        time: How long the rest of a build takes, or the command that finds it out; see `state.time_of`.
    """

    seeds: list[SeedSample] = field(default_factory=list)
    pages: PageSample | None = None
    lengths: Lengths | None = None
    bytes: int | None = None
    bytes_unknown: str = ""
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)
    state: list[str] = field(default_factory=list)
    time: tuple[str, str] = ("", "")

    def line(self) -> str:
        """All of it in one line."""
        time, calibrate = self.time
        here = [*([time] if time else []), *([size(rounded(self.bytes))] if self.bytes is not None else [])]
        parts = [*self._parts(), *([f"about {' and '.join(here)} here"] if here else [])]
        parts += [f"size not known: {self.bytes_unknown}"] if self.bytes is None and self.bytes_unknown else []
        return "; ".join([*parts, *([f"for the time: {calibrate}"] if calibrate else [])])

    def _parts(self) -> Iterator[str]:
        counts = []
        if self.pages is not None:
            pages = self.pages.pages
            counts.append(
                counted(self.pages.files, "files of pages")
                if pages is None
                else _number(pages, "pages", self.pages.exact)
            )
        if self.seeds:
            pairs = sum(seed.found for seed in self.seeds)
            counts.append(_number(pairs, "pairs", all(seed.exact for seed in self.seeds)))
        if self.pages is not None and self.pages.segments is not None:
            counts.append(_number(self.pages.segments, "segments", exact=False))
        if counts:
            yield ", ".join(counts)
        if self.lengths is not None and self.lengths.longest:
            yield f"longest answer {self.lengths.longest:,} tokens"

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        pages = self.pages
        return {
            "files": None if pages is None else pages.files,
            "pages": None if pages is None else pages.pages,
            "pages_exact": pages is not None and pages.exact,
            "pages_looked_at": 0 if pages is None else pages.looked_at,
            "pages_left_out": {} if pages is None else _lost(pages.counts["pages"]),
            "segments": None if pages is None else pages.segments,
            "segments_left_out": {} if pages is None else _lost(pages.counts["segments"]),
            "pairs": sum(seed.found for seed in self.seeds),
            "pairs_exact": all(seed.exact for seed in self.seeds),
            "sources": [_source(seed) for seed in self.seeds],
            "longest_answer": None if self.lengths is None else self.lengths.longest,
            "bytes": self.bytes,
        }


def look_in_child(project: "Project") -> Looked:
    """The inputs and the state of a project, in a process of its own.

    It leaves no memory behind, of which libraries of training take enough.
    """
    try:
        return in_own_process(partial(_look_at, project))
    except WorkerDiedError:
        return Looked(
            unchecked=[
                "the inputs: the process that looked into them died, as of too little "
                "memory; end other programs and check again, or a build may die of the same"
            ]
        )


def _look_at(project: "Project") -> Looked:
    from builder.cli.checks.state import state_lines, time_of

    looked = look_into(project.recipe)
    looked.state = [escape(line, "terminal") for line in state_lines(project)]
    looked.time = time_of(project)
    return looked


def look_into(recipe: Recipe) -> Looked:
    """Open some rows and pages of each input; a build is not needed, nor what it is run with."""
    looked = Looked()
    _look_into_seeds(recipe, looked)
    _look_into_pages(recipe, looked)
    looked.notes = [escape(note, "terminal") for note in looked.notes]
    pairs = [pair for seed in looked.seeds for pair in seed.pairs]
    rows = [] if looked.pages is None else looked.pages.rows
    if pairs or rows:
        looked.lengths = look_at_lengths(recipe, pairs, rows)
        if looked.lengths is None:
            looked.unchecked.append(f"{recipe.base.location}: its tokenizer is not here, so no length was looked at")
        else:
            looked.notes += looked.lengths.notes
    if looked.pages is not None:
        segments = looked.pages.segments
        looked.bytes = None if segments is None else work_bytes(recipe, segments, rows)
        looked.bytes_unknown = "" if looked.bytes is not None else why_unknown(recipe)
    return looked


def _look_into_seeds(recipe: Recipe, looked: Looked) -> None:
    for source in recipe.seed.sources:
        if source.path is None:
            looked.unchecked.append(f"{source.dataset}: the rows of a dataset on the Hub are read by the build")
            continue
        sample = sample_source(source, recipe.seed)
        looked.faults += sample.faults
        if not sample.faults and not sample.pairs:
            looked.faults.append(
                f"seed source {source.name!r}: none of {sample.read:,} rows looked at is a pair "
                f"({told(sample.reasons)}); correct {source.path}, or name another format or other columns "
                "(docs/reasons.md explains the reasons)"
            )
        looked.seeds.append(sample)
        looked.notes += _seed_notes(sample, recipe, named=source.format is not None)


def _seed_notes(sample: SeedSample, recipe: Recipe, *, named: bool) -> Iterator[str]:
    who = f"seed source {sample.source.name!r}"
    if not named and not sample.faults:
        yield f"{who}: its rows are read as format: {sample.source.format} (columns: {', '.join(sample.columns)})"
    if sample.reasons:
        yield f"{who}: of {sample.read:,} rows looked at {len(sample.pairs):,} stay; not: {told(sample.reasons)}"
    if later := sample.tally["conversations_with_later_turns"]:
        yield f"{who}: of {sample.read:,} conversations {later:,} go on after the first answer, which is not used"
    if sample.unread:
        more = ", ..." if len(sample.unread) > _NAMED else ""
        yield f"{who}: {len(sample.unread):,} not read: {', '.join(sample.unread[:_NAMED])}{more}"
    if garbled := [
        pair for pair in sample.pairs if twice_decoded(pair["output"]) or twice_decoded(pair["instruction"])
    ]:
        yield (
            f"{who}: {len(garbled):,} of {len(sample.pairs):,} pairs were decoded twice (Ã© for é), first the one that "
            f"asks '{shortened(garbled[0]['instruction'], _SHOWN)}'; write {sample.source.path} again from its source, "
            "as UTF-8"
        )
    yield from _swapped_notes(who, sample)
    yield from _language_notes(who, sample, recipe.segments.languages)


def _swapped_notes(who: str, sample: SeedSample) -> Iterator[str]:
    if len(sample.pairs) < _FEW:
        return
    asked, answered = (round(median(len(pair[key]) for pair in sample.pairs)) for key in ("instruction", "output"))
    if asked >= _SWAPPED * answered:
        yield (
            f"{who}: half of its instructions have {asked:,} characters or more and half of its outputs {answered:,} "
            "or less: if the columns are swapped, name them the other way round in seed.sources.instruction and output"
        )


def _language_notes(who: str, sample: SeedSample, languages: list[str]) -> Iterator[str]:
    from builder.text.language import detect

    texts = [pair["output"] for pair in spread(sample.pairs, _TEXTS)]
    found = Counter(detect(text)[0] for text in texts)
    other = Counter({language: number for language, number in found.items() if language and language not in languages})
    if other.total() > _STRANGE * len(texts):
        yield (
            f"{who}: of {len(texts)} answers looked at {other.total()} are in another language than the pages "
            f"({told(other)}; segments.languages: {', '.join(languages)})"
        )


def _look_into_pages(recipe: Recipe, looked: Looked) -> None:
    from builder.method.corpus.reading.files.unread import unread_lines
    from builder.method.corpus.reading.sources import list_files

    try:
        corpus = list_files(recipe.segments.sources)
    except RecipeError as error:
        looked.faults += str(error).splitlines()
        return
    looked.notes += [*own_notes(recipe, corpus.inputs), *unread_lines(corpus.unread)]
    looked.pages = sample_pages(corpus.inputs, recipe.segments)
    looked.notes += page_notes(looked.pages, [str(source.path) for source in recipe.segments.sources])


def _lost(counts: Any) -> dict[str, int]:
    return dict(sorted((counts.dropped + counts.failed).items()))


def _source(seed: SeedSample) -> dict[str, Any]:
    return {
        "name": seed.source.name,
        "format": seed.source.format,
        "columns": seed.columns,
        "rows": seed.rows,
        "pairs": seed.found,
        "exact": seed.exact,
        "rows_looked_at": seed.read,
        "left_out": dict(sorted(seed.reasons.items())),
        "unread": len(seed.unread),
    }


def _number(number: int, what: str, exact: bool) -> str:
    shown = number if exact else rounded(number)
    return f"{'' if exact else 'about '}{counted(shown, what)}"


def rounded(number: int) -> int:
    """A number with two digits that count: an estimate says no more."""
    place = max(0, len(str(number)) - 2)
    return round(number, -place)
