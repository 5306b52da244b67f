"""`humpback plan`: which stages are there, which would run, and why."""

import json
import re
from typing import Any

from builder.cli.answer import Answer
from builder.cli.planning.reckoning import Expected, Wanted
from builder.cli.planning.told import as_dict, as_top, known_costs, sums
from builder.cli.project import Project
from builder.cli.rows.layout import terminal_width, wrapped
from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.cluster.submitted import as_line, submitted
from builder.workspace.finished.last_run import last_run, rows_of
from builder.workspace.finished.moved import no_build
from builder.workspace.stage_names import (
    BACKWARD,
    CURATE,
    DEDUP,
    MODEL,
    SCORE,
    SEED,
    SEED_CLEAN,
    SEGMENTS,
    curate,
    model,
    parse,
)
from builder.workspace.workspace import Artifact, changed_versions, describe_damage

REPEATED = model(0, seed=0).family
SECTIONS = {
    (SEED.family, ""): "seed.",
    (SEGMENTS.family, ""): "segments.",
    (DEDUP.family, ""): "dedup.",
    (CURATE, ""): "curate.",
    (CURATE, "decontaminate"): "decontaminate",
    (SEED_CLEAN.family, ""): "decontaminate.",
    (BACKWARD.family, "recipe"): "training.backward",
    (BACKWARD.family, "template"): "augment.template",
    (BACKWARD.family, "schedule"): "training",
    (MODEL, "recipe"): "training.forward",
    (MODEL, "schedule"): "training",
    (REPEATED, "recipe"): "training.forward",
    (REPEATED, "schedule"): "training",
    (REPEATED, "seed"): "training.seeds",
}
"""Where the recipe says what a stage calls by a name of its own."""
SHOWN_CHANGES = 3


def plan_stages(project: Project, *, verify: bool = False) -> Answer:
    """The stages in order: status, rows, and why one would run although it has run before, or is no longer whole."""
    artifacts = project.look_at_build(damaged_too=True).artifacts.values()
    plan = [plan_entry(artifact, verify=verify) for artifact in artifacts]
    for entry in plan:
        if entry["status"] != "cached" and (job := submitted(parse(entry["stage"]), project.recipe)):
            entry["submits"] = job
    costs, needs = known_costs(project)
    for entry, cost in zip(plan, costs, strict=False):
        entry["expected"] = as_dict(cost)
        if needs and entry["stage"] == str(curate(1)):
            entry["top"] = as_top(needs)

    def text() -> str:
        lines = (line for entry in plan for line in _lines(entry))
        moved = escape(no_build(project.folder, project.work_dir), "terminal")
        said = [moved] if moved else []
        return wrapped(project.typed("\n".join([*said, *lines, *_costs(costs, needs)])), terminal_width(), "      ")

    return Answer(plan, text)


def _costs(costs: list[Expected], needs: Wanted | None) -> list[str]:
    """What is still to run costs, where that was measured."""
    missing = [item for item in costs if not item.done]
    return sums(costs, needs) if missing and any(item.known for item in missing) else []


def plan_entry(artifact: Artifact, *, verify: bool = False) -> dict[str, Any]:
    """What `plan --json` says of a stage.

    Args:
        artifact: The stage.
        verify: Whether to compare the digests of its files.

    Returns:
        `stage`, `id`, `path`, `status` (cached, damaged, partial or missing), `rows` if it is cached; `damage`, what
        is wrong with its files; `unverified`, if there is nothing to verify them with; `changed`, the keys that differ
        from its last run, each with `key`, `before` and `after`; `follows`, the stages whose change it follows; `last`,
        id and rows of that run; `versions`, the libraries that differ from those it ran with.
    """
    damage = artifact.damage(verify=verify)
    record = {} if damage else artifact.record
    status = "damaged" if damage else artifact.status.replace("done", "cached")
    entry: dict[str, Any] = {
        "stage": artifact.stage,
        "id": artifact.fingerprint,
        "path": str(artifact.path),
        "status": status,
        "rows": rows_of(record),
        "versions": changed_versions(record),
    }
    if damage:
        entry["damage"] = damage
    if verify and status == "cached" and "files" not in record:
        entry["unverified"] = True
    last = {} if status != "missing" else last_run(artifact)
    if last:
        entry |= {
            "last": {"id": last["fingerprint"], "rows": rows_of(last)},
            "changed": _changes(artifact, last),
            "follows": [
                name
                for name, mark in artifact.identity["inputs"].items()
                if name in last["inputs"] and last["inputs"][name] != mark
            ],
        }
    return entry


