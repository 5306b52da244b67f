"""Write `docs/recipe.md`, every key of a recipe, and the JSON Schema that editors read.

    make docs

Keys, values, defaults and sentences come from the models in `builder/recipe/sections/`; which stages a key re-runs is
found out by changing it. A key without a sentence ends the program.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from builder.cli.reference.stages import reached_by
from builder.recipe import schema
from builder.recipe.keys import Key, keys

PAGE = Path(__file__).parents[1] / "docs" / "recipe.md"
SCHEMA = Path(schema.__file__).with_name(schema.SCHEMA_FILE)
HEADING = ("key", "values", "default", "what it is for", "re-runs")
INTRODUCTION = f"""\
# The recipe

Every key of `build.yaml`. `make docs` writes this page from the models in `builder/recipe/sections/`, and
`humpback help KEY` prints an entry of it. [reasons.md](reasons.md) has the reasons for which rows are rejected.

A key whose default is `none` may be left out or `null`. `re-runs` names the stages that a change of the key makes run
again; all stages that read from them follow. Where a name has `<t>`, that is every iteration; `score-<t>-<judge>` is
also `score-<judge>`, the scores that no iteration changes. `nothing` is for keys that no result of a stage depends on;
those of `release` change the release alone. Of a `file` the content counts, and not its place.

In lists, `--set` counts from 0: `--set segments.sources.0.format=html`, `--set score.0.strict=true`.

## In an editor

`humpback init` writes `{schema.SCHEMA_FILE}` beside the recipe, and names it in the recipe's first line. Editors
with the YAML language server then complete keys, show what each is for, and underline a misspelt one. The schema knows
keys, kinds of values and ranges; `humpback check` knows the rest.
"""


def page() -> str:
    """The whole page.

    Raises:
        SystemExit: If a key has no sentence.
    """
    every = list(keys())
    if bare := [key.place for key in every if not key.sentence]:
        raise SystemExit(f"{', '.join(bare)}: no docstring; write one below the key in builder/recipe/sections/")
    return "\n".join(
        [INTRODUCTION, "## Top level", "", *_table([key for key in every if "." not in key.place]), *_sections(every)]
    )


def _sections(every: list[Key]) -> Iterator[str]:
    """A heading and a table for every model, a section before those inside it."""
    tables: dict[str, list[Key]] = {}
    for key in every:
        if parent := key.place.rpartition(".")[0]:
            tables.setdefault(parent, []).append(key)
    for place in tables:
        level = "##" if "." not in place or (place.startswith("score.") and place.count(".") == 1) else "###"
        yield from ["", f"{level} {place}", "", _about(tables[place][0]), "", *_table(tables[place])]
    yield ""


def _about(key: Key) -> str:
    """What the model of a key says of itself."""
    text = (key.section.__doc__ or "").partition("\n\n")[0]
    return " ".join(text.split())


def _table(rows: list[Key]) -> list[str]:
    lines = [HEADING, ("---",) * len(HEADING), *map(_row, rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def _row(key: Key) -> tuple[str, ...]:
    default = key.default if key.default in ("required", "none", "its defaults") else f"`{key.default}`"
    reached = "" if key.sections else reached_by(key).text()
    return tuple(cell.replace("|", "\\|") for cell in (f"`{key.name}`", key.takes, default, key.sentence, reached))


def schema_text() -> str:
    """The schema as JSON."""
    return json.dumps(schema.recipe_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path, text in ((PAGE, page()), (SCHEMA, schema_text())):
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{path}\n")
