import fcntl
import json
import os
import re
import struct
import sys
import termios
from contextlib import suppress

import pytest

from builder.workspace.console import Console, describe_counts, describe_losses
from builder.workspace.live.ahead import Ahead
from builder.workspace.progress import Progress
from builder.workspace.workspace import Artifact


def test_counts_name_the_commonest_reasons_first():
    counts = {
        "pages": {"in": 1, "kept": 1, "dropped": {}, "failed": {}},
        "segments": {
            "in": 1500,
            "kept": 1475,
            "dropped": {"a": 1, "b": 9, "c": 2, "d": 3},
            "failed": {"timeout": 10},
        },
    }
    assert describe_counts(counts) == "1,475 segments of 1,500 (timeout 10, b 9, d 3, c 2, ...)"
    assert describe_counts({"pages": counts["pages"]}) == "1 page"


@pytest.fixture
def artifact(tmp_path):
    record = {"status": "done", "seconds": 12.34, "counts": {"rows": {"in": 5, "kept": 5, "dropped": {}, "failed": {}}}}
    (tmp_path / "stage.json").write_text(json.dumps(record))
    Progress(tmp_path, "rows", 10).advance(4)
    return Artifact("augment", "abc", tmp_path)


def passes(console, artifact, clock, *events):
    """Let events pass, each after so many seconds; `rows` is progress by two rows."""
    progress = Progress(artifact.path, "rows", 400)
    for seconds, event in events:
        clock[0] += seconds
        if event == "rows":
            progress.advance(2)
        console(artifact, "progress" if event == "rows" else event)


@pytest.fixture
def clock(monkeypatch):
    """What every clock says that the console and the stage look at."""
    now = [1000.0]
    monkeypatch.setattr("builder.workspace.progress.time.monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_line_at_the_start_at_most_one_a_minute_and_one_at_the_end(artifact, capsys, clock):
    passes(Console(lambda: clock[0]), artifact, clock, (0, "start"), *[(1, "rows")] * 130, (0, "done"))
    lines = capsys.readouterr().err.splitlines()
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  augment .*", line) for line in lines)
    assert [line.split(maxsplit=3)[3] for line in lines] == [
        "started",
        "120 of 400 rows, 2.0/s, 1m00s, 2m20s left",
        "240 of 400 rows, 2.0/s, 2m00s, 1m20s left",
        "done       12.3 s  5 rows; 2.0 rows/s",
    ]


def test_the_end_of_all_is_told_where_the_time_of_what_follows_is_known(artifact, capsys, clock):
    console = Console(lambda: clock[0], lambda stage: Ahead(300.0, 3_600.0) if stage == "augment" else None)
    passes(console, artifact, clock, (0, "start"), *[(1, "rows")] * 60)
    start, running = capsys.readouterr().err.splitlines()
    assert re.search(r"augment +started; all is done in about 1h05m, on [A-Z][a-z]{2} \d\d:\d\d$", start)
    assert running.endswith("120 of 400 rows, 2.0/s, 1m00s, 2m20s left, all done in 1h02m")


def test_a_build_that_ends_in_the_middle_says_where(artifact, capsys, clock):
    console = Console(lambda: clock[0])
    passes(console, artifact, clock, (0, "start"), (5, "rows"), (5, "rows"))
    console.__exit__(KeyboardInterrupt)
    assert capsys.readouterr().err.splitlines()[-1].endswith("  augment              stopped    10.0 s  4 of 400 rows")


class Terminal:
    """A pseudo-terminal of some width that stands for stderr."""

    def __init__(self, width, monkeypatch):
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        self.file = os.fdopen(slave, "w")
        monkeypatch.setattr(sys, "stderr", self.file)
        monkeypatch.setenv("TERM", "xterm")

    def shown(self):
        os.set_blocking(self.master, False)
        found = b""
        with suppress(BlockingIOError):
            while piece := os.read(self.master, 1 << 16):
                found += piece
        return found.decode()


@pytest.mark.parametrize("width", [80, 120])
def test_a_terminal_has_one_live_line_that_never_wraps(artifact, clock, width, monkeypatch):
    terminal = Terminal(width, monkeypatch)
    passes(Console(lambda: clock[0]), artifact, clock, (0, "start"), *[(1, "rows")] * 9, (0, "done"))
    shown = terminal.shown()
    *live, end = shown.split("\r\x1b[2K")[1:]
    assert "\n" not in "".join(live)
    assert [line for line in live if line][-1] == "augment              18 of 400 rows, 2.0/s, 9s, 3m11s left"
    assert max(map(len, live)) < width
    assert end == "augment              done       12.3 s  5 rows\r\n"


def test_long_lines_of_a_terminal_break_between_words(artifact, monkeypatch):
    reasons = {f"a_long_reason_of_number_{number}": 10 - number for number in range(4)}
    record = json.loads((artifact.path / "stage.json").read_text())
    record["counts"]["rows"]["dropped"] = reasons
    record["warnings"] = ["the scores are all alike, and " + "so on and " * 20]
    (artifact.path / "stage.json").write_text(json.dumps(record))
    terminal = Terminal(80, monkeypatch)
    Console()(artifact, "cached")
    lines = terminal.shown().splitlines()
    assert len(lines) > 4
    assert max(map(len, lines)) <= 80
    assert set(reasons) <= set(" ".join(lines).replace("(", "").split())


@pytest.mark.parametrize("gone", ["the terminal", "the reader of a pipe", "the stream"])
def test_what_cannot_be_shown_ends_no_build(gone, artifact, clock, monkeypatch):
    if gone == "the terminal":
        terminal = Terminal(80, monkeypatch)
        console = Console(lambda: clock[0])
        os.close(terminal.master)
    else:
        reads, writes = os.pipe()
        monkeypatch.setattr(sys, "stderr", os.fdopen(writes, "w"))
        console = Console(lambda: clock[0])
        os.close(reads)
        if gone == "the stream":
            sys.stderr.close()
    passes(console, artifact, clock, (0, "start"), (1, "rows"), (70, "rows"), (0, "done"))
    assert console.__exit__(None) is None
    with suppress(OSError):
        sys.stderr.close()


def test_losses_and_warnings_are_said(tmp_path):
    lost = {"in": 1363, "kept": 1360, "dropped": {"wet": 9}, "failed": {"cut": 1, "cor\x1b[2Jrupt": 2}}
    kept = {"in": 5, "kept": 4, "dropped": {}, "failed": {"timeout": 1}}
    record = {"status": "done", "counts": {"records": lost, "pages": kept}, "warnings": ["3 of 5 rows have no score"]}
    (tmp_path / "stage.json").write_text(json.dumps(record))
    assert describe_losses(Artifact("segments", "abc", tmp_path)) == [
        "  warning: segments: 3 of 1,363 records could not be used: cut 1, cor␛[2Jrupt 2",
        "  warning: segments: 3 of 5 rows have no score",
    ]
