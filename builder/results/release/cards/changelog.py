"""`CHANGELOG.md` of a release: what differs from the one before, and the entries of all before it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.results.release.changes import Changes, ConfigChanges
from builder.results.release.outside import outside_text
from builder.results.release.versions import Version
from builder.text.counted import counted
from builder.text.escape import escape

CHANGELOG = "CHANGELOG.md"
_TITLE = "# Changelog\n\n"
_HEADING = re.compile(r"## [0-9.]{5,29}")
_WRITTEN = re.compile(r"`[A-Za-z0-9_.-]{1,200}`|\\[!-/:-@\[-`{-~]|\b[a-z_]+_[a-z0-9_]+\b")
"""Names in a code span, escaped characters, and names of columns: what stays outside of them must be no markup."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_MARKUP = re.compile(r"[\\`*_\[\]<>#|~!]|://|www\.")


def change_log(version: Version, rows: list[tuple[str, int]], changes: Changes | None) -> str:
    """The whole file.

    Args:
        version: Of this release.
        rows: Rows by config.
        changes: The difference to the previous release, whose entries are carried on; None for the first.
    """
    if changes is None:
        first = "".join(f"- `{name}`: {counted(number, 'rows')}\n" for name, number in rows)
        return f"{_TITLE}## {version}\n\n{first}"
    earlier = _earlier(changes.previous.dataset / CHANGELOG)
    return f"{_TITLE}## {version}\n\n{describe_changes(changes)}{earlier}"


def describe_changes(changes: Changes) -> str:
    """The difference as Markdown."""
    return f"Compared with {changes.previous.version}:\n\n" + "".join(f"- {line}\n" for line in _lines(changes))


def _lines(changes: Changes) -> Iterator[str]:
    for config in changes.configs:
        yield f"{_name(config.name)}: {_rows(config)}"
    for config in changes.configs:
        yield from (f"{_name(config.name)}: {_code(change)}" for change in config.columns)
    for key, old, new in changes.recipe:
        yield f"recipe, {_name(key)}: {_value(old)} → {_value(new)}"
    if changes.models:
        yield f"trained anew: {', '.join(f'`{name}`' for name in changes.models)}"


def _rows(config: ConfigChanges) -> str:
    if config.gone:
        return f"gone, with its {config.removed:,} rows"
    if config.new:
        return f"new, {config.rows:,} rows"
    parts = [(config.added, "added"), (config.removed, "removed"), (config.taken_down, "taken down on request")]
    said = [f"{number:,} {verb}" for number, verb in parts if number]
    if config.changed:
        columns = ", ".join(f"`{name}` in {number:,}" for name, number in config.by_column.items())
        said.append(f"{config.changed:,} changed ({columns})")
    return f"{config.rows:,} rows, {', '.join(said) or 'as before'}"


def _name(name: str) -> str:
    """The name of a config or a key in a code span; one that the release before has made up is text."""
    return f"`{name}`" if _PLAIN_NAME.fullmatch(name) else escape(name, "markdown")


def _code(change: str) -> str:
    return escape(change, "markdown")


def _value(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return escape(text if len(text) <= 80 else f"{text[:80]}…", "markdown")


def _earlier(path: Path) -> str:
    if not path.is_file():
        return ""
    _, _, entries = outside_text(path.parent, path.name).partition(_TITLE)
    return "\n" + "".join(f"{_own(line)}\n" for line in entries.splitlines()) if entries else ""


def _own(line: str) -> str:
    """A line of an earlier change log: as it is if a release has written it, else nothing in it is markup."""
    item = line.removeprefix("- ")
    if not item or _HEADING.fullmatch(line) or not _MARKUP.search(_WRITTEN.sub("", item)):
        return escape(line, "terminal")
    return f"- {escape(item, 'markdown')}"
