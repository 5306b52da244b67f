"""evaluate.yaml: which prompts, whose answers, against whose, and who judges."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.llm.conversations import Tags
from builder.recipe.read import read_recipe
from builder.recipe.sections.models import Engine, Other
from builder.recipe.sections.section import Input, ModelFolder, Named, Repository, Section, Share

FILE = "evaluate.yaml"
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""Small letters, digits, dots, dashes and underscores: it is part of the names of stages and files."""


class PromptSource(Section):
    """A set of prompts: a file of AlpacaEval, Vicuna, Koala, Self-Instruct or LIMA as it is published, or any other."""

    name: Name
    """Its name in tables; rows that say a `dataset`, as AlpacaEval's five parts do, are told by that."""
    path: Input
    """A file, or a folder of files: JSON lines, JSON, Parquet, CSV or TSV."""
    column: Annotated[str, Field(min_length=1)] | None = None
    """The column of the prompt; where it is left out, the usual names are looked for."""


class Prompts(Section):
    """The prompts; equal ones are asked once."""

    sources: Annotated[list[PromptSource], Field(min_length=1)]
    """Sets, in the order in which equal prompts count for the first."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """So many prompts at most, the first ones."""
    dev: Annotated[int, Field(ge=0)] = 0
    """So many prompts, chosen by the hash of their texts, are a development set."""
    use: Literal["all", "dev", "test"] = "all"
    """Which of them are asked."""
    seed: int = 0
    """Which prompts are the development set."""

    @model_validator(mode="after")
    def _split(self) -> "Prompts":
        if self.use == "dev" and self.dev == 0:
            raise ValueError("use is dev, but dev is 0; say how many prompts it has")
        return self


class Asked(Section):
    """A model that answers or judges: one of the build, a folder, one of the Hub, or a served one."""

    build: Annotated[int, Field(ge=0)] | None = None
    """t of a model M_t of the build."""
    path: ModelFolder | None = None
    """Folder of a model, with its weights as safetensors."""
    model: Repository | None = None
    """Name of its repository on the Hub."""
    revision: Annotated[str, Field(min_length=1)] | None = None
    """Commit of the repository."""
    served: Annotated[str, Field(min_length=1)] | None = None
    """The name under which the server at `runtime.endpoint` has it."""

    @model_validator(mode="after")
    def _one_place(self) -> "Asked":
        given = [name for name in self._places if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none of them"
            raise ValueError(f"needs exactly one of {', '.join(self._places)}; it has {found}")
        if self.model is not None and self.revision is None:
            raise ValueError("model is on the Hub; pin it with revision, a commit")
        return self

    @property
    def _places(self) -> tuple[str, ...]:
        return ("build", "path", "model", "served")

    @property
    def label(self) -> str:
        """What it is called where it has no name: that of its server, repository or folder, or M_t."""
        if self.build is not None:
            return f"M_{self.build}"
        return self.served or self.model or (self.path.name if self.path else "")

    @property
    def other(self) -> Other | None:
        """The model, if the build has not trained it."""
        if self.build is not None or (self.path, self.model, self.served) == (None, None, None):
            return None
        return Other(path=self.path, model=self.model, revision=self.revision, served=self.served)


class Contestant(Asked):
    """Whose answers are compared."""

    name: Name
    """Its name in tables."""
    outputs: Input | None = None
    """A file of answers, as `model_outputs.json` of AlpacaEval, instead of a model."""
    system: Tags | None = None
    """The system prompt: `both` tags, that of the `seed` or of the `web`, `none`, which is an empty one, or `default`,
    what the model's chat template puts in. Left out: `both` for a model of the build, `default` for another."""

    @property
    def _places(self) -> tuple[str, ...]:
        return ("build", "path", "model", "served", "outputs")

    @property
    def tags(self) -> Tags:
        """The setting of the system prompt."""
        return self.system or ("both" if self.build is not None else "default")


class Sampling(Section):
    """How answers are sampled; the paper's values (its section 3.1)."""

    temperature: Annotated[float, Field(ge=0)] = 0.7
    """Temperature of sampling; 0 takes the likeliest token."""
    top_p: Share = 0.9
    """Share of the probability that sampling draws from."""
    max_tokens: Annotated[int, Field(ge=1)] = 1024
    """The most tokens of an answer; one that is cut there stays, and is counted."""
    seed: int = 0
    """Another number draws other answers."""


class PairJudge(Asked):
    """Who says which of two answers is better."""

    template: Literal["pairwise"] | Named = "pairwise"
    """The question; a file of your own shows `instruction`, `first` and `second`."""
    system: str = "You compare the outputs of two assistants."
    """The judge's system prompt."""
    tokens: list[Annotated[str, Field(min_length=1)]] = Field(["m", "M"], min_length=2, max_length=2)
    """The names of the first and of the second answer in the template, a token each."""
    read: Literal["probabilities", "text"] = "probabilities"
    """`probabilities` of the two tokens as the reply's first one; `text`: the reply itself, which a served model
    that gives no probabilities needs."""
    max_tokens: Annotated[int, Field(ge=1)] = 16
    """The most tokens of a reply that is read as text."""

    @model_validator(mode="after")
    def _reads(self) -> "PairJudge":
        if self.served is not None and self.read == "probabilities":
            raise ValueError(
                "a served judge is asked in conversations and gives text: set read to text; or set engine.kind to "
                "openai and give the judge's folder as path, and its server is asked for probabilities"
            )
        if self.tokens[0] == self.tokens[1]:
            raise ValueError(f"tokens are {self.tokens[0]!r} twice; the two answers need names of their own")
        return self


class Plan(Section):
    """A whole evaluate.yaml."""

    prompts: Prompts
    """What is asked."""
    models: Annotated[list[Contestant], Field(min_length=1)]
    """Whose answers are compared with the reference's; the first one is what the others are compared with in turn."""
    reference: Contestant
    """Whose answers all others are held against."""
    sampling: Sampling = Sampling()
    """How all of them answer."""
    judge: PairJudge | None = None
    """Who judges; left out, answers are written and nobody judges them here."""
    engine: Engine | None = None
    """What runs the models; left out, that of the recipe."""
    seed: int = 0
    """Of intervals."""

    @model_validator(mode="after")
    def _names(self) -> "Plan":
        names = [model.name for model in (*self.models, self.reference)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two models are called {twice}; each has a name of its own, the reference too")
        return self


def load_plan(path: Path, overrides: tuple[str, ...] = ()) -> Plan:
    """Read and check an evaluate.yaml.

    Args:
        path: The file; relative paths inside it start from its folder.
        overrides: `key.path=value` settings.

    Raises:
        RecipeError: With one line for every mistake found.
    """
    return read_recipe(Plan, path, overrides)
