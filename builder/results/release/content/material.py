"""What a release is made of: a finished build and a version."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from builder.build import Build
from builder.errors import ReleaseError
from builder.recipe.licences import wider_lines
from builder.recipe.recipe import Recipe
from builder.results.release.content.joined import Joined, trained_origins
from builder.results.release.content.places import Places, read_places, segments_of
from builder.results.release.content.provenance import judge_of_page, score_column
from builder.results.release.content.removed import removed_ids
from builder.results.release.content.trained import Sft, Trained
from builder.results.release.facts.warnings import Notice, build_notices, refuse_unaccepted
from builder.results.release.versions import Previous
from builder.workspace.workspace import Artifact

BASE = "base"
"""Folder, beside the trained models, of a base model that is on no Hub."""


@dataclass(frozen=True)
class Material:
    """A finished build, a version and the release before it.

    Attributes:
        build: The build.
        version: X.Y.Z.
        previous: The release before; None for the first.
        accepted: Whether somebody has taken the grave warnings of the build upon themselves.
        date: The day of the release; empty for none.
        released: Whether there is a release; for figures alone the rows are not held against those of models.
    """

    build: Build
    version: str
    previous: Previous | None = None
    accepted: bool = False
    date: str = ""
    released: bool = True

    @property
    def recipe(self) -> Recipe:
        """What the build was made from."""
        return self.build.recipe

    @property
    def tag(self) -> str:
        """The Hub tag of this version."""
        return f"v{self.version}"

    @cached_property
    def notices(self) -> list[Notice]:
        """What the build warned of."""
        return build_notices(self.build)

    @cached_property
    def joined(self) -> Joined:
        """The rows of the build, joined by id."""
        return Joined(self.build, digests=self.released)

    @cached_property
    def languages(self) -> list[str]:
        """The languages that the recipe states, and those of a hundredth and more of the final selection."""
        stated = self.recipe.release.language
        given = [stated] if isinstance(stated, str) else list(stated)
        said = "language" in self.recipe.release.model_fields_set
        counts = self.joined.segments.languages(segments_of(self.joined.final.pairs.ids))
        found = [code for code, rows in counts.most_common() if code and 100 * rows >= counts.total()]
        return list(dict.fromkeys([*(given if said or not found else []), *found]))

    @cached_property
    def removed(self) -> frozenset[str]:
        """Ids of the rows that this release takes down; the models have seen them all the same."""
        path = self.recipe.release.removed
        return removed_ids(path, self.joined.named()) if path else frozenset()

    @cached_property
    def places(self) -> Places | None:
        """Where the texts of a stand-off release stand in the crawl; None in a release with its texts."""
        if self.recipe.release.text != "standoff":
            return None
        joined, most = self.joined, self.recipe.release.max_quoted_words
        return read_places(self.build.segments, joined.segments, joined.candidates.asked, most)

    @property
    def quoting(self) -> frozenset[str]:
        """Ids of the pairs that a stand-off release leaves out, because their instruction quotes the page."""
        return self.places.quoting if self.places else frozenset()

    @property
    def left_out(self) -> frozenset[str]:
        """Ids of all rows that no config of the release holds."""
        return self.removed | self.quoting

    @property
    def judged_by(self) -> Callable[[str], str] | None:
        """Which model gave the pairs of a page their last scores; None where one gave all, as the manifest says."""
        return judge_of_page(self.build)

    @cached_property
    def sft(self) -> Sft:
        """The rows that the final model was trained on, as a config."""
        seed, final = self.joined.seed, self.joined.final
        return Sft(self.build.final, trained_origins(seed, final), self.judged_by, self.left_out, self.places)

    @cached_property
    def trained(self) -> Trained:
        """What the final model was trained on."""
        return self.sft.read()

    def trained_and(self, ids: frozenset[str]) -> int:
        """How many of these rows the final model was trained on."""
        return self.trained.among(ids)

    @property
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
    def rows_on_hub(self) -> tuple[str, str] | None:
        """Repository and tag of the rows as trainers read them; None where they are read in a folder."""
        repository = self.recipe.release.dataset
        return (repository, self.tag) if repository and self.recipe.release.text == "full" else None

    @property
    def scores(self) -> dict[str, Artifact]:
        """Score artifacts by their column: `score_<t>_<judge>`, or `score_<judge>` if no iteration changes them."""
        return {score_column(artifact): artifact for artifact in self.build.scores.values()}

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

    def refuse_unready(self) -> None:
        """Raise a ReleaseError if a stage is not done, the licence is too wide, or nobody has accepted a warning."""
        for name, artifact in self.build.artifacts.items():
            if artifact.status != "done":
                raise ReleaseError(f"stage {name} is not done; run `humpback build RECIPE` first, then release again")
        if wider := wider_lines(self.recipe)[0]:
            raise ReleaseError("\n".join([
                "the licence of the release allows what that of a part of it does not:",
                *(f"  {line}" for line in wider),
                "  correct it in the recipe, then release again; a licence of the release asks for no other build",
            ]))  # fmt: skip
        if not self.accepted:
            refuse_unaccepted(self.notices)
