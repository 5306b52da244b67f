"""Conversations as lists of turns: of each the first turn of its user and the answer, as the paper takes them (3.1)."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from builder.errors import RecipeError
from builder.method.seed.files import Candidate, SourceRow
from builder.method.seed.pairs import SYSTEM, GivenColumns, SystemTurns, goes_on
from builder.recipe.sections.seed import SeedSource

_ROLES = {
    "user": "user", "human": "user", "prompter": "user",
    "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant", "chatgpt": "assistant",
    "system": "system", "developer": "system",
}  # fmt: skip
"""What speakers are called: `role` of messages, `from` of ShareGPT."""


class Turn(NamedTuple):
    """A turn of a conversation; what was said may still be anything."""

    role: str
    content: Any


def conversations(rows: Iterable[SourceRow], source: SeedSource, tally: Counter[str]) -> Iterator[Candidate]:
    """The first turn of each conversation and the answer to it, or why it has none.

    What follows is left out, and counted in `tally` (`conversations_with_later_turns`, `later_turns`).

    Raises:
        RecipeError: If conversations begin with a system turn and the recipe does not say what to do with it, or a
            column beside them holds what their first turn is about.
    """
    systems, others = SystemTurns(source), GivenColumns(source)
    for row in rows:
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
            continue
        turns = _turns(row.value, str(source.format))
        if turns is None:
            yield Candidate(row.place, reason="malformed")
            continue
        before = [row.value[name] for name in SYSTEM if name in row.value]
        others.look(row.value)
        found = _first_turn(turns, before, systems, tally)
        yield found._replace(reason=found.reason or ("earlier_turns" if goes_on(row.value) else None))
    others.refuse("put what it holds into the first turn of the user")
    systems.refuse()


def released(rows: Iterable[SourceRow], source: SeedSource) -> Iterator[Candidate]:
    """The rows of a released config `seed`: the system turn is the release's own tag, and goes.

    Raises:
        RecipeError: If no row has the licence that the recipe states.
    """
    licences = Counter[str]()
    for row in rows:
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
            continue
        turns = _turns(row.value, "humpback") or []
        if [turn.role for turn in turns] != ["system", "user", "assistant"]:
            yield Candidate(row.place, reason="malformed")
            continue
        licence = str(row.value.get("license"))
        licences[licence] += 1
        own_id = row.value["id"] if isinstance(row.value["id"], str) else ""
        reason = None if licence == source.license else "other_license"
        yield Candidate(own_id, turns[1].content, turns[2].content, reason)
    if licences and source.license not in licences:
        raise RecipeError(
            f"seed source {source.name!r}: its rows have the licence {' or '.join(sorted(licences)[:5])}, and none has "
            f"{source.license!r}; set `license` to theirs, or name the source once for each of them"
        )


def _first_turn(turns: list[Turn], before: list[Any], systems: SystemTurns, tally: Counter[str]) -> Candidate:
    while turns and turns[0].role == "system":
        before, turns = [*before, turns[0].content], turns[1:]
    if not turns or turns[0].role != "user":
        return Candidate("", None, turns[0].content if turns else None, "no_prompt")
    found = systems.joined(before, turns[0].content)
    if len(turns) < 2 or turns[1].role != "assistant":
        return found._replace(reason=found.reason or "no_reply")
    if later := turns[2:]:
        tally.update(conversations_with_later_turns=1, later_turns=len(later))
    return found._replace(output=turns[1].content)


def _turns(row: dict[str, Any], form: str) -> list[Turn] | None:
    """The turns of a row, or None if it is no conversation."""
    columns = {"messages": ["messages"], "sharegpt": ["conversations"]}.get(form, ["prompt", "completion"])
    parts = [row[column] for column in columns]
    if not all(isinstance(part, list) for part in parts):
        return None
    turns = [_turn(entry) for part in parts for entry in part]
    known = [turn for turn in turns if turn is not None]
    return known if len(known) == len(turns) else None


def _turn(entry: Any) -> Turn | None:
    if not isinstance(entry, dict):
        return None
    role, content = entry.get("role", entry.get("from")), entry.get("content", entry.get("value"))
    if not isinstance(role, str):
        return None
    return Turn(_ROLES.get(role.strip().lower(), "other"), _text(content))


def _text(content: Any) -> Any:
    """What was said, where it is written as a list of parts that are all text; anything else as it is."""
    if not isinstance(content, list):
        return content
    texts = [part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None for part in content]
    known = [text for text in texts if isinstance(text, str)]
    return "\n\n".join(known) if known and len(known) == len(texts) else content
