"""What a release is made of: a finished build and a version."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from builder.build import Build
from builder.data.storage import read_rows
from builder.errors import ReleaseError
from builder.recipe.recipe import Recipe
from builder.release.content.quotes import SOURCE_TEXTS, quoting_ids
from builder.release.content.removed import NAMES_OF_A_ROW, removed_ids
from builder.release.versions import Previous
from builder.workspace.workspace import Artifact

BASE = "base"
"""Folder, beside the trained models, of a base model that is on no Hub."""


@dataclass(frozen=True)
class Material:
    """A finished build, a version and the release before it."""

    build: Build
    version: str
    previous: Previous | None = None

    @property
    def recipe(self) -> Recipe:
        """What the build was made from."""
        return self.build.recipe

    @property
    def tag(self) -> str:
        """The Hub tag of this version."""
        return f"v{self.version}"

    @cached_property
    def removed(self) -> frozenset[str]:
        """Ids of the rows that this release takes down; the models have seen them all the same."""
        path = self.recipe.release.removed
        return removed_ids(path, self._named_rows()) if path else frozenset()

    def _named_rows(self) -> Iterator[dict[str, str | None]]:
        yield from read_rows(self.build.seed.data, ["id"])
        yield from read_rows(self.build.candidates.data, list(NAMES_OF_A_ROW))

    @cached_property
    def quoting(self) -> frozenset[str]:
        """Ids of the pairs that a stand-off release leaves out, because their instruction quotes the page."""
        if self.recipe.release.text != "standoff":
            return frozenset()
        segments = read_rows(self.build.segments.data, list(SOURCE_TEXTS))
        candidates = read_rows(self.build.candidates.data, ["id", "segment_id", "instruction"])
        return quoting_ids(segments, candidates, self.recipe.release.max_quoted_words)

    @property
    def left_out(self) -> frozenset[str]:
        """Ids of all rows that no config of the release holds."""
        return self.removed | self.quoting

    def trained_and(self, ids: frozenset[str]) -> int:
        """How many of these rows the final model was trained on."""
        return sum(row["id"] in ids for row in read_rows(self.build.final.path / "rows", ["id"]))

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
    def scores(self) -> dict[str, Artifact]:
        """Score artifacts by their column: `score_<t>_<judge>`, or `score_<judge>` if no iteration changes them."""
        return {artifact.stage.replace("-", "_"): artifact for artifact in self.build.scores.values()}

    @property
    def models(self) -> dict[str, Artifact]:
        """Trained models by the name of their folder.

        Raises:
            ReleaseError: If the recipe asks for a model that the build does not make.
        """
        models = {}
        for name in self.recipe.release.models:
            if name == "backward":
                models[name] = self.build.backward
            elif name == "final":
                models[name] = self.build.final
            elif name.isdecimal() and int(name) <= self.recipe.iterations:
                artifact = self.build.models[int(name)]
                models[artifact.stage] = artifact
            else:
                raise ReleaseError(
                    f"release.models: {name!r} is no model of this build; "
                    f"it has backward, final and 0 to {self.recipe.iterations}"
                )
        return models

    def refuse_unfinished(self) -> None:
        """Raise a ReleaseError if a stage of the build is not done."""
        for name, artifact in self.build.artifacts.items():
            if artifact.status != "done":
                raise ReleaseError(f"stage {name} is not done; run `humpback build` first, then release again")
