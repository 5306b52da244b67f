"""The command `humpback`: parse, call, print. Results go to stdout, progress to stderr."""

import functools
import shlex
import signal
import sys
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from builder import __version__
from builder.cli.shell import completion
from builder.cli.shell.failure import failed, fitting, interrupted, kind_of
from builder.data.address import path_or_address
from builder.data.redaction import RedactedStream, redacted, trace
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
    from builder.recipe.recipe import Recipe

RECIPE = click.argument("recipe", type=click.Path(path_type=Path), metavar="RECIPE")
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


_OF_ROWS = ("rejected", "reason", "around")
"""Options of `show` that choose among the rows of a stage."""


def _prints(verb: "Callable[..., Answer]") -> "Callable[..., None]":
    """Print what a verb answers, as text or with --json as JSON."""

    @JSON
    @functools.wraps(verb)
    def command(*, as_json: bool, **given: Any) -> None:
        from builder.data.storage import dump_json

        answer = verb(**given)
        click.echo(dump_json(answer.value) if as_json else answer.text())

    return command


def _reads_project(*, only_looks: bool = False) -> "Callable[[Callable[..., Answer]], Callable[..., None]]":
    """Hand a verb the project of its arguments RECIPE, --work-dir and --set, and print what it answers.

    Args:
        only_looks: Whether the verb runs nothing that a recipe names, and sends nothing where it says.
    """

    def reads(verb: "Callable[..., Answer]") -> "Callable[..., None]":
        @RECIPE
        @WORK_DIR
        @SET
        @AS_WRITTEN
        @TRUST
        @_prints
        @functools.wraps(verb)
        def command(
            recipe: Path,
            work_dir: Path | None,
            overrides: tuple[str, ...],
            as_written: bool,
            trust: bool,
            **given: Any,
        ) -> "Answer":
            from builder.cli.project import open_project

            runs = not only_looks or bool(given.get("calibrate"))
            how = {"trust": trust, "only_looks": not runs, "as_written": as_written}
            project = open_project(recipe, work_dir, overrides, **how, say=_progress)
            with project.names_commands():
                return verb(project, **given)

        return command

    return reads


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
@_prints
def quickstart(directory: Path, overrides: tuple[str, ...], as_written: bool, trust: bool) -> "Answer":
    """Build the embedded sample end to end on the CPU: pages to release folder and models."""
    from builder.cli.quickstart import run_quickstart

    return run_quickstart(directory, overrides, trust=trust, as_written=as_written, say=_progress)


@cli.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--recipe",
    type=click.Choice(["quickstart", "smollm2-135m", "humpback-7b"]),
    default="quickstart",
    show_default=True,
    help="Which one; the others want your pages and hardware.",
)
@_prints
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
@_prints
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
    say, busy = _silent if as_json else click.echo, _silent if as_json or not sys.stderr.isatty() else _progress
    return check_recipe(recipe, overrides, work_dir, say=say, busy=busy, **asked)


@cli.command()
@_reads_project(only_looks=True)
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
        return plan_with_costs(project, seconds, _progress)
    return plan_stages(project, verify=verify)


@cli.command()
@_reads_project()
@click.option("--until", metavar="STAGE", help="Stop after this stage.", shell_complete=completion.stages)
@VERIFY
def build(project: "Project", until: str | None, verify: bool) -> "Answer":
    """Run the stages that are missing."""
    from builder.cli.build import build_recipe

    return build_recipe(project, until, verify=verify)


@cli.command()
@_reads_project()
@click.option("-n", "pages", type=click.IntRange(1), default=20, show_default=True, help="How many pages.")
@click.option("--rows", type=click.IntRange(0), default=3, show_default=True, help="Rows shown of each outcome.")
def preview(project: "Project", pages: int, rows: int) -> "Answer":
    """Show what a build makes of a few pages, with the models at hand; nothing is kept."""
    from builder.cli.preview.answer import preview_pages

    return preview_pages(project, pages, rows, _progress)


