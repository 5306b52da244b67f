"""Section of the recipe for the sanity gate on written instructions; null or false switches a rule off."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.recipe.sections.models import Other
from builder.recipe.sections.section import Named, Section, Share

Words = Annotated[int, Field(ge=1, le=100)]


class Gate(Section):
    """Which instructions are dropped before they are scored; the defaults suit segments of 600 to 3,000 characters."""

    refusal: bool = True
    """Whether an instruction that begins as a refusal does is dropped."""
    max_echoed_words: Words | None = 5
    """Words in a row that an instruction may share with the prompt M_yx was given."""
    repeats: bool = True
    """Whether an instruction that has a line twice, or the same words again and again, is dropped."""
    open_block: bool = True
    """Whether an instruction that opens a block of code and does not end it is dropped."""
    run_on: bool = True
    """Whether an instruction that goes on into an answer or a new turn is dropped."""
    max_copied_words: Words | None = 16
    """Words in a row that an instruction may share with its segment."""
    answer_share: Share | None = 0.3
    """Share of the segment's runs of three words above which an instruction gives the answer away."""
    max_chars: Annotated[int, Field(ge=1)] | None = 1_500
    """Characters above which an instruction is dropped."""
    self_contained: bool = True
    """Whether an instruction that points at a text it does not hold ("the passage above") is dropped; English phrases
    only."""
    code: bool = True
    """Whether an instruction that asks for code is dropped where its segment has none; English phrases only."""
    language: bool = True
    """Whether an instruction that is surely in another language than the segment is dropped."""


class Augment(Section):
    """Self-augmentation (paper 2.2; generation settings of 3.1)."""

    model: Other | None = None
    """Writes the instructions instead of M_yx."""
    template: Literal["backward"] | Named = "backward"
    """What M_yx is shown: `backward`, which comes with the package, or a file of your own."""
    temperature: Annotated[float, Field(ge=0)] = 0.7
    """Temperature of sampling; 0 takes the likeliest token."""
    top_p: Share = 0.9
    """Share of the probability that sampling draws from."""
    max_tokens: Annotated[int, Field(ge=1)] = 256
    """The most tokens of an instruction; one that is cut there is dropped as `unfinished`."""
    samples: Annotated[int, Field(ge=1)] = 1
    """Instructions that are written for a segment."""
    keep: Literal["all", "best"] = "all"
    """Which samples of a segment go on: all that pass the gate, or the one with the highest log p(x|y) per token."""
    gate: Gate = Gate()
    """Rules that drop instructions before they are scored."""
    seed: int = 0
    """Which instructions sampling gives: another number, others."""

    @model_validator(mode="after")
    def _best(self) -> "Augment":
        if self.keep == "best" and self.model is not None and self.model.served_name is not None:
            raise ValueError("has keep: best, which needs log-probabilities, and a served model gives none; use all")
        return self
