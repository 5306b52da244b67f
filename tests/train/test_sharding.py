"""Weights shared over processes: a training saves one whole model, or it is refused by name before its first step."""

import json
import os
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import pytest
import yaml
from support import fsdp_on_cpus
from support.training_pairs import train_here, write_pairs

from builder.data.resources import resource_folder
from builder.data.storage import read_json
from builder.errors import RecipeError, StageError
from builder.method.train.launch import launcher_problems
from builder.method.train.recipe import check_training_recipes
from builder.method.train.sharding import keep_float32, refuse_unsaved
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.training import Schedule
from builder.workspace.progress import read_notices

FOUR = Schedule(global_batch=4, held_out=0.3)
OPTIONS = {"max_steps": 4, "per_device_train_batch_size": 4, "save_steps": 2}
GATHER = "stage3_gather_16bit_weights_on_model_save"
ENVIRONMENT = ("ACCELERATE_USE_FSDP", "FSDP_STATE_DICT_TYPE", "FSDP_VERSION", "HF_HOME")


@pytest.fixture(autouse=True)
def environment(tmp_path, monkeypatch):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return write_pairs(tmp_path_factory.mktemp("pairs"))


def ours(folder, name, processes=2, **fsdp):
    """A configuration of the package for processes on CPUs."""
    config = yaml.safe_load((resource_folder("recipes") / "accelerate" / f"{name}.yaml").read_text())
    config |= {"num_processes": processes, "use_cpu": True}
    config.pop("gpu_ids", None)
    if fsdp:
        config["fsdp_config"] |= fsdp
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(config))
    return path


def shared(config, *words):
    launch = ["accelerate", "launch", "--main_process_port", "0", "--config_file", str(config), *words]
    return Runtime(launcher=" ".join([*launch, fsdp_on_cpus.__file__]))


def metrics_of(pairs, out, runtime=None, **options):
    train_here(pairs, out, schedule=FOUR, runtime=runtime or Runtime(), **OPTIONS | options)
    return read_json(out / "logs" / "metrics.json")


@pytest.mark.full
def test_fsdp2_on_two_processes_ends_with_the_model_that_one_process_trains(pairs, tmp_path):
    from safetensors.torch import load_file

    two = metrics_of(pairs, tmp_path / "two", shared(ours(tmp_path, "fsdp2"), "--mixed_precision", "no"))
    one = metrics_of(pairs, tmp_path / "one")
    assert two["processes"] == 2
    assert read_notices(tmp_path / "two") == [], "the weights were shared"
    assert [entry["loss"] for entry in two["history"] if "loss" in entry] == pytest.approx(
        [entry["loss"] for entry in one["history"] if "loss" in entry], abs=1e-4
    )
    plain, gathered = (load_file(tmp_path / run / "model" / "model.safetensors") for run in ("one", "two"))
    assert plain.keys() <= gathered.keys()
    assert all((plain[name] - gathered[name]).abs().max() < 1e-3 for name in plain)


@pytest.mark.full
def test_fsdp_on_cpus_trains_whole_models_side_by_side_and_says_so(pairs, tmp_path):
    words = f"accelerate launch --main_process_port 0 --config_file {ours(tmp_path, 'fsdp2')} --mixed_precision no"
    assert metrics_of(pairs, tmp_path / "two", Runtime(launcher=words))["processes"] == 2
    (said,) = read_notices(tmp_path / "two")
    assert said.startswith("FSDP is asked for, and accelerate shares weights on GPUs alone")


@pytest.mark.full
def test_with_fsdp2_and_bfloat16_losses_and_gradients_are_of_float32(pairs, tmp_path):
    two = metrics_of(pairs, tmp_path / "two", shared(ours(tmp_path, "fsdp2")), bf16=True)
    one = metrics_of(pairs, tmp_path / "one", bf16=True)
    assert two["processes"] == 2
    for source in ("seed", "curated"):
        for when in ("before", "after"):
            loss = two["held_out"][source][when]
            assert loss == pytest.approx(one["held_out"][source][when], abs=1e-2)
            assert loss * 1024 % 1 != 0, "the grain of bfloat16 at 4 to 8 is 1/32"


def test_under_fsdp_gradients_are_added_up_in_float32_and_losses_are_not_cast():
    import torch
    from accelerate import FullyShardedDataParallelPlugin

    for version in (1, 2):
        plugin = FullyShardedDataParallelPlugin(fsdp_version=version, state_dict_type="FULL_STATE_DICT")
        keep_float32(SimpleNamespace(fsdp_plugin=plugin))
        assert plugin.mixed_precision_policy is None
        plugin.set_mixed_precision("bf16")
        keep_float32(SimpleNamespace(fsdp_plugin=plugin))
        policy = plugin.mixed_precision_policy
        assert (policy.param_dtype, policy.reduce_dtype) == (torch.bfloat16, torch.float32)
        assert getattr(policy, "output_dtype", None) is None


