import json
import os
from pathlib import Path

import pytest
from support.output_schema import answered
from support.stages import Words, write_words

from builder.cli.plan import changed_values, plan_entry
from builder.recipe.sections.runtime import Runtime
from builder.workspace.finished.stage_file import write_stage_file
from builder.workspace.layout import STAGE_FILE
from builder.workspace.workspace import Artifact, Workspace


@pytest.fixture(autouse=True)
def _importable_by_children(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def planned(tmp_path, **changes):
    workspace = Workspace(tmp_path, Runtime(), dry_run=True)
    words = workspace.run("words", write_words, Words(**changes))
    last = workspace.run("more", write_words, Words(), words)
    return answered("plan", [plan_entry(item) for item in (words, last)])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")
    os.environ["PYTHONPATH"] = str(Path(__file__).parents[1])
    workspace = Workspace(folder, Runtime())
    workspace.run("more", write_words, Words(), workspace.run("words", write_words, Words(words=("a", "b"))))
    return folder


def test_a_stage_never_run_has_nothing_to_explain(tmp_path):
    first, _ = planned(tmp_path)
    assert first["status"] == "missing"
    assert "changed" not in first


def test_what_is_there_is_cached_with_its_rows(built):
    first, second = planned(built, words=("a", "b"))
    assert (first["status"], first["rows"], second["status"], second["rows"]) == ("cached", 2, "cached", 1)


def test_the_changed_key_is_named_and_what_follows_from_it(built):
    first, second = planned(built, words=("a", "c"))
    assert first["status"] == second["status"] == "missing"
    assert first["changed"] == [{"key": "words.1", "before": "b", "after": "c"}]
    assert first["follows"] == []
    assert first["last"]["rows"] == 2
    assert second["changed"] == []
    assert second["follows"] == ["words"]


def test_a_changed_library_is_named(built):
    (path,) = built.glob("words-*")
    record = json.loads((path / STAGE_FILE).read_text())
    write_stage_file(path, record | {"versions": record["versions"] | {"datatrove": "0.1"}})
    (change,) = planned(built, words=("a", "b"))[0]["versions"]
    assert change.startswith("datatrove 0.1, now 0.10")


def test_another_version_of_the_stage_is_named(tmp_path):
    old = Artifact("words", "0" * 12, tmp_path / ("words-" + "0" * 12))
    old.path.mkdir()
    record = {"status": "done", "fingerprint": old.fingerprint, "version": 7, "inputs": {}, "counts": {},
              "config": {"words": ["one"], "fail": ""}}  # fmt: skip
    (old.path / STAGE_FILE).write_text(json.dumps(record))
    first, _ = planned(tmp_path)
    assert first["changed"] == [{"key": "version of the stage words", "before": 7, "after": 1}]


def after_a_run(folder, stage, before, after):
    """What `plan` says has changed of a stage that has run as `before` says and is now to run as `after` says."""
    ran, asked = ({"version": 1, "config": {}, "inputs": {}, **part} for part in (before, after))
    ran |= {"status": "done", "fingerprint": "0" * 12, "counts": {}}
    last = folder / f"{stage}-{'0' * 12}"
    last.mkdir()
    (last / STAGE_FILE).write_text(json.dumps(ran))
    return plan_entry(Artifact(stage, "1" * 12, folder / f"{stage}-{'1' * 12}", asked))["changed"]


@pytest.mark.parametrize(
    ("stage", "place", "key"),
    [
        ("model-0", ("recipe",), "training.initial (or forward)"),
        ("model-2", ("recipe",), "training.forward"),
        ("model-1-a", ("recipe",), "training.forward"),
        ("model-backward", ("recipe",), "training.backward"),
        ("model-backward", ("template",), "augment.template"),
        ("model-backward", ("schedule", "held_out"), "training.held_out"),
        ("model-0", ("schedule", "global_batch"), "training.global_batch"),
        ("model-2-seed-7", ("recipe",), "training.forward"),
        ("model-2-seed-7", ("seed",), "training.seeds"),
        ("model-1", ("base", "path"), "base.path"),
        ("score-2-likelihood", ("judge", "prior_weight"), "score[likelihood].prior_weight"),
        ("score-2-likelihood-b", ("judge", "prior_weight"), "score[likelihood].prior_weight"),
        ("score-2-likelihood", ("engine", "dtype"), "engine.dtype"),
        ("curate-1", ("share",), "curate.share"),
        ("curate-1", ("decontaminate", "ngram"), "decontaminate.ngram"),
        ("seed-clean", ("ngram",), "decontaminate.ngram"),
        ("segments", ("sources", "0", "path"), "segments.sources.0.path"),
        ("augment", ("augment", "top_p"), "augment.top_p"),
    ],
)
def test_keys_are_named_as_the_recipe_writes_them(tmp_path, stage, place, key):
    before, after = 1, 2
    for part in reversed(place):
        before, after = ([before], [after]) if part.isdigit() else ({part: before}, {part: after})
    changed = after_a_run(tmp_path, stage, {"config": before}, {"config": after})
    assert changed == [{"key": key, "before": 1, "after": 2}]


def test_another_start_of_the_trainings_is_named(tmp_path):
    inputs = {"seed": "a", "curate-1": "b"}
    changed = after_a_run(tmp_path, "model-1", {"inputs": inputs | {"model-0": "c"}}, {"inputs": inputs})
    assert changed == [{"key": "training.init", "before": "previous", "after": "base"}]


@pytest.mark.parametrize(("before", "after"), [(False, True), (True, False)])
def test_scores_that_are_put_together_from_halves_follow_from_cross_fitting(tmp_path, before, after):
    inputs = {
        False: {"augment": "a", "model-1": "b"},
        True: {"score-2-verdict-a": "c", "score-2-verdict-b": "d"},
    }
    changed = after_a_run(tmp_path, "score-2-verdict", {"inputs": inputs[before]}, {"inputs": inputs[after]})
    assert changed == [{"key": "training.cross_fit", "before": before, "after": after}]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 3}}, [(("b", "c"), 2, 3)]),
        ({"a": [1, 2]}, {"a": [1]}, [(("a", "1"), 2, None)]),
        ({"a": 1}, {"b": 1}, [(("a",), 1, None), (("b",), None, 1)]),
        ({"a": [["x", 1, 2]]}, {"a": [["x", 1, 3]]}, [(("a",), [["x", 1, 2]], [["x", 1, 3]])]),
    ],
)
def test_differences_name_the_place(before, after, found):
    assert changed_values(before, after) == found
