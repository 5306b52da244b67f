"""A model at work on candidate pairs, as a judge (paper 2.3)."""

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from builder.errors import StageError
from builder.llm.chunks import Row
from builder.llm.contract import check_contract
from builder.llm.engine import Engine, Tick, load_tokenizer, start_engine
from builder.llm.first_scores import FIRST, collapse, first_rows
from builder.llm.judges import judge_rows
from builder.llm.ratings import unscored
from builder.llm.renderer import Renderer
from builder.llm.speakers import Speaker, open_other, other_folder, other_renderer
from builder.llm.verdicts import served_verdict
from builder.progress import notice
from builder.recipe.judges import Rated, Verdict
from builder.recipe.runtime import Runtime
from builder.records import Rejects
from builder.stage_names import half_of

if TYPE_CHECKING:
    from builder.score import ScoreStage


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
    def _served(self) -> Speaker:
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
        rows = first_rows(self.out, self.config.judge)
        if len(rows) < FIRST:
            return
        self._looked = True
        problem = collapse(self.config.judge, rows)
        if problem and self.config.judge.strict:
            raise StageError(stopped(problem))
        if problem:
            notice(self.out, problem)


def stopped(problem: str) -> str:
    """What ends a stage whose judge is strict."""
    return f"{problem}; the judge is strict, so the stage ends here"
