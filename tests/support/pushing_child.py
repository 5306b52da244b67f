"""A push in a process that may be killed: forked from a server that has the libraries, so that each takes moments."""

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builder.recipe.sections.release import Release
from builder.results.release.hub import push, retry, verify
from builder.results.release.versions import version_of

Patch = Callable[[Any, str, Any], None]
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["builder.results.release.hub.push", "huggingface_hub.hf_api", "huggingface_hub.lfs"])


def reach(address: str, home: Path, patch: Patch) -> None:
    """Let the clients of this process talk to the stand-in at `address`, and not wait between attempts."""
    from types import SimpleNamespace

    from huggingface_hub import constants
    from huggingface_hub.utils import _http

    places = {"ENDPOINT": address, "HF_TOKEN_PATH": str(home / "token"), "HF_HUB_CACHE": str(home / "hub")}
    places["HUGGINGFACE_CO_URL_TEMPLATE"] = address + "/{repo_id}/resolve/{revision}/{filename}"
    for name, value in {**places, "HF_HUB_OFFLINE": False, "HF_HUB_DISABLE_XET": True}.items():
        patch(constants, name, value)
    without_pauses = SimpleNamespace(**{**vars(_http.time), "sleep": lambda seconds: None})
    for module in (_http, retry, push):
        patch(module, "time", without_pauses)
    _http.close_session()


def push_in_child(folder: Path, release: Release, version: str, address: str, environment: dict[str, str]) -> Any:
    """Start the push of a release folder and return its process; it does not load what it has published."""
    process = context.Process(target=_push, args=(folder, release, version, address, environment), daemon=True)
    process.start()
    return process


def _push(folder: Path, release: Release, version: str, address: str, environment: dict[str, str]) -> None:
    os.environ.update(environment)
    reach(address, Path(environment["HF_HOME"]), setattr)
    verify.loading_problems = lambda *_, **__: []
    push.push_release(folder, release, version_of(version), push.Push(), lambda line: None)
