"""Cross-fitting: each half of the pages is scored by a model that trained on the other."""

import pytest
from support.finished_iterations import finish
from support.recipe_changes import JUDGES, write_small_recipe

from builder.cli.project import open_project
from builder.cli.rows.scored import Choice
from builder.cli.show import show_stage
from builder.data.accounting import Counts, Rejects
from builder.data.records import candidate_schema, curated_schema, score_schema, seed_schema, stable_id
from builder.data.storage import read_rows, write_json, write_rows
from builder.errors import RecipeError
from builder.method.curate.iterations import read_iterations
from builder.method.curate.scoring.score import HalfScoreStage, Scorer, ScoreStage, join_halves, score
from builder.method.train.output import FINISHED
from builder.method.train.stage import ForwardStage, HalfStage, train_forward
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.judges import Expected
from builder.recipe.sections.models import Chat, Engine, Origin
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE
from builder.workspace.stage_names import HALVES, half_of

PAIRS = 40


def pair(number):
    return {
        "id": f"{number:04d}-0", "segment_id": f"{number:04d}", "page_id": f"page{number // 2}", "url": "u",
        "header": "h", "instruction": f"What is {number}?", "output": f"It is {number}.", "logprob": -1.0, "tokens": 4,
    }  # fmt: skip


def ids(rows, half=None):
    return [row["id"] for row in rows if half in (None, half_of(row["page_id"]))]


ROWS = [pair(number) for number in range(PAIRS)]


def test_both_halves_have_pages_and_a_page_is_in_one():
    assert {half_of(row["page_id"]) for row in ROWS} == set(HALVES)
    halves = [half_of(f"page{number}") for number in range(2_000)]
    assert 900 < halves.count("a") < 1_100


# Training


@pytest.fixture
def trained_on(tmp_path, monkeypatch):
    """The ids of the rows that a forward model would be trained on, seed and curated; nothing is trained."""
    curated = [row | {"score": 5.0, "split": "test" if at % 7 == 0 else "train"} for at, row in enumerate(ROWS)]
    seed = {"id": "seed", "instruction": "How?", "output": "So.", "source": "s", "license": "x"}
    write_rows(tmp_path / "seed" / "data" / "a.parquet", [seed], seed_schema())
    write_rows(tmp_path / "curated" / "data" / "a.parquet", curated, curated_schema())
    (tmp_path / "sft.yaml").write_text("max_length: 200")

    def rows(out):
        return [row["id"] for name in ("seed", "curated") for row in read_rows(out / "rows" / f"{name}.parquet")]

    def trained(out, *_):
        write_json(out / "training" / "final" / FINISHED, {"rows": len(rows(out))})

    monkeypatch.setattr("builder.method.train.stage.launch", trained)

    def go(kind, **half):
        out = tmp_path / f"model-{half.get('half', 'whole')}"
        config = kind(base=Origin(path=BASE), chat=Chat(), recipe=tmp_path / "sft.yaml", **half)
        train_forward(out, config, tmp_path / "seed", tmp_path / "curated", runtime=Runtime()).check("train")
        return rows(out)

    return go


def test_a_half_model_trains_on_the_seed_and_the_training_rows_of_its_half_alone(trained_on):
    train = [row for at, row in enumerate(ROWS) if at % 7]
    for half in HALVES:
        found = trained_on(HalfStage, half=half)
        assert found == ["seed", *ids(train, half)]
        assert 1 < len(found) < len(train)
    assert trained_on(ForwardStage) == ["seed", *ids(train)]


# Scores


class Reader:
    """Reads probabilities that depend on the prompt alone, and counts the prompts."""

    asked = 0

    def forget(self):
        pass

    def next_logprobs(self, prompts, choices):
        self.asked += len(prompts)
        marks = [int(stable_id(*prompt)[:4], 16) % 5 for prompt in prompts]
        return [[-0.1 if at == mark else -9.0 for at in range(5)] for mark in marks]


SECTIONS = {
    "judge": Expected(judge="expected"), "engine": Engine(kind="transformers", dtype="float32"), "chat": Chat()
}  # fmt: skip


@pytest.fixture
def run(tmp_path, untrained, fake_engine):
    """Scores the pairs, or one half of them, in chunks that may hold one half only."""
    reader, model = Reader(), untrained("forward")
    fake_engine(reader)
    write_rows(tmp_path / "augment" / "data" / "a.parquet", ROWS, candidate_schema())

    def go(name, half=None):
        config = HalfScoreStage(**SECTIONS, half=half) if half else ScoreStage(**SECTIONS)
        stats = score(tmp_path / name, config, tmp_path / "augment", model, runtime=Runtime(chunk_rows=2))
        stats.check(name)
        return stats.counts["pairs"], list(read_rows(tmp_path / name / "data"))

    go.reader = reader
    return go


