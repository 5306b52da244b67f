"""`humpback quickstart`: the embedded sample, built end to end."""

from collections.abc import Callable
from pathlib import Path

from builder.cli.answer import Answer
from builder.cli.init import write_files
from builder.cli.project import Project, build_project, open_project
from builder.cli.release import release_project
from builder.recipe.given.overrides import replaces
from builder.workspace.stage_names import curate

VERSION_OF_RELEASE = "1.0.0"


def run_quickstart(
    folder: Path,
    overrides: tuple[str, ...] = (),
    *,
    trust: bool = False,
    as_written: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Answer:
    """Write the recipe folder, build it, release it, and return the table of what came of it.

    Raises:
        BuilderError: If a step fails; the same command goes on from there.
    """
    from builder.sample.report import figures_as_dict, quickstart_figures, quickstart_table

    write_files(folder)
    project = open_project(folder / "build.yaml", overrides=overrides, trust=trust, as_written=as_written, say=say)
    with project.names_commands():
        build = build_project(project)
    figures = quickstart_figures(build, project.folder, project.work_dir)
    release = release_project(project, VERSION_OF_RELEASE, replace=True, accept_warnings=True)
    return Answer(
        {"release": str(release), "figures": figures_as_dict(figures)},
        lambda: f"{quickstart_table(build, figures)}\n\n{_next_steps(project, release)}",
    )


def _next_steps(project: Project, release: Path) -> str:
    shown = release.relative_to(Path.cwd()) if release.is_relative_to(Path.cwd()) else release
    other = "curate.share=0.3"
    kept = tuple(item for item in project.settings.all if not replaces(other, item))
    lines = [
        (f'datasets.load_dataset("{shown / "dataset"}")', "the curated pairs; also seed, sft, augmented"),
        (f'AutoModelForCausalLM.from_pretrained("{shown / "models" / "final"}")', "the final model"),
        (project.command("show", str(curate(project.recipe.iterations))), "what was selected; --rejected for the rest"),
        (project.command("build", settings=(*kept, other)), "selects and trains again; score-1 stays"),
        (project.command("check"), "after putting your own model, seed and pages in"),
    ]
    width = max(len(command) for command, _ in lines)
    return "\n".join([f"release: {shown}", *(f"  {command:<{width}}  {note}" for command, note in lines)])
