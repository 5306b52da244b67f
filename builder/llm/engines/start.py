"""Load a model into the engine that the recipe names."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from builder.data.resources import INSTALL, PACKAGE
from builder.errors import StageError
from builder.llm.engines.engine import Engine, Tick
from builder.workspace.progress import STARTING, phase

if TYPE_CHECKING:
    from builder.recipe.sections.models import Engine as EngineConfig
    from builder.recipe.sections.runtime import Runtime


def start_engine(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick = lambda: None) -> Engine:
    """Load a model folder into the engine that the recipe names.

    Args:
        model: A folder with weights and tokenizer.
        config: Engine section of the recipe.
        runtime: Sizes that change no result.
        tick: Called whenever a request is done.

    Returns:
        An engine that gives `Failed` for a row it cannot do, and does the others.

    Raises:
        StageError: If the engine is not installed, or a server does not answer or does not serve the model.
    """
    package = PACKAGE[config.kind]
    if importlib.util.find_spec(package) is None:
        raise StageError(f"engine.kind is {config.kind!r}, but {package} is not installed: {INSTALL[config.kind]}")
    with phase(STARTING):
        return STARTERS[config.kind](model, config, runtime, tick)


def _start_openai(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick) -> Engine:
    from builder.llm.engines.openai_engine import OpenaiEngine

    return OpenaiEngine(model, config, runtime, tick)


def _start_vllm(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick) -> Engine:
    from builder.llm.engines.retrying import RetryingEngine
    from builder.llm.engines.vllm_engine import VllmEngine

    return RetryingEngine(VllmEngine(model, config, runtime, tick))


def _start_transformers(model: Path, config: "EngineConfig", runtime: "Runtime", tick: Tick) -> Engine:
    from builder.llm.engines.retrying import RetryingEngine
    from builder.llm.engines.transformers_engine import TransformersEngine

    return RetryingEngine(TransformersEngine(model, config, tick))


STARTERS: dict[str, Callable[[Path, "EngineConfig", "Runtime", Tick], Engine]] = {
    "openai": _start_openai,
    "transformers": _start_transformers,
    "vllm": _start_vllm,
}
"""How an engine of each kind is started; the one place that every part of the build starts its engine from."""
