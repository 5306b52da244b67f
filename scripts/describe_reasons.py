"""Write `docs/reasons.md`: every reason for which a row does not go on.

    make docs

The table is `builder/cli/reference/reasons/`; a test holds it to what the stages can say.
"""

import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from builder.cli.reference.reasons.reason import Reason
from builder.cli.reference.reasons.table import REASONS

PAGE = Path(__file__).parents[1] / "docs" / "reasons.md"
HEADING = ("reason", "rule", "keys", "example")
INTRODUCTION = """\
# Reasons

Every reason for which a row does not go on, by stage. `make docs` writes this page from
`builder/cli/reference/reasons/`.

A reason stands in `rejected/` of its stage and in the counts of its `stage.json`; a pair without a score has it beside
it. `humpback show RECIPE STAGE --rejected` prints rows by reason with the keys that decide on it, and
`humpback help REASON` an entry of this page. A row has the first reason that is found, so it may have others too. A
reason without keys cannot be switched off. `<...>` stands for any text. [recipe.md](recipe.md) has the keys; those of
judges are written with the judge's name, as `score.expected.min_mass`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_tables()])


def _tables() -> Iterator[str]:
    for (stage, rows), reasons in groupby(REASONS, key=lambda reason: (reason.stage, reason.rows)):
        lines = [HEADING, ("---",) * len(HEADING), *map(_row, reasons)]
        yield from [f"## {stage}, {rows}", "", *(f"| {' | '.join(line)} |" for line in lines), ""]


def _row(reason: Reason) -> tuple[str, ...]:
    decided = ", ".join(f"`{key}`" for key in reason.keys)
    cells = (f"`{reason.name}`", reason.rule, decided, reason.example)
    return tuple(cell.replace("|", "\\|") for cell in cells)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