def _changes(artifact: Artifact, last: dict[str, Any]) -> list[dict[str, Any]]:
    changes = []
    if artifact.identity["version"] != last.get("version", artifact.identity["version"]):
        versions = {"before": last["version"], "after": artifact.identity["version"]}
        changes.append({"key": f"version of the stage {artifact.stage}", **versions})
    before, after = list(last["inputs"]), list(artifact.identity["inputs"])
    if set(before) != set(after):
        changes.append(_other_inputs(before, after))
    for place, old, new in changed_values(last["config"], artifact.identity["config"]):
        changes.append({"key": _key(artifact.stage, place), "before": old, "after": new})
    return changes


def _other_inputs(before: list[str], after: list[str]) -> dict[str, Any]:
    """The key that makes a stage read from other stages than before."""
    stages = [[parse(name) for name in names] for names in (before, after)]
    crossed = [any(stage.half for stage in names) for names in stages]
    if crossed[0] != crossed[1]:
        return {"key": "training.cross_fit", "before": crossed[0], "after": crossed[1]}
    if any(parse(name).trains for name in set(before) ^ set(after)):
        starts = [any(stage.trains for stage in names) for names in stages]
        old, new = ("previous" if start else "base" for start in starts)
        return {"key": "training.init", "before": old, "after": new}
    return {"key": "the stages it reads", "before": before, "after": after}


def changed_values(before: Any, after: Any, place: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any, Any]]:
    """The places where two configurations differ, with both values; None where one has nothing."""
    if isinstance(before, dict) and isinstance(after, dict):
        keys = [*before, *(key for key in after if key not in before)]
        return [item for key in keys for item in changed_values(before.get(key), after.get(key), (*place, key))]
    if isinstance(before, list) and isinstance(after, list) and not (_is_listing(before) or _is_listing(after)):
        size = max(len(before), len(after))
        rows = zip(before + [None] * (size - len(before)), after + [None] * (size - len(after)), strict=True)
        return [item for at, (old, new) in enumerate(rows) for item in changed_values(old, new, (*place, str(at)))]
    return [] if before == after else [(place, before, after)]


def _is_listing(value: list[Any]) -> bool:
    """Whether a value stands for files: name, size and time of each."""
    return bool(value) and all(isinstance(item, list) and len(item) == 3 for item in value)


def _key(stage: str, place: tuple[str, ...]) -> str:
    name = parse(stage)
    if name.kind == SCORE and place[0] == "judge":
        return ".".join((f"score[{name.judge}]", *place[1:]))
    if name == model(0) and place[0] == "recipe":
        return ".".join(("training.initial (or forward)", *place[1:]))
    named = SECTIONS.get((name.family, place[0]))
    if named is not None:
        return ".".join((named, *place[1:]))
    return f"{SECTIONS.get((name.family, ''), '')}{'.'.join(place)}"


def _lines(entry: dict[str, Any]) -> list[str]:
    rows = "" if entry["rows"] is None else f"{entry['rows']:,}"
    first = f"{entry['stage']:<20} {entry['status']:<8} {rows:>9}  {entry['id']}"
    return [first, *(f"    {reason}" for reason in _reasons(entry))]


def _reasons(entry: dict[str, Any]) -> list[str]:
    if entry.get("damage"):
        return [escape(describe_damage(entry["path"], entry["damage"]), "terminal")]
    reasons = [f"{item['key']}: {_change(item['before'], item['after'])}" for item in entry.get("changed", [])]
    if len(reasons) > SHOWN_CHANGES:
        reasons[SHOWN_CHANGES:] = [f"and {len(reasons) - SHOWN_CHANGES} more"]
    if entry.get("follows"):
        reasons.append(f"follows {', '.join(entry['follows'])}")
    if reasons and entry["last"]["rows"] is not None:
        reasons[-1] += f" (last run: {counted(entry['last']['rows'], 'rows')}, {entry['last']['id']})"
    if entry.get("unverified"):
        reasons.append("was done before files were listed in stage.json: there is nothing to compare them with")
    if entry.get("submits"):
        reasons.append(as_line(entry["submits"]))
    return [*reasons, *(f"built with {change}" for change in entry["versions"])]


def _change(before: Any, after: Any) -> str:
    if any(isinstance(value, list) and _is_listing(value) for value in (before, after)):
        old, new = ({item[0]: item for item in value or []} for value in (before, after))
        counts = {
            "added": len(new.keys() - old.keys()),
            "removed": len(old.keys() - new.keys()),
            "changed": sum(old[name] != new[name] for name in old.keys() & new.keys()),
        }
        return "files " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items() if count)
    if all(isinstance(value, str) and re.fullmatch(r"[0-9a-f]{64}", value) for value in (before, after)):
        return "the content of the file has changed"
    return f"{json.dumps(before)} -> {json.dumps(after)}"
