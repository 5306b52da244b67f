"""The one way to open a model: its files are looked at first, and weights are read from safetensors, never code.

No other module calls `from_pretrained` (a test holds it to that), and each call is given all of `SAFELY`.
"""

from pathlib import Path
from typing import Any

from builder.llm.model_files import refuse_untrusted

SAFELY: dict[str, Any] = {"trust_remote_code": False, "use_safetensors": True, "weights_only": True}
"""What whoever opens weights is told."""


def open_config(location: str | Path, revision: str | None = None) -> Any:
    """The configuration of a model.

    Raises:
        StageError: If the model is not to be trusted.
        OSError: If there is none.
    """
    refuse_untrusted(location, revision)
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(str(location), revision=revision, trust_remote_code=False)


def open_model(location: str | Path, revision: str | None = None, *, kind: Any = None, **options: Any) -> Any:
    """A model with its weights.

    Args:
        location: A folder, or a repository of the Hub.
        revision: The commit of a repository.
        kind: The class that loads it, if not the one of language models.
        **options: Further ones of `from_pretrained`.

    Raises:
        StageError: If the model is not to be trusted.
        OSError: If there is none.
    """
    refuse_untrusted(location, revision, weights=True)
    from transformers import AutoModelForCausalLM

    opener = AutoModelForCausalLM if kind is None else kind
    return opener.from_pretrained(str(location), **options, revision=revision, **SAFELY)


def add_adapter(model: Any, adapter: Path, *, trainable: bool = False) -> Any:
    """A model with an adapter upon it, whose folder `read_adapter` has read before.

    Raises:
        StageError: If the adapter is not to be trusted.
    """
    refuse_untrusted(adapter, weights=True)
    from peft import PeftModel

    return PeftModel.from_pretrained(model, str(adapter), is_trainable=trainable)


def open_adapter_settings(adapter: Path) -> Any:
    """The settings of an adapter.

    Raises:
        StageError: If the adapter is not to be trusted.
    """
    refuse_untrusted(adapter)
    from peft import PeftConfig

    return PeftConfig.from_pretrained(str(adapter))
