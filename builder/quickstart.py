"""`humpback init` and `humpback quickstart`: a recipe folder with the embedded sample, built end to end."""

import shutil
from pathlib import Path

from builder.errors import BuilderError
from builder.project import build_project, open_project, release_project
from builder.resources import resource_folder
from builder.storage import write_bytes

VERSION_OF_RELEASE = "1.0.0"


def write_recipe_folder(folder: Path) -> str:
    """Write the commented recipe with the embedded sample into `folder`; it builds as it is.

    Files that are there and differ are the user's and are left alone.

    Raises:
        BuilderError: If the folder cannot be written.
    """
    kept = _copy_recipe(folder)
    note = f"; left as they were: {', '.join(kept)}" if kept else ""
    return (
        f"{folder}: a recipe with sample data{note}\n"
        f"next: humpback build {folder / 'build.yaml'}, or put your own data in: see the comments in that file"
    )


def _copy_recipe(folder: Path) -> list[str]:
    from builder.sample.generate import write_sample

    kept = []
    try:
        for source in sorted(resource_folder("recipes").joinpath("quickstart").iterdir()):
            target = folder / source.name
            if target.exists() and target.read_bytes() != source.read_bytes():
                kept.append(source.name)
            else:
                write_bytes(target, source.read_bytes())
        write_sample(folder)
    except OSError as error:
        raise BuilderError(
            f"{error.filename or folder}: {error.strerror}; choose a folder that can be written"
        ) from error
    return kept


def run_quickstart(folder: Path, overrides: tuple[str, ...] = ()) -> str:
    """Write the recipe folder, build it, release it, and return the table of what came of it.

    Raises:
        BuilderError: If a step fails; the same command goes on from there.
    """
    from builder.sample.report import quickstart_table

    _copy_recipe(folder)
    project = open_project(folder, overrides=overrides)
    build_project(project)
    table = quickstart_table(project)
    release = release_project(project, VERSION_OF_RELEASE, replace=True)
    return f"{table}\n\n{_next_steps(folder, release)}"


def _next_steps(folder: Path, release: Path) -> str:
    shown = release.relative_to(Path.cwd()) if release.is_relative_to(Path.cwd()) else release
    recipe = folder / "build.yaml"
    command = shutil.which("humpback") or "humpback"
    command = "humpback" if Path(command).name == "humpback" else command
    return "\n".join(
        [
            f"release: {shown}",
            f'  datasets.load_dataset("{shown / "dataset"}")          the curated pairs; also seed, sft, augmented',
            f'  AutoModelForCausalLM.from_pretrained("{shown / "models" / "final"}")',
            "next:",
            f"  {command} show {recipe} curate-2              what was kept; --rejected for what was not, and why",
            f"  {command} build {recipe} --set curate.share=0.3   selects and trains again, scores of score-1 stay",
            f"  {command} check {recipe}                      after putting your own model, seed and pages in",
        ]
    )
