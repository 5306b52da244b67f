"""The formats of seed sources: what tells them apart, and what turns their rows into pairs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from builder.method.seed.conversations import conversations, released
from builder.method.seed.files import Candidate, Columns, SourceRow
from builder.method.seed.oasst import COLUMNS as OASST
from builder.method.seed.oasst import oasst_candidates
from builder.method.seed.pairs import pair_columns, pairs
from builder.recipe.sections.seed import FORMATS, Seed, SeedSource

RELEASED = ("id", "prompt", "completion", "source", "license")
"""What tells our own config `seed` from other tables of prompt and completion."""
_FITS = 0.5
"""At least this share of the first rows has to have the columns of a format, as of all rows afterwards."""


def columns_of(source: SeedSource) -> Columns:
    """The columns that a row of the source must have, by its format."""
    match source.format:
        case "oasst":
            return OASST
        case "messages":
            return (("messages",),)
        case "sharegpt":
            return (("conversations",),)
        case "humpback":
            return (RELEASED,)
        case _:
            return (pair_columns(source)[:2],)


def candidates_of(
    rows: Iterable[SourceRow], source: SeedSource, config: Seed, tally: Counter[str]
) -> Iterator[Candidate]:
    """The pairs among the rows of a source, and why the others are none.

    Raises:
        RecipeError: If something that belongs to the prompts would be left out, and the recipe does not say so.
    """
    match source.format:
        case "oasst":
            return oasst_candidates(rows, config, tally)
        case "messages" | "sharegpt":
            return conversations(rows, source, tally)
        case "humpback":
            return released(rows, source)
        case "prompt_completion":
            return _of_either(rows, source, tally)
        case _:
            return pairs(rows, source)


def with_format(source: SeedSource, first: Sequence[Any]) -> SeedSource:
    """The source with its format: the one that the recipe names, else the first that fits its first rows.

    Where columns are named they are those of pairs, and where nothing fits it is read as pairs: whoever reads it says
    which columns are missing and which are there.

    Args:
        source: The source.
        first: Its first rows, as they are read.
    """
    if source.format is not None:
        return source
    # By their values: a stage is handed every key of the recipe, those left out with their defaults.
    columns = (source.instruction, source.output, source.input)
    named = columns != tuple(SeedSource.model_fields[key].default for key in ("instruction", "output", "input"))
    form = "pairs" if named else next((form for form in FORMATS if _fits(source, form, first)), "pairs")
    return source.model_copy(update={"format": form})


def _fits(source: SeedSource, form: str, rows: Sequence[Any]) -> bool:
    columns = columns_of(source.model_copy(update={"format": form}))
    fitting_rows = [row for row in rows if isinstance(row, dict) and _has(row, columns) and _is_of(form, row)]
    if form == "alpaca" and not any("input" in row for row in fitting_rows):
        return False
    return bool(fitting_rows) and len(fitting_rows) >= _FITS * len(rows)


def _has(row: dict[str, Any], columns: Columns) -> bool:
    return any(set(wanted) <= row.keys() for wanted in columns)


def _is_of(form: str, row: dict[str, Any]) -> bool:
    """What tells a format from another whose columns have the same names."""
    match form:
        case "humpback":
            return isinstance(row["prompt"], list)
        case "oasst":
            return isinstance(row.get("prompt"), dict) or "role" in row
        case _:
            return True


def _of_either(rows: Iterable[SourceRow], source: SeedSource, tally: Counter[str]) -> Iterator[Candidate]:
    """Prompts and completions, which TRL takes as texts or as lists of messages; each kind by what reads it."""
    texts, lists = list[SourceRow](), list[SourceRow]()
    for row in rows:
        (lists if row.value is not None and isinstance(row.value["prompt"], list) else texts).append(row)
    yield from pairs(texts, source)
    yield from conversations(lists, source, tally)
