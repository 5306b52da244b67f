"""`humpback init` and `humpback quickstart`: a recipe folder with the embedded sample, built end to end."""

from pathlib import Path

from builder.cli.answer import Answer
from builder.cli.project import build_project, open_project
from builder.cli.release import release_project
from builder.data.resources import resource_folder
from builder.data.storage import write_bytes
from builder.errors import BuilderError, RecipeError

VERSION_OF_RELEASE = "1.0.0"


def write_recipe_folder(folder: Path, recipe: str = "quickstart") -> Answer:
    """Write a commented recipe into `folder`; the quickstart's comes with the embedded sample and builds as it is.

    Args:
        folder: Where to; files that are there already stay.
        recipe: Name of a recipe of the package.

    Raises:
        RecipeError: If the folder holds a recipe already.
        BuilderError: If it cannot be written.
    """
    if (folder / "build.yaml").exists():
        raise RecipeError(f"{folder}: already holds a recipe; edit that one, or choose another folder")
    _write_files(folder, recipe)
    return Answer({"recipe": recipe, "path": str(folder / "build.yaml")}, lambda: _written(folder, recipe))


def _written(folder: Path, recipe: str) -> str:
    if recipe != "quickstart":
        return f"{folder}: the recipe {recipe}\nnext: {folder / 'README.md'} says what to put in and what to run"
    return (
        f"{folder}: a recipe with sample data\n"
        f"next: humpback build {folder / 'build.yaml'}, or put your own data in: see the comments in that file"
    )


def copy_recipe(folder: Path, recipe: str = "quickstart") -> None:
    """Copy the files of a recipe; those that are there already may have been edited and stay.

    `build.yaml` comes last: where it is, the folder is whole.
    """
    sources = resource_folder("recipes").joinpath(recipe).iterdir()
    for source in sorted(sources, key=lambda source: (source.name == "build.yaml", source.name)):
        if not (folder / source.name).exists():
            write_bytes(folder / source.name, source.read_bytes())


def _write_files(folder: Path, recipe: str = "quickstart") -> None:
    from builder.sample.generate import write_sample

    try:
        if recipe == "quickstart":
            write_sample(folder)
        copy_recipe(folder, recipe)
    except OSError as error:
        raise BuilderError(
            f"{error.filename or folder}: {error.strerror}; choose a folder that can be written"
        ) from error


def run_quickstart(folder: Path, overrides: tuple[str, ...] = ()) -> Answer:
    """Write the recipe folder, build it, release it, and return the table of what came of it.

    Raises:
        BuilderError: If a step fails; the same command goes on from there.
    """
    from builder.sample.report import figures_as_dict, quickstart_figures, quickstart_table

    _write_files(folder)
    project = open_project(folder, overrides=overrides)
    build = build_project(project)
    figures = quickstart_figures(build, project.folder, project.work_dir)
    release = release_project(project, VERSION_OF_RELEASE, replace=True)
    return Answer(
        {"release": str(release), "figures": figures_as_dict(figures)},
        lambda: f"{quickstart_table(build, figures)}\n\n{_next_steps(folder, release)}",
    )


def _next_steps(folder: Path, release: Path) -> str:
    shown = release.relative_to(Path.cwd()) if release.is_relative_to(Path.cwd()) else release
    recipe = folder / "build.yaml"
    lines = [
        (f'datasets.load_dataset("{shown / "dataset"}")', "the curated pairs; also seed, sft, augmented"),
        (f'AutoModelForCausalLM.from_pretrained("{shown / "models" / "final"}")', "the final model"),
        (f"humpback show {recipe} curate-2", "what was selected; --rejected for the rest"),
        (f"humpback build {recipe} --set curate.share=0.3", "selects and trains again; score-1 stays"),
        (f"humpback check {recipe}", "after putting your own model, seed and pages in"),
    ]
    width = max(len(command) for command, _ in lines)
    return "\n".join([f"release: {shown}", *(f"  {command:<{width}}  {note}" for command, note in lines)])
