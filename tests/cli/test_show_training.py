import pytest
import yaml
from support.recipe_changes import changed, write_recipe, write_small_recipe

from builder.cli.project import open_project
from builder.cli.rows.trainings import describe_trainings, training_table
from builder.data.accounting import Counts
from builder.data.storage import write_json
from builder.workspace.layout import METRICS


@pytest.fixture
def build(tmp_path):
    """The build of a recipe with two more seeds; three models are trained, one of them a seed."""
    values = yaml.safe_load(write_small_recipe(tmp_path).read_text())
    path = write_recipe(tmp_path / "build.yaml", changed(values, {"training.seeds": [1, 2]}))
    build = open_project(path).look_at_build()
    for stage, loss in (("model-1", 3.0), ("model-2", 1.0), ("model-2-seed-1", 2.0)):
        record = {"status": "done", "stage": stage, "counts": {"rows": Counts(8, 8).as_dict()}}
        write_json(build.artifacts[stage].path / "stage.json", record)
        held_out = {"seed": {"before": 4.0, "after": loss + 0.5}} if stage != "model-1" else {}
        metrics = {"steps": 30, "rows_a_step": 8, "last_loss": loss, "tokens_per_second": 9.0, "held_out": held_out}
        write_json(build.artifacts[stage].path / METRICS, metrics)
    return build


def test_each_seed_trains_the_final_model_again_from_the_same_rows(build):
    names = list(build.artifacts)
    assert names[-3:] == ["model-2", "model-2-seed-1", "model-2-seed-2"]
    first, *others = (build.artifacts[name].identity for name in names[-3:])
    assert [other["inputs"] for other in others] == [first["inputs"]] * 2
    assert [other["config"].pop("seed") for other in others] == [1, 2]
    assert [other["config"] for other in others] == [first["config"]] * 2
    assert len({build.artifacts[name].fingerprint for name in names[-3:]}) == 3


def test_trainings_with_other_seeds_stand_side_by_side_with_mean_and_spread(build):
    table = training_table(build.repeats[1], build)
    assert [entry["stage"] for entry in table] == ["model-2", "model-2-seed-1"]
    lines = [line.split() for line in describe_trainings(table).splitlines()]
    assert lines[1] == ["last", "loss", "seed", "before", "seed", "after"]
    assert lines[2:] == [
        ["model-2", "1.0000", "4.0000", "1.5000"],
        ["model-2-seed-1", "2.0000", "4.0000", "2.5000"],
        ["mean", "1.5000", "4.0000", "2.0000"],
        ["standard", "deviation", "0.7071", "0.0000", "0.7071"],
    ]


def test_one_training_stands_alone_and_other_stages_have_none(build):
    (entry,) = training_table(build.models[1], build)
    assert describe_trainings([entry]).splitlines()[-1].split() == ["model-1", "3.0000"]
    assert training_table(build.curated[0], build) == []
    assert training_table(build.models[0], build) == []
    assert describe_trainings([]) == ""
