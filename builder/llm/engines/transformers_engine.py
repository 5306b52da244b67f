"""The plain engine: transformers, one row at a time. The fallback where no vLLM wheel fits, and the tests' oracle."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.resources import INSTALL
from builder.errors import StageError
from builder.llm.engines.engine import Completion, Sampling, Tick
from builder.workspace.progress import passing, phase

if TYPE_CHECKING:
    import torch

    from builder.recipe.sections.models import Engine as EngineConfig


class TransformersEngine:
    """A model loaded by transformers; slow and simple, so that its numbers can be trusted."""

    def __init__(self, model: Path, config: "EngineConfig", tick: Tick = lambda: None) -> None:
        import torch

        from builder.llm.tokenizer import load_tokenizer

        self._tick = tick
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        with phase("loading the model"):
            self._model: Any = _load(model, config.dtype).to(self._device).eval()
        self._end_id = int(load_tokenizer(model).eos_token_id)

    def forget(self) -> None:
        """See `Engine.forget`; there is nothing to forget."""

    def generate(self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]) -> list[Completion]:
        """See `Engine.generate`."""
        pairs = passing(zip(prompts, seeds, strict=True))
        return [self._generate_one(prompt, sampling, seed) for prompt, seed in pairs]

    def token_logprobs(self, sequences: Sequence[list[int]], starts: Sequence[int]) -> list[list[float]]:
        """See `Engine.token_logprobs`."""
        values = []
        for ids, start in passing(zip(sequences, starts, strict=True)):
            logprobs = self._logprobs(ids)
            values.append([float(logprobs[at - 1, ids[at]]) for at in range(start, len(ids))])
        return values

    def next_logprobs(self, prompts: Sequence[list[int]], choices: Sequence[int]) -> list[list[float]]:
        """See `Engine.next_logprobs`."""
        lasts = (self._logprobs(ids)[-1] for ids in passing(prompts))
        return [[float(last[choice]) for choice in choices] for last in lasts]

    def _logprobs(self, ids: list[int]) -> "torch.Tensor":
        """Log p over the vocabulary after each token; shape (tokens, vocabulary)."""
        import torch

        with torch.inference_mode():
            logits = self._model(input_ids=torch.tensor([ids], device=self._device)).logits[0]
            self._tick()
            return torch.log_softmax(logits.float(), dim=-1)

    def _generate_one(self, prompt: list[int], sampling: Sampling, seed: int) -> Completion:
        import torch

        generator = torch.Generator().manual_seed(seed)
        step = torch.tensor([prompt], device=self._device)
        cache, ids, total, seen = None, list[int](), 0.0, list[list[float]]()
        ends = {self._end_id, *sampling.stop_ids}
        with torch.inference_mode():
            for _ in range(sampling.max_tokens):
                output = self._model(input_ids=step, past_key_values=cache, use_cache=True)
                cache = output.past_key_values
                self._tick()
                logits = output.logits[0, -1].float().cpu()
                token = _sample(logits, sampling, generator)
                logprobs = torch.log_softmax(logits, dim=-1)
                total += float(logprobs[token])
                seen.append([float(logprobs[watched]) for watched in sampling.watched])
                ids.append(token)
                if token in ends:
                    break
                step = torch.tensor([[token]], device=self._device)
        return Completion(ids, total, not ends.isdisjoint(ids[-1:]), seen if sampling.watched else None)


def _load(model: Path, dtype: str) -> Any:
    """Load a model folder, or the base that an adapter's folder names with the adapter upon it."""
    from builder.llm.adapters import read_adapter
    from builder.llm.attention import attention_options
    from builder.llm.opening import add_adapter, open_model

    adapter = read_adapter(model)
    base, revision = (adapter.base, adapter.revision) if adapter else (str(model), None)
    loaded = open_model(base, revision, dtype=dtype, **attention_options(base, revision))
    if adapter is None:
        return loaded
    if importlib.util.find_spec("peft") is None:
        raise StageError(f"{model} is an adapter, but peft is not installed: {INSTALL['transformers']}")
    return add_adapter(loaded, model)


def _sample(logits: "torch.Tensor", sampling: Sampling, generator: "torch.Generator") -> int:
    """Draw one token id by temperature and nucleus (top-p) sampling."""
    import torch

    if sampling.temperature == 0:
        return int(logits.argmax())
    probabilities, order = torch.softmax(logits / sampling.temperature, dim=-1).sort(descending=True)
    before = probabilities.cumsum(dim=-1) - probabilities
    probabilities = probabilities.masked_fill(before >= sampling.top_p, 0.0)
    return int(order[torch.multinomial(probabilities, 1, generator=generator)])
