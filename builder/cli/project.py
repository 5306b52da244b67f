"""A recipe with its work directory: what the commands `build` and `release` do.

What a build is made of is loaded only by who looks at one, so that what is wrong with a recipe is said at once.
"""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import BuilderError, RecipeError, TimeIsUp
from builder.recipe.given.overrides import key_of
from builder.recipe.given.recorded import AS_WRITTEN, RECORD, bare, words_of, write_record
from builder.recipe.given.settings import Settings, explained, named_work_dir, settle
from builder.recipe.pins import refuse_unpinned
from builder.recipe.recipe import Recipe, load_recipe
from builder.recipe.remembered import Memory, of_others
from builder.recipe.trust import Need, linked_file, paths_inside, recipe_file, recipe_needs, work_dir_needs
from builder.text.escape import escape

if TYPE_CHECKING:
    from builder.build import Build
    from builder.workspace.live.ahead import Ahead

_UNNAMED = re.compile(r"`humpback ([a-z]+) RECIPE((?: [\w.=-]+){0,9})`", re.ASCII)


@dataclass(frozen=True)
class Project:
    """A loaded recipe, the folder it lies in, its work directory, and where the recipe was said to be.

    Attributes:
        recipe: With all settings in it.
        folder: That of the recipe's file.
        work_dir: Where the stages are.
        path: The recipe, as it was named.
        settings: Those of the command line and of the last build.
        option: The work directory, if the command line named it.
    """

    recipe: Recipe
    folder: Path
    work_dir: Path
    path: Path
    settings: Settings = field(default_factory=Settings)
    option: Path | None = None

    def look_at_build(self, *, verify: bool = False, damaged_too: bool = False) -> "Build":
        """The build as it stands, run or not; see `build.look_at_build`."""
        from builder.build import look_at_build

        return look_at_build(self.recipe, self.work_dir, verify=verify, damaged_too=damaged_too)

    def command(self, verb: str, *words: str, settings: tuple[str, ...] | None = None) -> str:
        """A command on the same build, as it is typed in a shell, with all that this one was run with.

        Args:
            verb: The command.
            words: What follows.
            settings: The settings in place of those of this project.
        """
        shown = [item for item in (self.settings.all if settings is None else settings) if self._can_be_typed(item)]
        options = ["--work-dir", str(self.option)] if self.option else []
        options += [AS_WRITTEN] if self.settings.as_written and verb == "build" and settings is None else []
        line = shlex.join(["humpback", verb, str(self.path), *words, *options])
        return f"{line} {words_of(tuple(shown))}".rstrip()

    def typed(self, message: str) -> str:
        """A message in which the commands that name no recipe, `humpback show RECIPE`, are those of this project."""
        return _UNNAMED.sub(lambda found: f"`{self.command(found[1], *found[2].split())}`", message)

    @contextmanager
    def names_commands(self) -> Iterator[None]:
        """Let errors say the commands that they advise as they are typed here: who raises them knows no recipe."""
        try:
            yield
        except BuilderError as error:
            error.args = (self.typed(str(error)),)
            raise

    def _can_be_typed(self, override: str) -> bool:
        """Whether a setting may be printed whole; the record has the others, as far as they may be kept."""
        whole = override not in self.settings.without_secret and bare(override) == override
        return whole and escape(override, "terminal") == override and "\n" not in override


