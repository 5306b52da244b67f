"""Humpback, top to bottom: section 2 of "Self-Alignment with Instruction Backtranslation" (arXiv 2308.06259)."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from builder.method.augment.stage import AugmentStage, augment
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.left import refuse_nothing_left
from builder.method.corpus.stage import extract_segments
from builder.method.curate.curate import select
from builder.method.curate.iterations import IterationStages
from builder.method.curate.scoring.score import HalfScoreStage, ScoreStage, join_halves, score
from builder.method.seed.decontaminate import clean_seed
from builder.method.seed.stage import select_seed
from builder.method.train.before.lengths import refuse_too_long
from builder.method.train.stage import BackwardStage, ForwardStage, HalfStage, SeedStage, train_backward, train_forward
from builder.recipe.pins import refuse_unpinned
from builder.recipe.recipe import Recipe
from builder.recipe.sections.judges import Judge
from builder.workspace import stage_names as names
from builder.workspace.aside.scratch import sweep
from builder.workspace.locks import locked
from builder.workspace.stage_names import HALVES, Half, StageName
from builder.workspace.workspace import Artifact, Finished, Workspace, refuse_damaged

Run = Callable[..., Artifact]


@dataclass(frozen=True)
class Build:
    """A build, finished or not: its stages, by what they are in the paper.

    Attributes:
        recipe: What it is made from.
        artifacts: Every stage by name, in the order in which they run.
    """

    recipe: Recipe
    artifacts: Mapping[str, Artifact]

    def stage(self, name: StageName) -> Artifact:
        """The artifact of a stage that the recipe asks for."""
        return self.artifacts[str(name)]

    @property
    def human(self) -> Artifact:
        """Human-written pairs as they were selected (3.1)."""
        return self.stage(names.SEED)

    @property
    def seed(self) -> Artifact:
        """Those of them that the forward models train on: all that do not repeat a prompt of an evaluation."""
        return self.artifacts.get(str(names.SEED_CLEAN), self.human)

    @property
    def extracted(self) -> Artifact:
        """Segments as they were cut from the pages (2.1)."""
        return self.stage(names.SEGMENTS)

    @property
    def segments(self) -> Artifact:
        """Distinct segments, the candidate outputs y."""
        return self.stage(names.DEDUP)

    @property
    def backward(self) -> Artifact:
        """M_yx (2.2)."""
        return self.stage(names.BACKWARD)

    @property
    def candidates(self) -> Artifact:
        """Segments with the instructions that M_yx wrote."""
        return self.stage(names.AUGMENT)

    @property
    def models(self) -> list[Artifact]:
        """M_0 ... M_N (2.3)."""
        return [self.stage(names.model(t)) for t in range(self.recipe.iterations + 1)]

    @property
    def final(self) -> Artifact:
        """M_N."""
        return self.models[-1]

    @property
    def repeats(self) -> dict[int, Artifact]:
        """M_N trained again, by seed."""
        return {seed: self.stage(names.model(self.recipe.iterations, seed=seed)) for seed in self.recipe.training.seeds}

    @property
    def curated(self) -> list[Artifact]:
        """A_k(1) ... A_k(N)."""
        return [self.stage(names.curate(t)) for t in self.steps]

    @property
    def steps(self) -> range:
        """The iterations t, from 1 to N."""
        return range(1, self.recipe.iterations + 1)

    @property
    def scores(self) -> dict[tuple[int | None, str], Artifact]:
        """Scores of all candidates by iteration and judge; None is the iteration of those that no iteration changes."""
        keys: list[tuple[int | None, str]] = [(None, judge.judge) for judge in self.recipe.score if judge.once]
        keys += [(t, judge.judge) for t in self.steps for judge in self.recipe.judges(t)]
        return {(t, judge): self.stage(names.score(t, judge)) for t, judge in keys}

    def crossed(self, t: int) -> bool:
        """Whether each half of the pairs is scored by a model that trained on the other, in iteration t."""
        return self.recipe.training.cross_fit and t > 1 and bool(self.recipe.judges(t))

    def scorers(self, t: int) -> dict[Half | None, Artifact]:
        """What scores in iteration t: M_{t-1}, or with cross-fitting by half of the pairs the model of the other."""
        if not self.crossed(t):
            return {None: self.models[t - 1]}
        others = zip(HALVES, reversed(HALVES), strict=True)
        return {half: self.stage(names.model(t - 1, half=other)) for half, other in others}

    def iteration(self, t: int) -> IterationStages:
        """The stages of iteration t."""
        scores = {judge: artifact for (step, judge), artifact in self.scores.items() if step in (None, t)}
        return IterationStages(
            number=t,
            candidates=self.candidates,
            judged=[scores[judge] for judge in self.recipe.curate.scored],
            own={judge: artifact for (step, judge), artifact in self.scores.items() if step == t},
            curated=self.curated[t - 1],
            model=self.models[t],
            crossed=self.crossed(t),
        )


def run_build(recipe: Recipe, workspace: Workspace, begin: Callable[[], None] = lambda: None) -> Build | None:
    """Run every stage that is not already done.

    Args:
        recipe: The build recipe.
        workspace: Runs the stages; with `dry_run` it only looks, with `until` it stops early.
        begin: Called once the work directory is this build's alone, before the first stage.

    Returns:
        The build, or None if it was asked to stop at a stage.

    Raises:
        RecipeError: If the recipe reads from the Hub anything but a commit.
        StageError: If a stage fails, or the work directory is in use; what is finished stays, and the same call goes
            on from there.
    """
    refuse_unpinned(recipe)
    with nullcontext() if workspace.dry_run else locked(workspace.root):
        try:
            begin()
            if not workspace.dry_run:
                sweep(workspace.root)
            return run_stages(recipe, workspace)
        except Finished:
            return None


def look_at_build(recipe: Recipe, work_dir: Path, *, verify: bool = False, damaged_too: bool = False) -> Build:
    """The build of a recipe as it stands in a work directory, run or not; nothing is run.

    Args:
        recipe: The build recipe.
        work_dir: The work directory.
        verify: Whether to read the files of all finished stages, and not to compare names and sizes alone.
        damaged_too: Whether stages are looked at as well that were done and are no longer whole.

    Raises:
        RecipeError: As `run_build` does.
        StageError: If stages were done and are no longer whole; it names them all.
    """
    refuse_unpinned(recipe)
    build = run_stages(recipe, Workspace(work_dir, recipe.runtime, dry_run=True))
    if not damaged_too:
        refuse_damaged(build.artifacts.values(), verify=verify)
    return build


def run_stages(recipe: Recipe, workspace: Workspace) -> Build:
    """Hand every stage to the workspace, in the order of the paper (section 2)."""
    run = workspace.run
    base, chat, engine, training = recipe.base.origin, recipe.chat, recipe.engine, recipe.training

    # 2.1 Initialization: human-written pairs, and a web corpus cut into candidate outputs y.
    seed = run(names.SEED, select_seed, recipe.seed)
    extracted = run(names.SEGMENTS, extract_segments, recipe.segments)
    segments = run(names.DEDUP, deduplicate, recipe.dedup, extracted)

    def look_first() -> None:
        """What can be known of the rows before hours are spent on them."""
        refuse_nothing_left(extracted.record.get("counts", {}), segments.record.get("counts", {}))
        refuse_too_long(recipe, seed.path, segments.path)

    # 2.2 Self-augmentation: M_yx, tuned on (output -> instruction), writes the instruction x that each y answers.
    backward_stage = BackwardStage(
        base=base, chat=chat, recipe=training.backward, schedule=training.schedule, template=recipe.augment.template
    )
    backward = run(names.BACKWARD, train_backward, backward_stage, seed, first=look_first)
    augment_stage = AugmentStage(augment=recipe.augment, engine=engine, chat=chat)
    candidates = run(names.AUGMENT, augment, augment_stage, segments, backward, first=look_first)

    # Departure: scores of models that no iteration changes, M_yx and those that the build has not trained; options.
    fixed: dict[str, Artifact] = {
        judge.judge: run(names.score(None, judge.judge), score, _score_stage(recipe, judge), candidates, backward)
        for judge in recipe.score
        if judge.once
    }

    # Departure: if the recipe names the prompts of an evaluation, no forward model is trained on them.
    clean = run(names.SEED_CLEAN, clean_seed, recipe.decontaminate, seed) if recipe.decontaminate else seed

    # 2.3 Self-curation: M_{t-1} scores the same pairs again; the seed and the best pairs train M_t.
    forward_stage = ForwardStage(base=base, chat=chat, recipe=training.forward, schedule=training.schedule)
    initial_stage = forward_stage.model_copy(update={"recipe": training.initial or training.forward})
    models = [run(names.model(0), train_forward, initial_stage, clean)]
    curated: list[Artifact] = []
    for t in range(1, recipe.iterations + 1):
        scores = dict(fixed)
        # Departure: with `cross_fit` each half of the pairs is scored by a model that trained on the other; an option.
        crossed = training.cross_fit and t > 1
        judges = recipe.judges(t)
        halves = _train_halves(run, t - 1, forward_stage, clean, curated[-1]) if crossed and judges else []
        for judge in judges:
            stage = _score_stage(recipe, judge)
            name = names.score(t, judge.judge)
            if halves:
                scores[judge.judge] = _score_halves(run, name, stage, candidates, halves)
            else:
                scores[judge.judge] = run(name, score, stage, candidates, models[-1])
        judged = [scores[name] for name in recipe.curate.scored]
        curated.append(run(names.curate(t), select, recipe.curate_stage, candidates, *judged, *curated[:1]))
        # Departure: `init: previous` is an option; the paper's text and tables tune the base model every time.
        start = models[-1:] if training.init == "previous" else []
        models.append(run(names.model(t), train_forward, forward_stage, clean, curated[-1], *start))

    # Departure: the final model trained again with other seeds, to see how much its figures vary; an option.
    for number in training.seeds:
        repeated = SeedStage(**dict(forward_stage), seed=number)
        run(names.model(recipe.iterations, seed=number), train_forward, repeated, clean, curated[-1], *start)

    return Build(recipe, dict(workspace.artifacts))


def _score_stage(recipe: Recipe, judge: Judge) -> ScoreStage:
    template = recipe.augment.template if judge.judge == "reverse" else None
    return ScoreStage(judge=judge, engine=recipe.engine, chat=recipe.chat, template=template)


def _train_halves(run: Run, t: int, stage: ForwardStage, clean: Artifact, curated: Artifact) -> list[Artifact]:
    """M_t twice, each trained on the seed and one half of A_t."""
    return [
        run(names.model(t, half=half), train_forward, HalfStage(**dict(stage), half=half), clean, curated)
        for half in HALVES
    ]


def _score_halves(
    run: Run, name: StageName, stage: ScoreStage, candidates: Artifact, halves: list[Artifact]
) -> Artifact:
    """Each half of the pairs scored by the model that trained on the other, and both together."""
    scored = [
        run(replace(name, half=half), score, HalfScoreStage(**dict(stage), half=half), candidates, model)
        for half, model in zip(HALVES, reversed(halves), strict=True)
    ]
    return run(name, join_halves, stage, *scored)
