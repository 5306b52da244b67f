"""Which attention computes what a model says of itself.

Some models bend the logits of attention (`attn_logit_softcapping`, Gemma 2). The attention that transformers takes by
itself, `sdpa`, leaves that out without a word; vLLM, `eager`, `flex_attention` and flash attention do it.
"""

from pathlib import Path
from typing import Any

from builder.llm.opening import open_config

LEAVES_OUT = "sdpa"


def bends_attention(location: str | Path, revision: str | None) -> bool:
    """Whether the configuration of a model asks for attention whose logits are bent."""
    return bool(getattr(open_config(location, revision).get_text_config(), "attn_logit_softcapping", None))


def attention_options(location: str | Path, revision: str | None) -> dict[str, Any]:
    """What `from_pretrained` is given beside, so that a model is computed as it is meant."""
    return {"attn_implementation": "eager"} if bends_attention(location, revision) else {}
