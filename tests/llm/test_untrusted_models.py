"""Models of strangers: no pickle is opened, no code of theirs runs; they are refused before anything opens them."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.hub_server.repositories import Entry
from support.pickles import is_live, write_pickle
from support.training_pairs import train_here, write_pairs

import builder
from builder.errors import StageError
from builder.llm.adapters import merge_adapter, read_adapter
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.engines.vllm_start import llm_options
from builder.llm.model_files import MOST_BYTES, refuse_untrusted
from builder.llm.opening import open_config
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE


@pytest.fixture
def base(tmp_path):
    return Path(shutil.copytree(BASE, tmp_path / "base"))


def change(file, **keys):
    content = json.loads(file.read_text()) if file.exists() else {}
    file.write_text(json.dumps(content | keys))


ADAPTER = {"peft_type": "LORA", "r": 4, "base_model_name_or_path": str(BASE), "target_modules": ["q_proj"]}
CONFIG, TOKENIZER = "config.json", "tokenizer_config.json"


@pytest.mark.parametrize(
    ("file", "keys", "said"),
    [
        (CONFIG, {"auto_map": {"AutoModelForCausalLM": "them.Model"}}, r"config\.json names code of its own \(auto_"),
        (CONFIG, {"text_config": {"auto_map": {"AutoConfig": "o/r--them.C"}}}, r"code of its own \(auto_map\)"),
        (CONFIG, {"attn_implementation": "owner/kernel"}, "has attn_implementation 'owner/kernel'; it must be one of"),
        (CONFIG, {"_attn_implementation": "owner/kernel"}, "has _attn_implementation 'owner/kernel'; it must"),
        (CONFIG, {"text_config": {"_attn_implementation_internal": {"": "o/k"}}}, "implementation_internal 'o/k'"),
        (CONFIG, {"_attn_implementation": "flash_attention_3"}, "the package flash_attn_interface is not installed"),
        (CONFIG, {"text_config": {"attn_implementation": "flash_attention_3"}}, "is not installed, and a kernel"),
        (CONFIG, {"experts_implementation": "owner/kernel"}, "has experts_implementation 'owner/kernel'"),
        (CONFIG, {"use_kernels": True}, r"asks for code from the Hub \(use_kernels\)"),
        (CONFIG, {"quantization_config": {"quant_method": "mine"}}, r"quantization_config\.quant_method 'mine'; it mu"),
        (CONFIG, {"configuration_files": ["config.4.0.0.json"]}, r"names other files to read instead \(config"),
        (CONFIG, {"transformers_weights": "x.bin"}, r"names other weights to read instead \(transformers_weights\)"),
        (CONFIG, {"architectures": ["pipeline"]}, "has the architecture 'pipeline', which is no model of transformers"),
        (TOKENIZER, {"auto_map": {"AutoTokenizer": ["t.T", None]}}, r"tokenizer_config\.json names code of its own"),
        (TOKENIZER, {"tokenizer_class": "../them"}, r"has the tokenizer_class '\.\./them', which is no class"),
        (TOKENIZER, {"fast_tokenizer_files": ["t.4.json"]}, r"names other files to read instead \(fast_tok"),
        ("generation_config.json", {"custom_generate": "owner/code"}, r"names code of its own \(custom_generate\)"),
        ("adapter_config.json", ADAPTER, r"has both config\.json and adapter_config\.json"),
        (
            "model.safetensors.index.json", {"weight_map": {"w": "pytorch_model.bin"}},
            r"names 'pytorch_model\.bin', which is no \.safetensors file beside it",
        ),
        (
            "model.safetensors.index.json", {"weight_map": {"w": "../other/model.safetensors"}},
            r"names '\.\./other/model\.safetensors', which is no \.safetensors file beside it",
        ),
    ],
)  # fmt: skip
def test_a_model_whose_settings_name_code_or_other_files_is_refused_by_name(base, file, keys, said):
    change(base / file, **keys)
    for look in (load_tokenizer, open_config, refuse_untrusted):
        with pytest.raises(StageError, match=said) as caught:
            look(base)
        assert str(caught.value).startswith(f"{base}: ")


def test_code_beside_the_weights_is_refused_by_name(base):
    (base / "custom_generate").mkdir()
    (base / "custom_generate" / "generate.py").write_text("raise SystemExit")
    with pytest.raises(StageError, match=r"has custom_generate/generate\.py, which is code of its own"):
        load_tokenizer(base)


def test_settings_that_are_huge_deep_or_no_json_are_an_error(base):
    config = base / "config.json"
    for text, said in (
        ("[" * 100_000, "is not JSON"),
        ('{"a": ' * 80 + "1" + "}" * 80, "is nested too deeply"),
        ("{", "is not JSON"),
        (" " * (MOST_BYTES + 1), "has more than 32 MB"),
    ):
        config.write_text(text)
        with pytest.raises(StageError, match=said):
            refuse_untrusted(base)


@pytest.mark.parametrize("keys", [{}, {"model_init_kwargs": {"attn_implementation": "flash_attention_3"}}])
def test_a_training_takes_no_missing_attention_from_the_hub(base, tmp_path, keys):
    """What transformers does where the package `kernels` is installed."""
    asked = keys or {"attn_implementation": "flash_attention_3"}
    with pytest.raises(StageError, match=r"in the TRL recipe, but the package flash_attn_interface is not installed"):
        train_here(write_pairs(tmp_path / "pairs"), tmp_path / "out", base=base, **asked)


def openers(tmp_path):
    yield lambda model: TransformersEngine(model, Engine(kind="transformers", dtype="float32"))
    yield lambda model: llm_options(model, None, Engine(dtype="float32"), Runtime())
    yield lambda model: train_here(write_pairs(tmp_path / "pairs"), tmp_path / "out", base=model)


@pytest.mark.parametrize("opener", range(3))
def test_a_base_of_pickles_alone_is_refused_before_anything_opens_it(base, tmp_path, opener):
    canary = tmp_path / "canary"
    (base / "model.safetensors").unlink()
    assert is_live(write_pickle(base / "pytorch_model.bin", canary), canary)
    with pytest.raises(
        StageError, match=r"has no \.safetensors weights, but pytorch_model\.bin; pickled weights can r"
    ):
        list(openers(tmp_path))[opener](base)
    assert not canary.exists()


def test_an_adapter_of_pickles_is_refused_before_anything_opens_it(tmp_path):
    adapter, canary = tmp_path / "adapter", tmp_path / "canary"
    adapter.mkdir()
    change(adapter / "adapter_config.json", **ADAPTER)
    assert is_live(write_pickle(adapter / "adapter_model.bin", canary), canary)
    for opener in (read_adapter, lambda model: merge_adapter(model, tmp_path / "merged"), *list(openers(tmp_path))[:1]):
        with pytest.raises(StageError, match=r"has adapter_config\.json but no adapter_model\.safetensors"):
            opener(adapter)
    assert not canary.exists()


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"megatron_config": {"a": 1}, "megatron_core": "them"}, r"names a module to import \(megatron_config\)"),
        ({"auto_mapping": {"parent_library": "them"}}, r"names a module to import \(auto_mapping\)"),
        ({"base_model_name_or_path": "/nowhere/at/all"}, "its base, /nowhere/at/all, is not there"),
    ],
)
def test_an_adapter_that_names_modules_or_no_base_is_refused(tmp_path, keys, said):
    change(tmp_path / "adapter_config.json", **(ADAPTER | keys))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(StageError, match=said):
        read_adapter(tmp_path)


def test_the_base_that_an_adapter_names_is_looked_at_too(base, tmp_path):
    change(base / "config.json", auto_map={"AutoConfig": "them.Config"})
    change(tmp_path / "adapter_config.json", **(ADAPTER | {"base_model_name_or_path": str(base)}))
    (tmp_path / "adapter_model.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}      ")
    with pytest.raises(StageError, match="names code of its own"):
        read_adapter(tmp_path)


def test_nothing_in_the_package_opens_a_model_but_the_modules_that_look_first():
    """A new caller of `from_pretrained`, `torch.load` or a pickle fails here."""
    package, found = Path(builder.__file__).parent, set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                if called.endswith("from_pretrained") or called in ("torch.load", "pickle.load", "pickle.loads"):
                    found.add(path.relative_to(package).as_posix())
    # The last two read back what this program, or its own fork, has pickled a moment before.
    assert found == {"llm/opening.py", "llm/tokenizer.py", "results/release/checks/loading.py", "workspace/workers.py"}


LOOK = """
import sys
from builder.errors import StageError
from builder.llm.model_files import refuse_untrusted
for weights in (False, True):
    try:
        refuse_untrusted("org/base", sys.argv[1], weights=weights)
        print("trusted")
    except (StageError, OSError) as error:
        print(error)
"""


def test_a_repository_of_the_hub_is_refused_by_the_list_of_its_files_and_nothing_large_is_downloaded(hub, tmp_path):
    made = hub.add("org/base", "models")
    config, code = Entry.regular(b"{}"), Entry.regular(b'{"auto_map": {"AutoConfig": "them.Config"}}')
    pickled = made.add({"config.json": config, "pytorch_model.bin": Entry.regular(b"x")}, "one", "them")
    coded = made.add({"config.json": code, "model.safetensors": Entry.regular(b"x")}, "two", "them")
    said = []
    for commit in (pickled, coded):
        process = subprocess.run(
            [sys.executable, "-c", LOOK, commit.oid], env=hub.environment(tmp_path), capture_output=True, text=True
        )
        said += process.stdout.splitlines()
    assert said[0] == "trusted"
    assert said[1].startswith("org/base: has no .safetensors weights, but pytorch_model.bin; pickled weights can run c")
    assert said[2:] == [said[2]] * 2
    assert said[2].startswith("org/base: config.json names code of its own (auto_map); such a model is not opened")
    assert not any("pytorch_model.bin" in request or ".safetensors" in request for request in hub.requests)
