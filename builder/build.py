"""Humpback, top to bottom: section 2 of "Self-Alignment with Instruction Backtranslation" (arXiv 2308.06259)."""

from contextlib import nullcontext
from dataclasses import dataclass

from builder.augment import AugmentStage, augment
from builder.corpus import deduplicate, extract_segments
from builder.curate import select
from builder.decontaminate import clean_seed
from builder.pins import refuse_unpinned
from builder.recipe import Recipe
from builder.score import ScoreStage, score
from builder.seed import select_seed
from builder.train import BackwardStage, ForwardStage, train_backward, train_forward
from builder.workspace import Artifact, Finished, Workspace, locked


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
    backward_stage = BackwardStage(base=base, chat=chat, recipe=training.backward, template=recipe.augment.template)
    backward = run("model-backward", train_backward, backward_stage, seed)
    augment_stage = AugmentStage(augment=recipe.augment, engine=engine, chat=chat)
    candidates = run("augment", augment, augment_stage, segments, backward)

    # Departure: if the recipe names the prompts of an evaluation, no forward model is trained on them.
    clean = run("seed-clean", clean_seed, recipe.decontaminate, seed) if recipe.decontaminate else seed

    # 2.3 Self-curation: M_{t-1} scores the same pairs again; the seed and the best pairs train M_t.
    forward_stage = ForwardStage(base=base, chat=chat, recipe=training.forward)
    initial_stage = ForwardStage(base=base, chat=chat, recipe=training.initial or training.forward)
    models = [run("model-0", train_forward, initial_stage, clean)]
    curated: list[Artifact] = []
    for t in range(1, recipe.iterations + 1):
        scores = {}
        for name in (judge.judge for judge in recipe.score):
            stage = ScoreStage(judge=recipe.judge(name, t), engine=engine, chat=chat)
            scores[name] = run(f"score-{t}-{name}", score, stage, candidates, models[-1])
        curated.append(run(f"curate-{t}", select, recipe.curate_stage, candidates, scores[recipe.curate.judge]))
        # Departure: `init: previous` is an option; the paper's text and tables tune the base model every time.
        start = models[-1:] if training.init == "previous" else []
        models.append(run(f"model-{t}", train_forward, forward_stage, clean, curated[-1], *start))

    return Build(clean, candidates, curated, backward, models)
