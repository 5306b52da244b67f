"""What a build warned of, as its release says it, and which of it a release needs somebody's word for."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from builder.build import Build
from builder.data.accounting import Counts
from builder.errors import ReleaseError
from builder.method.curate.selection import wanted_rows
from builder.workspace.stage_names import AUGMENT, CURATE, SCORE
from builder.workspace.workspace import Artifact

LITTLE_USE, ONE_FORM, TOO_FEW = "are of little use:", "has fallen back on one form", "are left to be selected"
"""Words of the stages' warnings by which they are known again."""
LOST = 0.1
"""The share of the rows of a stage that could not be done, from which on the release says so."""
MOST = 0.5
"""The same share from which on that is grave; and the share of the pairs asked for below which too few are selected."""
OPTION = "--accept-warnings"
_PATH = re.compile(r"(?<![\w./:-])/(?:[^\s/\"']{1,255}/){1,64}([^\s/\"']{0,255})")


@dataclass(frozen=True)
class Notice:
    """A warning of a build.

    Attributes:
        stage: Which stage gave it.
        text: One line, without a path of this machine.
        grave: Whether the rows may be of little use by it, so that a release needs somebody's word.
    """

    stage: str
    text: str
    grave: bool

    def as_dict(self) -> dict[str, Any]:
        """The same for a manifest."""
        return asdict(self)


def build_notices(build: Build) -> list[Notice]:
    """Every warning of the stages, each once, and what their counts ask to be said."""
    once = dict[tuple[str, str], Notice]()
    for artifact in build.artifacts.values():
        for notice in _of_stage(build, artifact):
            once.setdefault((str(artifact.name.whole), notice.text), notice)
    return list(once.values())


def refuse_unaccepted(notices: list[Notice]) -> None:
    """Raise a ReleaseError that says what was grave, and what to do."""
    grave = [notice for notice in notices if notice.grave]
    if grave:
        raise ReleaseError("\n".join([
            "the build warns of what may make its rows of little use:",
            *(f"  {notice.stage}: {notice.text}" for notice in grave),
            *(f"  look at them with `humpback show RECIPE {stage}`" for stage in dict.fromkeys(n.stage for n in grave)),
            f"  then change the recipe and build again; or release them as they are with {OPTION}, which card and "
            "manifest then say",
        ]))  # fmt: skip


def _of_stage(build: Build, artifact: Artifact) -> Iterator[Notice]:
    for text in artifact.record.get("warnings", []):
        yield Notice(artifact.stage, _without_places(text, artifact), _is_grave(build, artifact, text))
    if artifact.name.kind == SCORE:
        return  # it has warned of its pairs without a score itself
    for kind, value in artifact.record.get("counts", {}).items():
        counts = Counts.from_dict(value)
        lost = counts.failed.total()
        if lost > LOST * counts.rows_in or (lost and kind == "records"):
            reasons = ", ".join(f"{reason} {rows:,}" for reason, rows in counts.failed.most_common())
            grave = artifact.name == AUGMENT and lost > MOST * counts.rows_in
            yield Notice(artifact.stage, f"{lost:,} of {counts.rows_in:,} {kind} could not be done: {reasons}", grave)


def _is_grave(build: Build, artifact: Artifact, text: str) -> bool:
    curate, name = build.recipe.curate, artifact.name
    if name == AUGMENT:
        return ONE_FORM in text
    if name.kind == SCORE and name.judge in curate.scored:
        return LITTLE_USE in text or _unscored(artifact) > MOST
    if name.kind == CURATE and TOO_FEW in text:
        counts = Counts.from_dict(artifact.record["counts"]["pairs"])
        scored = counts.rows_in - counts.dropped["no_score"] - counts.dropped["not_finite"]
        return counts.kept < MOST * (wanted_rows(curate, scored) or 0)
    return False


def _unscored(artifact: Artifact) -> float:
    counts = [Counts.from_dict(value) for value in artifact.record.get("counts", {}).values()]
    return max((each.failed.total() / each.rows_in for each in counts if each.rows_in), default=0.0)


def _without_places(text: str, artifact: Artifact) -> str:
    """A line of a log without where things lie on this machine: of a path its last name."""
    told = " ".join(text.replace(str(artifact.path), artifact.stage).split())
    return _PATH.sub(r"\1", told)
