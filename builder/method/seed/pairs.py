"""Pairs in columns: which column is what in each format, and what else of a row belongs to its prompt."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from builder.errors import RecipeError
from builder.method.seed.files import Candidate, SourceRow
from builder.recipe.sections.seed import SeedSource

GIVEN = ("input", "context")
"""Columns of what an instruction is about, in Alpaca and Dolly; left out, most of their instructions ask nothing.
Where a format has one of its own, the other is looked for all the same."""
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


class GivenColumns:
    """Columns of what an instruction is about that nobody reads; counts the rows where they hold something."""

    def __init__(self, source: SeedSource, used: Collection[str | None] = ()) -> None:
        self._source, self._used, self._rows, self._left_out = source, used, 0, Counter[str]()

    def look(self, row: dict[str, Any]) -> None:
        """Count what a row has in them."""
        self._rows += 1
        self._left_out.update(name for name in GIVEN if name not in self._used and not _is_empty(row.get(name)))

    def refuse(self, advice: str) -> None:
        """Raise a RecipeError that names each column which held something.

        Args:
            advice: What to do, with `{name}` in the place of the column.
        """
        if self._left_out:
            raise RecipeError(
                "\n".join(
                    f"seed source {self._source.name!r}: {number:,} of {self._rows:,} rows hold something in the "
                    f"column {name!r}, which their instruction is about; {advice.format(name=name)}, or take the "
                    "column out"
                    for name, number in self._left_out.items()
                )
            )


def goes_on(row: dict[str, Any], used: Collection[str | None] = ()) -> bool:
    """Whether the instruction of a row goes on from earlier turns in a column of their own."""
    return any(name not in used and not _is_empty(row.get(name)) for name in EARLIER)


def pairs(rows: Iterable[SourceRow], source: SeedSource) -> Iterator[Candidate]:
    """The pairs of a source, each with what its instruction is about.

    Raises:
        RecipeError: If a column of that holds something and is not read, or the recipe names one that is not there.
    """
    columns, systems = pair_columns(source), SystemTurns(source)
    used = set(columns)
    others, known = GivenColumns(source, used), source.input is None
    for row in rows:
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
            continue
        value = row.value
        known = known or source.input in value
        others.look(value)
        before = [value[name] for name in SYSTEM if name not in used and name in value]
        found = systems.joined(before, _asked(value, columns))
        reason = found.reason or ("earlier_turns" if goes_on(value, used) else None)
        yield found._replace(output=value[columns.output], reason=reason)
    if not known:
        raise RecipeError(
            f"seed source {source.name!r}: no row has the column {source.input!r}, which its `input` names; "
            "name the one that is there, or take the key out"
        )
    others.refuse(_advice(source, columns))
    systems.refuse()


def _advice(source: SeedSource, columns: PairColumns) -> str:
    """How a column of what an instruction is about can be read."""
    if columns.given is not None:
        return f"put what it holds into the column {columns.given!r}"
    if source.format == "prompt_completion":
        named = f"`format: pairs`, `instruction: {columns.instruction}`, `output: {columns.output}`"
        return f"set {named} and `input: {{name}}` to put it below the instruction"
    return "set `input: {name}` to put it below the instruction"


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def _asked(row: dict[str, Any], columns: PairColumns) -> Any:
    """The instruction of a row with what it is about below it; no text where one of them is none."""
    instruction, given = row[columns.instruction], row.get(columns.given) if columns.given else None
    if given is None or (isinstance(given, str) and not given.strip()):
        return instruction
    both_texts = isinstance(instruction, str) and isinstance(given, str)
    return f"{instruction}\n\n{given}" if both_texts else [instruction, given]
