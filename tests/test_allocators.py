import os
import subprocess
import sys

import pytest

STEPS = """
import resource, sys
from builder.allocators import prepare_allocators
if sys.argv[1] == "prepared":
    prepare_allocators()
for _ in range(20):  # what steps of a training do
    blocks = [bytearray(20 << 20) for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")


def faults(prepared: str, **environment: str) -> int:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    command = [sys.executable, "-c", STEPS, prepared]
    return int(subprocess.run(command, env=clean | environment, capture_output=True, check=True).stdout)


@LINUX
def test_what_a_step_frees_the_next_one_has_at_once() -> None:
    assert faults("prepared") < faults("as it is") / 4


@LINUX
def test_what_the_environment_says_about_malloc_stands() -> None:
    assert faults("prepared", MALLOC_TRIM_THRESHOLD_="0") > 4 * faults("prepared")
