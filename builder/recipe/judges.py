"""Sections of the recipe for the judges of self-curation (paper 2.3)."""

from typing import Annotated, Literal

from pydantic import Field

from builder.section import Named, Section, Share


class Likelihood(Section):
    """The judge that needs no rating skill: (log p(y, end | x) - w log p(y)) per token."""

    judge: Literal["likelihood"]
    prior_weight: float | Annotated[list[float], Field(min_length=1)] = 1.0
    """The weight w, or one for each iteration; the last one holds for all later iterations."""


class Expected(Section):
    """The judge that reads the probabilities of 1 to 5 in one token."""

    judge: Literal["expected"]
    rubric: Literal["humpback"] | Named = "humpback"


class Sampled(Section):
    """What the judges have in common that let the model reason in words."""

    rubric: Literal["humpback"] | Named = "humpback"
    temperature: Annotated[float, Field(ge=0)] = 0.7
    top_p: Share = 0.9
    max_tokens: Annotated[int, Field(ge=1)] = 512
    samples: Annotated[int, Field(ge=1)] = 1
    """Replies to a pair; their scores are averaged."""
    seed: int = 0


class Verdict(Sampled):
    """The paper's judge (2.3): a reasoning and "Score: n", parsed."""

    judge: Literal["verdict"]


class Reasoned(Sampled):
    """The same reasoning, then the probabilities of 1 to 5 where the score stands; their mean makes 4.5 a score."""

    judge: Literal["reasoned"]


Judge = Annotated[Likelihood | Expected | Verdict | Reasoned, Field(discriminator="judge")]
