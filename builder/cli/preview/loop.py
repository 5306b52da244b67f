"""The loop of the paper on the pages of a preview: the stages of a build, in a place of their own."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.cli.preview.first_lines import take_first_lines
from builder.cli.preview.models import AtHand, judge_at_hand, writer_at_hand
from builder.cli.preview.pages import Sample, choose_pages
from builder.data.accounting import Counts
from builder.data.address import hidden_places
from builder.data.storage import count_rows, parquet_files, read_rows
from builder.errors import StageError
from builder.method.augment.stage import AugmentStage, augment
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.stage import extract_segments
from builder.method.curate.curate import select
from builder.method.curate.scoring.score import ScoreStage, score
from builder.method.curate.selection import Scores, choose, read_columns, select_by
from builder.recipe.sections.judges import Judge
from builder.recipe.sections.section import Section
from builder.text.counted import counted
from builder.workspace.child import request_of, run_child
from builder.workspace.stage_names import score as scores_of

_ROWS = {"segments": "segments", "dedup": "segments", "augment": "pairs"}
"""The rows of the stages that may leave none."""


@dataclass
class Loop:
    """What a preview has come to.

    Attributes:
        build: The build as it stands, for its recipe and its models.
        place: Where the stages are put.
        say: Told what is done next.
        counts: Of each stage, those of all kinds of rows.
        folders: Of each stage.
        judges: Who has scored, by judge.
    """

    build: Build
    place: Path
    say: Callable[[str], None] = lambda line: None
    sample: Sample = field(default_factory=Sample)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)
    folders: dict[str, Path] = field(default_factory=dict)
    writer: AtHand | None = None
    judges: dict[str, AtHand] = field(default_factory=dict)
    scores: Scores = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)

    def run(self, pages: int) -> None:
        """Cut, write, score and select, as far as rows are left.

        Raises:
            RecipeError: If there are no pages, or no model can be asked.
            StageError: If a stage fails.
        """
        recipe = self.build.recipe
        self.sample = choose_pages(recipe.segments.sources, pages)
        source = self.sample.write(self.place / "pages.jsonl")
        cut = recipe.segments.model_copy(update={"sources": [source], "tasks": 1})
        self.say(f"preview: cutting {counted(len(self.sample.pages), 'pages')}")
        if not self._stage("segments", extract_segments, cut):
            return
        # How many of all segments stay says nothing about those of a few pages.
        few = recipe.dedup.model_copy(update={"sample": None})
        if not self._stage("dedup", deduplicate, few, self.folders["segments"]):
            return
        if not self._write():
            return
        for judge in self._selecting():
            self._score(judge)
        self._select()

    def _write(self) -> bool:
        recipe = self.build.recipe
        other = recipe.augment.model
        if other is None:
            self.writer = writer_at_hand(self.build, self.place)
        else:
            self.writer = AtHand(self.build.backward.path, other.location, False)
        self.seeds["augment.seed"] = recipe.augment.seed
        self.say(f"preview: {self.writer.name} writes instructions for {counted(self._kept('dedup'), 'segments')}")
        config = AugmentStage(augment=recipe.augment, engine=recipe.engine, chat=recipe.chat)
        left = self._stage("augment", augment, config, self.folders["dedup"], self.writer.folder)
        if other is None and not self.writer.trained:
            counts = take_first_lines(self.folders["augment"], config, self.folders["dedup"])
            self.counts["augment"], left = {"pairs": counts.as_dict()}, counts.kept > 0
        return left

    def _selecting(self) -> list[Judge]:
        """The judges that the selection asks, as they are in the iteration of the model at hand."""
        recipe = self.build.recipe
        wanted = [judge for judge in recipe.score if judge.judge in recipe.curate.scored]
        if any(not judge.once for judge in wanted):
            model, t = judge_at_hand(self.build, self.place)
            anew = {judge.judge: judge for judge in recipe.judges(t)}
            wanted = [anew.get(judge.judge, judge) for judge in wanted]
            self.judges |= {judge.judge: model for judge in wanted if not judge.once}
        for judge in wanted:
            other = getattr(judge, "model", None)
            if other is not None:
                self.judges[judge.judge] = AtHand(self.build.backward.path, other.location, False)
            elif judge.judge == "reverse":
                self.judges["reverse"] = self._backward()
        return wanted

    def _backward(self) -> AtHand:
        """M_yx, also where another model writes."""
        if self.writer is not None and self.build.recipe.augment.model is None:
            return self.writer
        return writer_at_hand(self.build, self.place)

    def _score(self, judge: Judge) -> None:
        recipe, model = self.build.recipe, self.judges[judge.judge]
        template = recipe.augment.template if judge.judge == "reverse" else None
        config = ScoreStage(judge=judge, engine=recipe.engine, chat=recipe.chat, template=template)
        if (seed := getattr(judge, "seed", None)) is not None:
            self.seeds[f"score.{judge.judge}.seed"] = seed
        self.say(f"preview: {model.name} scores {counted(self._kept('augment'), 'pairs')} as {judge.judge}")
        self._stage(str(scores_of(None, judge.judge)), score, config, self.folders["augment"], model.folder)

    def _select(self) -> None:
        """Select by the rule of the recipe; nothing is selected where no score reaches a threshold."""
        config, candidates = self.build.recipe.curate_stage, self.folders["augment"]
        scores = [self.folders[str(scores_of(None, name))] for name in config.scored]
        self.scores = select_by(read_columns(config, candidates, scores))
        self.seeds["curate.seed"] = config.seed
        if choose(self.scores, config):
            out = self.place / "curate"
            stats = select(out, config, candidates, *scores, runtime=self.build.recipe.runtime)
            self.folders["curate"] = out
            self.counts["curate"] = {kind: counts.as_dict() for kind, counts in stats.counts.items()}

    def _kept(self, stage: str) -> int:
        return int(self.counts[stage][_ROWS[stage]]["kept"])

    def _stage(self, name: str, function: Callable[..., Any], config: Section, *inputs: Path) -> bool:
        """Run a stage as a build does, in a child process; whether any row is left."""
        out = self.place / name
        out.mkdir()
        self.folders[name] = out
        runtime = self.build.recipe.runtime.model_copy(update={"engines": 1})
        request = request_of(function, config, inputs, runtime)
        try:
            hidden = hidden_places(config)
            self.counts[name] = run_child(out, request, runtime, _nothing, stage=name, hidden=hidden)["counts"]
        except StageError:
            if not _none_left(out):
                raise
            lost = Counter(row["reason"] for row in read_rows(out / "rejected", ["reason"]))
            self.counts[name] = {_ROWS[name]: Counts(lost.total(), 0, lost).as_dict()}
            return False
        return True


def _nothing() -> None:
    """Show no progress."""


def _none_left(out: Path) -> bool:
    """Whether a stage has ended well but for that every row was rejected."""
    data, rejected = out / "data", out / "rejected"
    left = count_rows(data) if data.is_dir() and parquet_files(data) else None
    return left == 0 and rejected.is_dir() and count_rows(rejected) > 0
