import json
import shutil
import sys

import pytest
from click.testing import CliRunner
from rich.cells import cell_len
from support.finished_iterations import finish

from builder.cli.main import cli
from builder.cli.project import open_project
from builder.cli.rows.scored import Choice
from builder.cli.show import show_stage
from builder.data.storage import read_json, write_json

RATED = {"a": 5.0, "b": 4.5, "c": 4.0, "d": 1.0, "e": None}
LIKELY = {"a": -0.50001, "b": -1.0, "c": -2.0, "d": -3.0, "e": -4.0}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return finish(tmp_path_factory.mktemp("show"), {"likelihood": [LIKELY] * 2, "verdict": [RATED] * 2})


def shown(path, settings, stage):
    return show_stage(open_project(path, overrides=settings), stage, Choice(rows=0))


def show(path, settings, stage):
    return shown(path, settings, stage).text()


def table(path, settings, stage):
    rows = shown(path, settings, stage).value["thresholds"]
    return {row["threshold"]: (row["rows"], row["share"]) for row in rows}


def test_what_each_rating_would_keep_is_shown_beside_the_scores(finished):
    found = table(*finished, "score-1-verdict")
    assert list(found) == [1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5]
    assert (found[1], found[1.5], found[4], found[4.5], found[5]) == ((4, 1), (3, 0.75), (3, 0.75), (2, 0.5), (1, 0.25))
    text = show(*finished, "score-1-verdict")
    assert "   4.5000        2   50.0%\n" in text
    assert "1 row without a score" in text


def test_other_scores_are_shown_by_what_they_would_keep(finished):
    assert table(*finished, "score-1-likelihood") == {
        -3.0: (4, 0.8), -2.0: (3, 0.6), -1.0: (2, 0.4), -0.5001: (1, 0.2)
    }  # fmt: skip


def test_a_selection_shows_what_its_scores_would_keep_of_all_candidates(finished):
    path, settings = finished
    assert table(path, settings, "curate-1") == table(path, settings, "score-1-likelihood")
    text = show(path, settings, "curate-1")
    assert "what a score would keep of all candidates, before any other limit:\n score >=     rows   share\n" in text


def test_a_combined_selection_has_a_table_too(tmp_path):
    scores = {"likelihood": [LIKELY] * 2, "verdict": [RATED] * 2}
    path, settings = finish(tmp_path, scores, "curate.judge=[verdict, likelihood]")
    assert set(table(path, settings, "curate-1").values()) == {(rows, rows / 4) for rows in (1, 2, 3, 4)}


def test_a_selection_whose_scores_are_gone_is_still_shown(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [LIKELY]})
    shutil.rmtree(open_project(path, overrides=settings).look_at_build().artifacts["score-1-likelihood"].path)
    assert table(path, settings, "curate-1") == {}
    assert "pairs: 5 in, 3 kept" in show(path, settings, "curate-1")


def test_other_stages_have_no_table(finished):
    assert table(*finished, "augment") == {}


def test_what_was_changed_in_texts_is_counted(finished):
    path, settings = finished
    record = open_project(path, overrides=settings).look_at_build().artifacts["augment"].path / "stage.json"
    write_json(record, {**read_json(record), "details": {"masked_ips": 0, "unseen": 2, "unseen_chars": 1_905}})
    assert "changed: unseen 2, unseen_chars 1,905" in show(*finished, "augment").splitlines()


def test_iterations_is_a_word_of_show_and_takes_labels_alone(finished, tmp_path):
    path, settings = finished
    arguments = ["show", str(path), *(word for item in settings for word in ("--set", item))]
    shown = CliRunner().invoke(cli, [*arguments, "iterations"])
    assert shown.exit_code == 0
    assert "iteration 1 -> 2" in shown.output
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "good": true}\n')
    shown = CliRunner().invoke(cli, [*arguments, "iterations", "--labels", str(tmp_path / "labels.jsonl")])
    assert "A_1: 1 selected" in shown.output
    refused = CliRunner().invoke(cli, [*arguments, "augment", "--labels", str(tmp_path / "labels.jsonl")])
    assert refused.exit_code == 2
    assert "--labels goes with" in refused.output


def test_rejected_rows_stand_below_their_reason_with_the_keys_that_decide_on_it(finished):
    path, settings = finished
    project = open_project(path, overrides=settings)
    found = show_stage(project, "curate-1", Choice(rows=1, rejected=True))
    assert found.value["rejected"]["not_selected"]["keys"] == ["curate.threshold", "curate.top", "curate.share"]
    assert "not_selected: 2 rows  (curate.threshold, curate.top, curate.share)" in found.text().splitlines()


def run(path, settings, *words):
    return CliRunner().invoke(
        cli, ["show", str(path), *(word for item in settings for word in ("--set", item)), *words]
    )


def ids_shown(path, settings, *words):
    result = run(path, settings, *words, "--json")
    assert result.exit_code == 0, result.output
    return [row["id"] for row in json.loads(result.output)["rows"]]


