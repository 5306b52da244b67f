"""Sections of the recipe for training: the TRL recipes, rows a step, steps, and what each M_t starts from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.recipe.sections.section import Named, Section


class Schedule(Section):
    """What every training of a build depends on beside its TRL recipe."""

    global_batch: Annotated[int, Field(ge=1)] | Literal["paper"] | None = None
    """Rows a step, whatever the number of devices. `paper`: 32, and 8 below 3,000 rows. Rows that do not fill a step at
    the end of an epoch are left to the next, which has another order. Where it is left out, a step has the rows of the
    TRL recipe times the number of processes."""
    steps: Literal["paper"] | None = None
    """`paper`: as many steps as the paper's table has for so many rows, whatever the TRL recipe says."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the seed pairs that no model is trained on, to measure its loss on them."""


class Training(Schedule):
    """The TRL recipes (TRL's own keys) and what each M_t starts from."""

    forward: Named
    """TRL recipe of M_0 to M_N."""
    backward: Named
    """TRL recipe of M_yx."""
    initial: Named | None = None
    """TRL recipe of M_0; that of `forward` where left out."""
    init: Literal["base", "previous"] = "base"
    """What M_t starts from: the `base` model, as in the paper, or the `previous` M_(t-1)."""
    cross_fit: bool = False
    """Whether, from the second iteration on, each half of the pages is scored by a model that trained on the other."""
    seeds: list[Annotated[int, Field(ge=0)]] = Field([])
    """The final model is trained again with each of these seeds, to see how much its figures vary."""

    @property
    def schedule(self) -> Schedule:
        """What every training depends on."""
        return Schedule(global_batch=self.global_batch, steps=self.steps, held_out=self.held_out)

    @model_validator(mode="after")
    def _halves(self) -> "Training":
        if self.cross_fit and self.init == "previous":
            raise ValueError("has cross_fit and init: previous, whose models have seen both halves; use init: base")
        return self

    @model_validator(mode="after")
    def _papers_steps(self) -> "Training":
        if self.steps == "paper" and self.global_batch != "paper":
            raise ValueError("has steps: paper, which counts steps of the paper's batches; add global_batch: paper")
        return self

    @model_validator(mode="after")
    def _each_seed_once(self) -> "Training":
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds has a number twice: {', '.join(map(str, self.seeds))}")
        return self
