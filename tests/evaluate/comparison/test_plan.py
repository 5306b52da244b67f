from pathlib import Path

import pytest

from builder.errors import RecipeError
from builder.results.evaluate.comparison.plan import load_plan

PLAN = """
prompts: {sources: [{name: mine, path: prompts.jsonl}]}
models: [{name: final, build: 2}]
reference: {name: seed-only, build: 0}
"""


def written(folder: Path, text: str = PLAN) -> Path:
    path = folder / "evaluate.yaml"
    path.write_text(text)
    return path


def test_defaults_are_the_papers(tmp_path: Path) -> None:
    plan = load_plan(written(tmp_path))
    assert (plan.sampling.temperature, plan.sampling.top_p) == (0.7, 0.9)
    assert plan.models[0].tags == "both"
    assert plan.judge is None
    assert plan.prompts.sources[0].path == tmp_path / "prompts.jsonl"


def test_a_model_from_elsewhere_is_asked_without_a_system_prompt(tmp_path: Path) -> None:
    text = PLAN.replace("{name: final, build: 2}", "{name: other, path: there}, {name: told, path: there, system: web}")
    assert [model.tags for model in load_plan(written(tmp_path, text)).models] == ["default", "web"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("build: 2", "build: 2, path: there", "needs exactly one of build, path, model, served, outputs"),
        ("build: 2", "system: seed", "it has none of them"),
        ("build: 2", "model: a/b", "pin it with revision"),
        ("name: final", "name: seed-only", "two models are called seed-only"),
        ("name: final", "name: 'Final one'", "models.0.name is 'Final one'"),
        ("build: 2", "buidl: 2", "did you mean"),
        ("sources:", "use: dev, sources:", "use is dev, but dev is 0"),
    ],
)
def test_mistakes_are_named_with_their_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_plan(written(tmp_path, PLAN.replace(old, new)))


@pytest.mark.parametrize(
    ("judge", "said"),
    [
        ("{served: gpt}", "set read to text"),
        ("{path: there, tokens: [m, m]}", "twice"),
        ("{path: there, tokens: [m]}", "judge.tokens"),
    ],
)
def test_a_judge_that_cannot_be_read_is_refused(tmp_path: Path, judge: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        load_plan(written(tmp_path, PLAN + f"judge: {judge}\n"))
