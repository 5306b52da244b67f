"""Builds that are killed at fixed points; `make kill-check` does it at random ones, with the whole quickstart."""

import json

import pytest
import yaml
from kill_check import Killed, twins
from kill_compare import contents, project_differences, repeated_ids
from kill_points import descendants, running_stage

SETTINGS = {
    "iterations": 1,
    "segments.tasks": 3,
    "dedup.sample": 60,
    "engine.kind": "transformers",  # starts soonest; `make kill-check-engines` kills vLLM
    "augment.max_tokens": 12,
    "runtime.workers": 1,
    "runtime.chunk_rows": 15,
}
TRAINING = {"max_steps": 12, "save_steps": 4, "logging_steps": 4, "per_device_train_batch_size": 4}


def when(stage, pattern, *, whom):
    """Kill once a file is there that the running stage leaves on its way."""

    def point(folder, pid):
        if not running_stage(folder).startswith(stage) or not list(folder.glob(f"work/{stage}-*/{pattern}")):
            return None
        below = descendants(pid)
        return pid if whom == "the command" else (below[0] if below else None)

    return point


def during_the_release(folder, pid):
    return pid if list(folder.glob("releases/.1.0.0.tmp/models/final")) else None


POINTS = [
    when("segments", "logs/tasks/00000.json", whom="its child"),
    when("model-backward", "training/checkpoint-4/complete.json", whom="the command"),
    when("augment", "data/part-00000.parquet", whom="its child"),
    when("augment", "data/part-00002.parquet", whom="the command"),
    when("score-1", "data/part-00001.parquet", whom="its child"),
    when("model-1", "training/checkpoint-8", whom="its child"),
    during_the_release,
]


@pytest.fixture(scope="module")
def builds(tmp_path_factory):
    first, second = twins(tmp_path_factory.mktemp("kills"))
    settings = [text for key, value in SETTINGS.items() for text in ("--set", f"{key}={value}")]
    done = []
    for folder, points in ((first, []), (second, POINTS)):
        for name in ("sft_forward.yaml", "sft_backward.yaml"):
            options = yaml.safe_load((folder / name).read_text())
            (folder / name).write_text(yaml.safe_dump(options | TRAINING))
        recipe = str(folder / "build.yaml")
        commands = [["build", recipe, *settings], ["release", recipe, *settings, "--version", "1.0.0"]]
        done.append(Killed(folder, commands))
        done[-1].run(points)
    return done


@pytest.mark.full
def test_each_kill_hit_the_stage_it_was_meant_for(builds):
    assert [hit.partition(":")[0] for hit in builds[1].hits] == [
        "segments", "model-backward", "augment", "augment", "score-1-likelihood", "model-1", "between stages",
    ]  # fmt: skip


@pytest.mark.full
def test_training_went_on_from_the_last_whole_checkpoint(builds):
    log = next(builds[1].folder.glob("work/model-backward-*/logs/metrics.json"))
    assert json.loads(log.read_text())["resumed_from"] == "checkpoint-4"


@pytest.mark.full
def test_every_file_equals_that_of_an_undisturbed_build_and_every_id_stands_once(builds):
    plain, killed = (build.folder for build in builds)
    assert project_differences(plain, killed) == []
    names = contents(plain)
    assert sum(name.endswith(".safetensors") for name in names) >= 5
    assert sum("/data/" in name for name in names) >= 6


def test_differences_would_be_seen(tmp_path):
    from builder.data.records import rejected_schema
    from builder.data.storage import write_rows

    for name, text in (("a", "x"), ("b", "y")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "both").write_text(text)
        (tmp_path / name / f"only-{name}").touch()
    write_rows(tmp_path / "b" / "work" / "s-1" / "data" / "x.parquet", [{"id": "i"}, {"id": "i"}], rejected_schema())
    assert set(project_differences(tmp_path / "a", tmp_path / "b")) == {
        "differs: both", "missing: only-a", "stray: only-b", "stray: work/s-1/data/x.parquet", "twice: s-1: i",
    }  # fmt: skip
    assert list(repeated_ids(tmp_path / "a")) == []


def test_the_place_of_a_project_makes_no_difference(tmp_path):
    for name in ("undisturbed", "killed"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sft.yaml").write_text(f"a: {tmp_path / 'undisturbed'}/x\nb: {tmp_path / name}/y\n")
    assert project_differences(tmp_path / "undisturbed", tmp_path / "killed") == []
    (tmp_path / "killed" / "sft.yaml").write_text("a: elsewhere\n")
    assert project_differences(tmp_path / "undisturbed", tmp_path / "killed") == ["differs: sft.yaml"]
