import pytest
from support.finished_iterations import finish, iteration, train_on

from builder.cli.project import open_project
from builder.errors import RecipeError
from builder.method.curate.differences import iteration_difference
from builder.method.curate.iterations import label_warnings, labelled, read_iterations

FIRST = {"a": 4.0, "b": 3.0, "c": 2.0, "d": 1.0}
SECOND = {"a": 4.0, "b": 1.0, "c": 3.0, "d": None}


def read(path, settings):
    project = open_project(path, overrides=settings)
    build = project.look_at_build()
    return read_iterations(project.recipe.curate, map(build.iteration, build.steps))


def test_iterations_are_read_from_the_stages(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [FIRST, SECOND], "verdict": [SECOND, FIRST]})
    train_on(path, settings, 1, ["a"])
    one, other = read(path, settings)
    assert (one.number, one.by, one.selected, one.trained) == (1, "likelihood", {"a", "b"}, {"a"})
    assert (other.number, other.selected, other.trained) == (2, {"a", "c"}, {"a", "c"})
    assert one.scores == {"likelihood": FIRST, "verdict": SECOND}
    assert iteration_difference(one, other, 1)["promoted"]["examples"][0]["id"] == "c"


def test_combined_ranks_stand_beside_the_scores_they_are_made_of(tmp_path):
    scores = {"likelihood": [FIRST, SECOND], "verdict": [SECOND, SECOND]}
    path, settings = finish(tmp_path, scores, "curate.judge=[verdict, likelihood, longest]")
    one, _ = read(path, settings)
    assert one.by == "combined"
    assert set(one.scores) == {"verdict", "likelihood", "longest", "combined"}
    assert one.selector["d"] is None
    assert one.selector["a"] > one.selector["b"]


def test_withheld_rows_are_not_among_the_trained(tmp_path):
    settings = ("curate.test_share=0.999", "curate.test_rows=1", "curate.share=1")
    one, _ = read(*finish(tmp_path, {"likelihood": [FIRST, SECOND]}, *settings))
    assert len(one.selected) - len(one.trained) == 1


def test_no_finished_iteration_is_an_error(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [FIRST, SECOND]})
    with pytest.raises(RecipeError, match="curate-1 has not run"):
        read(path, (*settings, "curate.share=0.7"))


def test_labels_say_which_iteration_agrees_less():
    labels = {"a": True, "b": True, "c": False, "d": False}
    one, other = iteration(1, FIRST, "ab"), iteration(2, SECOND, "ac")
    entries = labelled([one, other], labels)
    assert [(entry["precision"], entry["recall"], entry["auc"]["expected"]) for entry in entries] == [
        (1.0, 1.0, 1.0),
        (0.5, 0.5, 0.5),
    ]
    assert entries[1]["changed"] == {"gained": 0, "lost": 2, "p": pytest.approx(0.5)}
    (warning,) = label_warnings(entries, "expected")
    assert (
        "iteration 2 moves away from the labelled pairs: F1 1.000 -> 0.500, AUC of expected 1.000 -> 0.500" in warning
    )
    assert label_warnings(labelled([other, one], labels), "expected") == []
