"""Hub inputs at pinned commits: a branch moves, so a build reads nothing but a commit (`humpback check --pin`)."""

import re
import shlex
import shutil
from pathlib import Path
from typing import Literal, NamedTuple

from builder.data.storage import whole_file
from builder.errors import BuilderError, RecipeError
from builder.recipe.edit import Place, write_revisions
from builder.recipe.read import recipe_path
from builder.recipe.recipe import Recipe, load_recipe
from builder.recipe.sections.judges import Rated
from builder.recipe.sections.models import Loaded

SECONDS = 30
"""How long the Hub may take to answer."""


class HubInput(NamedTuple):
    """A repository of the Hub that a recipe reads: where the recipe names it, and at which revision."""

    place: Place
    kind: Literal["model", "dataset"]
    repository: str
    revision: str | None

    @property
    def key(self) -> str:
        """The key of the recipe that holds the revision."""
        return ".".join(map(str, (*self.place, "revision")))

    @property
    def pinned(self) -> bool:
        """Whether the revision is a commit."""
        return re.fullmatch(r"[0-9a-f]{40}", self.revision or "") is not None


class Pin(NamedTuple):
    """A commit found for an input, and the branch, tag or other reference it was found by."""

    source: HubInput
    ref: str
    commit: str
    gated: bool


def hub_inputs(recipe: Recipe) -> list[HubInput]:
    """Every Hub repository that a recipe reads."""
    inputs = []
    if recipe.base.model is not None:
        inputs.append(HubInput(("base",), "model", recipe.base.model, recipe.base.revision))
    for number, source in enumerate(recipe.seed.sources):
        if source.dataset is not None:
            inputs.append(HubInput(("seed", "sources", number), "dataset", source.dataset, source.revision))
    for number, known in enumerate(recipe.dedup.against or ()):
        if known.dataset is not None:
            inputs.append(HubInput(("dedup", "against", number), "dataset", known.dataset, known.revision))
    others: list[tuple[Place, Loaded | None]] = [(("augment", "model"), recipe.augment.model)]
    for number, judge in enumerate(recipe.score):
        others.append((("score", number, "model"), judge.model if isinstance(judge, Rated) else None))
    inputs += [
        HubInput(place, "model", other.model, other.revision)
        for place, other in others
        if other is not None and other.model is not None
    ]
    return inputs


def unpinned(recipe: Recipe) -> list[HubInput]:
    """The Hub inputs whose revision is not a 40-hex commit."""
    return [item for item in hub_inputs(recipe) if not item.pinned]


def unpinned_problems(recipe: Recipe, path: Path | None = None) -> list[str]:
    """A line for every Hub input without a commit; `path` is that of the recipe, if known."""
    where, named = (f"{path}: ", shlex.quote(str(path))) if path else ("", "RECIPE")
    return [
        f"{where}{item.key} is {'missing' if item.revision is None else repr(item.revision)}; {item.repository} must "
        f"be read at a 40-hex commit, `humpback check --pin {named}` writes it in"
        for item in unpinned(recipe)
    ]


def refuse_unpinned(recipe: Recipe, path: Path | None = None) -> None:
    """Raise a RecipeError that names every Hub input without a commit."""
    if problems := unpinned_problems(recipe, path):
        raise RecipeError("\n".join(problems))


def pin_recipe(path: Path) -> list[Pin]:
    """Find the commits of all Hub inputs that have none, and write them into the recipe; all of them or none.

    Args:
        path: The build.yaml, or the folder it lies in.

    Raises:
        RecipeError: If the recipe is wrong, names what the Hub has not, or cannot be edited.
        BuilderError: If the Hub cannot be asked.
    """
    pins: list[Pin] = []
    problems: list[BuilderError] = []
    for item in unpinned(load_recipe(path)):
        try:
            pins.append(_resolve(item))
        except BuilderError as error:
            problems.append(error)
    if problems:
        kind = BuilderError if any(type(error) is BuilderError for error in problems) else RecipeError
        lines = [f"{path}: {error}" for error in problems]
        raise kind("\n".join([*lines, f"{path}: nothing was written"]))
    if pins:
        _write(recipe_path(path), pins)
    return pins


def _write(path: Path, pins: list[Pin]) -> None:
    commits = {pin.source.place: (pin.commit, pin.ref) for pin in pins}
    try:
        file = path.resolve()
        edited = write_revisions(file.read_bytes().decode("utf-8"), commits, str(path))
        with whole_file(file) as temporary:
            temporary.write_bytes(edited.encode("utf-8"))
            shutil.copymode(file, temporary)
    except OSError as error:
        raise RecipeError(f"{path}: cannot be written ({error.strerror}); nothing was changed") from error


def _resolve(item: HubInput) -> Pin:
    """Ask the Hub for the commit of an input.

    Raises:
        RecipeError: If there is no such repository or revision.
        BuilderError: If the Hub cannot be asked, or does not let us in.
    """
    from httpx2 import HTTPError  # what huggingface_hub talks HTTP with
    from huggingface_hub import HfApi
    from huggingface_hub import errors as hub

    ref, said = item.revision or "main", f"{item.key}: the {item.kind} {item.repository}"
    try:
        info = HfApi().repo_info(item.repository, repo_type=item.kind, revision=ref, timeout=SECONDS)
    except hub.GatedRepoError as error:
        raise BuilderError(f"{said} is gated; accept its terms on its page and log in with `hf auth login`") from error
    except hub.RevisionNotFoundError as error:
        raise RecipeError(f"{said} has no branch, tag or commit {ref!r}; correct it") from error
    except hub.RepositoryNotFoundError as error:
        raise RecipeError(
            f"{said} is not on the Hub, or private; correct the name, or log in with `hf auth login`"
        ) from error
    except hub.HFValidationError as error:
        raise RecipeError(f"{said} is no name of a repository; write it as owner/name") from error
    except hub.OfflineModeIsEnabled as error:
        raise BuilderError(f"{said} cannot be looked up while HF_HUB_OFFLINE is set; unset it") from error
    except hub.HfHubHTTPError as error:
        advice = "log in again with `hf auth login`" if error.response.status_code in (401, 403) else "try again later"
        raise BuilderError(
            f"{said} cannot be looked up, the Hub answers {error.response.status_code}; {advice}"
        ) from error
    except (HTTPError, OSError, ValueError) as error:
        raise BuilderError(f"{said} cannot be looked up, the Hub does not answer; check the network") from error
    if not info.sha:
        raise BuilderError(f"{said} cannot be looked up, the Hub names no commit; try again later")
    return Pin(item, ref, info.sha, bool(getattr(info, "gated", False)))
