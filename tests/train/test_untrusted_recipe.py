"""TRL recipes of strangers: nothing in one runs code, opens a pickle, names a path or sends something out."""

import shutil
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from support.pickles import is_live, write_pickle
from support.training_pairs import BASE, train_here, write_pairs

from builder.data.resources import resource_folder
from builder.data.storage import read_json, write_json
from builder.errors import RecipeError
from builder.method.train.recipe import SET_BY_US, read_training_recipe
from builder.recipe.training_keys import OPTIONS, REPORT_TO, key_problems

CODE, PICKLES = "it runs code of others", "weights are read from safetensors alone"
SECRET = "a secret has no place in a recipe"


def refused(folder, **options):
    path = folder / "sft.yaml"
    path.write_text(yaml.safe_dump(options))
    with pytest.raises(RecipeError) as caught:
        read_training_recipe(path)
    return str(caught.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model_init_kwargs": {"use_safetensors": False}}, f"model_init_kwargs.use_safetensors is not: {PICKLES}"),
        ({"model_init_kwargs": {"weights_only": False}}, f"model_init_kwargs.weights_only is not: {PICKLES}"),
        ({"model_init_kwargs": {"trust_remote_code": True}}, f"model_init_kwargs.trust_remote_code is not: {CODE}"),
        ({"model_init_kwargs": {"code_revision": "main"}}, f"model_init_kwargs.code_revision is not: {CODE}"),
        ({"model_init_kwargs": {"use_kernels": True}}, f"model_init_kwargs.use_kernels is not: {CODE}"),
        ({"model_init_kwargs": {"allow_all_kernels": True}}, f"model_init_kwargs.allow_all_kernels is not: {CODE}"),
        ({"model_init_kwargs": {"kernel_config": {}}}, f"model_init_kwargs.kernel_config is not: {CODE}"),
        ({"model_init_kwargs": {"token": "x"}}, f"model_init_kwargs.token is not: {SECRET}"),
        ({"model_init_kwargs": {"proxies": {"https": "x"}}}, "model_init_kwargs.proxies is not: set HTTPS_PROXY"),
        ({"model_init_kwargs": {"gguf_file": "x.gguf"}}, "model_init_kwargs.gguf_file is not: it names a path"),
        ({"model_init_kwargs": {"cache_dir": "/tmp/x"}}, "model_init_kwargs.cache_dir is not: it names a path"),
        ({"model_init_kwargs": {"subfolder": "../x"}}, "model_init_kwargs.subfolder is not: it names a path"),
        ({"model_init_kwargs": {"device_map": {"": "disk"}}}, "model_init_kwargs.device_map may not stand there; "),
        ({"model_init_kwargs": {"adapter_kwargs": {}}}, "model_init_kwargs.adapter_kwargs may not stand there; "),
        ({"model_init_kwargs": {"state_dict": {}}}, "model_init_kwargs.state_dict may not stand there; "),
        ({"model_init_kwargs": {"revision": "other"}}, "model_init_kwargs.revision may not stand there; "),
        (
            {"model_init_kwargs": {"attn_implementation": "owner/kernel"}},
            "model_init_kwargs.attn_implementation is 'owner/kernel'; it must be one of eager, sdpa, ",
        ),
        ({"attn_implementation": "owner/kernel:x"}, "attn_implementation is 'owner/kernel:x'; it must be one of eager"),
        (
            {"attn_implementation": {"": "owner/kernel"}},
            "attn_implementation is {'': 'owner/kernel'}; it must be a num",
        ),
        ({"attn_implementation": ["owner/kernel"]}, "attn_implementation is 'owner/kernel'; it must be one of eager"),
        ({"use_kernels": True}, f"use_kernels is not: {CODE}"),
        ({"trust_remote_code": True}, "trust_remote_code is set by the build"),
        ({"env": {"LD_PRELOAD": "x.so"}}, "env is set by the build"),
        ({"resume_from_checkpoint": "../x"}, "resume_from_checkpoint is set by the build"),
        ({"push_to_hub": True}, "push_to_hub is set by the build"),
        ({"hub_model_id": "them/mine"}, "hub_model_id is not: it sends something out"),
        ({"hub_strategy": "every_save"}, "hub_strategy is not: it sends something out"),
        ({"trackio_space_id": "them/space"}, "trackio_space_id is not: it sends something out"),
        ({"report_to": "wandb"}, "report_to is 'wandb'; a recipe alone reports to none or tensorboard: "),
        ({"report_to": ["tensorboard", "all"]}, "report_to is 'all'; a recipe alone reports to none or tensorboard: "),
        ({"logging_dir": "/srv/www"}, "logging_dir is not: it names a path"),
        ({"run_name": "../../x"}, "run_name is '../../x'; a TRL recipe names no path"),
        ({"torch_compile_backend": "someones.module"}, "torch_compile_backend is 'someones.module'; it must be one of"),
        ({"deepspeed": "/tmp/ds.json"}, "deepspeed is '/tmp/ds.json'; it must be a mapping; a file is not read, write"),
        ({"fsdp_config": "fsdp.json"}, "fsdp_config is 'fsdp.json'; it must be a mapping; a file is not read, write"),
        ({"accelerator_config": "a.json"}, "accelerator_config is 'a.json'; it must be a mapping; a file is not read"),
        ({"deepspeed": {"wandb": {"enabled": True}}}, "deepspeed.wandb may not stand there; remove it"),
        ({"deepspeed": {"tensorboard": {"output_path": "/x"}}}, "deepspeed.tensorboard may not stand there; remove it"),
        ({"deepspeed": {"flops_profiler": {"output_file": "x"}}}, "deepspeed.flops_profiler may not stand there; "),
        (
            {"deepspeed": {"zero_optimization": {"offload_param": {"nvme_path": "/x"}}}},
            "deepspeed.zero_optimization.offload_param.nvme_path may not stand there; remove it",
        ),
        (
            {"deepspeed": {"zero_optimization": {"offload_param": {"device": "nvme"}}}},
            "deepspeed.zero_optimization.offload_param.device is 'nvme'; it must be one of cpu, none",
        ),
        (
            {"gradient_checkpointing_kwargs": {"context_fn": "os.system"}},
            "gradient_checkpointing_kwargs.context_fn may",
        ),
        ({"lr_scheduler_kwargs": {"lr_lambda": "x"}}, "lr_scheduler_kwargs.lr_lambda may not stand there; remove it"),
        ({"optim_args": {"a": 1}}, "optim_args is {'a': 1}; it must be a number, a word, true or false"),
        ({"lora_target_modules": [["x"]]}, "lora_target_modules is ['x']; it must be a number, a word, true or false"),
        (
            {"learnin_rate": 1},
            "learnin_rate is not a key of TRL's SFT recipe; remove it, or did you mean learning_rate?",
        ),
        (
            {"gradient_checkpointing_kwargs": {"context": 1}},
            "gradient_checkpointing_kwargs.context may not stand there; remove it (allowed are determinism_check, pre",
        ),
    ],
)
def test_what_loads_code_names_a_path_or_sends_something_is_refused_by_name(tmp_path, options, said):
    said = said.replace(" is not: ", " is not taken from a TRL recipe: ")
    assert refused(tmp_path, **options).startswith(said)


