"""The build recipe: strict models of build.yaml, one section a stage.

Every section but `runtime` is part of the fingerprint of the stages that use it, so anything that changes a
result belongs in a section and anything that does not belongs in `runtime`.
"""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from builder.recipe.sections.augment import Augment
from builder.recipe.sections.corpus import Dedup, Segments
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.judges import Judge, Likelihood, Rated, Reasoned, Verdict
from builder.recipe.sections.models import Base, Chat, Engine
from builder.recipe.sections.release import Release
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.recipe.sections.seed import Decontaminate, Seed
from builder.recipe.sections.training import Training


class CleanCurate(Curate):
    """What the stages `curate-t` depend on where the recipe decontaminates; elsewhere they depend on `Curate`."""

    decontaminate: Decontaminate


class Recipe(Section):
    """A whole build.yaml."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    """Name of the build: small letters, digits, dots, dashes and underscores. It names what a release makes."""
    base: Base
    """The model that every training starts from."""
    chat: Chat = Chat()
    """The chat contract: how turns are marked, and the tags of human and web answers."""
    seed: Seed
    """Human-written pairs."""
    segments: Segments
    """Pages, and how they are cut."""
    dedup: Dedup = Dedup()
    """Which duplicates go, and how many segments stay."""
    engine: Engine = Engine()
    """What runs the models."""
    augment: Augment = Augment()
    """How instructions are written."""
    score: Annotated[list[Judge], Field(min_length=1)]
    """The judges, each once; `curate.judge` says which of them selects."""
    curate: Curate
    """Which scored pairs are selected."""
    decontaminate: Decontaminate | None = None
    """Prompts of evaluations that no training row may hold."""
    training: Training
    """How models are trained."""
    iterations: Annotated[int, Field(ge=1)] = 2
    """How often pairs are scored, selected and trained on."""
    release: Release
    """What the release says of itself."""
    runtime: Runtime = Runtime()
    """Where and how fast it runs."""

    @model_validator(mode="after")
    def _judges(self) -> "Recipe":
        names = [judge.judge for judge in self.score]
        if len(set(names)) != len(names):
            raise ValueError(f"score names a judge twice: {', '.join(names)}")
        missing = [name for name in self.curate.scored if name not in names]
        if missing:
            verb = "has" if isinstance(self.curate.judge, list) else "is"
            raise ValueError(f"curate.judge {verb} {missing[0]!r}; score has only {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _sizes(self) -> "Recipe":
        room = self.engine.max_model_len
        for name, tokens in (("augment", self.augment.max_tokens), *_reply_tokens(self.score)):
            if tokens >= room:
                raise ValueError(f"{name}.max_tokens is {tokens}; it must be below engine.max_model_len, {room}")
        late = [name for name in self.release.models if name.isdigit() and int(name) > self.iterations]
        if late:
            raise ValueError(f"release.models names model {late[0]}, but there are {self.iterations} iterations")
        return self

    @model_validator(mode="after")
    def _redistribution(self) -> "Recipe":
        kept_back = [n for n, source in enumerate(self.segments.sources) if not source.redistributable]
        if kept_back and self.release.text != "standoff":
            raise ValueError(
                f"segments.sources.{kept_back[0]} is not redistributable, so release.text must be standoff"
            )
        return self

    @model_validator(mode="after")
    def _address(self) -> "Recipe":
        if self.asks_server and self.runtime.endpoint is None:
            why = "engine.kind is 'openai'" if self.engine.kind == "openai" else f"{self.served[0]} is served elsewhere"
            raise ValueError(f"{why}, so runtime.endpoint is needed, e.g. http://localhost:8000/v1")
        return self

    @model_validator(mode="after")
    def _device_batch(self) -> "Recipe":
        if self.runtime.device_batch is not None and self.training.global_batch is None:
            raise ValueError("runtime.device_batch needs training.global_batch, which says how many rows a step has")
        return self

    @property
    def served(self) -> list[str]:
        """Names of the models that the build does not train and takes from the server at `runtime.endpoint`."""
        others = [self.augment.model, *(judge.model for judge in self.score if isinstance(judge, Rated))]
        return list(dict.fromkeys(other.served_name for other in others if other and other.served_name))

    @property
    def asks_server(self) -> bool:
        """Whether anything in the build asks the server at `runtime.endpoint`."""
        return self.engine.kind == "openai" or bool(self.served)

    @property
    def curate_stage(self) -> Curate:
        """What the stages `curate-t` depend on; new prompts run them again, and nothing that writes text."""
        return CleanCurate(**dict(self.curate), decontaminate=self.decontaminate) if self.decontaminate else self.curate

    def judges(self, iteration: int) -> list[Judge]:
        """The judges that score anew in every iteration, as iteration `iteration` (from 1) uses them."""
        return [_in_iteration(judge, iteration) for judge in self.score if not judge.once]


def _in_iteration(judge: Judge, iteration: int) -> Judge:
    if isinstance(judge, Likelihood) and isinstance(judge.prior_weight, list):
        weight = judge.prior_weight[min(iteration, len(judge.prior_weight)) - 1]
        return judge.model_copy(update={"prior_weight": weight})
    return judge


def _reply_tokens(judges: list[Judge]) -> list[tuple[str, int]]:
    return [(f"score.{judge.judge}", judge.max_tokens) for judge in judges if isinstance(judge, Verdict | Reasoned)]


def load_recipe(path: Path, overrides: tuple[str, ...] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        path: The build.yaml, or the folder it lies in; relative paths inside it start from its folder.
        overrides: `key.path=value` settings, the value read as YAML.

    Raises:
        RecipeError: With one line for every mistake found.
    """
    from builder.recipe.read import read_recipe

    return read_recipe(Recipe, path, overrides)
