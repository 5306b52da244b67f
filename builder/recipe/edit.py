"""Write values into a recipe file in place, with its comments and layout kept."""

import copy
import re
from collections.abc import Mapping
from typing import Any

import yaml

from builder.errors import RecipeError
from builder.recipe.strict_yaml import parse_yaml

Place = tuple[str | int, ...]
Edit = tuple[int, int, str]
"""From and to which character of a text is replaced, and by what."""


def write_revisions(text: str, commits: Mapping[Place, tuple[str, str]], name: str) -> str:
    """Set `revision` of the sections at some places; what stood there before stays as a comment.

    Args:
        text: A recipe.
        commits: For the place of a section its commit, and the branch or tag that it was resolved from.
        name: The file, for messages.

    Raises:
        RecipeError: If a section is written in a way that cannot be edited (merged from elsewhere, or spread
            over lines of a text in quotes).
    """
    for comments in (True, False):
        edited = _edited(text, commits, name, comments=comments)
        if edited is not None:
            return edited
    wanted = ", ".join(f"{'.'.join(map(str, place))}.revision: {commit}" for place, (commit, _) in commits.items())
    raise RecipeError(f"{name}: cannot be edited in place; write in yourself: {wanted}")


def _edited(text: str, commits: Mapping[Place, tuple[str, str]], name: str, *, comments: bool) -> str | None:
    """The edited text, or None if it would not say what it must."""
    edits: list[Edit] = []
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        for place, (commit, ref) in commits.items():
            edits += _edits(text, _section(root, place), _scalar(commit), f"  # {ref}" if comments else "")
        pieces, at = [], 0
        for start, end, new in sorted(dict.fromkeys(edits), key=lambda edit: edit[0]):
            pieces += [text[at:start], new]
            at = end
        edited = "".join([*pieces, text[at:]])
        return edited if parse_yaml(edited, name) == _expected(parse_yaml(text, name), commits) else None
    except (LookupError, RecipeError):
        return None


def _expected(values: Any, commits: Mapping[Place, tuple[str, str]]) -> Any:
    """What the file must say afterwards."""
    values = copy.deepcopy(values)
    for place, (commit, _) in commits.items():
        section = values
        for part in place:
            section = section[part]
        section["revision"] = commit
    return values


def _section(node: yaml.Node | None, place: Place) -> yaml.MappingNode:
    for part in place:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
        else:
            node = _entry(node, str(part))[1]
    if not isinstance(node, yaml.MappingNode):
        raise LookupError(place)
    return node


def _entry(node: yaml.Node | None, name: str) -> tuple[yaml.Node, yaml.Node]:
    """Key and value of an entry of a mapping."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        if key.value == name:
            return key, value
    raise LookupError(name)


def _edits(text: str, section: yaml.MappingNode, commit: str, comment: str) -> list[Edit]:
    """Replace the revision, or put one beside the key that names the repository."""
    names = [key.value for key, _ in section.value]
    if "revision" in names:
        key, value = _entry(section, "revision")
        start, end = value.start_mark.index, value.end_mark.index
        if not text[start:end].strip():  # left empty: the place of nothing may be on a later line
            start = end = text.index(":", key.end_mark.index) + 1
        space = " " if text[start - 1] == ":" else ""
        return [(start, end, f"{space}{commit}"), _at_line_end(text, end, comment)]
    key, value = _entry(section, "model" if "model" in names else "dataset")
    after = value.end_mark.index
    if section.flow_style:
        return [(after, after, f", revision: {commit}"), _at_line_end(text, after, comment)]
    newline = "\r\n" if "\r\n" in text else "\n"
    return [_at_line_end(text, after, f"{newline}{' ' * key.start_mark.column}revision: {commit}{comment}")]


def _at_line_end(text: str, index: int, addition: str) -> Edit:
    at = _line_end(text, index)
    return at, at, addition


def _line_end(text: str, index: int) -> int:
    line_end = re.compile(r"[ \t]*(?:\r?\n|\Z)").search(text, index)
    return line_end.start() if line_end else len(text)


def _scalar(commit: str) -> str:
    """Digits alone, or with one e among them, would be read as a number."""
    return f'"{commit}"' if re.fullmatch(r"\d+(?:e\d+)?", commit) else commit