def _labels_go_with_iterations(context: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
    if value and context.params.get("stage") != "iterations":
        raise click.UsageError("--labels goes with `show RECIPE iterations`")
    return value


@cli.command()
@_reads_project(only_looks=True)
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
    from builder.cli.iterations import show_iterations
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
@_reads_project()
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
    from builder.release.hub.push import Push

    if not push and (public or gated or onto or verify == "full"):
        raise click.UsageError("--public, --gated, --onto and --verify go with --push")
    how = Push(onto, public, gated, verify == "full") if push else None
    return release_recipe(project, version, Options(**options, push=how), _progress)


def _silent(line: str) -> None:
    """Say nothing beside JSON, or in a pipe."""


def _progress(line: str) -> None:
    _say(escape(line, "terminal"))


@cli.command()
@click.argument("release", type=click.Path(path_type=Path, exists=True, file_okay=False), metavar="RELEASE")
@click.option(
    "--corpus", "corpora", type=path_or_address, metavar="PATH", required=True, multiple=True,
    help="Your own copy of the crawl, a path or a URL; may be given more than once.",
)  # fmt: skip
@click.option("--out", type=click.Path(path_type=Path), help="Where to write.  [default: RELEASE-hydrated]")
@_prints
def hydrate(release: Path, corpora: "tuple[Path | Address, ...]", out: Path | None) -> "Answer":
    """Give a stand-off release its text back from your own copy of the crawl."""
    from builder.cli.hydrate import hydrate_release

    return hydrate_release(release, list(corpora), out)


@cli.command()
@_reads_project(only_looks=True)
@click.option("--rater", default="", help="Who labels; each rater has answers of their own.")
@click.option("--labels", "budget", type=click.IntRange(1), default=250, show_default=True, help="Labels of a rater.")
@click.option("--seed", type=int, default=0, help="Which pairs are drawn, in which order.")
@click.option("--form", is_flag=True, help="Write the sheet as a page for a browser, and for Label Studio.")
@click.option(
    "--answers", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Take what such a page has saved."
)
@click.option("--report", is_flag=True, help="Only say what the labels come to.")
@click.option(
    "--calibration", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Without labels: report.json of another build, whose judge is the same.",
)  # fmt: skip
def label(project: "Project", **asked: Any) -> "Answer":
    """Label pairs of a build by hand, and see how good its selection is."""
    from builder.cli.evaluating.label import Asked, label_pairs

    if sum(bool(asked[name]) for name in ("form", "answers", "report", "calibration")) > 1:
        raise click.UsageError("--form, --answers, --report and --calibration go one at a time")
    return label_pairs(project, Asked(**asked), _progress)


PLAN = click.option(
    "--plan", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What is compared.  [default: evaluate.yaml beside the recipe]",
)  # fmt: skip


@cli.command()
@_reads_project()
@PLAN
@click.option("--with", "settings", multiple=True, metavar="KEY=VALUE", help="Override a key of the plan.")
@click.option("--commands", is_flag=True, help="Write what alpaca_eval and lm-eval need, with the commands.")
@click.option(
    "--results", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Read results of lm-eval back."
)
@click.option("--statistics", is_flag=True, help="Only count what the build holds: lengths and diversity.")
@click.option("--packets", type=click.Path(path_type=Path, file_okay=False), help="Write packets for people there.")
@click.option(
    "--screening", type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="With --packets: items that all agree on.",
)  # fmt: skip
@click.option(
    "--answered", type=click.Path(path_type=Path, exists=True, dir_okay=False), multiple=True,
    help="With --packets: what a rater has saved; may be given more than once.",
)  # fmt: skip
@click.option(
    "--conformance", type=click.Path(path_type=Path, dir_okay=False), help="Write the paper's tables and ours."
)
def evaluate(project: "Project", **given: Any) -> "Answer":
    """Compare models on prompts, judged in both orders, and make the paper's other tables."""
    from builder.cli.evaluating.evaluate import Options, evaluate_build

    return evaluate_build(project, Options(**given))


@cli.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE..."
)
@_prints
def annotations(files: tuple[Path, ...]) -> "Answer":
    """Win rates of judgements that AlpacaEval has made, each model against the first."""
    from builder.cli.evaluating.evaluate import read_all

    return read_all(files)


