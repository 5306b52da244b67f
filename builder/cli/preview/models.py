"""The models of a preview: those that the build has trained so far, else the base."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from builder.build import Build
from builder.errors import RecipeError
from builder.llm.contract import Role
from builder.llm.engines.generators import FILES, other_folder
from builder.method.train.stage import role_renderer
from builder.recipe.recipe import Recipe
from builder.recipe.sections.models import Loaded
from builder.workspace.stage_names import BACKWARD
from builder.workspace.stage_names import model as model_of
from builder.workspace.workspace import Artifact

_WEIGHTS = ".safetensors"


@dataclass(frozen=True)
class AtHand:
    """A model to ask.

    Attributes:
        folder: That of its stage, with the model below it.
        name: What it is called.
        trained: Whether the build has trained it; else it is the base, which has learned nothing of the task.
    """

    folder: Path
    name: str
    trained: bool


def writer_at_hand(build: Build, place: Path) -> AtHand:
    """M_yx if it is trained, else the base, prompted as M_yx would be.

    Args:
        build: The build as it stands.
        place: Where a base is put.

    Raises:
        RecipeError: If neither can be asked.
        StageError: If the base cannot be loaded.
    """
    return _of_stage(build.backward) or _base(build.recipe, "backward", place)


def judge_at_hand(build: Build, place: Path) -> tuple[AtHand, int]:
    """The last model that is trained, else the base, and the iteration that it scores in; see `writer_at_hand`."""
    for t, model in reversed(list(enumerate(build.models))):
        if found := _of_stage(model):
            return found, min(t + 1, build.recipe.iterations)
    return _base(build.recipe, "forward", place), 1


def _of_stage(artifact: Artifact) -> AtHand | None:
    return AtHand(artifact.path, artifact.stage, True) if artifact.status == "done" else None


def _base(recipe: Recipe, role: Role, place: Path) -> AtHand:
    """The base in the form of a trained model: its own weights with the contract that a training would give it."""
    if recipe.engine.kind == "openai":
        first = model_of(0) if role == "forward" else BACKWARD
        raise RecipeError(
            "engine.kind is 'openai', whose server has no model of this build before it is trained; "
            f"run `humpback build RECIPE --until {first}` first, or preview with --set engine.kind=transformers"
        )
    base, model = recipe.base, place / f"base-{role}" / "model"
    renderer = role_renderer(base.origin, recipe.chat, role)
    model.mkdir(parents=True)
    folder = other_folder(Loaded(path=base.path, model=base.model, revision=base.revision))
    for file in (file for pattern in FILES for file in folder.glob(pattern)):
        if file.suffix == _WEIGHTS:
            (model / file.name).symlink_to(file.resolve())
        else:
            shutil.copyfile(file, model / file.name)
    renderer.tokenizer.chat_template = renderer.contract.template
    renderer.tokenizer.eos_token = renderer.contract.end_token
    renderer.tokenizer.save_pretrained(model)
    renderer.contract.save(model)
    return AtHand(model.parent, f"base {base.location}", False)
