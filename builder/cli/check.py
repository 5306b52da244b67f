"""`humpback check`: everything wrong with a recipe and the files it names, in one message."""

import importlib.util
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from builder.cli.answer import Answer
from builder.cli.checks.adapters import module_problems
from builder.cli.checks.checked import Checked
from builder.cli.checks.inputs import look_in_child
from builder.cli.checks.known import known_notes, known_problems, machine_lacks
from builder.cli.checks.machine import Lack
from builder.cli.checks.metadata import release_file_problems
from builder.cli.preflight import error_lines, preflight_recipe, template_problems
from builder.cli.project import Project, load_settled, open_project, refuse, refuse_linked_file, unconsented
from builder.data.resources import PACKAGE
from builder.errors import BuilderError, RecipeError
from builder.llm.prompts import render
from builder.method.curate.scoring.ratings import check_rubric
from builder.method.train.launch import launcher_problems
from builder.method.train.recipe import adapter_problems, read_training_recipe, schedule_problems, wrong_keys
from builder.recipe.pins import pin_recipe, unpinned_problems
from builder.recipe.recipe import Recipe
from builder.recipe.sections.judges import Rated
from builder.recipe.sections.section import Section
from builder.recipe.trust import Need, is_there, needs_of, paths_of, recipe_file
from builder.text.escape import escape
from builder.workspace.fingerprint import config_identity

_PING_SECONDS = 5.0


def check_recipe(
    path: Path,
    overrides: tuple[str, ...] = (),
    work_dir: Path | None = None,
    *,
    trust: bool = False,
    pin: bool = False,
    preflight: bool = False,
    as_written: bool = False,
    say: Callable[[str], None] = lambda line: None,
    busy: Callable[[str], None] = lambda line: None,
) -> Answer:
    """Check a recipe, and once it can be read, its TRL recipes, templates, inputs and licences.

    Args:
        path: The build.yaml, or the folder it lies in.
        overrides: `key.path=value` settings, which are checked and never written.
        work_dir: The work directory, if not that of the recipe.
        trust: Whether the user consents to whatever of the recipe needs it; without that, nothing outside the recipe's
            folder is read or asked, but whether it is there.
        pin: First write the commits of Hub inputs into the file.
        preflight: Also show what of a few rows would be trained, and check that it is what it should be.
        as_written: Whether what the last build was run with is left out; else it holds in a build to come, and so here.
        say: Told which settings of the last build hold, and what was pinned as soon as it is written, whatever else is
            wrong.
        busy: Told what takes some seconds, before it begins.

    Returns:
        That the recipe is fine, what could not be checked here, and notes.

    Raises:
        RecipeError: With one line for every problem found.
        BuilderError: If a commit was asked for and the Hub cannot be asked.
    """
    refuse_linked_file(path, work_dir, trust=trust)  # before a pin is written into it
    pins = pin_recipe(path) if pin else []
    for made in pins:
        say(f"{path}: {made.source.key}: {made.ref} is now {made.commit}")
    gated = [
        f"{made.source.repository} is gated; accept its terms on its page and log in before a build"
        for made in pins
        if made.gated
    ]
    settings, recipe = load_settled(path, work_dir, overrides, trust=trust, as_written=as_written)
    for note in settings.notes:
        say(escape(note, "terminal"))
    said: list[str] = []
    needs = unconsented(recipe, path, work_dir, settings, trust=trust, say=said.append)
    if preflight:
        refuse(path, needs)
    open_settled = partial(open_project, path, work_dir, overrides, as_written=as_written)
    served, silence = (set[str](), list[str]()) if needs else _ping(recipe)
    if not needs:
        busy("looking into some rows and pages of each input")
    # First, as a process is started with the memory of this one.
    looked = None if needs else look_in_child(open_settled(only_looks=True, unpinned_too=True))
    lacks = [] if needs else list(machine_lacks(recipe, path))
    if importlib.util.find_spec("trl"):
        busy("loading TRL to check its keys")
    _refuse_any(_beside([*_known(recipe, path, needs, lacks), *silence], looked.faults if looked else ()))
    wrong, untried = ([], []) if _of_models(needs) else template_problems(recipe)
    _refuse_any(wrong)
    unchecked = [*_not_installed(recipe), *untried, *(looked.unchecked if looked else ())]
    notes = [
        *said,
        *gated,
        *known_notes(recipe),
        *dict.fromkeys(lack.text for lack in lacks if not lack.sure),
        *(looked.notes if looked else ()),
        *(() if needs else _served_notes(recipe, open_settled, served)),
    ]
    return Checked(
        path=path,
        recipe=recipe,
        pins=pins,
        needs=needs,
        settled=settings.notes,
        notes=notes,
        unchecked=[*unchecked, *(f"what needs --trust-recipe: {need}" for need in needs)],
        state=looked.state if looked else [],
        rows=preflight_recipe(open_settled(trust=True).look_at_build()) if preflight else {},
        looked=looked,
        line=looked.line() if looked else None,
    ).answer()