def test_each_pair_is_scored_in_one_half_and_the_halves_together_are_all_pairs(run, tmp_path):
    _, whole = run("whole")
    run.reader.asked = 0
    for half in HALVES:
        counts, rows = run(half, half)
        assert [row["id"] for row in rows] == ids(ROWS, half)
        assert counts.rows_in == counts.kept == len(rows) > 0
    assert run.reader.asked == PAIRS
    stats = join_halves(
        tmp_path / "joined", ScoreStage(**SECTIONS), *(tmp_path / half for half in HALVES), runtime=Runtime()
    )
    stats.check("joined")
    joined = list(read_rows(tmp_path / "joined" / "data"))
    assert [row["id"] for row in joined] == ids(ROWS, "a") + ids(ROWS, "b")
    assert sorted(joined, key=lambda row: row["id"]) == whole
    assert (stats.counts["pairs"].rows_in, stats.counts["pairs"].kept) == (PAIRS, PAIRS)


def test_an_engine_that_dies_loses_the_pairs_of_its_half_and_no_others(tmp_path):
    for half in HALVES:
        scorer = Scorer(HalfScoreStage(**SECTIONS, half=half), tmp_path, Runtime(), tmp_path)
        lost = [row["id"] for row in ROWS for row in scorer.give_up(row, "engine_died", Rejects())]
        assert lost == ids(ROWS, half)


# The build


@pytest.fixture
def inputs(tmp_path):
    """By stage, the stages it reads."""
    path = write_small_recipe(tmp_path)

    def go(*settings):
        artifacts = open_project(path, overrides=("iterations=3", *settings)).look_at_build().artifacts
        return {name: artifact.identity for name, artifact in artifacts.items()}

    return go


CROSSED = "training.cross_fit=true"


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("t", [2, 3])
def test_the_pairs_of_a_half_are_scored_by_the_model_that_trained_on_the_other(inputs, judge, t):
    found = inputs(CROSSED)
    assert list(found[f"score-{t}-{judge}"]["inputs"]) == [f"score-{t}-{judge}-{half}" for half in HALVES]
    scored, trained = set(), set()
    for half in HALVES:
        stage = found[f"score-{t}-{judge}-{half}"]
        candidates, model = stage["inputs"]
        assert candidates == "augment"
        assert list(found[model]["inputs"]) == ["seed-clean", f"curate-{t - 1}"]
        assert stage["config"]["half"] != found[model]["config"]["half"]
        scored.add(stage["config"]["half"])
        trained.add(found[model]["config"]["half"])
    assert scored == trained == set(HALVES)


def test_the_first_iteration_and_the_models_themselves_are_as_without_cross_fitting(inputs):
    plain, crossed = inputs(), inputs(CROSSED)
    assert plain.keys() < crossed.keys()
    halves = {name for name in crossed if name.endswith(("-a", "-b"))}
    assert crossed.keys() - plain.keys() == halves
    assert {name for name in halves if name.startswith("model-")} == {
        f"model-{t}-{half}" for t in (1, 2) for half in HALVES
    }
    same = {"model-0", "curate-1", "model-1", *(f"score-1-{judge}" for judge in JUDGES), "score-reverse", "augment"}
    assert all(plain[name] == crossed[name] for name in same)
    for t in (2, 3):
        assert list(crossed[f"model-{t}"]["inputs"]) == list(plain[f"model-{t}"]["inputs"])
        assert crossed[f"curate-{t}"]["inputs"].keys() == plain[f"curate-{t}"]["inputs"].keys()
        assert crossed[f"curate-{t}"]["inputs"] != plain[f"curate-{t}"]["inputs"]


def test_models_of_halves_are_not_trained_where_no_judge_asks_them(inputs):
    settings = ("score=[{judge: reverse}, {judge: expected, model: {path: base}}]", "curate.judge=expected")
    assert inputs(*settings, CROSSED).keys() == inputs(*settings).keys()


def test_models_that_go_on_from_the_last_one_have_seen_both_halves(tmp_path):
    path = write_small_recipe(tmp_path)
    message = r"training has cross_fit and init: previous, whose models have seen both halves; use init: base$"
    with pytest.raises(RecipeError, match=message):
        load_recipe(path, (CROSSED, "training.init=previous"))
    assert load_recipe(path, (CROSSED, "training.init=base")).training.cross_fit


def test_the_scores_of_a_half_are_shown_as_ratings_but_are_no_judge_of_an_iteration(tmp_path):
    scores = {f"p{number}": 1.0 + number % 5 for number in range(12)}
    settings = (CROSSED, "curate.judge=expected")
    path, settings = finish(tmp_path, {"expected": [scores, scores]}, *settings)
    project = open_project(path, overrides=settings)
    build = project.look_at_build()
    half = build.artifacts["score-2-expected-a"]
    rows = [{"id": key, "score": score} for key, score in scores.items() if half_of(key) == "a"]
    write_rows(half.data / "rows.parquet", rows, score_schema("expected"))
    write_json(
        half.path / "stage.json", {"stage": half.stage, "status": "done", "counts": {"rows": Counts(6, 6).as_dict()}}
    )
    iterations = read_iterations(project.recipe.curate, map(build.iteration, build.steps))
    assert [list(found.scores) for found in iterations] == [["expected"]] * 2
    shown = show_stage(project, half.stage, Choice(rows=1)).value
    assert [line["threshold"] for line in shown["thresholds"]] == [1 + step / 2 for step in range(9)]
