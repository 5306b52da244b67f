"""Sections of the recipe for self-curation: the judges, and the rule of selection (paper 2.3)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

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


class Curate(Section):
    """Which scored pairs are selected; exactly one of threshold, top and share."""

    judge: Literal["likelihood", "expected", "verdict", "reasoned"]
    threshold: float | None = None
    top: Annotated[int, Field(ge=1)] | None = None
    share: Share | None = None
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    test_rows: Annotated[int, Field(ge=0)] = 1_000

    @model_validator(mode="after")
    def _one_rule(self) -> "Curate":
        given = [name for name in ("threshold", "top", "share") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(given) or 'none of threshold, top and share'}; give exactly one of the three"
            )
        if self.threshold is not None and self.judge != "likelihood" and not 1 <= self.threshold <= 5:
            raise ValueError(f"threshold is {self.threshold:g}; it must be from 1 to 5")
        return self
