"""`humpback evaluate`: which model is better, and the paper's other tables of a finished build."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.data.storage import read_json, read_rows, write_json, write_text
from builder.data.tables.file_rows import file_rows
from builder.errors import RecipeError
from builder.results.evaluate.comparison.answers import model_outputs
from builder.results.evaluate.comparison.judgements import alpaca_annotations
from builder.results.evaluate.comparison.plan import FILE, Asked, Plan, load_plan
from builder.results.evaluate.comparison.report import describe_report
from builder.results.evaluate.comparison.run import Evaluation, contestants, run_evaluation
from builder.results.evaluate.handover.alpaca_eval import write_alpaca_eval, write_outputs
from builder.results.evaluate.handover.lm_eval import Served, read_lm_eval, write_lm_eval
from builder.results.evaluate.packets import key_file, packet_report, read_key, read_packet_answers, write_packet
from builder.results.evaluate.statistics.figure import percent, with_interval
from builder.results.evaluate.tables.conformance import FOLDER, conformance_page, read_figures
from builder.results.evaluate.tables.diversity import describe_statistics, statistics_of
from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.console import Console
from builder.workspace.locks import locked
from builder.workspace.workspace import Workspace

HANDOVER = "handover"


@dataclass(frozen=True)
class Options:
    """What the command was asked for; without any of it, the evaluation.

    Attributes:
        plan: The evaluate.yaml; that beside the recipe where left out.
        settings: Of the plan, `key=value`.
        commands: Write what other programs need.
        results: A folder with results of lm-eval.
        statistics: Only count what the build holds.
        packets: Write packets for people to this folder.
        screening: A file of items that all agree on, for the packets.
        answered: Answers to the packets in `packets`.
        conformance: Write the page of the paper's tables.
    """

    plan: Path | None = None
    settings: tuple[str, ...] = ()
    commands: bool = False
    results: Path | None = None
    statistics: bool = False
    packets: Path | None = None
    screening: Path | None = None
    answered: tuple[Path, ...] = ()
    conformance: Path | None = None


def evaluate_build(project: Project, options: Options) -> Answer:
    """Do the one thing that was asked for.

    Raises:
        RecipeError: If the plan is wrong, or what it needs is not there.
        StageError: If a stage fails; the same command goes on.
    """
    folder = project.folder / FOLDER
    if options.statistics:
        found = statistics_of(project.look_at_build())
        write_json(folder / "statistics.json", found)
        return Answer(found, lambda: describe_statistics(found))
    if options.results is not None:
        results = read_lm_eval(options.results)
        write_json(folder / "lm_eval.json", results)
        return Answer(results, lambda: _describe_results(results))
    if options.conformance is not None:
        return _conformance(project, folder, options.conformance)
    if options.answered:
        return _packet_answers(folder, options)
    plan = load_plan(options.plan or project.folder / FILE, options.settings)
    build = project.look_at_build()
    evaluation = run_plan(project, plan, lambda workspace: run_evaluation(plan, build, workspace))
    if options.packets is not None:
        return _packets(evaluation, plan, options)
    _write_files(folder, evaluation, plan)
    if options.commands:
        text = _commands(folder / HANDOVER, project, build, plan, evaluation)
        return Answer({"commands": str(folder / HANDOVER / "commands.sh")}, lambda: text)
    if evaluation.report is None:
        count = counted(len(plan.models) + 1, "models")
        return Answer(_paths(evaluation), lambda: f"{count} have answered; evaluate.yaml has no judge")
    return Answer(evaluation.figures, lambda: _describe(evaluation.figures, plan))


def run_plan(project: Project, plan: Plan, run: Callable[[Workspace], Evaluation]) -> Evaluation:
    """Run stages in the project's work directory, alone."""
    with locked(project.work_dir), Console() as console:
        return run(Workspace(project.work_dir, project.recipe.runtime, console))


def _write_files(folder: Path, evaluation: Evaluation, plan: Plan) -> None:
    """Answers and judgements as AlpacaEval reads them, and the figures."""
    for model in contestants(plan):
        write_outputs(folder / HANDOVER, model.name, model_outputs(evaluation.answers[model.name].path, model.name))
    reference = evaluation.answers[plan.reference.name].path
    for name, judged in evaluation.judged.items():
        names = name, plan.reference.name, plan.judge.label if plan.judge else ""
        annotations = alpaca_annotations(judged.path, evaluation.answers[name].path, reference, names)
        write_json(folder / HANDOVER / f"annotations-{name}.json", annotations)
    if evaluation.report is not None:
        write_json(folder / "report.json", evaluation.figures)


def _paths(evaluation: Evaluation) -> dict[str, str]:
    return {name: str(artifact.path) for name, artifact in evaluation.answers.items()}


def _commands(folder: Path, project: Project, build: Build, plan: Plan, evaluation: Evaluation) -> str:
    """Write what `alpaca_eval` and `lm-eval` need; the commands as one file of a shell."""
    parts = ["# Written by `humpback evaluate RECIPE --commands`.", ""]
    if plan.judge is None:
        parts.append("# evaluate.yaml has no judge: nothing for alpaca_eval.\n")
    else:
        names = [model.name for model in plan.models]
        parts.append(write_alpaca_eval(folder, plan.judge, _place(plan.judge, build), names, plan.reference.name))
    models = [
        Served(model.name, _place(model, build))
        for model in contestants(plan)
        if model.served is None and model.outputs is None
    ]
    curated = [row for row in read_rows(build.curated[-1].data) if row["split"] == "test"]
    parts.append(write_lm_eval(folder, models, curated, seed=plan.seed))
    parts.append(
        f"# Read lm-eval's results back: {project.command('evaluate', '--results', str(folder / 'results'))}\n"
    )
    text = "\n".join(parts)
    write_text(folder / "commands.sh", text)
    return text


