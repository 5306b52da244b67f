"""Humpback, top to bottom: section 2 of "Self-Alignment with Instruction Backtranslation" (arXiv 2308.06259)."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from builder.augment import AugmentStage, augment
from builder.corpus import deduplicate, extract_segments
from builder.curate import select
from builder.decontaminate import clean_seed
from builder.pins import refuse_unpinned
from builder.recipe import Recipe
from builder.recipe.judges import Judge
from builder.records import HALVES
from builder.score import HalfScoreStage, ScoreStage, join_halves, score
from builder.seed import select_seed
from builder.train import BackwardStage, ForwardStage, HalfStage, SeedStage, train_backward, train_forward
from builder.workspace import Artifact, Finished, Workspace, locked

Run = Callable[..., Artifact]


@dataclass(frozen=True)
class Build:
    """The artifacts of a build, by what they are in the paper.

    Attributes:
        seed: Human-written pairs that the forward models train on.
        candidates: Segments with the instructions that M_yx wrote.
        curated: A_k(1) ... A_k(N).
        backward: M_yx.
        models: M_0 ... M_N.
    """

    seed: Artifact
    candidates: Artifact
    curated: list[Artifact]
    backward: Artifact
    models: list[Artifact]


def run_build(recipe: Recipe, workspace: Workspace) -> Build | None:
    """Run every stage that is not already done.

    Args:
        recipe: The build recipe.
        workspace: Runs the stages; with `dry_run` it only looks, with `until` it stops early.

    Returns:
        The artifacts, or None if the build was asked to stop at a stage.

    Raises:
        RecipeError: If the recipe reads from the Hub anything but a commit.
        StageError: If a stage fails, or the work directory is in use; what is finished stays, and the same call goes
            on from there.
    """
    refuse_unpinned(recipe)
    with nullcontext() if workspace.dry_run else locked(workspace.root):
        try:
            return _build(recipe, workspace)
        except Finished:
            return None


def _build(recipe: Recipe, workspace: Workspace) -> Build:
    run = workspace.run
    base, chat, engine, training = recipe.base.origin, recipe.chat, recipe.engine, recipe.training

    # 2.1 Initialization: human-written pairs, and a web corpus cut into candidate outputs y.
    seed = run("seed", select_seed, recipe.seed)
    segments = run("segments", extract_segments, recipe.segments)
    segments = run("dedup", deduplicate, recipe.dedup, segments)

    # 2.2 Self-augmentation: M_yx, tuned on (output -> instruction), writes the instruction x that each y answers.
    backward_stage = BackwardStage(
        base=base, chat=chat, recipe=training.backward, schedule=training.schedule, template=recipe.augment.template
    )
    backward = run("model-backward", train_backward, backward_stage, seed)
    augment_stage = AugmentStage(augment=recipe.augment, engine=engine, chat=chat)
    candidates = run("augment", augment, augment_stage, segments, backward)

    # Departure: scores of models that no iteration changes, M_yx and those that the build has not trained; options.
    fixed: dict[str, Artifact] = {
        judge.judge: run(f"score-{judge.judge}", score, _score_stage(recipe, judge), candidates, backward)
        for judge in recipe.score
        if judge.once
    }

    # Departure: if the recipe names the prompts of an evaluation, no forward model is trained on them.
    clean = run("seed-clean", clean_seed, recipe.decontaminate, seed) if recipe.decontaminate else seed

    # 2.3 Self-curation: M_{t-1} scores the same pairs again; the seed and the best pairs train M_t.
    forward_stage = ForwardStage(base=base, chat=chat, recipe=training.forward, schedule=training.schedule)
    initial_stage = forward_stage.model_copy(update={"recipe": training.initial or training.forward})
    models = [run("model-0", train_forward, initial_stage, clean)]
    curated: list[Artifact] = []
    for t in range(1, recipe.iterations + 1):
        scores = dict(fixed)
        # Departure: with `cross_fit` each half of the pairs is scored by a model that trained on the other; an option.
        crossed = training.cross_fit and t > 1
        judges = recipe.judges(t)
        halves = _train_halves(run, t - 1, forward_stage, clean, curated[-1]) if crossed and judges else []
        for judge in judges:
            stage = _score_stage(recipe, judge)
            name = f"score-{t}-{judge.judge}"
            if halves:
                scores[judge.judge] = _score_halves(run, name, stage, candidates, halves)
            else:
                scores[judge.judge] = run(name, score, stage, candidates, models[-1])
        judged = [scores[name] for name in recipe.curate.scored]
        curated.append(run(f"curate-{t}", select, recipe.curate_stage, candidates, *judged))
        # Departure: `init: previous` is an option; the paper's text and tables tune the base model every time.
        start = models[-1:] if training.init == "previous" else []
        models.append(run(f"model-{t}", train_forward, forward_stage, clean, curated[-1], *start))

    # Departure: the final model trained again with other seeds, to see how much its figures vary; an option.
    for number in training.seeds:
        repeated = SeedStage(**dict(forward_stage), seed=number)
        run(f"model-{recipe.iterations}-seed-{number}", train_forward, repeated, clean, curated[-1], *start)

    return Build(clean, candidates, curated, backward, models)


def _score_stage(recipe: Recipe, judge: Judge) -> ScoreStage:
    template = recipe.augment.template if judge.judge == "reverse" else None
    return ScoreStage(judge=judge, engine=recipe.engine, chat=recipe.chat, template=template)


def _train_halves(run: Run, t: int, stage: ForwardStage, clean: Artifact, curated: Artifact) -> list[Artifact]:
    """M_t twice, each trained on the seed and one half of A_t."""
    return [
        run(f"model-{t}-{half}", train_forward, HalfStage(**dict(stage), half=half), clean, curated) for half in HALVES
    ]


def _score_halves(run: Run, name: str, stage: ScoreStage, candidates: Artifact, halves: list[Artifact]) -> Artifact:
    """Each half of the pairs scored by the model that trained on the other, and both together."""
    scored = [
        run(f"{name}-{half}", score, HalfScoreStage(**dict(stage), half=half), candidates, model)
        for half, model in zip(HALVES, reversed(halves), strict=True)
    ]
    return run(name, join_halves, stage, *scored)
