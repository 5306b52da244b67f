"""Self-curation, first half: M_{t-1} scores every candidate pair (section 2.3 of arXiv 2308.06259).

Scores are attributes: `score` never copies the text it judges.
"""

from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from builder.errors import StageError
from builder.llm.first_scores import collapse, first_rows
from builder.llm.runner import run_rows
from builder.recipe import Chat
from builder.recipe import Engine as EngineConfig
from builder.recipe.judges import Judge
from builder.recipe.runtime import Runtime
from builder.records import Stats, score_schema
from builder.score_details import ScoreDetails, columns
from builder.scorer import Scorer, stopped
from builder.section import Named, Section
from builder.stage_names import Half
from builder.storage import open_rows, read_rows

VERSION = 3
BATCH = 2_000


class ScoreStage(Section):
    """What a stage `score-t-<judge>` depends on."""

    judge: Judge
    engine: EngineConfig
    chat: Chat
    template: Literal["backward"] | Named | None = None
    """What M_yx was asked with (`augment.template`); for judge `reverse`, which asks it again, and for no other."""

    @model_validator(mode="after")
    def _template(self) -> "ScoreStage":
        if (self.template is not None) != (self.judge.judge == "reverse"):
            raise ValueError("template goes with judge reverse, and with no other")
        return self


class HalfScoreStage(ScoreStage):
    """What a stage of cross-fitting depends on: it scores the pairs of one half of the pages."""

    half: Half


def score(out: Path, config: ScoreStage, candidates: Path, model: Path, *, runtime: Runtime) -> Stats:
    """Score candidate pairs with one judge under M_{t-1}; `reverse` asks M_yx, and a judge may name another model.

    Args:
        out: Stage folder; `data/` gets one row a pair, with `score` null and a reason where there is none.
        config: Judge, engine and chat sections; and the half of the pages that is scored, for cross-fitting.
        candidates: Stage folder of the candidate pairs.
        model: Stage folder of M_{t-1}, or of M_yx.
        runtime: Sizes that change no result.

    Returns:
        Counts of pairs, `failed` being those without a score; the details are those of `ScoreDetails.figures`.

    Raises:
        StageError: If the model's contract does not match the recipe, its engine is missing, or a `strict` judge tells
            the first pairs hardly apart.
    """
    work = Scorer(config, model / "model", runtime, out)
    run_rows(out, candidates / "data", work, score_schema(config.judge.judge), runtime)
    return _finish(out, config)


def join_halves(out: Path, config: ScoreStage, *halves: Path, runtime: Runtime) -> Stats:
    """Put the scores of both halves of the pairs together.

    Args:
        out: Stage folder; `data/` gets the rows of one half after the other.
        config: What each half was scored with.
        halves: Stage folders of the halves.
        runtime: Not used; part of every stage's signature.
    """
    with open_rows(out / "data" / "scores.parquet", score_schema(config.judge.judge)) as add:
        for half in halves:
            rows = read_rows(half / "data")
            while some := list(islice(rows, BATCH)):
                add(some)
    return _finish(out, config)


def _finish(out: Path, config: ScoreStage) -> Stats:
    problem = collapse(config.judge, first_rows(out, config.judge))
    if problem and config.judge.strict:
        raise StageError(stopped(problem))
    found = ScoreDetails(config.judge, read_rows(out / "data", columns(config.judge)))
    return Stats({"pairs": found.counts}, found.figures(), [*([problem] if problem else []), *found.warnings()])
