"""What `humpback check` answers: as text, and for programs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from builder.cli.answer import Answer
from builder.cli.checks.inputs import Looked
from builder.cli.rows.layout import terminal_width, wrapped
from builder.recipe.pins import Pin
from builder.recipe.recipe import Recipe
from builder.recipe.trust import Need
from builder.text.counted import counted
from builder.text.escape import escape


@dataclass(frozen=True, kw_only=True)
class Checked:
    """A recipe in which nothing is wrong, and what was found.

    Attributes:
        path: Where it is.
        recipe: What it says.
        pins: The commits that were written into it.
        needs: What was not looked at without the user's consent.
        settled: Which settings of the last build hold.
        notes: What the user should know.
        unchecked: What could not be checked.
        state: What stands in the work directory.
        rows: What of a few rows would be trained, by model.
        looked: What was found in the inputs.
        line: The last line, if the inputs were looked into.
    """

    path: Path
    recipe: Recipe
    pins: Sequence[Pin]
    needs: Sequence[Need]
    settled: Sequence[str]
    notes: Sequence[str]
    unchecked: Sequence[str]
    state: Sequence[str]
    rows: Mapping[str, str]
    looked: Looked | None
    line: str | None

    def answer(self) -> Answer:
        """The answer of the command."""
        return Answer(self.as_dict(), self.text)

    def text(self) -> str:
        """What a reader is told."""
        recipe, width = self.recipe, terminal_width()
        lines = [
            f"{self.path}: fine: {recipe.name}, {counted(recipe.iterations, 'iterations')}, "
            f"base {recipe.base.location}",
            *(f"  not checked: {escape(line, 'terminal')}" for line in self.unchecked),
            *(f"  note: {line}" for line in self.notes),
            *(f"  state: {line}" for line in self.state),
        ]
        shown = [wrapped(line, width, "    ") for line in lines]
        shown += [f"\n{model}\n\n{rows}" for model, rows in self.rows.items()]
        return "\n".join([*shown, *([wrapped(self.line, width, "  ")] if self.line else [])])

    def as_dict(self) -> dict[str, Any]:
        """The same for programs."""
        pinned = [
            {"key": pin.source.key, "repository": pin.source.repository, "ref": pin.ref, "commit": pin.commit}
            for pin in self.pins
        ]
        asked = [{"key": need.key, "value": need.value, "why": need.why} for need in self.needs]
        rows = {model: click.unstyle(rows) for model, rows in self.rows.items()}
        return {
            "recipe": str(self.path),
            "name": self.recipe.name,
            "ok": True,
            "pinned": pinned,
            "unchecked": list(self.unchecked),
            "notes": [*self.settled, *self.notes],
            **({"preflight": rows} if rows else {}),
            "state": list(self.state),
            "sample": self.looked.as_dict() if self.looked else None,
            "summary": self.line,
            **({"needs_trust": asked} if asked else {}),
        }
