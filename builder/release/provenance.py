"""Which models wrote the instructions and gave the scores of a release, and which sources it was made from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.recipe.judges import Judge, Rated
from builder.recipe.other import Loaded
from builder.records import HALVES, half_of
from builder.release.material import Material
from builder.workspace import Artifact


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


def generator(material: Material) -> Author:
    """What wrote the instructions: M_yx, or the model that the recipe names instead."""
    return _other(material.recipe.augment.model) or _trained(material.stage("model-backward"))


def judges(material: Material) -> dict[str, dict[str, Any]]:
    """Kind and models of every score column; two models where each scored the half that it was not trained on."""
    return {
        column: {"judge": judge.judge, "models": [author.as_dict() for author in authors.values()]}
        for column, (judge, authors) in _scored(material).items()
    }


def judge_of_page(material: Material) -> Callable[[str], str] | None:
    """Which model gave the pairs of a page their last scores; None where one gave all, as the manifest says."""
    last = f"_{material.recipe.iterations}_"
    for column, (_, authors) in _scored(material).items():
        if column.startswith(f"score{last}") and len(authors) > 1:
            return lambda page_id: str(authors[half_of(page_id)])
    return None


def seed_sources(material: Material) -> list[dict[str, Any]]:
    """Name, place, revision and licence of every seed source."""
    return [
        {
            "name": source.name,
            "dataset": source.dataset or (source.path and source.path.name),
            "revision": source.revision,
            "license": source.license,
        }
        for source in material.recipe.seed.sources
    ]


def _scored(material: Material) -> dict[str, tuple[Judge, dict[str, Author]]]:
    """Judge and authors by half, or one under an empty key, of every score column."""
    recipe, found = material.recipe, dict[str, tuple[Judge, dict[str, Author]]]()
    for judge in recipe.score:
        if judge.once:
            other = _other(judge.model) if isinstance(judge, Rated) else None
            author = other or _trained(material.stage("model-backward"))
            found[f"score_{judge.judge}"] = (judge, {"": author})
    for t in range(1, recipe.iterations + 1):
        for judge in recipe.judges(t):
            found[f"score_{t}_{judge.judge}"] = (judge, _forward(material, t))
    return found


def _forward(material: Material, t: int) -> dict[str, Author]:
    """What scored in iteration `t`: M_{t-1}, or with cross-fitting the model of the other half."""
    if not (material.recipe.training.cross_fit and t > 1):
        return {"": _trained(material.stage(f"model-{t - 1}"))}
    return {
        half: _trained(material.stage(f"model-{t - 1}-{other}"))
        for half, other in zip(HALVES, reversed(HALVES), strict=True)
    }


def _trained(artifact: Artifact) -> Author:
    return Author(artifact.stage, artifact.fingerprint)


def _other(model: Loaded | None) -> Author | None:
    if model is None:
        return None
    return Author(model.model or model.served_name or Path(model.location).name, model.revision)
