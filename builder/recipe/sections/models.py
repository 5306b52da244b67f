"""Section of the recipe for a model that the build does not train: one that writes instructions, or one that judges."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.recipe.sections.section import Day, Later, ModelFolder, Named, Repository, Section


class Loaded(Section):
    """An instruction model, asked in its own chat template: a folder, or a Hub repository at a pinned commit.

    Departure: the paper's models judge and write for themselves. Köksal et al. 2023 (LongForm, arXiv 2304.08460) let an
    instruction model write, Chen et al. 2023 (AlpaGasus, arXiv 2307.08701) let a stronger model judge.
    """

    path: ModelFolder | None = None
    """Folder of the model, with its weights as safetensors."""
    model: Repository | None = None
    """Name of its repository on the Hub."""
    revision: Annotated[str, Field(min_length=1)] | None = None
    """Commit of the repository; `humpback check --pin` writes it in."""

    @property
    def served_name(self) -> str | None:
        """The name under which a server has it; None if it is loaded here."""
        return None

    @property
    def left_out(self) -> tuple[str, ...]:
        """Parameters that a server is not sent."""
        return ()

    @model_validator(mode="after")
    def _one_place(self) -> "Loaded":
        given = [self.path, self.model, self.served_name]
        if sum(value is not None for value in given) != 1:
            more = ", served (a name)" if "served" in type(self).model_fields else ""
            raise ValueError(f"needs exactly one of path (a folder), model (a Hub repository){more}")
        return self

    @property
    def location(self) -> str:
        """What `from_pretrained` takes; for a served model, its name."""
        return str(self.path or self.model or self.served_name)


class Other(Loaded):
    """The same, or what the server at `runtime.endpoint` has under a name; it is asked in conversations."""

    served: Annotated[str, Field(min_length=1)] | None = None
    """The name under which the server at `runtime.endpoint` has it."""
    leave_out: list[Literal["temperature", "top_p", "max_tokens", "seed"]] = Field([])
    """Parameters that this model does not take, and is not sent: its server then samples as it likes."""

    @property
    def served_name(self) -> str | None:
        """The name under which the server has it; None if it is loaded here."""
        return self.served

    @property
    def left_out(self) -> tuple[str, ...]:
        """Parameters that the server is not sent."""
        return tuple(self.leave_out)

    @model_validator(mode="after")
    def _asks_a_server(self) -> "Other":
        if self.leave_out and self.served is None:
            raise ValueError("leave_out is for a served model; sampling keys say how a loaded one samples")
        return self


class Origin(Section):
    """Where a base model comes from: a local folder, or a Hub repository; only one at a pinned commit is built from."""

    path: ModelFolder | None = None
    """Folder of the model, with its weights as safetensors."""
    model: Repository | None = None
    """Name of its repository on the Hub."""
    revision: Annotated[str, Field(min_length=1)] | None = None
    """Commit of the repository; `humpback check --pin` writes it in."""

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

    license: Annotated[str, Field(min_length=1)]
    """Licence of the base model, one of the Hub's identifiers; `other` needs `license_name` and `license_link`."""
    license_name: str | None = None
    """Name of a licence that the Hub has no identifier for; goes with `license: other`."""
    license_link: str | None = None
    """Where the text of that licence is."""

    @property
    def origin(self) -> Origin:
        """What a training depends on."""
        return Origin(path=self.path, model=self.model, revision=self.revision)


class Chat(Section):
    """What becomes the chat contract: template and tags (paper 2.3, "Augmented and seed data")."""

    template: Literal["chatml", "tokenizer"] | Named = "chatml"
    """`chatml`, whose markers must be in the vocabulary; `tokenizer`, the base model's own; or a file of your own."""
    system_seed: str = "Answer in the style of an AI Assistant."
    """The tag S_a: the system prompt of human-written rows, and of those who use the model."""
    system_web: str = "Answer with knowledge from web search."
    """The tag S_w: the system prompt of rows whose answer is from the web."""
    system_backward: str = "Write the instruction that this text answers."
    """The system prompt under which M_yx writes the instruction of a text."""
    date: Annotated[Day | None, Later()] = None
    """The day that is told to a template which asks for the time (`strftime_now`); such a template needs one."""


class Engine(Section):
    """What runs the models; all of it changes results."""

    kind: Literal["vllm", "transformers", "openai"] = "vllm"
    """`openai`: a server of that interface at `runtime.endpoint`, which serves each model under its folder's name."""
    dtype: Literal["float32", "bfloat16", "float16", "auto"] = "auto"
    """Type of the numbers in the weights; `auto` takes that of the model's files."""
    max_model_len: Annotated[int, Field(ge=16)] = 4_096
    """Tokens of prompt and reply together; a row that needs more is left out as `longer_than_context`."""
    quantization: Annotated[Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")] | None, Later()] = None
    """A method of vLLM that makes weights smaller as it loads them, such as fp8 or int8_per_channel_weight_only; models
    that are quantised already say so themselves."""

    @model_validator(mode="after")
    def _quantises(self) -> "Engine":
        if self.quantization is not None and self.kind != "vllm":
            raise ValueError(f"quantization is for kind 'vllm', not for {self.kind!r}")
        return self
