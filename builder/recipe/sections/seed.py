"""Sections of the recipe for human-written pairs, and for prompts that neither they nor any training row may hold."""

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator, model_validator

from builder.recipe.sections.section import Input, Named, Repository, Section
from builder.text.unseen import find_unseen

SeedFormat = Literal["humpback", "alpaca", "dolly", "pairs", "messages", "sharegpt", "oasst", "prompt_completion"]
FORMATS: tuple[SeedFormat, ...] = get_args(SeedFormat)
"""In the order in which they are tried."""


class SeedSource(Section):
    """One source of human-written pairs: local files, or a Hub dataset; only one at a pinned commit is read."""

    name: Annotated[str, Field(min_length=1)]
    """Its name in counts and rows; each source has its own."""
    path: Input | None = None
    """A file, or a folder of files: JSON lines, JSON, Parquet, CSV or TSV."""
    dataset: Repository | None = None
    """Name of a dataset on the Hub, instead of `path`."""
    revision: Annotated[str, Field(min_length=1)] | None = None
    """Commit of the dataset; `humpback check --pin` writes it in."""
    split: str = "train"
    """Split of the Hub dataset."""
    format: SeedFormat | None = None
    """`pairs`: the columns that `instruction` and `output` name; `alpaca`: instruction, input, output; `dolly`:
    instruction, context, response; `prompt_completion`; `messages`: a list of role and content; `sharegpt`:
    conversations, a list of from and value; `oasst`: messages of Open Assistant, as trees or flat; `humpback`: the
    config `seed` of a release. Where it is left out, the first rows decide, and `humpback check` says which it is."""
    license: Annotated[str, Field(min_length=1)]
    """Licence of its pairs; every row of a release carries it."""
    instruction: Annotated[str, Field(min_length=1)] = "instruction"
    """The column of the instruction in `pairs`."""
    output: Annotated[str, Field(min_length=1)] = "output"
    """The column of the answer in `pairs`."""
    input: Annotated[str, Field(min_length=1)] | None = None
    """The column in `pairs` of what an instruction is about, as Alpaca's `input`; where it holds text, that is put
    below the instruction."""
    system: Literal["refuse", "join", "reject"] = "refuse"
    """What becomes of a system turn, or a column of that name, that holds text: `refuse` ends with an error, `join`
    puts it above the instruction, `reject` leaves the row out."""

    @field_validator("name", "license")
    @classmethod
    def _seen(cls, text: str) -> str:
        if (unseen := find_unseen(text)) or "\n" in text:
            raise ValueError(f"holds {unseen or 'a line end'}, which nobody sees in a row; write it without")
        return text

    @model_validator(mode="after")
    def _one_place(self) -> "SeedSource":
        if (self.path is None) == (self.dataset is None):
            raise ValueError("needs exactly one of path and dataset")
        return self

    @model_validator(mode="after")
    def _of_pairs(self) -> "SeedSource":
        form = self.format or "pairs"
        if self.input is not None and form != "pairs":
            raise ValueError(f"has the key input, which names a column of pairs, but its format is {form}; take it out")
        if self.system != "refuse" and form in ("oasst", "humpback"):
            raise ValueError(f"has the key system, but rows of format {form} have none of their own; take it out")
        return self


class Seed(Section):
    """Which human-written pairs are used (paper 3.1: first turn, English, rank 0)."""

    sources: Annotated[list[SeedSource], Field(min_length=1)]
    """Where the pairs come from, one source or more."""
    language: str = "en"
    """Language of the Open Assistant messages that are used; other formats name none."""
    size: Annotated[int, Field(ge=1)] | None = None
    """Keep this many pairs, chosen by id hash; all where left out."""
    min_quality: Annotated[float, Field(ge=0, le=1)] | None = None
    """The least quality that labels of Open Assistant must give both messages; not asked where left out."""
    only_children: bool = False
    """Whether a reply that was never ranked counts when it is the only one."""
    synthetic: bool = True
    """Whether trees marked synthetic are used."""
    on_control_tokens: Literal["reject", "escape"] = "reject"
    """Whether a pair with a control token of a chat template is dropped, or the token made harmless."""
    seed: int = 0
    """Which pairs `size` keeps: another number, another choice."""

    @model_validator(mode="after")
    def _names(self) -> "Seed":
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError(
                f"sources have a name twice ({', '.join(names)}); counts are kept by name, give each its own"
            )
        return self


class Decontaminate(Section):
    """Prompt sets for evaluation; rows that hold their prompts are left out of the seed and of every selection."""

    prompts: Annotated[list[Named], Field(min_length=1)]
    """Files of prompts (.jsonl, .json, .parquet, .txt), or of SHA-256 hashes of prompts (.tsv)."""
    column: str | None = None
    """The key of the prompt in rows; else the first that is there of instruction, prompt, question, turns, text."""
    ngram: Annotated[int, Field(ge=4)] = 13
    """So many words in a row, shared with a prompt, are too many."""
