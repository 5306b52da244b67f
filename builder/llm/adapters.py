"""LoRA adapters as models: a folder that holds what a training added to a base, and says which base that was."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from builder.data.storage import read_json
from builder.errors import StageError
from builder.llm.model_files import is_repository, refuse_untrusted
from builder.llm.opening import add_adapter, open_config, open_model

if TYPE_CHECKING:
    from vllm.lora.request import LoRARequest

CONFIG_FILE, WEIGHTS_FILE = "adapter_config.json", "adapter_model.safetensors"
GENERATION_FILE = "generation_config.json"
RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)
"""What vLLM takes as `max_lora_rank`."""
WHOLE_PARTS = ("modules_to_save", "trainable_token_indices")
"""Keys of parts that are trained beside the low-rank ones, which vLLM cannot add to a base."""
VOCABULARY = ("embed_tokens", "lm_head")
"""Modules whose adapters vLLM leaves out, or cannot use, where it computes log-probabilities of prompts."""
MERGE = "merge it into its base (peft's merge_and_unload), or set engine.kind: transformers"


class Adapter(NamedTuple):
    """An adapter and its base.

    Attributes:
        folder: Of the adapter; tokenizer and chat contract are here too.
        base: A local folder, or a repository of the Hub.
        revision: The commit of a base from the Hub.
        rank: The highest rank of its matrices.
        modules: The names of the modules that it changes, such as `q_proj`.
        refused: What it has that vLLM cannot use, or None.
    """

    folder: Path
    base: str
    revision: str | None
    rank: int
    modules: tuple[str, ...]
    refused: str | None

    @property
    def options(self) -> dict[str, Any]:
        """What vLLM is given to load the base with room for the adapter.

        Raises:
            StageError: If vLLM cannot use such an adapter.
        """
        if self.refused:
            raise StageError(f"{self.folder}: has {self.refused}, which vLLM cannot use; {MERGE}")
        rank = next((rank for rank in RANKS if rank >= self.rank), None)
        if rank is None:
            raise StageError(f"{self.folder}: its rank is {self.rank}; vLLM takes at most {RANKS[-1]}; {MERGE}")
        return {
            "tokenizer": str(self.folder),
            "revision": self.revision,
            "enable_lora": True,
            "max_loras": 1,
            "max_lora_rank": rank,
            # Left to itself, vLLM 0.32 wraps lm_head too, and then fails at the log-probabilities of prompts on a CPU.
            "lora_target_modules": list(self.modules),
        }

    def add_to(self, llm: Any) -> "LoRARequest":
        """Load the adapter into vLLM now, where an error is not one of a row; return what requests are sent with.

        Raises:
            StageError: If vLLM refuses it.
        """
        from vllm.lora.request import LoRARequest

        request = LoRARequest(self.folder.name, 1, str(self.folder))
        try:
            llm.llm_engine.add_lora(request)
        except (ValueError, RuntimeError) as error:
            first = str(error).strip().splitlines()[0]
            raise StageError(f"{self.folder}: vLLM cannot use this adapter ({first}); {MERGE}") from error
        return request


def read_adapter(model: Path) -> Adapter | None:
    """The adapter in a model folder, checked against its base; None where the folder has a model's own weights.

    Raises:
        StageError: If it is no LoRA adapter, its weights or its base are missing, the base is not pinned, or the
            tokenizer has tokens that the base has no embeddings for.
    """
    path = model / CONFIG_FILE
    if not path.is_file() or (model / "config.json").is_file():
        return None
    refuse_untrusted(model)
    config = read_json(path)
    kind, base = config.get("peft_type"), config.get("base_model_name_or_path")
    if kind != "LORA" or not base:
        raise StageError(f"{path}: must have peft_type LORA and a base_model_name_or_path, not {kind!r} and {base!r}")
    if not (model / WEIGHTS_FILE).is_file():
        raise StageError(f"{model}: has {CONFIG_FILE} but no {WEIGHTS_FILE}; train it again")
    ranks = [config["r"], *(config.get("rank_pattern") or {}).values()]
    modules = _modules(model / WEIGHTS_FILE)
    parts = [*(key for key in WHOLE_PARTS if config.get(key)), *(name for name in VOCABULARY if name in modules)]
    adapter = Adapter(model, str(base), config.get("revision"), max(ranks), modules, next(iter(parts), None))
    _check_base(adapter)
    return adapter


def merge_adapter(model: Path, target: Path) -> None:
    """Write the model that an adapter makes of its base, in the base's number format; tokenizer and contract stay out.

    Raises:
        StageError: If the adapter or its base cannot be used, or peft is not installed.
    """
    adapter = read_adapter(model)
    if adapter is None:
        raise StageError(f"{model}: is no adapter")
    try:
        import peft  # noqa: F401
        import torch
    except ImportError as error:
        raise StageError(f"merging an adapter needs {error.name}: pip install 'humpback-builder[train]'") from error

    from builder.llm.tokenizer import load_tokenizer

    form = open_config(adapter.base, adapter.revision).dtype or "float32"
    base = open_model(adapter.base, adapter.revision, dtype="float32")
    merged = add_adapter(base, model).merge_and_unload(safe_merge=True)
    merged = merged.to(getattr(torch, str(form).removeprefix("torch.")))
    end = load_tokenizer(model).eos_token_id
    merged.config.get_text_config().eos_token_id = merged.generation_config.eos_token_id = end
    merged.save_pretrained(target)
    if (model / GENERATION_FILE).is_file():
        shutil.copyfile(model / GENERATION_FILE, Path(target) / GENERATION_FILE)  # not how the base answers


def refuse_other_class(base: str, revision: str | None) -> None:
    """Raise a StageError if a base is of another class than the one that adapters are loaded onto.

    TRL trains the class that a base names; peft, vLLM and transformers load its language model, whose parts have other
    names then.
    """
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    config = open_config(base, revision)
    known = MODEL_FOR_CAUSAL_LM_MAPPING.get(type(config), ())
    names = [item.__name__ for item in (known if isinstance(known, tuple) else (known,))]
    own = next(iter(config.architectures or []), None)
    if own is not None and own not in names:
        raise StageError(
            f"{base}: is a {own}, and an adapter of it would be loaded onto {' or '.join(names) or 'nothing'}; train "
            "whole weights, or take a base that is a language model alone"
        )


def _modules(weights: Path) -> tuple[str, ...]:
    """The last parts of the names of the modules that an adapter changes; its configuration may have a pattern."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, "numpy") as file:
            names = [name.partition(".lora_")[0].rpartition(".")[2] for name in sorted(file.keys()) if ".lora_" in name]
    except (SafetensorError, OSError) as error:
        raise StageError(f"{weights}: cannot be read ({error}); train it again") from error
    return tuple(sorted(set(names)))


def _check_base(adapter: Adapter) -> None:
    from builder.llm.tokenizer import load_tokenizer

    is_folder = Path(adapter.base).is_dir()
    if not is_folder and not is_repository(adapter.base):
        raise StageError(
            f"{adapter.folder}: its base, {adapter.base}, is not there; put it back, or correct "
            f"base_model_name_or_path in {CONFIG_FILE}"
        )
    if not is_folder and not adapter.revision:
        raise StageError(
            f"{adapter.folder}: {CONFIG_FILE} names the base {adapter.base} without a commit; write the one that it "
            "was trained from as revision"
        )
    try:
        config = open_config(adapter.base, adapter.revision)
    except (OSError, ValueError) as error:
        raise StageError(f"{adapter.folder}: its base cannot be loaded: {str(error).splitlines()[0]}") from error
    tokens, embedded = len(load_tokenizer(adapter.folder)), config.get_text_config().vocab_size
    if tokens > embedded:
        raise StageError(
            f"{adapter.folder}: its tokenizer has {tokens:,} tokens, its base, {adapter.base}, embeddings for "
            f"{embedded:,}; train it with tokens of the base alone, or merge the two"
        )
