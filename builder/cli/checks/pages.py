"""What `humpback check` says of the pages that it has looked at, and of settings that were made for other pages."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from builder.cli.reference.reasons.table import keys_in
from builder.method.corpus.reading.crawl import Input
from builder.method.corpus.sample import PageSample
from builder.recipe.recipe import Recipe
from builder.sample.generate import is_of_sample, is_sample_base
from builder.workspace.stage_names import SEGMENTS

_NAMED = 5
_KEYS = 3
_MOST = 0.5
"""A reason that takes more than this share is named with the keys that decide on it."""
_OF_SAMPLE = {"min_chars": 40, "max_chars": 1_500, "boundary": "any"}
"""What the quickstart sets for the short pages of its sample."""


def own_notes(recipe: Recipe, inputs: Sequence[Input]) -> Iterator[str]:
    """What of the quickstart is left in a recipe whose pages are not those of its sample."""
    if all(isinstance(item.location, Path) and is_of_sample(item.location) for item in inputs):
        return
    if recipe.base.path is not None and is_sample_base(recipe.base.path):
        yield (
            "base is the toy model of the quickstart: 0.75 million parameters, a toy language; put a real base model "
            "in base.model before you judge results"
        )
    if all(getattr(recipe.segments, name) == value for name, value in _OF_SAMPLE.items()):
        set_there = ", ".join(f"{name}: {value}" for name, value in _OF_SAMPLE.items())
        yield (
            f"segments has {set_there}, which the quickstart sets for the short pages of its sample; delete these "
            "three lines for the paper's 600 to 3,000 characters"
        )


def page_notes(sample: PageSample, places: Sequence[str]) -> Iterator[str]:
    """What became of the pages looked at.

    Args:
        sample: The pages.
        places: The sources of the recipe.
    """
    from builder.method.corpus.reading.archives import OTHER_RECORDS

    if lost := Counter({reason: number for reason, number in sample.lost.items() if reason not in OTHER_RECORDS}):
        yield f"of the records looked at some are no pages: {told(lost)}"
    pages, segments = sample.counts["pages"], sample.counts["segments"]
    if lost := pages.dropped + pages.failed:
        spoken = f"; in another language: {told(sample.languages)}" if sample.languages else ""
        yield (
            f"of {pages.rows_in:,} pages looked at {pages.kept:,} give segments; not: {told(lost)}{spoken}"
            f"{_decided(lost, pages.rows_in)}"
        )
    if segments.dropped:
        yield (
            f"of {segments.rows_in:,} segments cut from the {pages.rows_in:,} pages looked at {segments.kept:,} stay; "
            f"not: {told(segments.dropped)}{_decided(segments.dropped, segments.rows_in)}"
        )
    if not pages.rows_in:
        yield (
            f"no page was found at the beginning of the files looked at in {', '.join(places)}; see that they are "
            "files of the format that segments.sources names, and that they hold HTML"
        )


def told(reasons: Counter[str]) -> str:
    """Reasons with their numbers, the most frequent first."""
    shown = reasons.most_common(_NAMED)
    rest = reasons.total() - sum(number for _, number in shown)
    return ", ".join([*(f"{number:,} {reason}" for reason, number in shown), *([f"{rest:,} other"] if rest else [])])


def _decided(lost: Counter[str], looked_at: int) -> str:
    """What decides on the reason that took most of them, if one did."""
    reason, number = lost.most_common(1)[0]
    if number <= _MOST * looked_at:
        return ""
    keys = keys_in(SEGMENTS, reason)
    shown = f"{' and '.join(keys[:_KEYS])} {'decides' if len(keys) == 1 else 'decide'}, and " if keys else ""
    return f"; {shown}`humpback help {reason}` says more"
