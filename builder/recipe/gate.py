"""Section of the recipe for the sanity gate on written instructions; null or false switches a rule off."""

from typing import Annotated

from pydantic import Field

from builder.section import Section, Share

Words = Annotated[int, Field(ge=1, le=100)]


class Gate(Section):
    """Which instructions are dropped before they are scored; the defaults suit segments of 600 to 3,000 characters."""

    refusal: bool = True
    """Whether one that begins as a refusal does is dropped."""
    max_echoed_words: Words | None = 5
    """Words in a row that it may share with the prompt M_yx was given."""
    run_on: bool = True
    """Whether one that goes on into an answer or a new turn is dropped."""
    max_copied_words: Words | None = 16
    """Words in a row that it may share with the segment."""
    answer_share: Share | None = 0.3
    """Share of the segment's runs of three words above which it gives the answer away."""
    max_chars: Annotated[int, Field(ge=1)] | None = 1_500
    self_contained: bool = True
    """Whether one that points at a text it does not hold ("the passage above") is dropped; English phrases only."""
    language: bool = True
    """Whether one that is surely in another language than the segment is dropped."""
