"""Names of stages, as `score-2-likelihood-a`: nothing else puts one together or takes it apart.

A name is the folder of a stage in the work directory and part of its fingerprint, so it never changes its form.
"""

import re
from dataclasses import dataclass, replace
from typing import Literal

from builder.data.records import stable_id

Half = Literal["a", "b"]
HALVES: tuple[Half, Half] = ("a", "b")
SCORE, CURATE, MODEL, ANSWERS = "score", "curate", "model", "answers-model"
"""Kinds of the stages that stand once for each iteration."""
_NUMBERED = (SCORE, CURATE, MODEL, ANSWERS)
_PARTS = re.compile(
    rf"(?P<kind>{'|'.join(_NUMBERED)})(?:-(?P<iteration>\d+))?(?:-(?P<judge>[a-z]{{2,}}))?(?:-(?P<half>[ab]))?"
    r"(?:-seed-(?P<seed>\d+))?"
)


@dataclass(frozen=True)
class StageName:
    """What a stage is.

    Attributes:
        kind: What it does: `seed`, `segments`, `augment`, `score`, `curate`, `model`, `model-backward`, ...
        iteration: t of `score-t-<judge>`, `curate-t` and `model-t`; None for what no iteration changes.
        judge: Who scores.
        half: The half of the pages that a stage of cross-fitting is about.
        seed: Of a training that was repeated with another seed.
    """

    kind: str
    iteration: int | None = None
    judge: str | None = None
    half: Half | None = None
    seed: int | None = None

    def __str__(self) -> str:
        numbered = () if self.iteration is None else (str(self.iteration),)
        repeated = () if self.seed is None else ("seed", str(self.seed))
        return "-".join((self.kind, *numbered, *filter(None, (self.judge, self.half)), *repeated))

    @property
    def whole(self) -> "StageName":
        """The same without its half: what both halves are put together to, or stand beside."""
        return replace(self, half=None)

    @property
    def family(self) -> str:
        """The name without iteration, half and number of the seed, as `score-likelihood` or `model-seed`."""
        return "-".join(filter(None, (self.kind, self.judge, None if self.seed is None else "seed")))

    @property
    def trains(self) -> bool:
        """Whether the stage trains a model."""
        return self.kind in (BACKWARD.kind, MODEL)


SEED = StageName("seed")
SEED_CLEAN = StageName("seed-clean")
SEGMENTS = StageName("segments")
DEDUP = StageName("dedup")
BACKWARD = StageName("model-backward")
AUGMENT = StageName("augment")
_UNCURATED = ("curate-uncurated", "model-uncurated", "answers-model-uncurated")


def score(iteration: int | None, judge: str, half: Half | None = None) -> StageName:
    """Scores of a judge in iteration t; None for a judge that no iteration changes."""
    return StageName(SCORE, iteration, judge, half)


def curate(iteration: int) -> StageName:
    """A_k(t)."""
    return StageName(CURATE, iteration)


def model(iteration: int, *, half: Half | None = None, seed: int | None = None) -> StageName:
    """M_t; trained on one half of A_k(t), or again with another seed."""
    return StageName(MODEL, iteration, half=half, seed=seed)


def answers(of: StageName) -> StageName:
    """Answers of a model to the questions of the sample."""
    return replace(of, kind=f"answers-{of.kind}")


def uncurated(of: str) -> StageName:
    """The control of the method check: rows drawn whatever their score (`curate`), and the model trained on them."""
    return StageName(f"{of}-uncurated")


def parse(name: str) -> StageName:
    """The stage of a name; one that is no stage of a build is its own kind.

    The inverse of `str`.
    """
    parts = None if name in (str(BACKWARD), *_UNCURATED) else _PARTS.fullmatch(name)
    if parts is None:
        return StageName(name)
    numbers = {key: int(parts[key]) if parts[key] else None for key in ("iteration", "seed")}
    half: Half | None = next((half for half in HALVES if half == parts["half"]), None)
    return StageName(parts["kind"], numbers["iteration"], parts["judge"], half, numbers["seed"])


def half_of(page_id: str) -> Half:
    """The half of the pages that a page is in, where each half is scored by a model that trained on the other."""
    return "a" if int(stable_id("half", page_id)[:8], 16) % 2 == 0 else "b"
