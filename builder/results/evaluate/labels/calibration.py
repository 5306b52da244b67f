"""The share of good pairs of a build that nobody labelled, by what labels of another build say of the same judge."""

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.resources import template_path
from builder.data.storage import dump_json
from builder.errors import RecipeError
from builder.recipe.sections.judges import Rated
from builder.results.evaluate.labels.population import Population
from builder.results.evaluate.labels.store import Label, verdicts
from builder.results.evaluate.statistics.corrected import corrected_share

Calibration = dict[str, Any]


def judge_identity(build: Build) -> str:
    """What tells the judge of a selection from others: its section, its rubric's text, the rule it selects by."""
    recipe = build.recipe
    judges = [judge for judge in recipe.score if judge.judge in recipe.curate.scored]
    rubrics = [template_path(judge.rubric).read_text(encoding="utf-8") for judge in judges if isinstance(judge, Rated)]
    rule = {name: getattr(recipe.curate, name) for name in ("judge", "threshold", "leave_out_top")}
    value = [[judge.model_dump(mode="json", exclude={"rubric"}) for judge in judges], rubrics, rule]
    return hashlib.sha256(dump_json(value).encode()).hexdigest()


def calibration_of(build: Build, population: Population, labels: list[Label]) -> Calibration:
    """How the judge of a labelled build takes good and bad pairs: what another build may be corrected by.

    Raises:
        RecipeError: If the build selects by no threshold, or has no good or no bad label.
    """
    _refuse_relative(build)
    said, _ = verdicts(label for label in labels if label.id in population.strata)
    if not any(said.values()) or all(said.values()):
        raise RecipeError(
            "the labels have no good or no bad pair, so nothing is known of how the judge tells them apart"
        )
    taken, weights = population.iterations[-1].selected, _weights(population, said)
    return {
        "judge": judge_identity(build),
        "sensitivity": _rate({key: key in taken for key, good in said.items() if good}, weights),
        "specificity": _rate({key: key not in taken for key, good in said.items() if not good}, weights),
    }


def _weights(population: Population, said: Mapping[str, bool]) -> dict[str, float]:
    """So many pairs each label stands for."""
    labelled = Counter(population.strata[key] for key in said)
    sizes = population.sizes
    return {key: sizes[population.strata[key]] / labelled[population.strata[key]] for key in said}


def _rate(right: Mapping[str, bool], weights: Mapping[str, float]) -> list[float]:
    """The weighted share that is right, and of how many labels of one weight that would be as certain (Kish 1965)."""
    total = math.fsum(weights[key] for key in right)
    share = math.fsum(weights[key] for key, value in right.items() if value) / total
    return [share, total**2 / math.fsum(weights[key] ** 2 for key in right)]


def corrected_by(build: Build, population: Population, calibration: Calibration) -> dict[str, Any]:
    """The corrected share of good pairs among all candidates of a build without labels.

    Raises:
        RecipeError: If the judges differ, or the build selects by no threshold.
        StageError: If the judge cannot tell good from bad.
    """
    _refuse_relative(build)
    if calibration.get("judge") != judge_identity(build):
        raise RecipeError(
            "the labels are of another judge, rubric or threshold than this build's; what they say of that one does "
            "not hold here: label some pairs of this build (humpback label)"
        )
    last = population.iterations[-1]
    share = len(last.selected) / len(population.ids)
    (se, good), (sp, bad) = calibration["sensitivity"], calibration["specificity"]
    return corrected_share(share, len(population.ids), (se, int(good)), (sp, int(bad)))


def _refuse_relative(build: Build) -> None:
    """Refuse a share or a number of pairs: it is taken of whatever there is, however many are good."""
    if build.recipe.curate.threshold is None:
        raise RecipeError(
            "curate selects a share or a number of pairs, which says nothing of how many are good; this needs "
            "curate.threshold"
        )


def read_calibration(path: Path) -> Calibration:
    """The calibration in the label report of another build.

    Raises:
        RecipeError: If the file has none.
    """
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        found: Calibration = report["calibration"]
        _ = found["judge"], found["sensitivity"][1], found["specificity"][1]
        return found
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise RecipeError(
            f"{path}: has no calibration ({error!r}); it is labels/report.json of a build with a threshold"
        ) from error
