"""Pairs in columns: which column is what in each format, and what else of a row belongs to its prompt."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from builder.errors import RecipeError
from builder.method.seed.files import Candidate, SourceRow
from builder.recipe.sections.seed import SeedSource

GIVEN = ("input", "context")
"""Columns of what an instruction is about, in Alpaca and Dolly; left out, most of their instructions ask nothing."""
SYSTEM = ("system", "system_prompt", "tools")
"""Columns of what stands before a conversation."""
EARLIER = ("history",)
"""Columns of the turns that an instruction goes on from."""
COLUMNS = {
    "alpaca": ("instruction", "output", "input"),
    "dolly": ("instruction", "response", "context"),
    "prompt_completion": ("prompt", "completion", None),
}
"""Of the formats whose columns have names of their own: the instruction, the answer, and what it is about."""


class PairColumns(NamedTuple):
    """Names of the columns: the instruction, the answer, and what the instruction is about, if there is one."""

    instruction: str
    output: str
    given: str | None


def pair_columns(source: SeedSource) -> PairColumns:
    """The columns of a source whose format has pairs in columns."""
    return PairColumns(*COLUMNS.get(str(source.format), (source.instruction, source.output, source.input)))


class SystemTurns:
    """What is done with a text that stands before a conversation, by the recipe; counts what it refuses."""

    def __init__(self, source: SeedSource) -> None:
        self._source, self._refused, self._rows = source, 0, 0

    def joined(self, systems: list[Any], instruction: Any) -> Candidate:
        """The instruction with these texts above it, or the reason why the row is none."""
        self._rows += 1
        texts = [text for text in systems if not _is_empty(text)]
        if not texts:
            return Candidate("", instruction)
        if self._source.system == "join":
            parts = [*texts, instruction]
            return Candidate("", "\n\n".join(parts) if all(isinstance(part, str) for part in parts) else parts)
        self._refused += self._source.system == "refuse"
        return Candidate("", instruction, reason="system_turn")

    def refuse(self) -> None:
        """Raise a RecipeError if a row had such a text and the recipe does not say what to do with it."""
        if self._refused:
            raise RecipeError(
                f"seed source {self._source.name!r}: {self._refused:,} of {self._rows:,} rows have a system turn, "
                "which their prompt begins with; set `system: join` to put it above the instruction, or "
                "`system: reject` to leave these rows out"
            )


def pairs(rows: Iterable[SourceRow], source: SeedSource) -> Iterator[Candidate]:
    """The pairs of a source, each with what its instruction is about.

    Raises:
        RecipeError: If a column of that holds text and the recipe does not name it, or it names one that is not there.
    """
    columns, systems = pair_columns(source), SystemTurns(source)
    used = set(columns)
    total, left_out, known = 0, Counter[str](), source.input is None
    for row in rows:
        total += 1
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
            continue
        value = row.value
        known = known or source.input in value
        left_out.update(name for name in GIVEN if not columns.given and name not in used and _holds_text(value, name))
        before = [value[name] for name in SYSTEM if name not in used and name in value]
        earlier = any(name not in used and not _is_empty(value.get(name)) for name in EARLIER)
        found = systems.joined(before, _asked(value, columns))
        reason = found.reason or ("earlier_turns" if earlier else None)
        yield found._replace(output=value[columns.output], reason=reason)
    if not known:
        raise RecipeError(
            f"seed source {source.name!r}: no row has the column {source.input!r}, which its `input` names; "
            "name the one that is there, or take the key out"
        )
    for name, number in left_out.items():
        raise RecipeError(
            f"seed source {source.name!r}: {number:,} of {total:,} rows have text in the column {name!r}, which their "
            f"instruction is about; set `input: {name}` to put it below the instruction, or take the column out"
        )
    systems.refuse()


def _holds_text(row: dict[str, Any], name: str) -> bool:
    value = row.get(name)
    return isinstance(value, str) and bool(value.strip())


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def _asked(row: dict[str, Any], columns: PairColumns) -> Any:
    """The instruction of a row with what it is about below it; no text where one of them is none."""
    instruction, given = row[columns.instruction], row.get(columns.given) if columns.given else None
    if given is None or (isinstance(given, str) and not given.strip()):
        return instruction
    both_texts = isinstance(instruction, str) and isinstance(given, str)
    return f"{instruction}\n\n{given}" if both_texts else [instruction, given]
