"""Section of the recipe for the rule of selection (paper 2.3)."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.section import Section, Share


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
