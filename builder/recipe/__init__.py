"""The build recipe: strict models of build.yaml, one section a stage.

Every section but `runtime` is part of the fingerprint of the stages that use it, so anything that changes a
result belongs in a section and anything that does not belongs in `runtime`.
"""

import shlex
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from builder.recipe.curate import Curate
from builder.recipe.decontaminate import Decontaminate
from builder.recipe.judges import Judge, Likelihood, Reasoned, Verdict
from builder.recipe.segments import Dedup, Segments
from builder.section import Input, Named, RecipePath, Section, Share


class Origin(Section):
    """Where a base model comes from: a local folder, or a Hub repository; only one at a pinned commit is built from."""

    path: Input | None = None
    model: str | None = None
    revision: Annotated[str, Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Origin":
        if (self.path is None) == (self.model is None):
            raise ValueError("needs exactly one of path (a folder) and model (a Hub repository)")
        return self

    @property
    def location(self) -> str:
        """What `from_pretrained` takes."""
        return str(self.path or self.model)


class Base(Origin):
    """The model every training starts from, and its licence, which no training depends on."""

    license: str

    @property
    def origin(self) -> Origin:
        """What a training depends on."""
        return Origin(path=self.path, model=self.model, revision=self.revision)


class Chat(Section):
    """What becomes the chat contract: template and tags (paper 2.3, "Augmented and seed data")."""

    template: Literal["chatml", "tokenizer"] | Named = "chatml"
    system_seed: str = "Answer in the style of an AI Assistant."
    system_web: str = "Answer with knowledge from web search."
    system_backward: str = "Write the instruction that this text answers."


class SeedSource(Section):
    """One source of human-written pairs: local files, or a Hub dataset; only one at a pinned commit is read."""

    name: Annotated[str, Field(min_length=1)]
    path: Input | None = None
    dataset: str | None = None
    revision: Annotated[str, Field(min_length=1)] | None = None
    split: str = "train"
    format: Literal["oasst", "pairs"] = "pairs"
    license: str
    instruction: str = "instruction"
    output: str = "output"

    @model_validator(mode="after")
    def _one_place(self) -> "SeedSource":
        if (self.path is None) == (self.dataset is None):
            raise ValueError("needs exactly one of path and dataset")
        return self


class Seed(Section):
    """Which human-written pairs are used (paper 3.1: first turn, English, rank 0)."""

    sources: Annotated[list[SeedSource], Field(min_length=1)]
    language: str = "en"
    size: Annotated[int, Field(ge=1)] | None = None
    min_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    only_children: bool = False
    """Whether a reply that was never ranked counts when it is the only one."""
    synthetic: bool = True
    """Whether trees marked synthetic are used."""
    on_control_tokens: Literal["reject", "escape"] = "reject"
    """Whether a pair with a control token of a chat template is dropped, or the token made harmless."""
    seed: int = 0

    @model_validator(mode="after")
    def _names(self) -> "Seed":
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError(
                f"sources have a name twice ({', '.join(names)}); counts are kept by name, give each its own"
            )
        return self


class Engine(Section):
    """What runs the models; all of it changes results."""

    kind: Literal["vllm", "transformers"] = "vllm"
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "auto"
    max_model_len: Annotated[int, Field(ge=16)] = 4_096


class Augment(Section):
    """Self-augmentation (paper 2.2; generation settings of 3.1)."""

    template: Literal["backward"] | Named = "backward"
    temperature: Annotated[float, Field(ge=0)] = 0.7
    top_p: Share = 0.9
    max_tokens: Annotated[int, Field(ge=1)] = 256
    samples: Annotated[int, Field(ge=1)] = 1
    seed: int = 0


class Training(Section):
    """The TRL recipes (TRL's own keys) and what each M_t starts from."""

    forward: Named
    backward: Named
    initial: Named | None = None
    """TRL recipe of M_0; the forward one where it is left out."""
    init: Literal["base", "previous"] = "base"


class Release(Section):
    """How the release describes itself."""

    title: str
    license: str
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """The Hub repository the dataset is meant for; None leaves the release local."""
    models: list[Annotated[str, Field(pattern=r"^(backward|final|\d+)$")]] = Field(["backward", "final"])
    """Which models are released: backward, final, or an iteration number."""
    language: str = "en"
    contact: str | None = None
    """Where to ask for the removal of a page."""


class Runtime(Section):
    """Where and how fast it runs; never part of a fingerprint."""

    work_dir: RecipePath | None = None
    workers: Annotated[int, Field(ge=1)] = 2
    threads: Annotated[int, Field(ge=1)] = 1
    """OpenMP threads of a child process."""
    chunk_rows: Annotated[int, Field(ge=1)] = 512
    kv_cache_mb: Annotated[int, Field(ge=16)] | None = 512
    """Size of the KV cache on a CPU, where vLLM would otherwise claim most of the memory."""
    gpu_memory: Share = 0.9
    tensor_parallel: Annotated[int, Field(ge=1)] = 1
    launcher: str = ""
    """Prefix of the training command, e.g. `accelerate launch --num_processes 8`; split without a shell."""
    stall_minutes: Annotated[float, Field(gt=0)] = 30.0
    restarts: Annotated[int, Field(ge=0)] = 1

    @field_validator("launcher")
    @classmethod
    def _splits(cls, launcher: str) -> str:
        try:
            shlex.split(launcher)
        except ValueError as error:
            raise ValueError(f"is {launcher!r}, which cannot be split into words: {error}") from error
        return launcher


class CleanCurate(Curate):
    """What the stages `curate-t` depend on where the recipe decontaminates; elsewhere they depend on `Curate`."""

    decontaminate: Decontaminate


class Recipe(Section):
    """A whole build.yaml."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    base: Base
    chat: Chat = Chat()
    seed: Seed
    segments: Segments
    dedup: Dedup = Dedup()
    engine: Engine = Engine()
    augment: Augment = Augment()
    score: Annotated[list[Judge], Field(min_length=1)]
    curate: Curate
    decontaminate: Decontaminate | None = None
    training: Training
    iterations: Annotated[int, Field(ge=1)] = 2
    release: Release
    runtime: Runtime = Runtime()

    @model_validator(mode="after")
    def _judges(self) -> "Recipe":
        names = [judge.judge for judge in self.score]
        if len(set(names)) != len(names):
            raise ValueError(f"score names a judge twice: {', '.join(names)}")
        if self.curate.judge not in names:
            raise ValueError(f"curate.judge is {self.curate.judge!r}; score has only {', '.join(names)}")
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

    @property
    def curate_stage(self) -> Curate:
        """What the stages `curate-t` depend on; new prompts run them again, and nothing that writes text."""
        return CleanCurate(**dict(self.curate), decontaminate=self.decontaminate) if self.decontaminate else self.curate

    def judge(self, name: str, iteration: int) -> Judge:
        """The judge called `name`, as iteration `iteration` (from 1) uses it: with one prior weight."""
        judge = next(judge for judge in self.score if judge.judge == name)
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
    from builder.recipe.errors import read_recipe

    return read_recipe(Recipe, path, overrides)
