"""What verbs share: their arguments and options, the project they read, how they print."""

import functools
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from builder.cli.shell import completion
from builder.cli.shell.failure import fitting
from builder.text.escape import escape

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.cli.answer import Answer

RECIPE = click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE")
RECIPE_OR_NONE = click.argument("recipe", type=click.Path(path_type=Path), metavar="[RECIPE]", required=False)
WORK_DIR = click.option("--work-dir", type=click.Path(path_type=Path), help="Where the stages are kept.")
SET = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a key of the recipe.",
    shell_complete=completion.settings,
)  # fmt: skip
VERIFY = click.option("--verify", is_flag=True, help="Read all files of what is done, and compare their digests.")
TRUST = click.option(
    "--trust-recipe",
    "trust",
    is_flag=True,
    help="Let the recipe run what it names and reach beyond its folder; remembered.",
)
AS_WRITTEN = click.option("--as-written", is_flag=True, help="Leave out the --set values of the last build.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def prints(verb: "Callable[..., Answer]") -> "Callable[..., None]":
    """Print what a verb answers, as text or with --json as JSON."""

    @JSON
    @functools.wraps(verb)
    def command(*, as_json: bool, **given: Any) -> None:
        from builder.data.storage import dump_json

        answer = verb(**given)
        click.echo(dump_json(answer.value) if as_json else answer.text())

    return command


def reads_project(
    *, only_looks: bool = False, or_none: bool = False
) -> "Callable[[Callable[..., Answer]], Callable[..., None]]":
    """Hand a verb the project of its arguments RECIPE, --work-dir and --set, and print what it answers.

    Args:
        only_looks: Whether the verb runs nothing that a recipe names, and sends nothing where it says.
        or_none: Whether RECIPE may be left out; the verb is then handed None.
    """

    def reads(verb: "Callable[..., Answer]") -> "Callable[..., None]":
        @(RECIPE_OR_NONE if or_none else RECIPE)
        @WORK_DIR
        @SET
        @AS_WRITTEN
        @TRUST
        @prints
        @functools.wraps(verb)
        def command(
            recipe: Path | None,
            work_dir: Path | None,
            overrides: tuple[str, ...],
            as_written: bool,
            trust: bool,
            **given: Any,
        ) -> "Answer":
            from builder.cli.project import open_project

            if recipe is None:
                return verb(None, **given)
            runs = not only_looks or bool(given.get("calibrate"))
            how = {"trust": trust, "only_looks": not runs, "as_written": as_written}
            project = open_project(recipe, work_dir, overrides, **how, say=progress)
            with project.names_commands():
                return verb(project, **given)

        return command

    return reads


def silent(line: str) -> None:
    """Say nothing beside JSON, or in a pipe."""


def progress(line: str) -> None:
    """Say what goes on, where a terminal can show it."""
    say_line(escape(line, "terminal"))


def say_line(line: str, *, nl: bool = True) -> None:
    """Write to stderr, unless the terminal or the reader of the pipe is gone."""
    with suppress(OSError):
        click.echo(fitting(line) if nl else line, err=True, nl=nl)
