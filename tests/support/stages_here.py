"""Stages in this process, for tests of what a stage does: a child would first load torch and TRL for many seconds."""

import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from builder.data.address import put_back
from builder.data.storage import write_json
from builder.errors import RecipeError, StageError, TimeIsUp
from builder.recipe.sections.runtime import Runtime
from builder.workspace import journal
from builder.workspace.child import run_child
from builder.workspace.environment import versions
from builder.workspace.failures import explain
from builder.workspace.finished.inventory import take_inventory
from builder.workspace.layout import REQUEST
from builder.workspace.limits.deadline import set_deadline
from builder.workspace.progress import Progress, telling


@contextmanager
def stages_here() -> Iterator[None]:
    """Every stage that a workspace runs from now to the end runs in this process, but for those of the corpus.

    They fork workers, and end their process when one of these dies.
    """
    import datasets

    # A child reads where its cache is when it starts; this process would use that of its first training for all.
    with (
        TemporaryDirectory() as cache,
        patch.object(datasets.config, "HF_DATASETS_CACHE", Path(cache)),
        patch("builder.workspace.workspace.run_child", _run_here),
    ):
        yield


def _run_here(
    out: Path, request: dict[str, Any], runtime: Runtime, on_progress: Callable[[], None], *, stage: str,
    hidden: Any = None, stop_at: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What `run_child` does with a stage that neither dies nor stands still; an error ends with the same words."""
    if request["function"].startswith("builder.method.corpus."):
        return run_child(out, request, runtime, on_progress, stage=stage, hidden=hidden, stop_at=stop_at)
    write_json(out / REQUEST, request)
    journal.reset(out)
    set_deadline(out, stop_at)
    put_back(request["config"], hidden or [])
    function, kind = (_by_name(request[key]) for key in ("function", "config_type"))
    inputs = [Path(path) for path in request["inputs"]]
    try:
        with patch.dict(os.environ), telling(Progress(out, "rows")):
            stats = function(out, kind.model_validate(request["config"]), *inputs, runtime=runtime)
            stats.check(out.name)
    except Exception as error:
        if (message := explain(error)) is None:
            raise
        kind = type(error) if isinstance(error, RecipeError | TimeIsUp) else StageError
        raise kind(f"{stage}: {message}") from error
    on_progress()
    return {
        "counts": {kind: counts.as_dict() for kind, counts in stats.counts.items()},
        "details": stats.details,
        "warnings": stats.warnings,
        "versions": versions(),
        "files": take_inventory(out),
    }


def _by_name(place: str) -> Any:
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
