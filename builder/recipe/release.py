"""What a release says of itself, and where it is published."""

from typing import Annotated

from pydantic import Field

from builder.section import Section


class Release(Section):
    """How the release describes itself."""

    title: str
    license: str
    dataset: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    """The Hub repository the dataset is meant for; None leaves the release local."""
    models: list[Annotated[str, Field(pattern=r"^(backward|final|\d+)$")]] = Field(["backward", "final"])
    """Which models are released: backward, final, or an iteration number."""
    language: str = "en"
    contact: str | None = None
    """Where to ask for the removal of a page."""
