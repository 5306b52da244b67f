"""Sections of the recipe for the corpus: which pages, how they are cut, which segments stay."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from builder.section import Input, Named, Section, Share


class CorpusSource(Section):
    """Pages: WARC files, or folders of HTML."""

    path: Input
    format: Literal["warc", "html"]


class Segments(Section):
    """How pages are cut and which segments are dropped (paper 2.1 and its appendix)."""

    sources: Annotated[list[CorpusSource], Field(min_length=1)]
    languages: list[str] = Field(["en"], min_length=1)
    min_chars: Annotated[int, Field(ge=1)] = 600
    max_chars: Annotated[int, Field(ge=1)] = 3_000
    boundary: Literal["tree", "any"] = "tree"
    max_header_chars: Annotated[int, Field(ge=1)] = 200
    max_header_capitals: Share = 0.6
    """Share of capital letters above which a header is dropped as shouting."""
    navigation_headers: Named | None = None
    """A text file, one header a line, instead of the list that comes with the package."""
    on_control_tokens: Literal["reject", "escape"] = "reject"
    """Whether a segment with a control token of a chat template is dropped, or the token made harmless."""
    page_seconds: Annotated[float, Field(gt=0)] = 10.0
    tasks: Annotated[int, Field(ge=1)] = 4
    """Into how many shards the input is split; part of the result's layout, so hashed."""

    @model_validator(mode="after")
    def _ordered(self) -> "Segments":
        if self.min_chars > self.max_chars:
            raise ValueError(f"min_chars is {self.min_chars} and above max_chars, which is {self.max_chars}")
        return self


class Dedup(Section):
    """Which duplicates go, and how many segments stay."""

    sample: Annotated[int, Field(ge=1)] | None = None
    """Keep this many segments, chosen by id hash (the paper sampled 502,133)."""