def test_rows_come_by_score_with_what_they_say(finished):
    assert ids_shown(*finished, "score-1-verdict", "--sort", "score", "-n", "2") == ["a", "b"]
    assert ids_shown(*finished, "score-1-verdict", "--sort", "score:asc", "-n", "9") == ["d", "c", "b", "a"]
    text = run(*finished, "score-1-verdict", "--sort", "score:asc", "-n", "1").output
    assert "score: 1.0000\nheader: h\ninstruction: What is d?\noutput: d\nid: d\n" in text


def test_around_a_threshold_both_sides_are_shown_with_what_became_of_them(finished):
    path, settings = finished
    assert ids_shown(*finished, "score-1-likelihood", "--around", "-1.5", "-n", "2") == ["b", "c"]
    assert ids_shown(*finished, "score-1-likelihood", "--around", "-1.5", "-n", "3") == ["a", "b", "c"]
    assert ids_shown(*finished, "score-1-likelihood", "--around", "9", "-n", "2") == ["a", "b"]
    text = run(path, settings, "curate-1", "--around", "-2.5", "-n", "2").output
    kept, _, rejected = text.partition("---- -2.5 ----")
    assert "score: -2.0000\noutcome: selected\nheader: h\ninstruction: What is c?" in kept
    assert "score: -3.0000\noutcome: not_selected\nheader: h\ninstruction: What is d?\noutput: d\n" in rejected


def test_rows_of_one_reason_are_shown_with_their_answers_and_scores(finished):
    result = run(*finished, "curate-1", "--reason", "not_selected", "--sort", "score", "--json")
    groups = json.loads(result.output)["rejected"]
    assert list(groups) == ["not_selected"]
    found = [(row["id"], row["score"], row["instruction"], row["output"]) for row in groups["not_selected"]["examples"]]
    assert found == [("d", -3.0, "What is d?", "d"), ("e", -4.0, "What is e?", "e")]
    unknown = run(*finished, "curate-1", "--reason", "too_short")
    assert unknown.exit_code == 1
    assert "no row was rejected for 'too_short'; its reasons are not_selected" in str(unknown.exception)


def test_rejected_rows_of_a_selection_have_their_scores_where_these_are_still_there(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [LIKELY]})
    assert "score: -3.0000\n" in run(path, settings, "curate-1", "--rejected").output
    shutil.rmtree(open_project(path, overrides=settings).look_at_build().artifacts["score-1-likelihood"].path)
    bare = run(path, settings, "curate-1", "--rejected")
    assert bare.exit_code == 0
    assert "not_selected: 2 rows" in bare.output
    assert "score:" not in bare.output


@pytest.mark.parametrize(
    ("line", "says"),
    [("9", "---- 9 ---- (no row above)"), ("-9", "---- -9 ---- (no row below)"), ("-1.5", "---- -1.5 ----")],
)
def test_a_threshold_with_no_rows_on_one_side_says_so(finished, line, says):
    assert says in run(*finished, "score-1-likelihood", "--around", line, "-n", "2").output.splitlines()
    assert "no row" not in run(*finished, "score-1-likelihood", "--around", line, "-n", "1").output


@pytest.mark.parametrize("words", [["--reason", "X"], ["--rejected"], ["--sort", "score"], ["--around", "0"]])
@pytest.mark.parametrize("stage", [[], ["iterations"]])
def test_rows_are_asked_of_a_stage(finished, stage, words):
    refused = run(*finished, *stage, *words)
    assert refused.exit_code == 2
    assert "name a stage" in refused.output


def test_what_the_scores_do_not_tell_is_refused(finished):
    unscored = run(*finished, "augment", "--sort", "score")
    assert "augment: its rows have no score; those of score-reverse, score-1-likelihood," in str(unscored.exception)
    both = run(*finished, "curate-1", "--around", "1", "--rejected")
    assert both.exit_code == 2
    assert "--around shows kept and rejected rows" in both.output


LONG = (
    "A long answer about https://example.org/a/path/that/nobody/breaks with words, 漢字とかなで書かれた長い文章。" * 30
)


@pytest.mark.parametrize("columns", [80, 120])
def test_a_terminal_gets_lines_that_fit_and_no_broken_word(tmp_path, monkeypatch, columns):
    path, settings = finish(tmp_path, {"likelihood": [LIKELY]}, texts={"a": LONG})
    monkeypatch.setenv("COLUMNS", str(columns))
    text = in_terminal(lambda: show_text(path, settings, "score-1-likelihood"), monkeypatch)
    lines = text.splitlines()
    broken = [line for line in lines if len(line.split()) > 1]  # a path stands alone, however long
    assert columns - 9 < max(map(cell_len, broken)) <= columns
    words = {word for word in LONG.split() if word.isascii()}
    assert words & {word for line in lines for word in line.split()} == words
    assert f"({len(LONG):,} characters)" in " ".join(text.split())


def test_a_pipe_gets_every_text_whole(tmp_path):
    path, settings = finish(tmp_path, {"likelihood": [LIKELY]}, texts={"a": LONG})
    result = run(path, settings, "score-1-likelihood")
    assert f"instruction: {LONG}\n" in result.output


def show_text(path, settings, stage):
    return show_stage(open_project(path, overrides=settings), stage, Choice(rows=3)).text()


def in_terminal(call, monkeypatch):
    """What `call` returns while standard output is a terminal."""
    with monkeypatch.context() as patch:
        patch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
        return call()