def _known(recipe: Recipe, path: Path, needs: Sequence[Need], lacks: Sequence[Lack]) -> Iterator[str]:
    """What is known to be wrong before any input is opened."""
    yield from unpinned_problems(recipe, path)
    yield from _recipe_problems(recipe, path, needs)
    yield from known_problems(recipe, path)
    if not needs:
        yield from release_file_problems(recipe.release)
    yield from (lack.text for lack in lacks if lack.sure)


def _beside(problems: Sequence[str], faults: Sequence[str]) -> list[str]:
    """The problems, and the faults of the inputs; what is said of a file already, such as a wrong path, is enough."""
    told = {problem.partition(": ")[0] for problem in problems}
    return [*problems, *(fault for fault in faults if fault.partition(": ")[0] not in told)]


def _refuse_any(problems: Sequence[str]) -> None:
    if problems:
        raise RecipeError("\n".join(dict.fromkeys(problems)))


def _not_installed(recipe: Recipe) -> Iterator[str]:
    if not importlib.util.find_spec("trl"):
        yield "TRL is not installed: its keys were not checked"
    if recipe.asks_server and not importlib.util.find_spec(PACKAGE["openai"]):
        yield f"{PACKAGE['openai']} is not installed: runtime.endpoint was not asked"


def _of_models(needs: Sequence[Need]) -> bool:
    """Whether a chat template, or a model that renders with one, needs consent first."""
    return any(need.key.startswith(("base.", "chat.", "augment.", "score.")) for need in needs)


def _recipe_problems(recipe: Recipe, path: Path, needs: Sequence[Need]) -> Iterator[str]:
    folder, doubted = recipe_file(path).parent, {need.value for need in needs}

    def is_read(value: object) -> bool:
        return not doubted or not doubted & {need.value for need in needs_of(value, folder)}

    sections: tuple[Section, ...] = (
        recipe.base,
        recipe.chat,
        *recipe.seed.sources,
        *recipe.segments.sources,
        recipe.augment,
        *recipe.score,
    )
    prompts = [recipe.decontaminate] if recipe.decontaminate else []
    for section in (*sections, *prompts, recipe.segments.model_copy(update={"sources": []})):
        if is_read(section):
            yield from error_lines(lambda section=section: config_identity(section))  # type: ignore[misc]
        else:
            yield from (f"{file}: no such file or folder" for file in paths_of(section) if not is_there(file))
    if is_read(recipe.augment.template):
        yield from error_lines(lambda: render(recipe.augment.template, output="text"))
    for rubric in (judge.rubric for judge in recipe.score if isinstance(judge, Rated) and is_read(judge.rubric)):
        yield from error_lines(lambda rubric=rubric: check_rubric(rubric))  # type: ignore[misc]
    training = recipe.training
    for file in dict.fromkeys((training.initial or training.forward, training.forward, training.backward)):
        if not is_read(file):
            yield from (f"{file}: no such file or folder" for _ in (file,) if not is_there(file))
        elif not any(need.key.startswith(f"{file.name}: ") for need in needs):
            yield from _training_problems(file, recipe, recipe.base.path if is_read(recipe.base) else None)
    if not any(need.key == "runtime.launcher" for need in needs):
        yield from launcher_problems(recipe.runtime.launcher)


def _ping(recipe: Recipe) -> tuple[set[str], list[str]]:
    """The models that the server of the recipe serves, if it asks one, and what is wrong with it."""
    if not recipe.asks_server or not importlib.util.find_spec(PACKAGE["openai"]):
        return set(), []
    from builder.llm.engines.endpoint import Endpoint

    once = recipe.runtime.model_copy(update={"request_tries": 1, "request_seconds": _PING_SECONDS})
    try:
        server = Endpoint(once)
        served = set(server.served())
    except BuilderError as error:
        return set(), str(error).splitlines()
    names = server.names(served)
    missing = [name for name in recipe.served if name not in served]
    return served, [f"{once.endpoint} serves {names}; the recipe names {name}, use one of those" for name in missing]


def _served_notes(recipe: Recipe, open_settled: Callable[..., Project], served: set[str]) -> Iterator[str]:
    """Which models of the build the server serves; it need not serve one before the build has come to it."""
    if recipe.engine.kind != "openai" or not importlib.util.find_spec(PACKAGE["openai"]):
        return
    build = open_settled(only_looks=True).look_at_build(damaged_too=True)
    for name in (artifact.path.name for artifact in (build.backward, *build.models[:-1])):
        yield f"{recipe.runtime.endpoint} {'serves' if name in served else 'does not serve yet'} {name}"


def _training_problems(file: Path, recipe: Recipe, base: Path | None) -> list[str]:
    try:
        options = read_training_recipe(file)
    except RecipeError as error:
        return str(error).splitlines()
    return [
        *wrong_keys(file, options),
        *schedule_problems(file, options, recipe.training.schedule),
        *adapter_problems(file, options, recipe),
        *module_problems(file, options, base),
    ]
