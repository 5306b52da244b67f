"""Sections of the recipe for the judges of self-curation (paper 2.3)."""

from typing import Annotated, Literal

from pydantic import Field

from builder.recipe.sections.models import Loaded, Other
from builder.recipe.sections.section import Named, Section, Share

Mass = Annotated[float, Field(ge=0, le=1)]
"""A probability of 1 to 5 together."""


class AnyJudge(Section):
    """What all judges have in common: their first scores are looked at (see `scoring.first_scores`)."""

    strict: bool = False
    """Whether a stage stops, instead of warning, when its first scores tell the pairs hardly apart."""

    @property
    def once(self) -> bool:
        """Whether its scores are the same in every iteration, because it does not ask M_{t-1}."""
        return False


class Likelihood(AnyJudge):
    """The judge that needs no rating skill: (log p(y, end | x) - w log p(y)) per token."""

    judge: Literal["likelihood"]
    """`likelihood`: how much likelier the text is after the instruction; needs no rating skill."""
    prior_weight: float | Annotated[list[float], Field(min_length=1)] = 1.0
    """The weight w, or one for each iteration; the last one holds for all later iterations."""


class Reverse(AnyJudge):
    """The judge that asks M_yx how much the text says of its instruction: (log p(x | y) - log p(x)) per token."""

    judge: Literal["reverse"]
    """`reverse`: how much the text says of its instruction, by M_yx; the same in all iterations."""

    @property
    def once(self) -> bool:
        """It asks M_yx."""
        return True


class Rated(AnyJudge):
    """What the judges have in common that rate by a rubric."""

    rubric: Literal["humpback", "additive"] | Named = "humpback"
    """`humpback`: the paper's five levels; `additive`: a point for each of five criteria; or a file of your own."""
    model: Loaded | None = None
    """Judges instead of M_{t-1}."""

    @property
    def once(self) -> bool:
        """Another model is the same in all iterations."""
        return self.model is not None


class Expected(Rated):
    """The judge that reads the probabilities of 1 to 5 in one token."""

    judge: Literal["expected"]
    """`expected`: the mean of the probabilities of 1 to 5, one token a pair."""
    min_mass: Mass = 0.1
    """Probability of 1 to 5 together below which a pair has no score (`no_mass`): in nine of ten replies something else
    than a rating would stand there, and what is left on the digits tells more of the model's habits than of the
    pair."""
    fallback: Literal["verdict"] | None = None
    """What scores the pairs for which the engine gives no log-probabilities: `verdict` with its default settings."""


class Sampled(Rated):
    """What the judges have in common that let the model reason in words."""

    temperature: Annotated[float, Field(ge=0)] = 0.7
    """Temperature of sampling; 0 takes the likeliest token."""
    top_p: Share = 0.9
    """Share of the probability that sampling draws from."""
    max_tokens: Annotated[int, Field(ge=1)] = 512
    """The most tokens of a reply, reasoning included."""
    samples: Annotated[int, Field(ge=1)] = 1
    """Replies to a pair; their scores are averaged."""
    seed: int = 0
    """Which replies sampling gives: another number, others."""


class Verdict(Sampled):
    """The paper's judge (2.3): a reasoning and "Score: n", parsed."""

    judge: Literal["verdict"]
    """`verdict`: the paper's judge, a reasoning and "Score: n"."""
    model: Other | None = None
    """Judges instead of M_{t-1}; a served one too, since only text is asked of it."""


class Reasoned(Sampled):
    """The same reasoning, then the probabilities of 1 to 5 where the score stands; their mean is the score."""

    judge: Literal["reasoned"]
    """`reasoned`: the same reasoning, then the mean of the probabilities of 1 to 5."""
    min_mass: Mass = 0.1
    """Probability of 1 to 5 together below which one of the `samples` does not count; those above it weigh as much as
    their mass."""
    fallback: Literal["verdict"] | None = None
    """What scores the pairs for which the engine gives no log-probabilities: `verdict`, from the same replies."""


Judge = Annotated[Likelihood | Expected | Verdict | Reasoned | Reverse, Field(discriminator="judge")]