def open_project(
    path: Path,
    work_dir: Path | None = None,
    overrides: tuple[str, ...] = (),
    *,
    trust: bool = False,
    only_looks: bool = False,
    as_written: bool = False,
    unpinned_too: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Project:
    """Load a recipe and settle its work directory: the option, else `runtime.work_dir`, else `work/` beside it.

    What the last build in the work directory was run with holds as well, unless `overrides` says otherwise.

    Args:
        path: The build.yaml, or the folder it lies in.
        work_dir: The option, if given.
        overrides: `key.path=value` settings.
        trust: Whether the user consents to whatever of the recipe needs it; it is remembered.
        only_looks: Whether the caller runs nothing and sends nothing.
        as_written: Whether what the last build was run with is left out.
        unpinned_too: Whether the caller tells itself what of the Hub is read at no commit.
        say: Told which settings of the last build hold, and if the consent could not be remembered.

    Raises:
        RecipeError: If the recipe is wrong, reads from the Hub anything but a commit, or needs consent.
        StageError: If it cannot be told what the last build was run with.
    """
    settings, recipe = load_settled(path, work_dir, overrides, trust=trust, as_written=as_written)
    if not unpinned_too:
        refuse_unpinned(recipe, path)
    needs = unconsented(recipe, path, work_dir, settings, trust=trust, only_looks=only_looks, say=say)
    refuse(path, needs)
    for note in settings.notes:
        say(note)
    folder, place = _folder(path), _place(path, work_dir, overrides)
    return Project(recipe, folder, place.resolve(), path, settings, work_dir)


def _folder(path: Path) -> Path:
    return (path if path.is_dir() else path.parent).resolve()


def _place(path: Path, work_dir: Path | None, overrides: tuple[str, ...]) -> Path:
    """The work directory of a command."""
    return work_dir or named_work_dir(path, overrides) or _folder(path) / "work"


def _memory(path: Path, work_dir: Path | None, overrides: tuple[str, ...]) -> Memory:
    """What the user has consented to for a recipe, on any way to its file."""
    file = recipe_file(path)
    return Memory(file, work_dir or named_work_dir(path, overrides) or file.parent / "work")


def load_settled(
    path: Path,
    work_dir: Path | None = None,
    overrides: tuple[str, ...] = (),
    *,
    trust: bool = False,
    as_written: bool = False,
) -> tuple[Settings, Recipe]:
    """The settings that hold for a command, and the recipe with them; see `open_project`."""
    refuse_linked_file(path, work_dir, trust=trust)
    place = _place(path, work_dir, overrides)
    closed = not trust and not _may_be_looked_into(path, place, work_dir, overrides)
    settings = settle(path, place, overrides, as_written=as_written or closed)
    try:
        return settings, load_recipe(path, settings.all)
    except RecipeError as error:
        if settings.kept and str(error) == _without_record(path, overrides):
            raise
        raise explained(error, path, settings) from error


def _without_record(path: Path, overrides: tuple[str, ...]) -> str:
    """What is wrong with a recipe also where nothing of the last build holds."""
    try:
        load_recipe(path, overrides)
    except RecipeError as error:
        return str(error)
    return ""


def _may_be_looked_into(path: Path, place: Path, work_dir: Path | None, overrides: tuple[str, ...]) -> bool:
    """Whether a work directory is in the recipe's folder, or the user has named it or consented to it."""
    if work_dir is not None or any(key_of(item) == "runtime.work_dir" for item in overrides):
        return True
    file = recipe_file(path)
    needs, memory = work_dir_needs(path, place), _memory(path, None, overrides)
    return not needs or memory.is_own() or {need.digest(file) for need in needs} <= memory.consents()


def refuse_linked_file(path: Path, work_dir: Path | None = None, *, trust: bool = False) -> None:
    """Raise a RecipeError if the recipe's file is a link to a file elsewhere, before that one is opened.

    What is wrong with a recipe is shown, and so would be lines of the file.
    """
    link = linked_file(path)
    if link is None or trust:
        return
    file = recipe_file(path)
    if link.digest(file) not in Memory(file, work_dir or file.parent / "work").consents():
        refuse(path, [link])


def unconsented(
    recipe: Recipe,
    path: Path,
    work_dir: Path | None = None,
    settings: Settings = Settings(),  # noqa: B008  # never changes
    *,
    trust: bool = False,
    only_looks: bool = False,
    say: Callable[[str], None] = lambda line: None,
) -> Sequence[Need]:
    """What of a recipe needs the user's consent and has not got it; see `open_project`."""
    file, place = recipe_file(path), _place(path, work_dir, settings.given)
    memory = _memory(path, work_dir, settings.given)
    if _is_own(memory, recipe, file, [place, place / RECORD] if settings.kept else []):
        return []
    # What the last build was run with may have come along with the folder: only this command line is the user's word.
    needs = recipe_needs(recipe, path, settings.given, work_dir=work_dir)
    needs = [need for need in needs if need.looks or not only_looks]
    if trust and needs:
        if problem := memory.consent(need.digest(file) for need in needs):
            say(f"--trust-recipe holds for this run and is not remembered: {problem}")
        return []
    consents = memory.consents() if needs else set()
    return [need for need in needs if need.digest(file) not in consents]


def _is_own(memory: Memory, recipe: Recipe, file: Path, others: Iterable[Path]) -> bool:
    """Whether the user has the recipe's folder from this program, and nobody else may write what counts of it."""
    return memory.is_own() and of_others([*paths_inside(recipe, file), *others]) is None


def remember_settings(project: Project) -> None:
    """Write what a build is run with, for the commands that follow; what its user has said, they need not ask again."""
    recipe, path, given = project.recipe, project.path, project.settings.given
    write_record(project.work_dir, path, project.settings.all, project.settings.without_secret)
    file, memory = recipe_file(path), _memory(path, project.option, given)
    if given and not _is_own(memory, recipe, file, []):
        asked = recipe_needs(recipe, path, given, work_dir=project.option)
        said = [need for need in recipe_needs(recipe, path, work_dir=project.option) if need not in asked]
        if said:
            memory.consent(need.digest(file) for need in said)


def refuse(path: Path, needs: Sequence[Need]) -> None:
    """Raise a RecipeError that names what of the recipe at `path` needs consent, if anything does."""
    if needs:
        raise RecipeError("\n".join([
            f"{path}: this recipe reaches beyond its folder, and you have not said that you trust it:",
            *(f"  {need}" for need in needs),
            "  read the recipe; if that is what you want, give --trust-recipe once",
        ]))  # fmt: skip


def _training_recipes(recipe: Recipe) -> list[Path]:
    training = recipe.training
    return list(dict.fromkeys((training.backward, training.initial or training.forward, training.forward)))


def build_project(
    project: Project,
    until: str | None = None,
    *,
    verify: bool = False,
    ahead: "Callable[[str], Ahead | None]" = lambda stage: None,
) -> "Build":
    """Run what is missing and return the build, after `until` as far as it got.

    Args:
        project: The project.
        until: The last stage to run; all where left out.
        verify: Whether what is done already is read and compared with its digests first.
        ahead: Says of a stage that begins how long it and the later ones take, where that is known.

    Raises:
        RecipeError: If `until` names no stage, or a TRL recipe has a key that the build sets.
        StageError: If a stage fails or is no longer whole, or the work directory is in use.
        TimeIsUp: If `runtime.max_hours` are over; it says how to go on.
    """
    from builder.build import run_build
    from builder.method.train.recipe import check_training_recipes
    from builder.workspace.console import Console
    from builder.workspace.workspace import Workspace

    build = project.look_at_build(verify=verify)
    if until is not None and until not in build.artifacts:
        raise RecipeError(f"--until {until}: no such stage; the stages are {', '.join(build.artifacts)}")
    check_training_recipes(_training_recipes(project.recipe))
    with Console(ahead=ahead) as console:
        workspace = Workspace(project.work_dir, project.recipe.runtime, console, until=until)
        try:
            return run_build(project.recipe, workspace, lambda: remember_settings(project)) or build
        except TimeIsUp as error:
            raise TimeIsUp(f"{error}\ngo on with: {project.command('build')}") from error
