"""Which models wrote the instructions and gave the scores of a release, and which sources it was made from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.recipe.sections.judges import Judge, Rated
from builder.recipe.sections.models import Loaded
from builder.workspace.stage_names import Half, half_of
from builder.workspace.workspace import Artifact


@dataclass(frozen=True)
class Author:
    """A model that wrote or judged.

    Attributes:
        name: Its stage, or what the recipe calls a model that the build has not trained.
        revision: The fingerprint of the stage, or the commit; None for a local or served model.
    """

    name: str
    revision: str | None

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}" if self.revision else self.name

    def as_dict(self) -> dict[str, str | None]:
        """The same for a manifest."""
        return {"model": self.name, "revision": self.revision}


def generator(build: Build) -> Author:
    """What wrote the instructions: M_yx, or the model that the recipe names instead."""
    return _other(build.recipe.augment.model) or _trained(build.backward)


def judges(build: Build) -> dict[str, dict[str, Any]]:
    """Kind and models of every score column; two models where each scored the half that it was not trained on."""
    return {
        column: {"judge": judge.judge, "models": [author.as_dict() for author in authors]}
        for column, (judge, authors) in _scored(build).items()
    }


def judge_of_page(build: Build) -> Callable[[str], str] | None:
    """Which model gave the pairs of a page their last scores; None where one gave all, as the manifest says."""
    if not build.crossed(build.steps[-1]):
        return None
    authors = _forward(build, build.steps[-1])
    return lambda page_id: str(authors[half_of(page_id)])


def seed_sources(build: Build) -> list[dict[str, Any]]:
    """Name, place, revision and licence of every seed source."""
    return [
        {
            "name": source.name,
            "dataset": source.dataset or (source.path and source.path.name),
            "revision": source.revision,
            "license": source.license,
        }
        for source in build.recipe.seed.sources
    ]


def page_sources(build: Build) -> list[dict[str, Any]]:
    """What the recipe says of every source of pages; never where it lies on this machine."""
    told = ("name", "license", "base_url", "about", "format", "redistributable")
    return [{key: getattr(source, key) for key in told} for source in build.recipe.segments.sources]


def score_column(artifact: Artifact) -> str:
    """The column of a release for what a stage gives: `score_<t>_<judge>`, or `score_<judge>` of all iterations."""
    return artifact.stage.replace("-", "_")


def _scored(build: Build) -> dict[str, tuple[Judge, list[Author]]]:
    """Judge and authors of every score column; two of them where each scored one half."""
    by_column = dict[str, tuple[Judge, list[Author]]]()
    kinds: dict[str, Judge] = {judge.judge: judge for judge in build.recipe.score}
    for (t, name), artifact in build.scores.items():
        column, judge = score_column(artifact), kinds[name]
        if t is not None:
            by_column[column] = (judge, list(_forward(build, t).values()))
        else:
            other = _other(judge.model) if isinstance(judge, Rated) else None
            by_column[column] = (judge, [other or _trained(build.backward)])
    return by_column


def _forward(build: Build, t: int) -> dict[Half | None, Author]:
    """What scored in iteration `t`, by half of the pairs where each has a model of its own."""
    return {half: _trained(artifact) for half, artifact in build.scorers(t).items()}


def _trained(artifact: Artifact) -> Author:
    return Author(artifact.stage, artifact.fingerprint)


def _other(model: Loaded | None) -> Author | None:
    if model is None:
        return None
    return Author(model.model or model.served_name or Path(model.location).name, model.revision)
