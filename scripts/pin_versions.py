"""Pin what the result of each stage depends on, in `tests/version_pins.json` (`make pin-versions`).

A finished stage is found again by a fingerprint with the `VERSION` of its module in it; that the code has changed is in
no fingerprint. So the file keeps, for each function in a `run("name", function, ...)` of `builder/build.py`, that
VERSION and a digest of all that the function leads to: definitions, and the files of data of the package that these
name (see `stage_sources`). `tests/test_versions_pinned.py` compares.
"""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from stage_sources import Package, digest

ROOT = Path(__file__).parents[1]
PINS = ROOT / "tests" / "version_pins.json"
PLUMBING = {
    "errors": "what a user is told; a stage that raises has no result",
    "llm.batch.executors": "on which machine and device rows are done; what is done to them is reached without it",
    "recipe.sections.runtime": "keys that change no result, and so are in no fingerprint either",
    # The room `workspace` but for `stage_names`, which says which half of the pages a page is in.
    "workspace.child": "how a stage is started, watched and started again",
    "workspace.cluster.job": "on which machines a stage runs",
    "workspace.cluster.ray_cluster": "the same",
    "workspace.cluster.remote": "the same",
    "workspace.cluster.running": "the same",
    "workspace.cluster.slurm_cluster": "the same",
    "workspace.cluster.tasks": "the same",
    "workspace.environment": "variables for logs, caches and memory",
    "workspace.failures": "what a user is told of an error",
    "workspace.fingerprint": "whether what stands is what was asked for, never what is written",
    "workspace.inputs.earlier": "whether what stands is what was asked for, never what is written",
    "workspace.inputs.known": "the same",
    "workspace.inputs.listing": "the same",
    "workspace.inputs.model_folder": "the same",
    "workspace.inputs.while_read": "what is noted of files that are read; they are read as without it",
    "workspace.journal": "what was in hand when a process died",
    "workspace.layout": "where logs and requests are",
    "workspace.processes": "how processes end",
    "workspace.progress": "what a user is told while rows pass",
    "workspace.workers": "how processes that work side by side end",
}
"""Modules that no digest looks into, with the reason; a new one is looked into until it stands here."""


def read_pins(package: Package) -> dict[str, Any]:
    """What to pin: VERSION and digest of each stage, and the digest of each file that one of them depends on."""
    stages, sources = {}, defaultdict(set)
    for stage in package.stages():
        parts = package.parts(stage)
        stages[stage[1]] = {
            "VERSION": package.version(stage),
            "digest": digest(part.digest.encode() for part in parts),
        }
        for part in parts:
            sources[part.source].add(part.digest.encode())
    return {"stages": stages, "sources": {name: digest(sources[name]) for name in sorted(sources)}}


def differences(package: Package, pinned: dict[str, Any]) -> list[str]:
    """What is not as it is pinned, one stage a text, with what to do."""
    now, before, known = read_pins(package), pinned["stages"], set(pinned["sources"].values())
    changed = {source for source, value in now["sources"].items() if value not in known}
    texts = [f"{name}: is no stage any more; run `make pin-versions`" for name in sorted(before.keys() - now["stages"])]
    for stage in package.stages():
        pin, version = before.get(stage[1]), package.version(stage)
        if pin is None or pin["VERSION"] != version:
            was = f"pinned as {pin['VERSION']}" if pin else "not pinned"
            texts.append(f"{stage[1]}: VERSION is {version} and {was}; run `make pin-versions`")
        elif pin["digest"] != now["stages"][stage[1]]["digest"]:
            own = sorted({part.source for part in package.parts(stage)} & changed) or ["what it imports"]
            texts.append(
                f"{stage[1]}: what its result depends on has changed: {', '.join(own)}. Raise VERSION in "
                f"{package.shown(package.modules[stage[0]].path)} if results may change, else accept the new digest "
                "with `make pin-versions`"
            )
    return texts


if __name__ == "__main__":
    pinned = json.loads(PINS.read_text()) if PINS.is_file() else {"stages": {}}
    now = read_pins(Package(ROOT / "builder", PLUMBING))
    changed = [name for name, pin in now["stages"].items() if pinned["stages"].get(name) != pin]
    print(f"{PINS.relative_to(ROOT)}: new pins for {', '.join(changed) or 'no stage'}")
    PINS.write_text(json.dumps(now, indent=2) + "\n")
