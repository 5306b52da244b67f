"""The files of a model, looked at before anything opens it: safetensors alone, and no settings that name code.

A model may come from a stranger: the base, a writer, a judge, an adapter and the base that it names. Pickles run code
when they are opened, and libraries run code that settings of a model name. Both are refused by name, in a folder here
and in a repository of the Hub, where the list of its files is asked for first.
"""

import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from builder.errors import StageError
from builder.recipe.training_keys import ATTENTION

INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
SETTINGS = (
    "config.json", "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", ADAPTER,
    "processor_config.json", "preprocessor_config.json", "chat_template.json", "hf_quant_config.json",
)  # fmt: skip
"""Files whose keys libraries act on."""
MOST_BYTES = 32 << 20
SECONDS = 30
"""How long the Hub may take to list files."""
_NAME_CODE = {
    "auto_map": "names code of its own",
    "custom_pipelines": "names code of its own",
    "custom_generate": "names code of its own",
    "code_revision": "names code of its own",
    "trust_remote_code": "asks for code of its own",
    "use_kernels": "asks for code from the Hub",
    "kernel_config": "asks for code from the Hub",
    "auto_mapping": "names a module to import",
    "megatron_config": "names a module to import",
    "configuration_files": "names other files to read instead",
    "fast_tokenizer_files": "names other files to read instead",
    "transformers_weights": "names other weights to read instead",
    "gguf_file": "names other weights to read instead",
}
_COMPUTED_WITH = (*ATTENTION, "grouped_mm", "batched_mm")
ATTENTION_PACKAGES = {"flash_attention_2": "flash_attn", "flash_attention_3": "flash_attn_interface"}
"""What transformers computes these with; where one is not installed, it runs a kernel of the Hub instead."""
_ATTENTION_KEYS = re.compile(r"_?(attn|experts)_implementation(_internal)?")
_QUANTISED = ("quantization_config", "compression_config")
QUANTISATIONS = (
    "awq", "gptq", "bitsandbytes", "compressed-tensors", "fp8", "fbgemm_fp8", "modelopt", "mxfp4", "auto-round",
)  # fmt: skip
"""Ways to make weights smaller that are plain numbers beside the weights."""
_MODEL_CLASS = re.compile(r"[A-Z]\w*(For[A-Z]\w*|Model)")
_CODE_FILES = ("custom_generate/generate.py",)
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt", ".h5", ".msgpack")
_DEEPEST = 50
_CURE = (
    "such a model is not opened; take one that transformers knows by itself, or, if it knows this one, a copy without "
    "the key"
)


class _Files(NamedTuple):
    """The files of a model: their names, and where one of them lies here."""

    names: frozenset[str]
    fetch: Callable[[str], Path]


def refuse_untrusted(location: str | Path, revision: str | None = None, *, weights: bool = False) -> None:
    """Look at a model before it is opened.

    Args:
        location: A folder, or a repository of the Hub.
        revision: The commit of a repository.
        weights: Whether its weights will be read too.

    Raises:
        StageError: If it has no safetensors weights, or its settings name code, other files or kernels of the Hub.
        OSError: If the files of a repository cannot be listed.
    """
    files = _files(str(location), revision)
    if problem := next(_problems(files, weights=weights), None):
        raise StageError(f"{location}: {problem}")


def _files(location: str, revision: str | None) -> _Files:
    folder = Path(location)
    if folder.is_dir():
        names = frozenset(
            [path.name for path in folder.iterdir()] + [name for name in _CODE_FILES if (folder / name).exists()]
        )
        return _Files(names, lambda name: folder / name)
    if folder.exists():
        raise StageError(f"{location}: is a file; a model is a folder")
    if not is_repository(location):
        raise OSError(f"{location} is no folder, and no repository of the Hub")
    return _of_the_hub(location, revision)


def is_repository(name: str) -> bool:
    """Whether a name can be that of a repository of the Hub."""
    owner, _, rest = name.partition("/")
    return bool(owner and rest) and "/" not in rest and not name.startswith((".", "~"))


@cache
def _of_the_hub(repository: str, revision: str | None) -> _Files:
    from huggingface_hub import hf_hub_download

    snapshot = None
    try:
        names = _listed(repository, revision)
    except OSError:
        snapshot = _snapshot(repository, revision)
        if snapshot is None:
            raise
        names = frozenset(path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file())
    here = snapshot
    if here is not None:
        return _Files(names, lambda name: here / name)
    return _Files(names, lambda name: Path(hf_hub_download(repository, name, revision=revision)))


