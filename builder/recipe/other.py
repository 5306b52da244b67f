"""Section of the recipe for a model that the build does not train: one that writes instructions, or one that judges."""

from typing import Annotated

from pydantic import Field, model_validator

from builder.section import Input, Section


class Loaded(Section):
    """An instruction model, asked in its own chat template: a folder, or a Hub repository at a pinned commit.

    Departure: the paper's models judge and write for themselves. Köksal et al. 2023 (LongForm, arXiv 2304.08460) let an
    instruction model write, Chen et al. 2023 (AlpaGasus, arXiv 2307.08701) let a stronger model judge.
    """

    path: Input | None = None
    model: str | None = None
    revision: Annotated[str, Field(min_length=1)] | None = None

    @property
    def served_name(self) -> str | None:
        """The name under which a server has it; None if it is loaded here."""
        return None

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

    @property
    def served_name(self) -> str | None:
        """The name under which the server has it; None if it is loaded here."""
        return self.served
