"""The planted pairs before every judge, through the stages of a build; what is done already is not done again."""

import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from builder.build import Build
from builder.data.records import Row
from builder.data.storage import read_rows
from builder.method.curate.scoring.score import HalfScoreStage, ScoreStage, join_halves, score
from builder.method.train.stage import HalfStage, train_forward
from builder.recipe.sections.judges import Expected, Judge, Likelihood, Reasoned, Reverse, Verdict
from builder.workspace import stage_names as names
from builder.workspace.stage_names import HALVES, Half
from builder.workspace.workspace import Artifact, Workspace
from planted.plant import read_truth

M_YX, M_0, M_1, CROSSED = "M_yx", "M_0", "M_1", "M_1, crossed"
"""Who scores; crossed: each half of the pages by a model that trained on the other half of A_1."""
WORDS = 160
"""The most tokens of a reply."""
RUBRIC = 380
"""Tokens of a rubric with its conversation, about; for the time that is left alone."""
WRITTEN = 10
"""A token that is written takes about as long as so many that are read."""


@dataclass(frozen=True)
class Asked:
    """A judge with the pairs that it is asked about.

    Attributes:
        title: As the table has it.
        judge: Its section of a recipe.
        pairs: The stage of the pairs.
    """

    title: str
    judge: Judge
    pairs: Artifact

    @property
    def work(self) -> int:
        """Tokens that it makes a model read, about."""
        answers, rows = 0, 0
        for row in read_truth(self.pairs.path):
            answers, rows = answers + row["tokens"], rows + 1
        if isinstance(self.judge, Likelihood):
            return 2 * answers + 80 * rows
        if isinstance(self.judge, Reverse):
            return answers + 100 * rows
        once = answers + RUBRIC * rows
        if isinstance(self.judge, Expected):
            return once
        spoken = once + WRITTEN * WORDS * rows
        return spoken + once if isinstance(self.judge, Reasoned) else spoken


@dataclass(frozen=True)
class Parts:
    """The planted pairs: all, and the first groups of them for judges that take longer.

    Attributes:
        all: For judges that read a pair once or twice.
        rated: For those that read a rubric with it.
        spoken: For those that write a reply.
    """

    all: Artifact
    rated: Artifact
    spoken: Artifact

    def read(self) -> Iterator[Asked]:
        """The judges that read probabilities of what stands there."""
        yield Asked("likelihood", Likelihood(judge="likelihood"), self.all)
        yield Asked("expected", Expected(judge="expected"), self.rated)
        yield Asked("additive", Expected(judge="expected", rubric="additive"), self.rated)

    def written(self) -> Iterator[Asked]:
        """The judges that write first."""
        yield Asked("verdict", Verdict(judge="verdict", max_tokens=WORDS), self.spoken)
        yield Asked("reasoned", Reasoned(judge="reasoned", max_tokens=WORDS), self.spoken)


Scored = dict[tuple[str, str], list[Row]]
"""Score rows by judge and who scores."""


@dataclass
class Judging:
    """Runs the score stages one after the other and says how far it is.

    Attributes:
        workspace: Runs them, in a work directory of their own.
        build: The build whose models judge.
        crossed: Whether the halves of the pages are judged crosswise too.
        say: Told a line after each part.
    """

    workspace: Workspace
    build: Build
    crossed: bool = True
    say: Callable[[str], None] = print
    _left: int = field(default=0, init=False)
    _rate: tuple[int, float] = field(default=(0, 0.0), init=False)

    def judge(self, parts: Parts) -> Scored:
        """Every judge under every model; crosswise those that write nothing, which take a third of the time."""
        todo = [*self._todo(parts)]
        self._left = sum(asked.work for asked, _, _ in todo)
        self.say(f"about {self._left:,} tokens to read; those that are written count {WRITTEN} times")
        found: Scored = {}
        for number, (asked, by, run) in enumerate(todo, start=1):
            started = time.monotonic()
            artifact = run(asked)
            found[asked.title, by] = list(read_rows(artifact.data))
            self.say(self._line(f"{number} of {len(todo)}: {asked.title} by {by}", asked.work, started))
        return found

    def _todo(self, parts: Parts) -> Iterator[tuple[Asked, str, Callable[[Asked], Artifact]]]:
        yield Asked("reverse", Reverse(judge="reverse"), parts.all), M_YX, self._by_backward
        for t, by in ((1, M_0), (2, M_1)):
            for asked in (*parts.read(), *parts.written()):
                yield asked, by, functools.partial(self._by, t)
        if self.crossed:
            started = time.monotonic()
            models = {half: self._half(half) for half in HALVES}
            self.say(f"a model of each half of A_1: {time.monotonic() - started:.0f} s")
            for asked in parts.read():
                yield asked, CROSSED, functools.partial(self._crosswise, models)

    def _line(self, what: str, work: int, started: float) -> str:
        """How long a part has taken, and how long the others may: those that were found done say nothing of it."""
        seconds = time.monotonic() - started
        self._left -= work
        if seconds > 5:
            self._rate = (self._rate[0] + work, self._rate[1] + seconds)
        tokens, spent = self._rate
        left = f", about {self._left * spent / tokens / 60:.0f} minutes left" if tokens else ""
        return f"{what}: {seconds:.0f} s{left}"

    def _stage(self, judge: Judge) -> ScoreStage:
        recipe = self.build.recipe
        template = recipe.augment.template if isinstance(judge, Reverse) else None
        return ScoreStage(judge=judge, engine=recipe.engine, chat=recipe.chat, template=template)

    def _by_backward(self, asked: Asked) -> Artifact:
        stage = self._stage(asked.judge)
        return self.workspace.run(names.score(None, "reverse"), score, stage, asked.pairs, self.build.backward)

    def _by(self, t: int, asked: Asked) -> Artifact:
        """Under M_(t-1), as in iteration t of a build."""
        name, model = names.score(t, asked.judge.judge), self.build.models[t - 1]
        return self.workspace.run(name, score, self._stage(asked.judge), asked.pairs, model)

    def _crosswise(self, models: Mapping[Half, Artifact], asked: Asked) -> Artifact:
        """As `build.run_stages` does with `training.cross_fit`."""
        name, stage = names.score(2, asked.judge.judge), self._stage(asked.judge)
        there = {row["half"] for row in read_truth(asked.pairs.path)}
        scored = [
            self.workspace.run(
                replace(name, half=half),
                score,
                HalfScoreStage(**dict(stage), half=half),
                asked.pairs,
                models[other],
            )
            for half, other in zip(HALVES, reversed(HALVES), strict=True)
            if half in there  # a part of a small build may be of one half alone
        ]
        return self.workspace.run(name, join_halves, stage, *scored)

    def _half(self, half: Half) -> Artifact:
        """M_1 trained on the seed and one half of A_1; that of the build, if it has one."""
        build, name = self.build, names.model(1, half=half)
        if str(name) in build.artifacts and build.stage(name).status == "done":
            return build.stage(name)
        recipe, training = build.recipe, build.recipe.training
        stage = HalfStage(
            base=recipe.base.origin,
            chat=recipe.chat,
            recipe=training.forward,
            schedule=training.schedule,
            half=half,
        )
        return self.workspace.run(name, train_forward, stage, build.seed, build.curated[0])
