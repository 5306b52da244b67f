"""Settings of a released model in a form that transformers 4 and 5 both read, and which versions that makes.

Version 5 writes names of its own. At the class of a tokenizer and a list of extra special tokens version 4 stops; the
number format and the rotary embedding it does not know, so it computes with its defaults and says nothing. Here every
such value stands under both names, with nothing of the machine that saved it. Nothing is loaded for that.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from builder.data.storage import read_json, write_text

TOKENIZER, CONFIG, ADAPTER = "tokenizer_config.json", "config.json", "adapter_config.json"
GENERIC, OF_5 = "PreTrainedTokenizerFast", "TokenizersBackend"
"""The class of whatever is all in `tokenizer.json`: as both versions know it, and as version 5 calls it."""
OF_A_LOADING = ("is_local", "local_files_only", "name_or_path")
"""What version 5 writes of how it was loaded itself."""
BOTH, NEW = ">=4.57,<6", ">=5,<6"
"""Versions of transformers: those tried on files in both forms, and those for all others."""
TRIED = {
    "gemma2": ("default",),
    "gemma3_text": ("default", "linear"),
    "gpt_neox": ("default",),
    "llama": ("default", "dynamic", "linear", "llama3", "yarn"),
    "mistral": ("default",),
    "phi3": ("default",),
    "qwen2": ("default", "yarn"),
    "qwen3": ("default", "yarn"),
}
"""Kinds of models, each with kinds of its rotary embedding, that gave the same logits in transformers 4.57 and 5.19."""


def write_for_both(model: Path) -> None:
    """Rewrite the settings of a copied model so that both versions read them; what they do already stays as it is."""
    for name, (_, both) in _not_for_both(model).items():
        # As transformers writes it: a number such as infinity must stay what it is.
        write_text(model / name, json.dumps(both, indent=2, ensure_ascii=False) + "\n")


def for_one_version(model: Path) -> Iterator[str]:
    """Every file of settings that only one version reads, with the keys that make it so."""
    for name, (given, both) in _not_for_both(model).items():
        keys = sorted(key for key in given | both if given.get(key) != both.get(key))
        yield f"{name}: only one version of transformers reads {', '.join(keys)} as they stand there"


def _not_for_both(model: Path) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Settings that are not in the form for both, each as it is and in that form."""
    found = {}
    for name, form in ((TOKENIZER, tokenizer_for_both), (CONFIG, config_for_both)):
        given = _settings(model / name)
        if given is not None and (both := form(given)) != given:
            found[name] = given, both
    return found


def tokenizer_for_both(given: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a tokenizer under names that both versions read.

    What version 5 has saved is all in `tokenizer.json`, so the class of a family is not needed any more; in version 4
    some of them, such as Llama's, would add a BOS token that is not there.
    """
    both = {key: value for key, value in given.items() if key not in OF_A_LOADING}
    if both.get("backend") == "tokenizers" or both.get("tokenizer_class") == OF_5:
        both.pop("backend", None)
        both["tokenizer_class"] = GENERIC
    if isinstance(both.get("extra_special_tokens"), list):
        known = both.get("additional_special_tokens") or []
        both["additional_special_tokens"] = [*known, *(one for one in both["extra_special_tokens"] if one not in known)]
        del both["extra_special_tokens"]
    return both


def config_for_both(given: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a model, its number format and rotary embedding under the names of both versions."""
    both = {key: config_for_both(value) if _is_config(value) else value for key, value in given.items()}
    if both.get("dtype") is not None:
        both["torch_dtype"] = both["dtype"]
    return both | (_rotary_of_4(both) or {})


def libraries_of(model: Path) -> dict[str, str]:
    """The libraries that load a model and their versions, as its files say."""
    config, tokenizer, adapter = (_settings(model / name) for name in (CONFIG, TOKENIZER, ADAPTER))
    needed = {"transformers": BOTH if _reads_4(config, tokenizer) else NEW}
    if adapter is not None:
        wrote = adapter.get("peft_version")
        needed["peft"] = f">={wrote}" if isinstance(wrote, str) else ">=0.17"
    return needed


def in_words(libraries: Mapping[str, str]) -> str:
    """The same as a card says it."""
    words = {BOTH: "4 (from 4.57) or 5", NEW: "5"}
    return ", ".join(
        f"{name} {words.get(versions, versions[2:] + ' or later')}" for name, versions in libraries.items()
    )


def _settings(path: Path) -> dict[str, Any] | None:
    value = read_json(path) if path.is_file() else None
    return value if isinstance(value, dict) else None


def _is_config(value: object) -> bool:
    """Whether a value is the configuration of a part, such as the language model of one that sees."""
    return isinstance(value, dict) and "model_type" in value


def _reads_4(config: dict[str, Any] | None, tokenizer: dict[str, Any] | None) -> bool:
    """Whether version 4 was tried on such a model, and both files are in the form for both."""
    if config is None or tokenizer is None:
        return False  # an adapter, whose base is elsewhere
    kinds = _rotary_kinds(config)
    return (
        config.get("model_type") in TRIED
        and kinds <= set(TRIED[config["model_type"]])
        and config == config_for_both(config)
        and tokenizer == tokenizer_for_both(tokenizer)
        and "backend" not in tokenizer
        and "model_specific_special_tokens" not in tokenizer
    )


def _rotary_kinds(config: Mapping[str, Any]) -> set[str]:
    """The kinds of a rotary embedding: one, or one for every kind of layer."""
    given = config.get("rope_parameters") or config.get("rope_scaling") or {}
    parts = [part for part in given.values() if isinstance(part, dict)] or [given]
    return {str(part.get("rope_type", part.get("type", "default"))) for part in parts}


def _rotary_of_4(config: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rotary embedding under the names of version 4; None where that has none for it."""
    given = config.get("rope_parameters")
    if not isinstance(given, dict) or not given:
        return None
    if config.get("model_type") == "gpt_neox":
        return _renamed(given, {"rope_theta": "rotary_emb_base", "partial_rotary_factor": "rotary_pct"})
    if not any(isinstance(part, dict) for part in given.values()):
        return _renamed(given, {name: name for name in ("rope_theta", "partial_rotary_factor")})
    whole, near = given.get("full_attention"), given.get("sliding_attention")
    if len(given) != 2 or not (isinstance(whole, dict) and isinstance(near, dict)):
        return None
    if near.keys() != {"rope_type", "rope_theta"} or near["rope_type"] != "default":
        return None
    return _renamed(whole, {"rope_theta": "rope_theta"}) | {"rope_local_base_freq": near["rope_theta"]}


def _renamed(given: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Numbers under their old names, and what stretches the embedding as `rope_scaling`."""
    old = {names[key]: given[key] for key in names if key in given}
    if given.get("rope_type", "default") != "default":
        old["rope_scaling"] = {key: value for key, value in given.items() if key not in names}
    return old
