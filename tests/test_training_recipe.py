import pytest

from builder.errors import RecipeError
from builder.training_recipe import check_training_recipes, read_training_recipe, refuse_wrong_keys, wrong_keys


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
        f"{path}: packing is true; rows are kept apart only without it, set it to false",
        f"{path}: use_peft is true; adapters are not supported yet, set it to false",
        f"{path}: model_init_kwargs.trust_remote_code is never used; remove it",
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
