"""`humpback help`: the entry of a key of the recipe, or of a reason for which rows are rejected."""

import difflib
import textwrap
from typing import Any

from builder.cli.answer import Answer
from builder.cli.reference.reasons.reason import Reason
from builder.cli.reference.reasons.table import REASONS, reasons_of
from builder.cli.reference.stages import reached_by
from builder.cli.rows.layout import terminal_width, wrapped
from builder.data.resources import resource_folder
from builder.errors import RecipeError
from builder.recipe.keys import Key, keys

_WIDTH = 80
_SHOWN = 3
_PART = 4
"""A part of a name has so many characters."""


def look_up(name: str | None) -> Answer:
    """What is known under a name, which keys and reasons may share; without one, the sections.

    Args:
        name: A key, with or without the sections above it and with or without numbers of lists; or a reason.

    Raises:
        RecipeError: If nothing has that name; it says what is near.
    """
    if name is None:
        return _sections()
    found, reasons = _keys_of(name), reasons_of(name)
    if not found and not reasons:
        raise RecipeError(f"{name}: no key of a recipe and no reason{_near(name)}")
    value = {"keys": [_entry(key) for key in found], "reasons": [_reason(reason) for reason in reasons]}
    return Answer(value, lambda: "\n\n".join([*map(_key_text, value["keys"]), *map(_reason_text, value["reasons"])]))


def _sections() -> Answer:
    value = {"sections": {key.place: key.sentence for key in keys() if "." not in key.place}}
    width = max(map(len, value["sections"])) + 2

    def text() -> str:
        lines = [f"{place:<{width}}{_plain(sentence)}" for place, sentence in value["sections"].items()]
        pages, columns = resource_folder("docs"), terminal_width()
        following = wrapped(f"next: `humpback help KEY`; all keys are in {pages / 'recipe.md'}", columns, "  ")
        return "\n".join([*(wrapped(line, columns, " " * width) for line in lines), "", following])

    return Answer(value, text)


def _keys_of(name: str) -> list[Key]:
    """The keys of that place; else those of that name within the sections that are given."""
    wanted = [part for part in name.split(".") if not part.isdigit()]
    every = list(keys())
    if exact := [key for key in every if key.place == ".".join(wanted)]:
        return exact
    return [key for key in every if wanted and key.name == wanted[-1] and _within(wanted, key.place.split("."))]


def _within(wanted: list[str], parts: list[str]) -> bool:
    """Whether the parts are among others in that order."""
    others = iter(parts)
    return all(part in others for part in wanted)


def _near(name: str) -> str:
    every = list(keys())
    names: dict[str, str] = {reason.name: reason.name for reason in REASONS} | {key.name: key.place for key in every}
    names |= {key.place: key.place for key in every}
    matches = [difflib.get_close_matches(said, names, n=_SHOWN, cutoff=0.8) for said in (name, name.rpartition(".")[2])]
    said = name.rpartition(".")[2]
    # A part of a name is not near to the whole of a long one.
    matches.insert(0, [known for known in names if len(said) >= _PART and said in known.split(".")[-1]])
    near = list(dict.fromkeys(names[match] for found in matches for match in found))[:_SHOWN]
    return f"; did you mean {', '.join(near)}?" if near else "; `humpback help` lists the sections"


def _entry(key: Key) -> dict[str, Any]:
    below = [item.place for item in keys() if item.place.startswith(f"{key.place}.")]
    if key.sections:
        return {"key": key.place, "sentence": key.sentence, "default": key.default, "values": key.takes, "below": below}
    reached = reached_by(key)
    return {
        "key": key.place,
        "sentence": key.sentence,
        "values": key.takes,
        "default": key.default,
        "re_runs": reached.text(),
    }


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "reason": reason.name,
        "stage": reason.stage,
        "rows": reason.rows,
        "rule": reason.rule,
        "keys": list(reason.keys),
        "example": reason.example,
    }


def _key_text(entry: dict[str, Any]) -> str:
    lines = [entry["key"], *_wrapped(entry["sentence"])]
    lines += [*_wrapped(entry["values"], "values   "), *_wrapped(entry["default"], "default  ")]
    if "below" in entry:
        return "\n".join([*lines, *_wrapped(" ".join(entry["below"]), "keys     ")])
    follow = "" if entry["re_runs"] == "nothing" else ", and all that follows"
    return "\n".join([*lines, *_wrapped(entry["re_runs"] + follow, "re-runs  ")])


def _reason_text(entry: dict[str, Any]) -> str:
    lines = [f"{entry['reason']}, of {entry['rows']} in the stage {entry['stage']}", *_wrapped(entry["rule"])]
    decides = " ".join(entry["keys"]) or "none"
    return "\n".join([*lines, *_wrapped(decides, "keys     "), *_wrapped(entry["example"], "example  ")])


def _wrapped(text: str, label: str = "") -> list[str]:
    return textwrap.wrap(
        _plain(text),
        min(_WIDTH, terminal_width() or _WIDTH),
        initial_indent=f"  {label}",
        subsequent_indent=" " * (2 + len(label)),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _plain(text: str) -> str:
    return text.replace("`", "")
