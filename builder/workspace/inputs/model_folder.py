"""Which files in the folder of a model are loaded: only they say which model it is."""

from pathlib import PurePosixPath
from typing import Any

_LOADED = (".safetensors", ".json", ".jinja", ".model", ".txt", ".tiktoken")
"""Weights, settings, chat templates, and what tokenizers are made of; weights in other forms are never opened."""
_TEMPLATES = "additional_chat_templates"
"""The one folder below that of a model that is looked into."""
_ABOUT = ("readme", "license", "licence", "notice", "copying", "use_policy", "changelog", "citation", "authors")
_OF_TRAINING = ("trainer_state.json", "all_results.json", "train_results.json", "eval_results.json")
_PLACES = {"path", "model", "revision"}
"""The keys of a section that says where a model is."""


def is_loaded(name: str) -> bool:
    """Whether a file is one that is loaded with a model.

    Args:
        name: Its path relative to the folder.
    """
    path = PurePosixPath(name.lower())
    if path.parent.name not in ("", _TEMPLATES) or len(path.parts) > 2:
        return False
    return path.suffix in _LOADED and not path.name.startswith((".", *_ABOUT)) and path.name not in _OF_TRAINING


def names_model_folder(identity: Any) -> bool:
    """Whether the identity of a stage lists the folder of a model."""
    if isinstance(identity, dict):
        return _lists_model(identity) or any(map(names_model_folder, identity.values()))
    return isinstance(identity, list | tuple) and any(map(names_model_folder, identity))


def without_others(identity: Any) -> Any:
    """The identity of a stage with nothing but loaded files in the folders of models.

    Earlier versions took all files for inputs, READMEs and pictures too.
    """
    if isinstance(identity, dict):
        values = {key: without_others(value) for key, value in identity.items()}
        if _lists_model(values):
            values["path"] = [item for item in values["path"] if not _is_entry(item) or is_loaded(item[0])]
        return values
    return [without_others(item) for item in identity] if isinstance(identity, list | tuple) else identity


def _lists_model(values: dict[str, Any]) -> bool:
    return values.keys() >= _PLACES and isinstance(values["path"], list)


def _is_entry(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and isinstance(value[0], str)
