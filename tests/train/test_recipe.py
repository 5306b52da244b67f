import pytest

from builder.data.resources import resource_folder
from builder.errors import RecipeError
from builder.method.train.recipe import (
    ATTENTION,
    ISOLATED,
    adapter_problems,
    check_training_recipes,
    read_training_recipe,
    refuse_wrong_keys,
    resolve_recipe,
    schedule_problems,
    wrong_keys,
)
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.training import Schedule


def test_keys_that_the_build_sets_are_refused_all_at_once(tmp_path):
    path = tmp_path / "sft.yaml"
    path.write_text(
        "output_dir: x\nenv: {A: b}\npacking: true\nuse_peft: true\n"
        "model_init_kwargs: {trust_remote_code: true}\nlearning_rate: 1.0e-5\n"
    )
    with pytest.raises(RecipeError) as caught:
        read_training_recipe(path)
    assert str(caught.value).splitlines() == [
        f"{path}: output_dir is set by the build; remove it",
        f"{path}: env is set by the build; remove it",
        f"{path}: packing is true; rows see each other except with attn_implementation flash_attention_2 or "
        "flash_attention_3, set one of these, or set it to false",
        f"{path}: model_init_kwargs.trust_remote_code is not taken from a TRL recipe: it runs code of others; "
        "remove it",
    ]


def test_all_recipes_are_read_before_one_error_names_every_mistake(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("output_dir: x\n")
    with pytest.raises(RecipeError) as caught:
        check_training_recipes([wrong, tmp_path / "missing.yaml", wrong])
    first, second = str(caught.value).splitlines()
    assert first == f"{wrong}: output_dir is set by the build; remove it"
    assert second.startswith(f"{tmp_path / 'missing.yaml'}: no such file")


def test_keys_of_trl_are_known_and_others_are_named(tmp_path):
    options = {"learning_rate": 1e-5, "use_peft": False, "streaming": False, "learning_rat": 1}
    assert wrong_keys(tmp_path / "sft.yaml", options) == [
        f"{tmp_path / 'sft.yaml'}: learning_rat is not a key of TRL's SFT recipe; remove it"
    ]


def test_settings_that_no_training_could_go_on_with_are_refused_without_trl(tmp_path):
    path = tmp_path / "sft.yaml"
    path.write_text(
        "save_only_model: true\nignore_data_skip: true\nsave_total_limit: 1\nmodel_init_kwargs: 5\n"
        "max_length: -1\nper_device_train_batch_size: 0\ngradient_accumulation_steps: true\n"
    )
    with pytest.raises(RecipeError) as caught:
        read_training_recipe(path)
    assert str(caught.value).splitlines() == [
        f"{path}: save_only_model is true; a stopped training goes on exactly only from whole checkpoints, "
        "set it to false",
        f"{path}: ignore_data_skip is true; a stopped training goes on exactly only after the rows it has seen, "
        "set it to false",
        f"{path}: max_length is -1; it must be a whole number of at least 1",
        f"{path}: per_device_train_batch_size is 0; it must be a whole number of at least 1",
        f"{path}: gradient_accumulation_steps is True; it must be a whole number of at least 1",
        f"{path}: save_total_limit is 1; it must be at least 2: one checkpoint stays while the next is written",
        f"{path}: model_init_kwargs is 5; it must be a mapping",
    ]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("learning_rate: -1.0e-5", "learning_rate is -1e-05; it must be above 0"),
        ("learning_rate: -1e-5", "learning_rate is '-1e-5'; it must be above 0"),
        ("learning_rate: .inf", "learning_rate is inf; it must be above 0"),
        ("save_steps: 0", "save_steps is 0; it must be above 0"),
        ("num_train_epochs: 0", "num_train_epochs is 0; it must be above 0"),
        ("max_steps: 0", "max_steps is 0; give a number of steps, or -1 for num_train_epochs"),
        ("lora_r: 0", "lora_r is 0; it must be a whole number of at least 1"),
        (
            "attn_implementation: flash_attention_9",
            "attn_implementation is 'flash_attention_9'; it must be one of eager, sdpa, flex_attention, ",
        ),
        ("attn_implementation: someone/kernels", "attn_implementation is 'someone/kernels'; it must be one of eager"),
        ("padding_free: true", "padding_free is true; rows see each other except with attn_implementation flash_"),
        (
            "{packing: true, attn_implementation: flash_attention_2, packing_strategy: wrapped}",
            "packing_strategy is 'wrapped'; only bfd leaves rows whole",
        ),
    ],
)
def test_values_that_trl_takes_and_no_training_can_use_are_refused_without_trl(tmp_path, line, said):
    path = tmp_path / "sft.yaml"
    path.write_text(line + "\n")
    with pytest.raises(RecipeError) as caught:
        read_training_recipe(path)
    assert str(caught.value).startswith(f"{path}: {said}")


def test_the_ways_to_compute_attention_are_those_of_transformers():
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    assert set(ATTENTION) <= {"eager", *ALL_ATTENTION_FUNCTIONS.valid_keys()}
    assert {name for name in ALL_ATTENTION_FUNCTIONS.valid_keys() if "flash" in name and "|" not in name} >= {*ISOLATED}