def test_a_recipe_whose_keys_open_a_pickle_trains_nothing(tmp_path):
    """With these keys the weights were opened as a pickle, in the process of the training."""
    base, canary = tmp_path / "base", tmp_path / "canary"
    shutil.copytree(BASE, base)
    (base / "model.safetensors").unlink()
    assert is_live(write_pickle(base / "pytorch_model.bin", canary), canary)
    config = read_json(base / "config.json")
    del config["dtype"]  # so that the weights are asked for it
    write_json(base / "config.json", config)
    write_pairs(tmp_path)
    keys = {"use_safetensors": False, "weights_only": False, "dtype": "auto"}
    with pytest.raises(RecipeError, match=r"model_init_kwargs\.use_safetensors is not taken from a TRL recipe"):
        train_here(tmp_path, tmp_path / "out", base=base, model_init_kwargs=keys)
    assert not canary.exists()


def test_every_key_of_trl_is_allowed_or_refused_on_purpose():
    """A key that a new version of TRL brings fails here: somebody must look at what it does."""
    from trl import DatasetMixtureConfig, ModelConfig, ScriptArguments, SFTConfig

    configs = (ScriptArguments, SFTConfig, ModelConfig, DatasetMixtureConfig)
    known = {field.name for config in configs for field in fields(config)}
    assert known >= OPTIONS
    refusals = {key: next(key_problems({key: None}, ())) for key in known - OPTIONS - {*SET_BY_US}}
    assert [key for key, line in refusals.items() if "is not taken from a TRL recipe" not in line] == []


@pytest.mark.parametrize(
    "options",
    [
        {"model_init_kwargs": {"attention_dropout": 0.1, "dtype": "bfloat16", "attn_implementation": "eager"}},
        {"lora_target_modules": [r".*\.(q|v)_proj"], "use_peft": True, "lora_modules_to_save": ["lm_head"]},
        {"fsdp": "full_shard auto_wrap", "fsdp_config": {"transformer_layer_cls_to_wrap": ["LlamaDecoderLayer"]}},
        {
            "deepspeed": {
                "zero_optimization": {"stage": 2, "offload_optimizer": {"device": "cpu"}},
                "bf16": {"enabled": True},
            }
        },
        {"accelerator_config": {"split_batches": True, "gradient_accumulation_kwargs": {"num_steps": 2}}},
        {"report_to": ["tensorboard"], "run_name": "first try"},
        {"report_to": "none", "use_liger_kernel": True, "torch_compile_backend": "inductor"},
        {"gradient_checkpointing_kwargs": {"use_reentrant": False}, "optim": "adamw_torch_fused"},
    ],
)
def test_what_trainings_are_made_of_stays_allowed(tmp_path, options):
    path = tmp_path / "sft.yaml"
    path.write_text(yaml.safe_dump(options))
    assert read_training_recipe(path) == options


def test_the_shipped_recipes_are_read():
    recipes = sorted(resource_folder("recipes").rglob("sft_*.yaml"))
    assert len(recipes) >= 6
    assert all(read_training_recipe(path) for path in recipes)


def test_a_user_may_name_a_service_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(REPORT_TO, "wandb, mlflow")
    path: Path = tmp_path / "sft.yaml"
    path.write_text("report_to: [wandb, mlflow, none]\n")
    assert read_training_recipe(path)["report_to"] == ["wandb", "mlflow", "none"]
    assert refused(tmp_path, report_to="comet_ml").startswith("report_to is 'comet_ml'")