@pytest.mark.full
def test_a_variable_that_shares_weights_past_all_files_is_refused_before_the_first_step(pairs, tmp_path, monkeypatch):
    config = ours(tmp_path, "fsdp2")
    content = yaml.safe_load(config.read_text())
    del content["fsdp_config"]["fsdp_state_dict_type"]
    config.write_text(yaml.safe_dump(content))
    monkeypatch.setenv("FSDP_STATE_DICT_TYPE", "FULL_STATE_DICT")  # as `humpback check` finds it
    runtime = shared(config)
    launcher = f"env FSDP_STATE_DICT_TYPE=SHARDED_STATE_DICT {runtime.launcher}"
    with pytest.raises(StageError, match="nothing was trained: FSDP's state dict type is SHARDED_STATE_DICT, with whi"):
        metrics_of(pairs, tmp_path / "out", Runtime(launcher=launcher))
    assert not (tmp_path / "out" / "model").exists()
    assert not list((tmp_path / "out" / "training").glob("checkpoint-*"))


@pytest.mark.full
@pytest.mark.parametrize(("name", "options"), [("zero2", {}), ("zero3", {}), ("zero3", {"use_peft": True})])
def test_deepspeed_on_two_processes_ends_with_a_whole_model(pairs, tmp_path, name, options):
    if not find_spec("deepspeed"):
        pytest.skip("deepspeed is not installed")
    words = f"accelerate launch --main_process_port 0 --config_file {ours(tmp_path, name)} --mixed_precision no"
    two = metrics_of(pairs, tmp_path / "two", Runtime(launcher=words), **options)
    one = metrics_of(pairs, tmp_path / "one", **options)
    assert two["processes"] == 2
    # With ZeRO-3 the processes draw other first values for an adapter.
    assert two["last_loss"] == pytest.approx(one["last_loss"], abs=2e-2 if options else 1e-3)


@pytest.mark.parametrize("name", ["ddp", "fsdp2", "single", "zero2", "zero3"])
def test_the_configurations_of_the_package_save_whole_models(name):
    assert launcher_problems(f"accelerate launch --config_file recipes/accelerate/{name}.yaml") == []


FSDP = {"distributed_type": "FSDP"}
ZERO = {"distributed_type": "DEEPSPEED"}


@pytest.mark.parametrize(
    ("config", "words", "problem"),
    [
        (FSDP | {"fsdp_config": {"fsdp_state_dict_type": "FULL_STATE_DICT"}}, "", None),
        (FSDP | {"fsdp_config": {"fsdp_version": 1}}, "", None),
        (FSDP | {"fsdp_config": {"fsdp_version": 2}}, "", "fsdp_state_dict_type, which is left out, is SHARDED_STATE_"),
        (FSDP | {"fsdp_config": {"fsdp_state_dict_type": "SHARDED_STATE_DICT"}}, "", "is SHARDED_STATE_DICT, with whi"),
        (FSDP | {"fsdp_config": {"fsdp_state_dict_type": "LOCAL_STATE_DICT"}}, "", "is LOCAL_STATE_DICT, with which"),
        (FSDP | {"fsdp_config": {"state_dict_type": "sharded_state_dict"}}, "", "is SHARDED_STATE_DICT, with which"),
        (FSDP | {"fsdp_config": {}}, "--fsdp-state-dict-type=SHARDED_STATE_DICT", "is SHARDED_STATE_DICT, with which"),
        (FSDP | {"fsdp_config": {"fsdp_state_dict_type": "3"}}, "--fsdp_state_dict_type FULL_STATE_DICT", None),
        ({"distributed_type": "MULTI_GPU"}, "--use_fsdp --fsdp_version 2", "which is left out, is SHARDED_STATE_DICT"),
        (FSDP | {"fsdp_config": {"fsdp_version": 2}}, "--multi_gpu", None),
        (FSDP | {"fsdp_config": {"fsdp_state_dict_type": "FULL_STATE_DICT"}}, "--use_megatron_lm", "is MEGATRON_LM"),
        (ZERO | {"deepspeed_config": {"zero_stage": 2}}, "", None),
        (ZERO | {"deepspeed_config": {"zero_stage": 3, "zero3_save_16bit_model": True}}, "", None),
        (ZERO | {"deepspeed_config": {"zero_stage": 3}}, "", "zero3_save_16bit_model is not true with zero_stage 3"),
        (ZERO | {"deepspeed_config": {"zero_stage": 2}}, "--zero_stage 3", "zero3_save_16bit_model is not true"),
        (ZERO | {"deepspeed_config": {"deepspeed_config_file": "FILE"}}, "", f"{GATHER} is not true with ZeRO stage 3"),
        ({"distributed_type": "MEGATRON_LM"}, "", "distributed_type is MEGATRON_LM"),
    ],
)
def test_a_file_that_would_save_no_model_is_named_with_its_key(tmp_path, config, words, problem):
    (tmp_path / "zero.json").write_text(json.dumps({"zero_optimization": {"stage": 3, GATHER: False}}))
    file = tmp_path / "accelerate.yaml"
    file.write_text(yaml.safe_dump(config).replace("FILE", str(tmp_path / "zero.json")))
    found = launcher_problems(f"accelerate launch --config_file {file} {words}")
    if problem is None:
        assert found == []
    else:
        (line,) = found
        assert problem in line
        assert line.startswith(f"runtime.launcher: {file}: ")
        assert "set it to " in line


