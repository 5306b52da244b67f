"""What is already built of a recipe, and what of it a build would run again: the state of its work directory."""

from collections.abc import Iterator
from typing import Any

from builder.cli.plan import plan_entry
from builder.cli.planning.ranges import in_words
from builder.cli.planning.reckoning import summed
from builder.cli.planning.told import known_costs
from builder.cli.project import Project
from builder.errors import BuilderError
from builder.workspace.finished.moved import has_stages, others
from builder.workspace.locks import running_in

_SHOWN = 3


def state_lines(project: Project) -> Iterator[str]:
    """What stands in the work directory of a project; nothing of it is changed.

    A build that runs, stages that are done, unfinished or damaged, what the recipe has had changed since, and a folder
    beside it that looks like a work directory which was renamed.
    """
    root = project.work_dir
    if build := running_in(root):
        yield f"{root}: a build is running here ({build}); wait for it, or build in another --work-dir"
    if not has_stages(root):
        yield f"{root}: nothing is built yet; `{project.command('build')}` comes before a release"
        yield from (
            f"{other}: holds stages of a build, and the work directory is {root}; if it was moved or renamed, move it "
            f"back, or go on there with --work-dir {other}"
            for other in others(project.folder, root)
        )
        return
    try:
        entries = [plan_entry(stage) for stage in project.look_at_build(damaged_too=True).artifacts.values()]
    except BuilderError as error:
        yield from (f"{root}: {line}" for line in str(error).splitlines())
        return
    yield f"{root}: {_counted(entries)}{_next(entries, project)}"
    yield from _changes(entries)


def time_of(project: Project) -> tuple[str, str]:
    """How long the rest of a build will take by what was measured here, or else the command that measures it.

    Both are empty where nothing is left to run, or where its stages cannot be looked at.
    """
    command = project.command("plan", "--calibrate")
    try:
        missing = [stage for stage in known_costs(project)[0] if not stage.done]
        if not missing and all(item.status == "done" for item in project.look_at_build().artifacts.values()):
            return "", ""
    except BuilderError:
        return "", ""
    known = bool(missing) and all(stage.known for stage in missing)
    return (in_words(summed(missing)[0].mid), "") if known else ("", command)


def _counted(entries: list[dict[str, Any]]) -> str:
    done = sum(entry["status"] == "cached" for entry in entries)
    if done == len(entries):
        return f"all {done} stages are built"
    parts = [f"{done} of {len(entries)} stages are built"]
    for status, said in (("partial", "begun and not finished"), ("damaged", "no longer whole")):
        if names := [entry["stage"] for entry in entries if entry["status"] == status]:
            parts.append(f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {said}")
    return "; ".join(parts)


def _next(entries: list[dict[str, Any]], project: Project) -> str:
    if all(entry["status"] == "cached" for entry in entries):
        return ""
    if any(entry["status"] == "damaged" for entry in entries):
        return f"; `{project.command('plan')}` says what to remove"
    return f"; `{project.command('build')}` runs the others, before a release"


def _changes(entries: list[dict[str, Any]]) -> Iterator[str]:
    """Which keys have changed since a stage was last run, and which stages would run again."""
    again = [entry for entry in entries if entry.get("changed") or entry.get("follows")]
    if not again:
        return
    keys = list(dict.fromkeys(item["key"] for entry in again for item in entry["changed"]))
    shown = ", ".join(keys[:_SHOWN]) + (f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else "")
    names = ", ".join(entry["stage"] for entry in again)
    yield f"the recipe has changed since the last build ({shown or 'in what went before'}): would run again: {names}"
