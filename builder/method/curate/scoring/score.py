"""Self-curation, first half: M_{t-1} scores every candidate pair (section 2.3 of arXiv 2308.06259).

Scores are attributes: `score` never copies the text it judges.
"""

import functools
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from builder.data.accounting import Rejects, Stats
from builder.data.records import Row, score_schema
from builder.data.storage import open_rows, read_rows
from builder.errors import StageError
from builder.llm.batch.runner import run_rows
from builder.llm.contract import check_contract
from builder.llm.engines.engine import Engine, Tick
from builder.llm.engines.generators import Generator, open_other, other_folder, other_renderer
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.curate.scoring.first_scores import FIRST, degenerate_scores, first_score_rows
from builder.method.curate.scoring.judges import judge_rows
from builder.method.curate.scoring.ratings import unscored
from builder.method.curate.scoring.score_details import ScoreDetails, columns
from builder.method.curate.scoring.verdicts import served_verdict
from builder.recipe.sections.judges import Judge, Rated, Verdict
from builder.recipe.sections.models import Chat
from builder.recipe.sections.models import Engine as EngineConfig
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Named, Section
from builder.workspace.progress import notice
from builder.workspace.stage_names import Half, half_of

VERSION = 4
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
    problem = degenerate_scores(config.judge, first_score_rows(out, config.judge))
    if problem and config.judge.strict:
        raise StageError(stopped(problem))
    details = ScoreDetails(config.judge, read_rows(out / "data", columns(config.judge)))
    return Stats({"pairs": details.counts}, details.figures(), [*([problem] if problem else []), *details.warnings()])


@dataclass
class Scorer:
    """A model at work on candidate pairs, as a judge.

    Attributes:
        config: Judge, engine and chat sections.
        model: The folder of M_{t-1} or M_yx, which a judge with a model of its own does not use.
        runtime: Sizes that change no result.
        out: The stage folder.
        engine: The engine, once it is started.
    """

    config: "ScoreStage"
    model: Path
    runtime: Runtime
    out: Path
    engine: Engine | None = field(default=None, repr=False)
    _looked: bool = field(default=False, init=False, repr=False)

    @property
    def loads_model(self) -> bool:
        """Whether a model is loaded here, and not asked through a server."""
        other = self.config.judge.model if isinstance(self.config.judge, Rated) else None
        return self.config.engine.kind != "openai" and (other is None or other.served_name is None)

    def answer(self, rows: list[Row], rejects: Rejects, tick: Tick) -> list[Row]:
        """A score row for every pair, or for those of the half of the pages that the stage is for.

        Raises:
            StageError: If the judge is `strict` and what was scored before says that it cannot judge.
        """
        self._look()
        self._tick = tick
        if self.engine is not None:
            self.engine.forget()
        judge, own = self.config.judge, [row for row in rows if self._is_own(row)]
        if isinstance(judge, Verdict) and judge.model is not None and judge.model.served_name is not None:
            return served_verdict(own, judge, self.config.chat, self._served)
        room, template = self.config.engine.max_model_len, self.config.template or "backward"
        return judge_rows(own, judge, self._renderer, self._start, room, template=template)

    def give_up(self, row: Row, reason: str, rejects: Rejects) -> list[Row]:
        """A row without a score."""
        return [unscored(row, reason)] if self._is_own(row) else []

    def _is_own(self, row: Row) -> bool:
        return getattr(self.config, "half", None) in (None, half_of(row["page_id"]))

    @functools.cached_property
    def _folder(self) -> Path:
        judge = self.config.judge
        return other_folder(judge.model) if isinstance(judge, Rated) and judge.model is not None else self.model

    @functools.cached_property
    def _renderer(self) -> Renderer:
        judge, chat = self.config.judge, self.config.chat
        if isinstance(judge, Rated) and judge.model is not None:
            return other_renderer(self._folder, "forward", chat)
        role: Literal["forward", "backward"] = "backward" if judge.judge == "reverse" else "forward"
        tokenizer = load_tokenizer(self._folder)
        return Renderer(check_contract(self._folder, tokenizer, chat, role), tokenizer)

    @functools.cached_property
    def _served(self) -> Generator:
        config = self.config
        other = config.judge.model if isinstance(config.judge, Rated) else None
        if other is None:
            raise StageError("the judge has no model of its own")
        return open_other(other, "forward", config.chat, config.engine, self.runtime, lambda: self._tick())

    def _start(self) -> Engine:
        if self.engine is None:
            self.engine = start_engine(self._folder, self.config.engine, self.runtime, self._tick)
        return self.engine

    def _look(self) -> None:
        """Look once at the first scores, as soon as their chunks are written; the rows are those of the last look."""
        if self._looked:
            return
        rows = first_score_rows(self.out, self.config.judge)
        if len(rows) < FIRST:
            return
        self._looked = True
        problem = degenerate_scores(self.config.judge, rows)
        if problem and self.config.judge.strict:
            raise StageError(stopped(problem))
        if problem:
            notice(self.out, problem)


def stopped(problem: str) -> str:
    """What ends a stage whose judge is strict."""
    return f"{problem}; the judge is strict, so the stage ends here"