def test_the_file_that_accelerate_takes_by_default_is_looked_at_too(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    (tmp_path / "accelerate").mkdir()
    (tmp_path / "accelerate" / "default_config.yaml").write_text(
        yaml.safe_dump(FSDP | {"fsdp_config": {"fsdp_version": 2}})
    )
    assert "default_config.yaml: fsdp_config" in launcher_problems("accelerate launch --num_processes 2")[0]
    assert launcher_problems("accelerate launch --cpu --num_processes 2") == []
    assert launcher_problems("torchrun --nproc_per_node 2") == []
    assert launcher_problems("") == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"fsdp": True}, None),
        ({"fsdp": "full_shard", "fsdp_config": {"state_dict_type": "FULL_STATE_DICT"}}, None),
        ({"fsdp_config": {"state_dict_type": "SHARDED_STATE_DICT"}}, None),
        ({"fsdp": True, "fsdp_config": {"fsdp_state_dict_type": "SHARDED_STATE_DICT"}}, "is SHARDED_STATE_DICT, with"),
        ({"fsdp": True, "fsdp_config": "FILE"}, "it must be a mapping; a file is not read"),
        ({"deepspeed": {"zero_optimization": {"stage": 2}}}, None),
        ({"deepspeed": {"zero_optimization": {"stage": 3, GATHER: True}}}, None),
        ({"deepspeed": {"zero_optimization": {"stage": 3}}}, f"deepspeed: zero_optimization.{GATHER} is not true with"),
        ({"deepspeed": "FILE"}, "it must be a mapping; a file is not read"),
        ({"deepspeed": {"tensor_parallel": {"autotp_size": 2}}}, "is not true with tensor_parallel.autotp_size 2"),
    ],
)
def test_a_trl_recipe_that_would_save_no_model_is_named_with_its_key(tmp_path, options, problem):
    file = tmp_path / "shared.json"
    file.write_text(json.dumps({"state_dict_type": "SHARDED_STATE_DICT", "zero_optimization": {"stage": 3}}))
    recipe = tmp_path / "sft.yaml"
    recipe.write_text(yaml.safe_dump({key: str(file) if value == "FILE" else value for key, value in options.items()}))
    if problem is None:
        check_training_recipes([recipe])
        return
    with pytest.raises(RecipeError) as raised:
        check_training_recipes([recipe])
    assert str(recipe) in str(raised.value)
    assert problem in str(raised.value)


@pytest.mark.parametrize("stage", [2, 3])
@pytest.mark.parametrize("gather", [True, False])
def test_what_accelerate_has_made_of_deepspeed_settings_decides(stage, gather):
    from accelerate import DeepSpeedPlugin

    plugin = DeepSpeedPlugin(zero_stage=stage, zero3_save_16bit_model=gather)
    state = SimpleNamespace(distributed_type="DEEPSPEED", deepspeed_plugin=plugin)
    if stage == 3 and not gather:
        with pytest.raises(StageError, match=f"nothing was trained: zero_optimization.{GATHER} is not true with ZeRO "):
            refuse_unsaved(state, None)
    else:
        refuse_unsaved(state, None)


@pytest.mark.parametrize("kind", ["FULL_STATE_DICT", "SHARDED_STATE_DICT", "LOCAL_STATE_DICT"])
@pytest.mark.parametrize("way", ["plugin", "keys of TRL", "variables"])
def test_however_fsdp_was_asked_for_only_whole_models_are_trained(monkeypatch, kind, way):
    from accelerate import FullyShardedDataParallelPlugin

    state, training = SimpleNamespace(fsdp_plugin=None), SimpleNamespace(fsdp_plugin_args=None)
    if way == "plugin":
        state.fsdp_plugin = FullyShardedDataParallelPlugin(state_dict_type=kind)
    elif way == "keys of TRL":
        training.fsdp_plugin_args = {"state_dict_type": kind}
    else:
        monkeypatch.setenv("ACCELERATE_USE_FSDP", "true")
        monkeypatch.setenv("FSDP_STATE_DICT_TYPE", kind)
    if kind == "FULL_STATE_DICT":
        refuse_unsaved(state, training)
    else:
        with pytest.raises(
            StageError, match=f"FSDP's state dict type is {kind}, with which the trained model is never"
        ):
            refuse_unsaved(state, training)


def test_a_launcher_that_ends_well_without_a_model_is_an_error(pairs, tmp_path):
    with pytest.raises(StageError, match="the training ended without an error and saved no model; see runtime"):
        metrics_of(pairs, tmp_path / "out", Runtime(launcher="true"))