@cli.command()
@_reads_project()
@click.argument("ablations", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="ABLATIONS")
@PLAN
def ablate(project: "Project", ablations: Path, plan: Path | None) -> "Answer":
    """Build a recipe with one thing after another changed, and compare what comes of it."""
    from builder.cli.evaluating.ablate import ablate_build
    from builder.cli.project import open_project

    def open_recipe(settings: tuple[str, ...]) -> "Recipe":
        overrides = (*project.settings.all, *settings)
        return open_project(project.path, project.option, overrides, as_written=True, say=_progress).recipe

    return ablate_build(project, ablations, open_recipe, plan)


@cli.command()
@_reads_project()
@click.option("--sizes", type=click.IntRange(1), multiple=True, help="Rows to train on; may be given more than once.")
@click.option("--own-steps", is_flag=True, help="Train as the recipe says, and not the paper's steps for each size.")
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), help="Draw the line there, PNG or SVG.")
@PLAN
def scale(
    project: "Project", sizes: tuple[int, ...], own_steps: bool, picture: Path | None, plan: Path | None
) -> "Answer":
    """Train at growing numbers of curated rows, and see how the win rate grows."""
    from builder.cli.evaluating.ablate import scale_build

    return scale_build(project, sizes, plan, papers_steps=not own_steps, picture=picture)


@cli.command()
@_reads_project(only_looks=True)
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="The page.  [default: report.html beside the recipe]"
)
def report(project: "Project", out: Path | None) -> "Answer":
    """Write a page of a finished build: figures, where to cut, rows to read. It is a file that loads nothing."""
    from builder.cli.looking.report import report_build

    return report_build(project, out)


@cli.command("explain")
@_reads_project(only_looks=True)
@click.argument("wanted", metavar='ID|URL|DOMAIN|"TEXT"')
def explain_(project: "Project", wanted: str) -> "Answer":
    """Tell the history of a row: page, rules, duplicates, instruction, scores, selections, releases."""
    from builder.cli.looking.report import explain_row

    return explain_row(project, wanted)


@cli.command()
@_reads_project(only_looks=True)
@click.option("--rows", type=click.IntRange(0), default=0, show_default=True, help="Show so many of the newest rows.")
@click.option("--every", type=click.FloatRange(0.2), default=2.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Look once.")
def watch(project: "Project", rows: int, every: float, once: bool) -> "Answer":
    """Watch a build that runs, here or on another machine that shares its folder."""
    from builder.cli.looking.watch import watch_build

    return watch_build(project, rows=rows, every=every, once=once)


@cli.command("help")
@click.argument("name", required=False, metavar="[KEY|REASON]", shell_complete=completion.keys_and_reasons)
@_prints
def help_(name: str | None) -> "Answer":
    """Say what a key of the recipe is for and what it re-runs, or why rows are rejected for a reason."""
    from builder.cli.reference.entries import look_up

    return look_up(name)


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
            _say(trace(error), nl=False)
        else:
            wanted = isinstance(error, TimeIsUp)
            # A path, a page id or the tail of a log can hold text of a page.
            for line in (escape(line, "terminal") for line in message.splitlines()):
                _say(line if line.startswith("  ") or wanted else f"error: {line}")
        return failed(kind_of(error, explained=explained is not None), message.splitlines(), status)


def _after_interrupt(error: BaseException) -> int | None:
    return 128 + signal.SIGINT if isinstance(error.__context__, KeyboardInterrupt) else None


def _interrupted(code: int, error: BaseException) -> int:
    command = shlex.join(["humpback", *sys.argv[1:]])
    can_be_typed = redacted(command) == command and escape(command, "terminal") == command and "\n" not in command
    said = interrupted(sys.argv[1:], error) + (f":\n  {command}" if can_be_typed else "")
    _say(said)
    return failed("interrupted", said.splitlines(), code)


def _say(line: str, *, nl: bool = True) -> None:
    """Write to stderr, unless the terminal or the reader of the pipe is gone."""
    with suppress(OSError):
        click.echo(fitting(line) if nl else line, err=True, nl=nl)
