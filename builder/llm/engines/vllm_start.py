"""How vLLM is started: what it reads in the environment when it is imported, and the options of its `LLM`.

Nothing here asks torch about CUDA. A process that has asked holds a CUDA context, and vLLM could not fork after that.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import StageError
from builder.llm.model_files import refuse_untrusted

if TYPE_CHECKING:
    from builder.llm.adapters import Adapter
    from builder.recipe.sections.models import Engine as EngineConfig
    from builder.recipe.sections.runtime import Runtime

_CPU_BATCHED_TOKENS = 8_192


def prepare_environment() -> None:
    """Say how vLLM is to run; call it before anything imports vLLM.

    The scheduler runs in this process, with `tensor_parallel` too: only the workers are processes of their own then,
    and no process stands between them and the one that watches. They are always spawned: a fork inherits whatever this
    process has started, CUDA first of all.
    """
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # on a CPU it also uses every core, and starts in 2 s
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"


def llm_options(model: Path, adapter: "Adapter | None", config: "EngineConfig", runtime: "Runtime") -> dict[str, Any]:
    """The arguments of `vllm.LLM`; this imports vLLM, so it comes after `prepare_environment`.

    Raises:
        StageError: If vLLM finds no device that it was built for, or the model is not to be trusted.
    """
    location, revision = (adapter.base, adapter.revision) if adapter else (str(model), None)
    refuse_untrusted(location, revision, weights=True)
    from vllm.platforms import current_platform  # found by NVML and the like: no device is opened

    if current_platform.is_unspecified():
        raise StageError(
            "the vLLM that is installed finds no device it was built for; on a machine without a GPU install its CPU "
            "wheel (pip install 'humpback-builder[cpu]') or set engine.kind: transformers"
        )
    if config.quantization:
        _refuse_unknown(config.quantization, current_platform)
    on_cpu = current_platform.is_cpu()
    return {
        "model": location,
        "load_format": "safetensors",
        "dtype": config.dtype,
        "max_model_len": config.max_model_len,
        "quantization": config.quantization,
        "tensor_parallel_size": runtime.tensor_parallel,
        # Under Ray too, an engine's GPUs are those of one node.
        "distributed_executor_backend": "mp" if runtime.tensor_parallel > 1 else None,
        "trust_remote_code": False,
        "generation_config": "vllm",  # the model's own would add tokens to stop at
        "seed": 0,
        **(adapter.options if adapter else {}),
        **({} if runtime.max_num_seqs is None else {"max_num_seqs": runtime.max_num_seqs}),
        **(_cpu_options(config, runtime) if on_cpu else _gpu_options(runtime)),
    }


def _refuse_unknown(method: str, platform: Any) -> None:
    from vllm.model_executor.layers.quantization import QUANTIZATION_METHODS

    known = platform.supported_quantization or QUANTIZATION_METHODS
    if method not in known:
        raise StageError(
            f"engine.quantization is {method!r}, which vLLM cannot do on {platform.device_type}; it can do "
            f"{', '.join(sorted(known))}"
        )


def _gpu_options(runtime: "Runtime") -> dict[str, Any]:
    tokens = runtime.max_num_batched_tokens
    bound = {} if tokens is None else {"max_num_batched_tokens": tokens}
    return {"gpu_memory_utilization": runtime.gpu_memory, "enforce_eager": runtime.eager, **bound}


def _cpu_options(config: "EngineConfig", runtime: "Runtime") -> dict[str, Any]:
    """Without a bound the CPU engine claims most of the memory; chunked prefill breaks per-request seeds there."""
    bound = {} if runtime.kv_cache_mb is None else {"kv_cache_memory_bytes": runtime.kv_cache_mb << 20}
    return {
        "enforce_eager": True,
        "compilation_config": {"custom_ops": ["all"]},  # the wheel's own kernels, which compiling would do without
        "block_size": 32,  # the smallest; the cache of prefixes knows whole blocks only, and 128 is the default
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(runtime.max_num_batched_tokens or _CPU_BATCHED_TOKENS, config.max_model_len),
        **bound,
    }
