"""The built wheel in an environment of its own, away from the checkout."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The `humpback` of a fresh environment: our wheel installed, its dependencies borrowed from this one.

    A path file would also bring in the checkout, so this environment's packages come by PYTHONPATH, which
    reads none.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], check=True)
    wheel = next(folder.glob("*.whl"))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "env/bin/python")]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True)

    def run(*arguments, first=""):
        paths = f"{first}{os.pathsep}{sysconfig.get_path('purelib')}"
        environment = {"PYTHONPATH": paths, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
        command = [str(folder / "env/bin/humpback"), *map(str, arguments)]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    run.folder = folder
    return run


def test_the_installed_command_uses_the_wheel_and_not_the_checkout(installed):
    where = [str(installed.folder / "env/bin/python"), "-c", "import builder; print(builder.__file__)"]
    path = subprocess.run(where, capture_output=True, text=True, check=True, cwd=installed.folder).stdout
    assert str(ROOT) not in path
    assert "site-packages" in path


def test_init_check_and_plan_work_from_the_wheel(installed, without_model_libraries):
    assert "a recipe with sample data" in installed("init", "project").stdout
    # Its models are looked at with libraries of others, which take many seconds to load and are not what is tested.
    checked = installed("check", "project", first=without_model_libraries["PYTHONPATH"].split(os.pathsep)[0])
    assert checked.returncode == 0, checked.stderr
    assert installed("plan", "project").stdout.count("missing") == 12
    assert (installed.folder / "project" / "build.schema.json").is_file()


def test_the_wheel_has_the_pages(installed):
    (folder,) = installed.folder.glob("env/lib/python*/site-packages/builder/_data/docs")
    pages = {page.name: page.read_bytes() for page in (ROOT / "docs").iterdir()}
    assert {page.name: page.read_bytes() for page in folder.iterdir()} == pages
    assert {"recipe.md", "reasons.md", "output.md", "output.schema.json"} <= pages.keys()


def test_a_stage_runs_from_the_wheel(installed):
    result = installed("build", "project", "--until", "segments")
    assert result.returncode == 0, result.stderr
    assert "stopped after segments" in result.stdout


@pytest.mark.full
def test_the_whole_quickstart_runs_from_the_wheel(installed):
    result = installed("quickstart", "whole")
    assert result.returncode == 0, result.stderr
    assert "A_2: precision" in result.stdout
    assert (installed.folder / "whole/releases/1.0.0/dataset/README.md").is_file()
