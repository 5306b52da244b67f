"""What the processes of a build find around them: the same variables everywhere, and memory that they may use again."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from support.variables import OWN

from builder.data.accounting import Counts, Stats
from builder.data.storage import write_json
from builder.errors import StageError
from builder.method.train.launch import launch
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section
from builder.workspace.child import run_child
from builder.workspace.environment import ALWAYS, ARROW_POOL, PASSED_ON, own_variables, remote_environment

STEPS = """
import resource, sys
from builder.workspace.environment import prepare_allocators
if sys.argv[1] == "prepared":
    prepare_allocators()
for _ in range(20):  # what steps of a training do
    blocks = [bytearray(size << 20) for size in (20, 20, 20, 150)]  # glibc maps the last one whatever the threshold
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="mallopt is glibc's")


POOL = """
import pyarrow
from builder.workspace.environment import let_arrow_give_back
let_arrow_give_back()
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(("named", "used"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_takes_the_systems_allocator_unless_the_environment_names_another(named: str | None, used: str) -> None:
    given = {name: value for name, value in os.environ.items() if name != ARROW_POOL}
    given |= {ARROW_POOL: named} if named else {}
    run = subprocess.run([sys.executable, "-c", POOL], capture_output=True, text=True, check=True, env=given)
    assert run.stdout.strip() == used


class Nothing(Section):
    """A stage without settings."""


def tell(out: Path, config: Nothing, *, runtime: Runtime) -> Stats:
    """A stage that writes down its environment."""
    write_json(out / "seen.json", dict(os.environ))
    counts = Counts()
    return Stats({"rows": counts})


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the build's own variables, this process has none, or another value."""
    for name in OWN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONSAFEPATH", "")
    monkeypatch.setenv("LOGURU_DIAGNOSE", "YES")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]))


def own(seen: dict[str, str]) -> dict[str, str | None]:
    return {name: seen.get(name) for name in OWN}


def test_a_stage_has_the_builds_own_variables_and_all_of_ours(tmp_path: Path, bare: None) -> None:
    (tmp_path / "logs").mkdir()
    request = {
        "function": f"{__name__}:tell", "config_type": f"{__name__}:Nothing", "config": {}, "inputs": [],
        "runtime": Runtime(threads=3).model_dump(mode="json"),
    }  # fmt: skip
    run_child(tmp_path, request, Runtime(threads=3), lambda: None, stage="tell")
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert own(seen) == OWN
    kept = {name: value for name, value in os.environ.items() if name not in OWN and name != "PATH"}
    assert kept.items() <= seen.items()
    assert seen["PATH"] == f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def test_a_launcher_has_the_same_list(tmp_path: Path, bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", "set by a training, and taken back by this test")
    code = f"import json, os; json.dump(dict(os.environ), open({str(tmp_path / 'seen.json')!r}, 'w'))"
    with pytest.raises(StageError, match="saved no model"):
        launch(tmp_path, [], Runtime(threads=3, launcher=shlex.join([sys.executable, "-c", code])))
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert own(seen) == OWN
    assert seen["HUMPBACK_STAGE_PROCESS"].startswith(f"{os.getpid()}@")
    with pytest.raises(StageError, match="ended with exit code 3"):
        launch(tmp_path, [], Runtime(launcher=shlex.join([sys.executable, "-c", "exit(3)"])))


def test_another_machine_is_given_the_list_and_where_the_cache_is_and_no_key(
    bare: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "secret")
    for name in PASSED_ON:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", "/cache")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store:9000")
    monkeypatch.setenv("AWS_PROFILE", "me@work")
    monkeypatch.setenv("HF_ENDPOINT", "https://user:secret@hub")
    assert remote_environment(Runtime(threads=3)) == {
        **OWN,
        "HF_HOME": "/cache",
        "AWS_ENDPOINT_URL": "http://store:9000",
        "AWS_PROFILE": "me@work",
    }


def test_an_allocator_of_the_users_choice_stays(bare: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
    assert own_variables(Runtime()) == {**ALWAYS, "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "jemalloc"}


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
