import itertools
import os
import threading

import pytest

from builder.workspace.progress import Progress, beating, notice, polled, read_notices, read_progress

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
