"""The demonstration of a release, `make release-demo`, on a project that builds in a minute."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.small_project import write_small_project

ROOT = Path(__file__).parents[2]


@pytest.mark.full
def test_two_releases_go_from_build_to_user(tmp_path: Path) -> None:
    project = write_small_project(tmp_path / "project")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "scripts" / "release_demo.py"), str(project)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert sum(line.startswith("ok ") for line in result.stdout.splitlines()) == 7
