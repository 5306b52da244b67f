"""The command `humpback`: parse, call, print. Results go to stdout, progress to stderr."""

import shlex
import signal
import sys
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from builder.cli.evaluating import verbs as evaluating
from builder.cli.looking import verbs as looking
from builder.cli.options import (
    AS_WRITTEN,
    RECIPE,
    SET,
    TRUST,
    VERIFY,
    WORK_DIR,
    prints,
    progress,
    reads_project,
    say_line,
    silent,
)
from builder.cli.shell import completion
from builder.cli.shell.failure import failed, interrupted, kind_of
from builder.data.address import path_or_address
from builder.data.redaction import RedactedStream, redacted, trace
from builder.data.resources import __version__
from builder.errors import TimeIsUp
from builder.text.escape import escape
from builder.workspace.environment import run_in_utf8
from builder.workspace.failures import explain
from builder.workspace.live.output import let_go_of_output
from builder.workspace.processes import stops_interrupt

if TYPE_CHECKING:
    from collections.abc import Callable

    from builder.cli.answer import Answer
    from builder.cli.project import Project
    from builder.data.address import Address

_OF_ROWS = ("rejected", "reason", "around")
"""Options of `show` that choose among the rows of a stage."""


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="humpback")
@click.option("--debug", is_flag=True, help="Show tracebacks.")
def cli(debug: bool) -> None:  # noqa: V107  # read from the context
    """Turn a web crawl and human-written examples into an instruction-tuning dataset."""


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), default=Path("quickstart"))
@SET
@AS_WRITTEN
@TRUST
@prints
def quickstart(directory: Path, overrides: tuple[str, ...], as_written: bool, trust: bool) -> "Answer":
    """Build the embedded sample end to end on the CPU: pages to release folder and models."""
    from builder.cli.quickstart import run_quickstart

    return run_quickstart(directory, overrides, trust=trust, as_written=as_written, say=progress)


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--recipe",
    type=click.Choice(["quickstart", "smollm2-135m", "humpback-7b"]),
    default="quickstart",
    show_default=True,
    help="Which one; the others want your pages and hardware.",
)
@prints
def init(directory: Path, recipe: str) -> "Answer":
    """Write a commented recipe folder to start from; quickstart builds as it is, on the embedded sample."""
    from builder.cli.init import write_recipe_folder

    return write_recipe_folder(directory, recipe)


@cli.command()
@RECIPE
@WORK_DIR
@SET
@AS_WRITTEN
@TRUST
@click.option("--pin", is_flag=True, help="First write the commits of Hub inputs into the recipe.")
@click.option("--preflight", is_flag=True, help="Show which tokens of a few rows would be trained, and check them.")
@prints
@click.pass_context
def check(
    context: click.Context, /, recipe: Path, work_dir: Path | None, overrides: tuple[str, ...], **asked: bool
) -> "Answer":
    """Check the recipe and the files it names: all that is wrong at once, as soon as its keys can be read."""
    from builder.cli.project import load_settled

    if not asked["pin"]:  # what is wrong with the recipe itself is said before the libraries are loaded
        load_settled(recipe, work_dir, overrides, trust=asked["trust"], as_written=asked["as_written"])
    from builder.cli.check import check_recipe

    as_json = context.params["as_json"]
    say, busy = silent if as_json else click.echo, silent if as_json or not sys.stderr.isatty() else progress
    return check_recipe(recipe, overrides, work_dir, say=say, busy=busy, **asked)


@cli.command()
@reads_project(only_looks=True)
@VERIFY
@click.option("--calibrate", is_flag=True, help="Run each missing stage on a sample, and say what the build will cost.")
@click.option(
    "--seconds", type=click.FloatRange(1), default=60.0, show_default=True,
    help="With --calibrate: how long a stage may work, once it has started.",
)  # fmt: skip
def plan(project: "Project", verify: bool, calibrate: bool, seconds: float) -> "Answer":
    """Show which stages are cached, damaged, partial or missing, and why they would run."""
    from builder.cli.plan import plan_stages
    from builder.cli.planning.told import plan_with_costs

    if calibrate:
        return plan_with_costs(project, seconds, progress)
    return plan_stages(project, verify=verify)


