"""An evaluation, top to bottom: prompts, answers, judgements, report; each a stage that is found again."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.accounting import Counts, Stats
from builder.data.records import Row
from builder.data.storage import read_json, read_rows, write_json
from builder.errors import RecipeError
from builder.recipe.sections.models import Chat
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.results.evaluate.comparison.answers import AnswersStage, answer_prompts
from builder.results.evaluate.comparison.judgements import judgements_of
from builder.results.evaluate.comparison.pairwise import CompareStage, compare
from builder.results.evaluate.comparison.plan import Asked, Contestant, Plan, Sampling
from builder.results.evaluate.comparison.prompts import select_prompts
from builder.results.evaluate.comparison.report import report_of
from builder.results.evaluate.statistics.win_rates import by_group, consistency
from builder.workspace.workspace import Artifact, Workspace

VERSION = 1
PREFIX = "evaluate-"
ANSWERED = f"{PREFIX}answers"
"""What the names of all stages of an evaluation begin with."""
REPORT = "report.json"


class ReportStage(Section):
    """What the stage `evaluate-report` depends on."""

    models: list[str]
    reference: str
    judge: str
    sampling: Sampling
    trained: dict[str, str]
    seed: int


@dataclass(frozen=True)
class Trained:
    """A model that was trained beside the build.

    Attributes:
        model: Its stage.
        chat: The chat section that it was trained with.
    """

    model: Artifact
    chat: Chat


@dataclass(frozen=True)
class Evaluation:
    """The stages of an evaluation.

    Attributes:
        prompts: What is asked.
        answers: By name of the model, the reference's among them.
        judged: By name of the model; empty without a judge.
        report: The figures; None without a judge.
    """

    prompts: Artifact
    answers: Mapping[str, Artifact]
    judged: Mapping[str, Artifact]
    report: Artifact | None

    @property
    def figures(self) -> dict[str, Any]:
        """The report of a finished evaluation."""
        if self.report is None:
            raise RecipeError("evaluate.yaml has no judge, so nothing was judged")
        found: dict[str, Any] = read_json(self.report.path / REPORT)
        return found


def run_evaluation(
    plan: Plan, build: Build, workspace: Workspace, trained: Mapping[str, Trained] | None = None
) -> Evaluation:
    """Run what is not done of an evaluation of a build.

    Args:
        plan: What is compared.
        build: The build; what the plan names of it must be done.
        workspace: Of the build's work directory.
        trained: Models in the place of those of the build, by the name of the contestant.

    Raises:
        RecipeError: If the plan names a model of the build that is not there.
        StageError: If a stage fails; what is done stays.
    """
    run, engine, chat = workspace.run, plan.engine or build.recipe.engine, build.recipe.chat
    last = [artifact for artifact in build.curated if artifact.status == "done"][-1:]
    prompts = run(f"{PREFIX}prompts", select_prompts, plan.prompts, _done(build.seed), *last)
    answers: dict[str, Artifact] = {}
    identities: dict[str, str] = {}
    given = trained or {}
    for model in contestants(plan):
        found = given.get(model.name)
        own = _of_build(build, model, f"model {model.name}") if found is None else [found.model]
        told = chat if found is None else found.chat
        stage = AnswersStage(model=model, sampling=plan.sampling, engine=engine, chat=told)
        answers[model.name] = run(f"{ANSWERED}-{model.name}", answer_prompts, stage, prompts, *own)
        if own:
            identities[model.name] = own[0].fingerprint
    if plan.judge is None:
        return Evaluation(prompts, answers, {}, None)
    judge, own = CompareStage(judge=plan.judge, engine=engine, chat=chat), _of_build(build, plan.judge, "judge")
    reference, names = answers[plan.reference.name], [model.name for model in plan.models]
    judged = {name: run(f"{PREFIX}judged-{name}", compare, judge, answers[name], reference, *own) for name in names}
    config = ReportStage(
        models=names,
        reference=plan.reference.name,
        judge=plan.judge.label,
        sampling=plan.sampling,
        trained=identities,
        seed=plan.seed,
    )
    report = run(f"{PREFIX}report", write_report, config, prompts, *judged.values())
    return Evaluation(prompts, answers, judged, report)


def _done(artifact: Artifact) -> Artifact:
    if artifact.status != "done":
        raise RecipeError(f"{artifact.stage}: has not run; `humpback build RECIPE` runs it")
    return artifact


def _of_build(build: Build, asked: Asked, who: str) -> list[Artifact]:
    """The stage of a model of the build; nothing for another one.

    Raises:
        RecipeError: If there is none of that number, or it is not trained yet.
    """
    if asked.build is None:
        return []
    if asked.build >= len(build.models):
        raise RecipeError(f"{who}: build is {asked.build}; the build has the models 0 to {len(build.models) - 1}")
    return [_done(build.models[asked.build])]


def write_report(out: Path, config: ReportStage, prompts: Path, *judged: Path, runtime: Runtime) -> Stats:
    """Write the figures of an evaluation to `report.json`.

    Args:
        out: Stage folder.
        config: The models, in the order of their judgements.
        prompts: Stage folder of the prompts.
        judged: Stage folders of the judgements.
        runtime: Unused; every stage takes it.
    """
    read = {name: judgements_of(folder, folder.name) for name, folder in zip(config.models, judged, strict=True)}
    report = report_of({name: found for name, (found, _) in read.items()}, seed=config.seed)
    seen = _seen(read_rows(prompts / "data", ["id", "seen_in"]))
    for name, (found, orders) in read.items():
        report["models"][name] |= {
            "orders": consistency(orders),
            "by_seen": by_group(found.scores, seen, seed=config.seed) if len(set(seen.values())) > 1 else {},
            "trained": config.trained.get(name),
        }
    report |= {"reference": config.reference, "judge": config.judge, "prompts": len(seen)}
    report["sampling"] = config.sampling.model_dump(mode="json")
    write_json(out / REPORT, report)
    counts = Counts(len(config.models), len(config.models))
    return Stats({"models": counts}, {name: of["win_rate"] for name, of in report["models"].items()})


def _seen(rows: Any) -> dict[str, str]:
    """Of each prompt whether rows that models train on hold it."""

    def word(row: Row) -> str:
        return f"in {row['seen_in']} rows" if row["seen_in"] else "in no training row"

    return {row["id"]: word(row) for row in rows}


def contestants(plan: Plan) -> list[Contestant]:
    """All whose answers are needed, the reference first."""
    return [plan.reference, *plan.models]
