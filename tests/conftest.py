"""Shared fixtures; the environment is set before any heavy library is imported."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_DISABLE_PROGRESS_BARS"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
# Every engine compiles one count over the vocabulary, which takes seconds; the quickstart's test runs as users have it.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
# Tests start hundreds of processes: each would compile the package anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# What a user has trusted is remembered with a key in this folder; no test touches that of whoever runs it.
os.environ["XDG_STATE_HOME"] = tempfile.mkdtemp(prefix="humpback-state-")

import hypothesis
import pytest

# Timings on a shared machine say nothing about an example; the same examples are tried in every run.
hypothesis.settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
hypothesis.settings.load_profile("steady")
atexit.register(shutil.rmtree, os.environ["XDG_STATE_HOME"], ignore_errors=True)


TESTS = Path(__file__).parent
LONGEST = (
    "whole/test_quickstart.py",
    "whole/test_bad_models.py",
    "whole/test_bad_input.py",
    "whole/test_bad_recipe.py",
    "whole/test_stops.py",
    "llm/test_families.py",
    "train/test_stage.py",
    "llm/batch/test_runner.py",
    "train/test_processes.py",
    "whole/test_wheel.py",
    "train/test_sharding.py",
    "whole/test_invariant.py",
    "whole/test_invariant_of_pairs.py",
    "whole/test_core_without_torch.py",
    "train/test_bad_input.py",
    "workspace/test_workers.py",
    "workspace/test_workspace.py",
    "workspace/test_fingerprint.py",
    "llm/engines/test_endpoint.py",
    "recipe/test_pins.py",
)
"""Modules that take a worker for minutes: they begin, so that no worker waits for the last of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest modules first; the order of everything else stays."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.relative_to(TESTS).as_posix(), len(places)))


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


@pytest.fixture(scope="session")
def real_model() -> Path:
    """A small real model, as `scripts/small_model.sh` makes it, where the machine has one."""
    return _given_folder("HUMPBACK_TEST_MODEL")


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
    before = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "absent"), *([before] if before else [])])}


@pytest.fixture(scope="session")
def stub_engine() -> Callable[[list[Any]], Any]:
    """An engine that answers a row by its seed, with one of the given completions."""
    return lambda given: SimpleNamespace(
        generate=lambda _, __, seeds: [given[seed % len(given)] for seed in seeds], forget=lambda: None
    )


@pytest.fixture
def fake_engine() -> Iterator[Callable[[Any], None]]:
    """Puts the given engine in the place of every one that is started from now to the end of the test."""
    from support.fake_engine import starts_give

    with ExitStack() as given:
        yield lambda engine: given.enter_context(starts_give(engine))


@pytest.fixture
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A stand-in for the Hub, reached by processes that run in its `environment(home)`."""
    from support.hub_server import HubServer

    running = HubServer(tmp_path_factory.mktemp("hub"))
    yield running
    running.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes a new folder for every example of a property test."""
    return lambda: tmp_path_factory.mktemp("example")


@pytest.fixture(scope="session")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Path]:
    """Makes a stage folder with the sample's base as a model of the given role."""
    import shutil

    from builder.llm.contract import make_contract
    from builder.llm.tokenizer import load_tokenizer
    from builder.recipe.sections.models import Chat
    from builder.sample.generate import BASE

    def make(role: Any) -> Path:
        model = tmp_path_factory.mktemp(role) / "model"
        shutil.copytree(BASE, model)
        tokenizer = load_tokenizer(BASE)
        contract = make_contract(Chat(), role, tokenizer)
        tokenizer.chat_template = contract.template
        tokenizer.save_pretrained(model)
        contract.save(model)
        return model.parent

    return make


OWN_TEMPLATE = (
    "{% for turn in messages %}<|im_start|>{{ turn.role | upper }}:{{ turn.content }}<|im_end|>{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>ASSISTANT:{% endif %}"
)


@pytest.fixture(scope="session")
def instruction_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's base as a model that the build has not trained, with a chat template of its own."""
    import shutil

    from builder.sample.generate import BASE

    model = tmp_path_factory.mktemp("instructed") / "instructed"
    shutil.copytree(BASE, model)
    (model / "chat_template.jinja").write_text(OWN_TEMPLATE)
    return model


@pytest.fixture(scope="session")
def llama_2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama whose vocabulary has no control tokens but <unk>, <s> and </s>, as Llama 2's has."""
    from tokenizers import ByteLevelBPETokenizer
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("llama-2")
    bytes_and_words = ByteLevelBPETokenizer()
    texts = ["system user assistant", "Answer in the style of an AI Assistant.", "How should I store apples?"] * 9
    bytes_and_words.train_from_iterator(texts, vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"])
    bytes_and_words.save(str(folder / "tokenizer.json"))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_file=str(folder / "tokenizer.json"), unk_token="<unk>", bos_token="<s>", eos_token="</s>"
    )
    assert len(tokenizer.get_added_vocab()) == 3
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        bos_token_id=1, eos_token_id=2, max_position_embeddings=512,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A scripted OpenAI-compatible server on this machine; the environment holds no key to it."""
    from support.scripted_server import ScriptedServer

    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    scripted = ScriptedServer()
    yield scripted
    scripted.close()
