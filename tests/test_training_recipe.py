import pytest

from builder.errors import RecipeError
from builder.training_recipe import check_training_recipes, read_training_recipe, unknown_keys


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
    assert unknown_keys(tmp_path / "sft.yaml", options) == [
        f"{tmp_path / 'sft.yaml'}: learning_rat is not a key of TRL's SFT recipe; remove it"
    ]