def _place(asked: Asked, build: Build) -> str:
    if asked.build is not None:
        return str(build.models[asked.build].model)
    return str(asked.path or asked.model or asked.served)


def _packets(evaluation: Evaluation, plan: Plan, options: Options) -> Answer:
    folder = options.packets
    if folder is None:
        raise RecipeError("--packets names the folder of the packets")
    answers = {model.name: list(read_rows(evaluation.answers[model.name].data)) for model in contestants(plan)}
    screening = _screening(options.screening) if options.screening else []
    items = write_packet(folder, answers, plan.reference.name, screening, seed=plan.seed)
    said = f"{counted(items, 'items')} in {folder}; the key is {key_file(folder)}: keep it from the raters"
    return Answer({"items": items, "folder": str(folder), "key": str(key_file(folder))}, lambda: said)


def _screening(path: Path) -> list[dict[str, Any]]:
    rows = []
    for where, row in file_rows(path):
        texts = [row.get(name) for name in ("instruction", "first", "second")] if isinstance(row, dict) else []
        if (
            not texts
            or not all(isinstance(text, str) for text in texts)
            or row.get("better") not in ("first", "second")
        ):
            raise RecipeError(f"{where}: needs instruction, first, second, and better, which is first or second")
        rows.append(row)
    return rows


def _packet_answers(folder: Path, options: Options) -> Answer:
    if options.packets is None:
        raise RecipeError("--answered goes with --packets, the folder that was handed out")
    key = read_key(key_file(options.packets))
    raters = {path.stem: read_packet_answers(path) for path in options.answered}
    report = packet_report(key, raters)
    write_json(folder / "packets.json", report)
    return Answer(report, lambda: _describe_packets(report))


def _describe_packets(report: dict[str, Any]) -> str:
    lines = [f"{'rater':<24} {'screening':>10} {'counts':>8}"]
    for name, of in report["raters"].items():
        lines.append(f"{name:<24} {percent(of['screening']):>10} {'yes' if of['passed'] else 'no':>8}")
    for title, models in (("", report["models"]), ("raters who did not pass", report["apart"])):
        lines += ["", *([title] if title and models else [])]
        for name, of in models.items():
            counts = of["answers"]
            lines.append(
                f"{name:<24} {with_interval(of['win_rate']):>20}   win {counts['win']} tie {counts['tie']} "
                f"lose {counts['lose']}"
            )
    agreed = report["agreement"]
    if agreed and agreed["value"] is not None:
        lines.append(f"{agreed['formula']}: {agreed['value']:.3f}")
    return "\n".join(lines).rstrip()


def _conformance(project: Project, folder: Path, page: Path) -> Answer:
    labels = project.folder / "labels" / "report.json"
    if labels.is_file():
        write_json(folder / "labels.json", read_json(labels))
    if not (folder / "statistics.json").is_file():
        write_json(folder / "statistics.json", statistics_of(project.look_at_build()))
    write_text(page, conformance_page(project.recipe.name, read_figures(folder)))
    return Answer({"page": str(page)}, lambda: str(page))


def _describe(figures: dict[str, Any], plan: Plan) -> str:
    lines = [describe_report(figures), ""]
    for name, of in figures["models"].items():
        orders = of["orders"]
        lines.append(
            f"{name}: {percent(orders['shown_first'])} where it stands first, {percent(orders['shown_second'])} where "
            f"it stands second; the same winner in both orders for {percent(orders['value'])}"
        )
        lines += [f"  {part}: {with_interval(value)} of {value['n']:,}" for part, value in of["by_seen"].items()]
    lines.append(f"(win rates in percent against {plan.reference.name}, judged by {figures['judge']})")
    return "\n".join(lines)


def _describe_results(results: dict[str, dict[str, dict[str, Any]]]) -> str:
    shown = ("acc", "acc_norm", "prompt_level_strict_acc")
    lines = []
    for model, tasks in results.items():
        lines.append(f"{escape(model, 'terminal'):<28} " + " ".join(f"{name:>24}" for name in shown))
        for task, figures in tasks.items():
            cells = " ".join(f"{percent(figures.get(name)):>24}" for name in shown)
            lines.append(f"  {escape(task, 'terminal'):<26} {cells}")
    return "\n".join(lines)


def read_all(paths: Sequence[Path]) -> Answer:
    """`humpback annotations FILE...`: win rates of published judgements.

    Raises:
        RecipeError: If a file holds none.
    """
    from builder.results.evaluate.comparison.annotations import read_annotations
    from builder.results.evaluate.comparison.report import report_of

    names = _names(paths)
    report = report_of({name: read_annotations(path) for name, path in zip(names, paths, strict=True)})
    return Answer(json.loads(json.dumps(report)), lambda: describe_report(report))


def _names(paths: Sequence[Path]) -> list[str]:
    """What each file is called: the part of its name before the first dot that says something, or its folder."""
    stems = [path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json") for path in paths]
    if len(set(stems)) == len(stems):
        return stems
    return [str(path) for path in paths]
