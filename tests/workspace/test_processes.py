"""The guard of a stage, in a process that was started in an unusual way."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

GUARDS = """
import os, signal, sys
from builder.workspace.processes import guarded
{first}
sys.exit(guarded(lambda: {work}, os.getppid()))
"""


def run_guard(first: str, work: str) -> int:
    root = Path(__file__).parents[2]
    program = GUARDS.format(first=first, work=work)
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, timeout=60, check=False).returncode


@pytest.mark.parametrize("first", ["", "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"])
def test_a_guard_ends_with_its_stage_also_where_its_starter_ignored_the_end_of_children(first):
    assert run_guard(first, "7") == 7
    assert run_guard(first, "os.kill(os.getpid(), signal.SIGKILL)") == -9
