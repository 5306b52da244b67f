"""What a command does when it is told to end: what it says, and that it ends well where nobody is there to read it."""

import os
import pty
import signal
import subprocess
import sys

import click
import pytest

from builder.cli.shell.failure import fitting, interrupted

CODES = {"TERM": 143, "HUP": 129, "INT": 130}
WAITS = r"""
import sys, time
from unittest.mock import patch
from builder.cli.main import main

def wait(*_, **__):
    sys.stderr.write("here\n")
    time.sleep(600)

sys.argv[0] = "humpback"
with patch("builder.cli.project.open_project", wait):
    main()
"""


def start(*words, **options):
    command = [sys.executable, "-c", WAITS, "build", *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=as_in_a_terminal, **options)


def as_in_a_terminal():
    for name in CODES:
        signal.signal(getattr(signal, f"SIG{name}"), signal.SIG_DFL)


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("TERM", ["my recipe", "--set", "a.b=1, 2", "--as-written"],
         ":\n  humpback build 'my recipe' --set 'a.b=1, 2' --as-written\n"),
        ("HUP", ["recipe", "--work-dir", "my work"], ":\n  humpback build recipe --work-dir 'my work'\n"),
        ("INT", ["recipe", "--set", "runtime.endpoint=https://me:secret-word@host/v1"], "\n"),
    ],
)  # fmt: skip
def test_a_command_that_is_stopped_says_which_command_goes_on(name, words, said):
    process = start(*words, stderr=subprocess.PIPE, text=True)
    assert process.stderr.readline() == "here\n"
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert process.stderr.read().lstrip() == f"interrupted; the same command goes on where it stopped{said}"
    assert process.wait() == CODES[name]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("build DIR", "goes on where it stopped"), ("--debug quickstart", "goes on where it stopped"),
        ("release DIR --version 1.0.0 --push", "goes on where it stopped"),
        ("release DIR --version 1.0.0", "begins anew"),
        ("preview build", "begins anew"), ("plan DIR --calibrate", "begins anew"), ("check DIR", "begins anew"),
    ],
)  # fmt: skip
def test_whether_a_command_goes_on_or_begins_anew_is_said_truly(words, says):
    assert interrupted(words.split()) == f"interrupted; the same command {says}"


def test_an_interrupt_that_says_from_where_a_training_goes_on_is_heard_below_other_errors():
    error, said = click.Abort(), "model-0 begins again: it had no checkpoint yet (save_steps: 40)"
    error.__cause__ = KeyboardInterrupt(said)
    assert interrupted(["build", "DIR"], error) == f"interrupted; the same command goes on, and {said}"
    assert interrupted(["plan", "DIR"], error) == "interrupted; the same command begins anew"


def test_lines_of_a_terminal_break_between_words_and_commands_stay_whole(monkeypatch):
    command = "  humpback build 'a folder with a long name' --set runtime.max_hours=1"
    text = f"error: no word of a line that says much is broken at its end\n{command}"
    assert fitting(text) == text
    monkeypatch.setattr("builder.cli.shell.failure.is_terminal", lambda: True)
    monkeypatch.setattr("builder.cli.shell.failure.columns", lambda: 40)
    first, second, last = fitting(text).split("\n")
    assert (len(first) <= 40, f"{first} {second.strip()}", last) == (True, text.split("\n")[0], command)
    monkeypatch.setenv("A_PASSWORD", "two words")
    assert "two words" not in " ".join(fitting("error: no word of a long line shows two words").split())


def test_a_command_whose_terminal_is_closed_ends_with_its_own_exit_code():
    master, slave = pty.openpty()
    process = start("recipe", stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    assert os.read(master, 100) == b"here\r\n"
    os.close(master)
    for _ in range(2):  # the kernel sends one, and the shell another
        process.send_signal(signal.SIGHUP)
    assert process.wait() == CODES["HUP"]


@pytest.mark.parametrize("name", ["TERM", "INT"])
def test_a_command_whose_output_nobody_reads_ends_with_its_own_exit_code(name):
    reads, writes = os.pipe()
    process = start("recipe", stdout=writes, stderr=writes)
    os.close(writes)
    assert os.read(reads, 100) == b"here\n"
    os.close(reads)
    process.send_signal(getattr(signal, f"SIG{name}"))
    assert process.wait() == CODES[name]
