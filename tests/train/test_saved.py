"""A saved model is opened before a training counts as finished."""

import json
import shutil

import pytest
from support.training_pairs import BASE, train_here, write_pairs

from builder.data.storage import read_json
from builder.errors import StageError
from builder.method.train.saved import check_saved

LOST = "model.layers.1.mlp.up_proj.weight"
LORA = {"use_peft": True, "lora_r": 4, "lora_target_modules": ["v_proj", "q_proj"]}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))


@pytest.fixture
def model(tmp_path):
    return shutil.copytree(BASE, tmp_path / "model")


def change(folder, change_weights, name="model.safetensors"):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / name)
    change_weights(weights)
    save_file(weights, folder / name, metadata={"format": "pt"})


def in_shards(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    names = sorted(weights)
    places = {name: f"model-0000{number % 2 + 1}-of-00002.safetensors" for number, name in enumerate(names)}
    for file in set(places.values()):
        save_file({name: weights[name] for name in names if places[name] == file}, folder / file, {"format": "pt"})
    index = {"metadata": {"total_size": 1}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return places[LOST]


def test_a_whole_model_is_whole_in_one_file_and_in_shards_also_with_tied_weights(model):
    check_saved(model)
    in_shards(model)
    check_saved(model)
    assert read_json(model / "config.json")["tie_word_embeddings"]
    config = read_json(model / "config.json") | {"tie_word_embeddings": False}
    (model / "config.json").write_text(json.dumps(config))
    with pytest.raises(StageError, match=r"not whole: lm_head\.weight is missing; the checkpoints beside it stay"):
        check_saved(model)


def test_a_weight_that_is_missing_or_of_another_shape_is_named(model):
    change(model, lambda weights: weights.update({LOST: weights[LOST][:-1].contiguous()}))
    with pytest.raises(StageError, match=r"up_proj\.weight is \[255, 128\] and not \[256, 128\]"):
        check_saved(model)
    change(model, lambda weights: weights.pop(LOST))
    with pytest.raises(StageError, match=f"model: the saved model is not whole: {LOST} is missing"):
        check_saved(model)


def test_a_shard_that_is_missing_torn_or_without_a_weight_of_the_index_is_an_error(model):
    shard = model / in_shards(model)
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(StageError, match="the saved model is not whole: it cannot be opened"):
        check_saved(model)
    shard.write_bytes(whole)
    change(model, lambda weights: weights.pop(LOST), shard.name)
    with pytest.raises(StageError, match=f"{LOST} is missing"):
        check_saved(model)
    shard.unlink()
    with pytest.raises(StageError, match="the saved model is not whole: it cannot be opened"):
        check_saved(model)
    (model / "model.safetensors.index.json").unlink()
    for file in model.glob("*.safetensors"):
        file.unlink()
    with pytest.raises(StageError, match=r"it has no \.safetensors weights"):
        check_saved(model)


def test_an_adapter_is_held_against_the_modules_it_names(tmp_path):
    train_here(write_pairs(tmp_path / "pairs"), tmp_path / "out", **LORA)
    adapter, file = tmp_path / "out" / "model", "adapter_model.safetensors"
    check_saved(adapter)
    lost = "base_model.model.model.layers.1.self_attn.q_proj.lora_B.weight"
    change(adapter, lambda weights: weights.update({lost: weights[lost][:, :2].contiguous()}), file)
    with pytest.raises(StageError, match=r"q_proj\.lora_B\.weight is \[128, 2\] and not \[128, 4\]"):
        check_saved(adapter)
    change(adapter, lambda weights: weights.pop(lost), file)
    with pytest.raises(StageError, match=f"the saved model is not whole: {lost} is missing"):
        check_saved(adapter)


def test_a_training_whose_model_lacks_a_weight_is_not_finished_and_keeps_its_checkpoints(tmp_path, monkeypatch):
    from trl import SFTTrainer

    save = SFTTrainer.save_model

    def without_a_weight(self, folder=None, **options):
        save(self, folder, **options)
        if str(folder).endswith("final"):
            change(tmp_path / "out" / "training" / "final", lambda weights: weights.pop(LOST))

    pairs = write_pairs(tmp_path / "pairs")
    with monkeypatch.context() as patched:
        patched.setattr(SFTTrainer, "save_model", without_a_weight)
        with pytest.raises(StageError, match=f"the saved model is not whole: {LOST} is missing; the checkpoints besid"):
            train_here(pairs, tmp_path / "out", max_steps=3, save_steps=2)
    training = tmp_path / "out" / "training"
    assert (training / "checkpoint-2" / "complete.json").is_file()
    assert not (training / "final" / "training.json").exists()
    train_here(pairs, tmp_path / "out", max_steps=3, save_steps=2)
    assert read_json(tmp_path / "out" / "logs" / "metrics.json")["resumed_from"] == "checkpoint-2"
    assert not training.exists()