def test_where_rows_are_kept_apart_they_may_share_a_sequence(tmp_path):
    path = tmp_path / "sft.yaml"
    path.write_text("padding_free: true\nattn_implementation: flash_attention_2\nmax_length: 512\n")
    options = read_training_recipe(path)
    resolved, _ = resolve_recipe(options, Schedule(), 10, None)
    # TRL would not cut rows in this form either; longer ones have been left out before.
    assert (resolved["padding_free"], resolved["max_length"]) == (True, None)
    packed = options | {"packing": True}
    assert resolve_recipe(packed, Schedule(), 10, None)[0]["max_length"] == 512
    assert schedule_problems(path, packed, Schedule()) == []
    assert schedule_problems(path, packed, Schedule(global_batch=32)) == [
        f"{path}: packing puts several rows into one, and training.global_batch counts rows; use padding_free"
    ]


def test_where_metrics_are_reported_is_left_to_trl():
    assert resolve_recipe({}, Schedule(), 10, None)[0]["report_to"] == "none"
    assert resolve_recipe({"report_to": ["wandb"]}, Schedule(), 10, None)[0]["report_to"] == ["wandb"]


@pytest.mark.parametrize(
    ("rows", "device_batch", "found"),
    [(100, None, (30, 4, 2)), (3_200, None, (500, 4, 8)), (3_200, 16, (500, 16, 2)), (45_000, 5, (1_600, 4, 8))],
)
def test_the_papers_steps_and_batch_replace_those_of_the_recipe(rows, device_batch, found):
    options = {"max_steps": 7, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 3}
    schedule = Schedule(global_batch="paper", steps="paper")
    resolved, batch = resolve_recipe(options, schedule, rows, device_batch)
    keys = ("max_steps", "per_device_train_batch_size", "gradient_accumulation_steps")
    assert tuple(resolved[key] for key in keys) == found
    assert batch == found[1] * found[2] == (8 if rows < 3_000 else 32)


@pytest.mark.parametrize(
    ("keys", "settings", "said"),
    [
        ({"load_in_4bit": True}, (), ["load_in_4bit is true; it goes with use_peft: true"]),
        ({"use_peft": True}, (), ["use_peft is true and the base is a folder here"]),
        ({"use_peft": True}, ("release.merge_adapters=true",), []),
        (
            {"use_peft": True, "use_dora": True},
            ("release.merge_adapters=true",),
            ["vLLM cannot use adapters with use_dora"],
        ),
        ({"use_peft": True, "use_dora": True}, ("release.merge_adapters=true", "engine.kind=transformers"), []),
    ],
)
def test_adapters_that_could_not_be_used_or_released_are_named_before_a_build(tmp_path, keys, settings, said):
    recipe = load_recipe(resource_folder("recipes") / "quickstart", settings)
    found = adapter_problems(tmp_path / "sft.yaml", keys, recipe)
    assert len(found) == len(said)
    assert all(line.startswith(f"{tmp_path / 'sft.yaml'}: {text}") for line, text in zip(found, said, strict=True))


def test_null_means_no_limit(tmp_path):
    path = tmp_path / "sft.yaml"
    path.write_text("max_length: null\nsave_total_limit: null\nmodel_init_kwargs: null\n")
    assert set(read_training_recipe(path).values()) == {None}


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("learning_rate", "fast", "it must be a valid number"),
        ("learning_rate", [1], "it must be a valid number"),
        ("max_steps", 1.5, "it must be a valid integer"),
        ("bf16", "maybe", "it must be a valid boolean"),
        ("optim", "bogus", "bogus is not a valid OptimizerNames, please select one of ['adamw_torch', "),
        ("lr_scheduler_type", "bogus", "bogus is not a valid SchedulerType, please select one of ['linear', "),
        ("debug", "bogus", "argument --debug: invalid DebugOption value: 'bogus'"),
        ("warmup_steps", -1, "warmup_steps must be"),
        ("accelerator_config", "none.json", "[Errno 2] No such file"),
    ],
)
def test_values_that_trl_refuses_are_named_with_its_reason(tmp_path, capfd, key, value, reason):
    path = tmp_path / "sft.yaml"
    with pytest.raises(RecipeError) as caught:
        refuse_wrong_keys(path, {"max_steps": 9, "bf16": True, key: value})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{path}: {key} is {value!r}; {reason}")
    assert "usage" not in capfd.readouterr().err


def test_values_that_trl_refuses_only_together_are_said_without_a_key(tmp_path):
    assert wrong_keys(tmp_path / "sft.yaml", {"fp16": True, "bf16": True}) == [
        f"{tmp_path / 'sft.yaml'}: At most one of fp16 and bf16 can be True, but not both"
    ]


def test_looking_at_values_sets_up_no_device(tmp_path):
    from accelerate.state import PartialState

    before = dict(PartialState._shared_state)
    assert wrong_keys(tmp_path / "sft.yaml", {"learning_rate": "1e-5", "tf32": True, "deepspeed": "ds.json"}) == []
    assert PartialState._shared_state == before


def test_an_adapter_of_all_linear_modules_is_taken_and_another_word_is_not(tmp_path):
    path = tmp_path / "sft.yaml"
    assert wrong_keys(path, {"use_peft": True, "lora_target_modules": "all-linear"}) == []
    assert wrong_keys(path, {"use_peft": True, "lora_target_modules": "linear"}) == [
        f"{path}: lora_target_modules is 'linear'; it must be all-linear, or a list of names such as [q_proj, v_proj]"
    ]
