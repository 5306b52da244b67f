import itertools
import os
import threading

import pytest

from builder.workspace.progress import (
    Progress,
    answered,
    asked,
    beating,
    notice,
    passing,
    phase,
    polled,
    read_notices,
    read_progress,
    telling,
)

LONG = 600.0
"""Seconds that no test waits for."""


def test_it_is_done_again_and_again_beside_the_block_and_once_more_after_it():
    calls, third = [], threading.Event()

    def look():
        calls.append(threading.current_thread().name)
        if len(calls) == 3:
            third.set()

    with polled(look, 0.001, name="looker"):
        assert third.wait(30)
    *beside, last = calls
    assert set(beside) == {"looker"}
    assert last == threading.current_thread().name
    assert "looker" not in {thread.name for thread in threading.enumerate()}


def test_a_block_that_ends_before_the_first_call_is_looked_at_once():
    calls, seen = [], []
    with polled(lambda: calls.append(len(seen)), LONG, name="looker"):
        seen.append("work")
    assert calls == [1]


def test_after_an_error_there_is_no_last_call_and_no_thread():
    calls = []
    with pytest.raises(ValueError, match="the block"), polled(lambda: calls.append(1), LONG, name="looker"):
        raise ValueError("the block is wrong")
    assert calls == []
    assert "looker" not in {thread.name for thread in threading.enumerate()}


def test_an_error_of_the_last_call_reaches_the_caller():
    def look():
        raise OSError("cannot look")

    with pytest.raises(OSError, match="cannot look"), polled(look, LONG, name="looker"):
        pass


def test_a_notice_is_in_the_log_at_once_and_told_once(tmp_path, capsys):
    assert read_notices(tmp_path) == []
    for text in ("The scores are all alike.", "Something else.", "The scores are all alike."):
        notice(tmp_path, text)
    assert read_notices(tmp_path) == ["The scores are all alike.", "Something else."]
    assert capsys.readouterr().err == "warning: The scores are all alike.\nwarning: Something else.\n"


@pytest.mark.parametrize("told", [True, False])
def test_a_beat_is_a_sign_of_life_and_no_row(told, tmp_path, monkeypatch):
    if told:
        progress = Progress(tmp_path, "pages", 9)
        progress.advance(9)
        os.utime(progress.path, (1, 1))
    seconds = itertools.count()
    monkeypatch.setattr("builder.workspace.progress.time.monotonic", lambda: next(seconds))
    beat = beating(tmp_path)
    beat()
    seen = read_progress(tmp_path)
    assert seen[:3] == ((9, 9, "pages") if told else (0, None, "rows"))
    assert seen.at > 10**9


@pytest.fixture
def always(monkeypatch):
    """Whatever is told is written, as every look at the clock is another second."""
    seconds = itertools.count()
    monkeypatch.setattr("builder.workspace.progress.time.monotonic", lambda: next(seconds))


def test_rows_in_hand_are_done_as_their_requests_are_answered(tmp_path, always):
    progress = Progress(tmp_path, "rows", 100, phase="starting the engine")
    found = []
    with telling(progress):
        progress.hold(10)
        asked(20)
        for _ in range(20):
            answered()
            found.append(read_progress(tmp_path).doing)
        asked(20)  # a second request about each row: nothing is less done for it
        answered()
        found.append(read_progress(tmp_path).doing)
    assert found == [*(number // 2 for number in range(1, 21)), 10]
    progress.advance(10)
    seen = read_progress(tmp_path)
    assert (seen.done, seen.doing, seen.phase) == (10, 0, "")


def test_a_phase_is_told_at_once_and_over_when_it_is_over(tmp_path):
    with telling(Progress(tmp_path, "rows", 100)):
        with phase("loading the model"):
            assert read_progress(tmp_path).phase == "loading the model"
        assert read_progress(tmp_path).phase == ""


def test_signs_of_life_do_not_keep_back_what_is_done(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("builder.workspace.progress.time.monotonic", lambda: now[0])
    progress = Progress(tmp_path, "rows", 100)
    progress.hold(10)
    progress.asked(10)
    found = []
    for _ in range(10):  # as an engine does: a sign of life, then the answer
        now[0] += 0.4
        progress.beat()
        progress.answered()
        found.append(read_progress(tmp_path).doing)
    assert found[2::3] == [2, 5, 8]


def test_nobody_has_to_listen():
    asked(3)
    answered()
    with phase("loading the model"):
        assert list(passing("abc")) == ["a", "b", "c"]


def test_items_that_pass_are_answered_one_by_one(tmp_path, always):
    progress = Progress(tmp_path, "rows", 4)
    progress.hold(4)
    with telling(progress):
        assert [read_progress(tmp_path).doing for _ in passing("abcd")] == [0, 1, 2, 3]
        assert read_progress(tmp_path).doing == 4


def test_a_file_of_an_earlier_version_is_read(tmp_path):
    path = tmp_path / "logs" / "progress.json"
    path.parent.mkdir()
    path.write_text('{"done": 3, "total": null, "unit": "pages"}')
    seen = read_progress(tmp_path)
    assert (*seen[:3], seen.before, seen.doing, seen.kept, seen.phase) == (3, None, "pages", 0, 0, None, "")


def test_what_is_told_again_is_no_sign_of_life(tmp_path, always):
    progress = Progress(tmp_path, "rows", 9)
    progress.tell(note="1 of 4 tasks")
    os.utime(progress.path, (1, 1))
    progress.tell(note="1 of 4 tasks")
    progress.advance(0)
    assert read_progress(tmp_path).at == 10**9