def _listed(repository: str, revision: str | None) -> frozenset[str]:
    from httpx2 import HTTPError  # what huggingface_hub talks HTTP with
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        info = HfApi().model_info(repository, revision=revision, timeout=SECONDS)
    except (HfHubHTTPError, HTTPError, OfflineModeIsEnabled) as error:
        raise OSError(str(error).strip() or type(error).__name__) from error
    return frozenset(item.rfilename for item in info.siblings or ())


def _snapshot(repository: str, revision: str | None) -> Path | None:
    """Where the files of a repository lie that were downloaded before."""
    from huggingface_hub import try_to_load_from_cache

    for name in ("config.json", "tokenizer_config.json", ADAPTER):
        found = try_to_load_from_cache(repository, name, revision=revision)
        if isinstance(found, str):
            return Path(found).parent
    return None


def _problems(files: _Files, *, weights: bool) -> Iterator[str]:
    for name in _CODE_FILES:
        if name in files.names:
            yield f"has {name}, which is code of its own; {_CURE}"
    if {"config.json", ADAPTER} <= files.names:
        yield f"has both config.json and {ADAPTER}, so that libraries would open another model; remove one of them"
    for name in SETTINGS:
        if name in files.names:
            yield from (f"{name} {problem}" for problem in setting_problems(_read(files, name)))
    if weights or INDEX in files.names:
        yield from _weight_problems(files)


def _weight_problems(files: _Files) -> Iterator[str]:
    if INDEX in files.names:
        parts = _read(files, INDEX)
        parts = parts.get("weight_map") if isinstance(parts, dict) else None
        if not isinstance(parts, dict):
            yield f"{INDEX} has no weight_map; download the model again"
            return
        for part in sorted({str(part) for part in parts.values()}):
            if part not in files.names or not part.endswith(".safetensors"):
                yield f"{INDEX} names {part!r}, which is no .safetensors file beside it; download the model again"
    if not any(name.endswith(".safetensors") and "/" not in name for name in files.names):
        others = ", ".join(sorted(name for name in files.names if name.endswith(_PICKLES))[:3])
        yield (
            f"has no .safetensors weights{f', but {others}' if others else ''}; pickled weights can run code and are "
            "never opened: convert the model to safetensors, or take another"
        )


def _read(files: _Files, name: str) -> Any:
    path = files.fetch(name)
    if path.stat().st_size > MOST_BYTES:
        raise StageError(f"{path}: has more than {MOST_BYTES >> 20} MB, which no settings have")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise StageError(f"{path}: is not JSON ({type(error).__name__}: {error}); download the model again") from error


def setting_problems(settings: Any, key: str = "", depth: int = 0) -> Iterator[str]:
    """What of the settings of a model, in whatever part of them, would run code or read something else."""
    if depth > _DEEPEST:
        yield "is nested too deeply"
    elif isinstance(settings, list):
        for item in settings:
            yield from setting_problems(item, key, depth + 1)
    elif isinstance(settings, dict):
        for name, value in settings.items():
            if name in _NAME_CODE and value:
                yield f"{_NAME_CODE[name]} ({name}); {_CURE}"
            elif _ATTENTION_KEYS.fullmatch(name):
                yield from _attention_problems(name, value)
            elif name in _QUANTISED and isinstance(value, dict):
                yield from _quantisation_problems(name, value)
            elif name == "architectures":
                yield from _class_problems(value)
            elif name == "tokenizer_class" and value is not None and not str(value).isidentifier():
                yield f"has the tokenizer_class {value!r}, which is no class of transformers; {_CURE}"
            yield from setting_problems(value, name, depth + 1)


def _attention_problems(key: str, value: Any) -> Iterator[str]:
    for name in value.values() if isinstance(value, dict) else [value]:
        if name is not None and name not in _COMPUTED_WITH:
            yield f"has {key} {name!r}; it must be one of {', '.join(_COMPUTED_WITH)}: kernels of the Hub are code"
        elif name is not None and (problem := missing_attention(name)):
            yield f"has {key} {name!r}, {problem}"


def missing_attention(name: str) -> str | None:
    """Why attention cannot be computed in a way that is allowed, or None if it can."""
    package = ATTENTION_PACKAGES.get(name)
    if package is None or importlib.util.find_spec(package) is not None:
        return None
    return (
        f"but the package {package} is not installed, and a kernel of the Hub in its place is code: install it, or "
        "take attn_implementation sdpa"
    )


def _quantisation_problems(key: str, value: dict[str, Any]) -> Iterator[str]:
    method = value.get("quant_method")
    if method is not None and method not in QUANTISATIONS:
        yield f"has {key}.quant_method {method!r}; it must be one of {', '.join(QUANTISATIONS)}"


def _class_problems(value: Any) -> Iterator[str]:
    for name in value or ():
        if not isinstance(name, str) or not _MODEL_CLASS.fullmatch(name):
            yield f"has the architecture {name!r}, which is no model of transformers; {_CURE}"
