"""What a release is made of: the recipe, the finished stages and a version."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from builder.errors import ReleaseError
from builder.recipe import Recipe
from builder.release.quotes import quoting_ids
from builder.release.removed import removed_ids
from builder.release.versions import Previous
from builder.storage import read_rows
from builder.workspace import Artifact

BASE = "base"
"""Folder, beside the trained models, of a base model that is on no Hub."""


@dataclass(frozen=True)
class Material:
    """Recipe, artifacts by stage name, version and the release before it, and what the paper calls its parts."""

    recipe: Recipe
    artifacts: Mapping[str, Artifact]
    version: str
    previous: Previous | None = None

    def stage(self, name: str) -> Artifact:
        """The artifact of a stage.

        Raises:
            ReleaseError: If the build has no such stage or it is not done.
        """
        artifact = self.artifacts.get(name)
        if artifact is None or artifact.status != "done":
            raise ReleaseError(f"stage {name} is not done; run `humpback build` first, then release again")
        return artifact

    @property
    def tag(self) -> str:
        """The Hub tag of this version."""
        return f"v{self.version}"

    @cached_property
    def removed(self) -> frozenset[str]:
        """Ids of the rows that this release takes down; the models have seen them all the same."""
        return removed_ids(self)

    @cached_property
    def quoting(self) -> frozenset[str]:
        """Ids of the pairs that a stand-off release leaves out, because their instruction quotes the page."""
        return quoting_ids(self) if self.recipe.release.text == "standoff" else frozenset()

    @property
    def left_out(self) -> frozenset[str]:
        """Ids of all rows that no config of the release holds."""
        return self.removed | self.quoting

    def trained_and(self, ids: frozenset[str]) -> int:
        """How many of these rows the final model was trained on."""
        return sum(row["id"] in ids for row in read_rows(self.final.path / "rows", ["id"]))

    @cached_property
    def removed_from_sft(self) -> int:
        """How many of them the final model was trained on."""
        return self.trained_and(self.removed)

    @property
    def base_on_hub(self) -> tuple[str, str | None] | None:
        """Repository and revision of the base; for a local one, of the copy that is published beside the models."""
        base, copy = self.recipe.base, self.recipe.release.repository("model", BASE)
        if base.model is not None:
            return base.model, base.revision
        return (copy, self.tag) if copy else None

    @property
    def seed(self) -> Artifact:
        """The seed pairs that the forward models were trained on."""
        return self.stage("seed-clean" if "seed-clean" in self.artifacts else "seed")

    @property
    def curated(self) -> list[Artifact]:
        """A_k(1) ... A_k(N)."""
        return [self.stage(f"curate-{t}") for t in range(1, self.recipe.iterations + 1)]

    @property
    def final(self) -> Artifact:
        """M_N."""
        return self.stage(f"model-{self.recipe.iterations}")

    @property
    def scores(self) -> dict[str, Artifact]:
        """Score artifacts by their column: `score_<t>_<judge>`, or `score_<judge>` if no iteration changes them."""
        names = [f"score-{judge.judge}" for judge in self.recipe.score if judge.once]
        steps = range(1, self.recipe.iterations + 1)
        names += [f"score-{t}-{judge.judge}" for t in steps for judge in self.recipe.judges(t)]
        return {name.replace("-", "_"): self.stage(name) for name in names}

    @property
    def models(self) -> dict[str, Artifact]:
        """Trained models by the name of their folder.

        Raises:
            ReleaseError: If the recipe asks for a model that the build does not make.
        """
        found = {}
        for name in self.recipe.release.models:
            if name == "backward":
                found["backward"] = self.stage("model-backward")
            elif name == "final":
                found["final"] = self.final
            elif name.isdecimal() and int(name) <= self.recipe.iterations:
                found[f"model-{int(name)}"] = self.stage(f"model-{int(name)}")
            else:
                raise ReleaseError(
                    f"release.models: {name!r} is no model of this build; "
                    f"it has backward, final and 0 to {self.recipe.iterations}"
                )
        return found
