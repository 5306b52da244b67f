import pytest

from builder.workspace.inputs.model_folder import is_loaded, names_model_folder, without_others

LOADED = (
    "model-00001-of-00002.safetensors", "model.safetensors.index.json", "config.json", "generation_config.json",
    "tokenizer.json", "tokenizer.model", "vocab.txt", "merges.txt", "qwen.tiktoken", "chat_template.jinja",
    "special_tokens_map.json", "adapter_config.json", "adapter_model.safetensors",
    "additional_chat_templates/tool_use.jinja",
)  # fmt: skip
OTHERS = (
    "README.md", "README.txt", "LICENSE", "LICENSE.txt", "Licence.txt", "NOTICE.txt", "USE_POLICY.md", ".gitattributes",
    ".cache/config.json", "picture.png", "pytorch_model.bin", "original/params.json", "onnx/model.onnx", "model.gguf",
    "trainer_state.json", "additional_chat_templates/deep/tool_use.jinja", "runs/model.safetensors",
)  # fmt: skip


@pytest.mark.parametrize("name", LOADED)
def test_what_is_loaded_counts(name):
    assert is_loaded(name)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_loaded_does_not_count(name):
    assert not is_loaded(name)


def test_only_the_folders_of_models_are_thinned_out():
    files = [["README.md", 1, 2], ["config.json", 3, 4]]
    base = {"path": files, "model": None, "revision": None}
    identity = {"config": {"base": base, "sources": [{"path": files, "format": "warc"}]}}
    assert names_model_folder(identity)
    assert not names_model_folder({"config": {"sources": [{"path": files, "format": "warc"}]}})
    thinned = {"path": files[1:], "model": None, "revision": None}
    assert without_others(identity) == {"config": {"base": thinned, "sources": [{"path": files, "format": "warc"}]}}