@cli.command()
@reads_project()
@click.option("--until", metavar="STAGE", help="Stop after this stage.", shell_complete=completion.stages)
@VERIFY
def build(project: "Project", until: str | None, verify: bool) -> "Answer":
    """Run the stages that are missing."""
    from builder.cli.build import build_recipe

    return build_recipe(project, until, verify=verify)


@cli.command()
@reads_project()
@click.option("-n", "pages", type=click.IntRange(1), default=20, show_default=True, help="How many pages.")
@click.option("--rows", type=click.IntRange(0), default=3, show_default=True, help="Rows shown of each outcome.")
def preview(project: "Project", pages: int, rows: int) -> "Answer":
    """Show what a build makes of a few pages, with the models at hand; nothing is kept."""
    from builder.cli.preview.answer import preview_pages

    return preview_pages(project, pages, rows, progress)


def _labels_go_with_iterations(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    if value and context.params.get("stage") != "iterations":
        raise click.UsageError("--labels goes with `show RECIPE iterations`")
    return value


@cli.command()
@reads_project(only_looks=True)
@click.argument("stage", required=False, is_eager=True, shell_complete=completion.stages)
@click.option("-n", "rows", type=click.IntRange(0), default=3, show_default=True, help="How many rows to show.")
@click.option("--rejected", is_flag=True, help="Show rejected rows instead.")
@click.option(
    "--reason", metavar="NAME", help="Show rows that were rejected for this reason.", shell_complete=completion.reasons
)
@click.option("--sort", type=click.Choice(["score", "score:desc", "score:asc"]), help="The best first, or the worst.")
@click.option("--around", type=float, metavar="SCORE", help="Show the rows nearest to it, on both sides.")
@click.option(
    "--labels", type=click.Path(path_type=Path), callback=_labels_go_with_iterations,
    help="With iterations: JSON lines with id and good.",
)  # fmt: skip
def show(project: "Project", stage: str | None, labels: Path | None, sort: str | None, **asked: Any) -> "Answer":
    """Show counts, reject reasons and rows of a stage, or the counts of all stages.

    As STAGE, `iterations` shows how scores and selections differ from one iteration to the next.
    """
    from builder.cli.rows.iterations import show_iterations
    from builder.cli.rows.scored import Choice
    from builder.cli.show import show_stage, show_stages

    if asked["around"] is not None and (asked["rejected"] or asked["reason"]):
        raise click.UsageError("--around shows kept and rejected rows; it goes without --rejected and --reason")
    if stage in (None, "iterations") and (
        sort or any(asked[name] is not None and asked[name] is not False for name in _OF_ROWS)
    ):
        raise click.UsageError("--rejected, --reason, --sort and --around show rows of a stage: name a stage")
    if stage == "iterations":
        return show_iterations(project, labels, rows=asked["rows"])
    order: Any = "score:desc" if sort == "score" else sort
    return show_stages(project) if stage is None else show_stage(project, stage, Choice(**asked, sort=order))


@cli.command()
@reads_project()
@click.option("--version", "version", required=True, metavar="X.Y.Z", help="Version of the release.")
@click.option("--out", type=click.Path(path_type=Path), help="Release folder.  [default: releases/X.Y.Z]")
@click.option("--replace", is_flag=True, help="Replace a different release of the same version.")
@click.option(
    "--previous", type=click.Path(path_type=Path), help="Folder of the release before, if not found by itself."
)
@click.option("--all-models", is_flag=True, help="Release every model of the build.")
@click.option("--accept-warnings", is_flag=True, help="Release a build that gave grave warnings all the same.")
@click.option("--dry-run", is_flag=True, help="Show what would change; write and send nothing.")
@click.option("--push", is_flag=True, help="Publish it on the Hub, private, and verify it.")
@click.option("--public", is_flag=True, help="With --push: let everybody see it once it is verified.")
@click.option("--gated", type=click.Choice(["auto", "manual"]), help="With --push: readers must ask first.")
@click.option("--onto", multiple=True, metavar="COMMIT", help="With --push: replace this head of main, no release.")
@click.option(
    "--verify",
    type=click.Choice(["sampled", "full"]),
    default="sampled",
    help="With --push: above 2 GB, load a part or all.",
)
def release(
    project: "Project",
    version: str,
    push: bool,
    public: bool,
    gated: Literal["auto", "manual"] | None,
    onto: tuple[str, ...],
    verify: str,
    **options: Any,
) -> "Answer":
    """Assemble and check the release folder of a finished build, dataset and models; publish it with --push."""
    from builder.cli.release import Options, release_recipe
    from builder.results.release.hub.push import Push

    if not push and (public or gated or onto or verify == "full"):
        raise click.UsageError("--public, --gated, --onto and --verify go with --push")
    how = Push(onto, public, gated, verify == "full") if push else None
    return release_recipe(project, version, Options(**options, push=how), progress)


@cli.command()
@click.argument("release", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="RELEASE")
@click.option(
    "--corpus", "corpora", type=path_or_address, metavar="PATH", required=True, multiple=True,
    help="Your own copy of the crawl, a path or a URL; may be given more than once.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Where to write.  [default: RELEASE-hydrated]")
@prints
def hydrate(release: Path, corpora: "tuple[Path | Address, ...]", out: Path | None) -> "Answer":
    """Give a stand-off release its text back from your own copy of the crawl."""
    from builder.cli.hydrate import hydrate_release

    return hydrate_release(release, list(corpora), out)


@cli.command("help")
@click.argument("name", required=False, metavar="[KEY|REASON]", shell_complete=completion.keys_and_reasons)
@prints
def help_(name: str | None) -> "Answer":
    """Say what a key of the recipe is for and what it re-runs, or why rows are rejected for a reason."""
    from builder.cli.reference.entries import look_up

    return look_up(name)


for verb in (*evaluating.VERBS, *looking.VERBS):
    cli.add_command(verb)


def main() -> None:
    """Run the command line; errors are one message each, with the exit code they carry."""
    run_in_utf8()
    with stops_interrupt() as stopped, redirect_stderr(RedactedStream(sys.stderr)):  # type: ignore[type-var]
        try:
            code = _run(stopped)
        except KeyboardInterrupt:  # one more, while the first was answered
            code = stopped() or 128 + signal.SIGINT
    let_go_of_output()
    sys.exit(code)


def _run(stopped: "Callable[[], int | None]") -> int | None:
    try:
        code: int | None = cli.main(standalone_mode=False)
        return code
    except click.ClickException as error:
        error.show()
        return failed("usage", error.format_message().splitlines() or [type(error).__name__], error.exit_code)
    except (KeyboardInterrupt, click.Abort) as error:
        return _interrupted(stopped() or 128 + signal.SIGINT, error)
    except Exception as error:
        if code := stopped() or _after_interrupt(error):  # as the terminal is gone, click cannot end its line
            return _interrupted(code, error)
        if isinstance(error, BrokenPipeError):  # whoever read our output has seen enough, as in `humpback show | head`
            sys.stdout = None
            return 1
        explained, status = explain(error), int(getattr(error, "exit_code", 1))
        message = explained or redacted(
            f"{type(error).__name__}: {error}; this is a defect of humpback: please report it with what "
            "`humpback --debug` and the same arguments say"
        )
        if "--debug" in sys.argv:
            say_line(trace(error), nl=False)
        else:
            wanted = isinstance(error, TimeIsUp)
            # A path, a page id or the tail of a log can hold text of a page.
            for line in (escape(line, "terminal") for line in message.splitlines()):
                say_line(line if line.startswith("  ") or wanted else f"error: {line}")
        return failed(kind_of(error, explained=explained is not None), message.splitlines(), status)


def _after_interrupt(error: BaseException) -> int | None:
    return 128 + signal.SIGINT if isinstance(error.__context__, KeyboardInterrupt) else None


def _interrupted(code: int, error: BaseException) -> int:
    command = shlex.join(["humpback", *sys.argv[1:]])
    can_be_typed = redacted(command) == command and escape(command, "terminal") == command and "\n" not in command
    said = interrupted(sys.argv[1:], error) + (f":\n  {command}" if can_be_typed else "")
    say_line(said)
    return failed("interrupted", said.splitlines(), code)
