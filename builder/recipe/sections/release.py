"""What a release says of itself, and where it is published."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from builder.recipe.sections.hub_names import Languages, NewRepository, new_name_problem
from builder.recipe.sections.section import Day, Line, Named, Section


class Release(Section):
    """How the release describes itself."""

    title: Annotated[str, Field(min_length=1)]
    """Title of the card."""
    license: Annotated[str, Field(min_length=1)]
    """Licence of the release, one of the Hub's identifiers; `other` needs `license_name` and `license_link`."""
    license_name: str | None = None
    """Name of a licence that the Hub has no identifier for; goes with `license: other`."""
    license_link: str | None = None
    """Where the text of that licence is."""
    dataset: NewRepository | None = None
    """The Hub repository the dataset is meant for; None leaves the release local."""
    models: list[Annotated[str, Field(pattern=r"^(backward|final|\d+)$")]] = Field(["backward", "final"])
    """Which models are released: backward, final, or an iteration number."""
    repositories: dict[Annotated[str, Field(pattern=r"^(backward|final|base|model-\d+)$")], NewRepository] = Field({})
    """Hub repositories of the models, by the name of their folder; `<dataset>-<folder>` where left out."""
    removed: Named | None = None
    """Take-downs: a file of ids of rows, segments or pages, or of addresses, that no config holds any more."""
    text: Literal["full", "standoff"] = "full"
    """`standoff`: no text of the crawl, only where it stands in it; `humpback hydrate` puts it back from one's own
    copy."""
    max_quoted_words: Annotated[int, Field(ge=1, le=100)] = 8
    """Words in a row that an instruction of a stand-off release may share with its page; else the row is left out."""
    licence_reviewed: bool = False
    """Whether somebody has read the licence of a crawl whose text may not be passed on; before that, no model that
    learned from it is pushed."""
    labels: Named | None = None
    """Labelled pairs, JSON lines with id and good, from which the card says how good the selections are."""
    evaluation: Named | None = None
    """A comparison of models, `evaluation/report.json` of `humpback evaluate`: the cards of models that are released
    under a name there have its figures."""
    results: Named | None = None
    """Results of lm-eval, `evaluation/lm_eval.json` of `humpback evaluate --results`: models that are released
    under a name there have them in `.eval_results/`, where a task has a dataset on the Hub."""
    merge_adapters: bool = False
    """Whether a model that was trained as an adapter (LoRA) is released as whole weights."""
    language: Languages = "en"
    """Language of the release in its metadata, as a code such as `en`, `nds` or `zh-Hant`, or `multilingual`; or a
    list of them."""
    contact: str | None = None
    """Where to ask for the removal of a page."""
    about: Named | None = None
    """A text file with the owner's own words on the dataset, up to 20,000 characters, for its card; in paragraphs, and
    nothing in it is markup."""
    authors: list[Line] = Field([])
    """Who is to be named where the dataset is cited."""
    date: Day | None = None
    """The day of the release; else that of `SOURCE_DATE_EPOCH`, or on which this version was first assembled."""
    doi: Annotated[str, Field(pattern=r"^10\.[0-9]{4,9}/[-._;()/:A-Za-z0-9]{1,200}$")] | None = None
    """The DOI of the dataset, such as 10.57967/hf/1234, for its citation."""

    @field_validator("repositories")
    @classmethod
    def _one_each(cls, repositories: dict[str, str]) -> dict[str, str]:
        if len({name.lower() for name in repositories.values()}) < len(repositories):
            raise ValueError("names a repository twice; each model needs its own")
        return repositories

    @model_validator(mode="after")
    def _names_fit(self) -> "Release":
        if self.dataset is None:
            return self
        for folder in (name if name in ("backward", "final") else f"model-{name}" for name in self.models):
            name = self.repository("model", folder)
            if name and folder not in self.repositories and (problem := new_name_problem(name)):
                raise ValueError(
                    f"would publish a model as {name}, which {problem}: shorten dataset, or give repositories.{folder}"
                )
        return self

    @property
    def languages(self) -> list[str]:
        """The languages of the release in its metadata."""
        return [self.language] if isinstance(self.language, str) else self.language

    def repository(self, kind: Literal["dataset", "model"], folder: str = "") -> str | None:
        """The Hub repository of the dataset, or of the model in `models/<folder>`; None for a local release."""
        if kind == "dataset" or self.dataset is None:
            return self.dataset
        return self.repositories.get(folder, f"{self.dataset}-{folder}")
