"""Shared fixtures; the environment is set before any heavy library is imported."""

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

import hypothesis
import pytest

# Timings on a shared machine say nothing about an example; the same examples are tried in every run.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("steady")


def _given_folder(variable: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        pytest.skip(f"{variable} names no folder")
    return Path(value)


@pytest.fixture(scope="session")
def real_corpus() -> Path:
    """Real pages in ClueWeb22 form, where the machine has them."""
    return _given_folder("HUMPBACK_TEST_CORPUS")


@pytest.fixture(scope="session")
def real_seed() -> Path:
    """Real Open Assistant trees, where the machine has them."""
    return _given_folder("HUMPBACK_TEST_SEED")


@pytest.fixture(scope="session")
def real_prompts() -> Path:
    """Real prompt sets of evaluations, where the machine has them."""
    return _given_folder("HUMPBACK_TEST_PROMPTS")


BLOCK = """
import importlib.util, sys
NAMES = {"torch", "transformers", "trl", "vllm", "accelerate", "peft"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NAMES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name in NAMES else find_spec(name, package)
"""


@pytest.fixture
def without_model_libraries(tmp_path: Path) -> dict[str, str]:
    """An environment, for children of children too, where no model library can be imported."""
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "sitecustomize.py").write_text(BLOCK)
    return os.environ | {"PYTHONPATH": str(tmp_path / "absent")}
