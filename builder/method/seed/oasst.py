"""Open Assistant conversations, as trees or as flat messages: the candidates among them and why each is none (3.1)."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from builder.method.seed.files import Candidate, SourceRow
from builder.recipe.sections.seed import Seed

COLUMNS = (("message_tree_id", "prompt"), ("message_id", "text", "role"))
"""What tells a tree and a flat message."""

OasstMessage = dict[str, Any]


def oasst_candidates(rows: Iterable[SourceRow], config: Seed, tally: Counter[str]) -> Iterator[Candidate]:
    """Yield the first-turn replies of trees and flat messages, and the prompts without one.

    A row that has the columns but not the form of a tree or a message is one candidate, `malformed`; so is a flat
    message whose parent is not there, `no_parent`: nobody can say what it answers.

    Args:
        rows: Of one source.
        config: Which replies are used.
        tally: Counts the messages, by role too.
    """
    messages: list[OasstMessage] = []
    for row in rows:
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
            continue
        of_row = _messages(row.value)
        if of_row is None:
            yield Candidate(row.place, reason="malformed")
            continue
        for message in of_row:
            _count(tally, message)
        if _is_tree(row.value):
            yield from _first_turn(of_row[0], of_row[0].get("replies") or [], config)
        else:
            messages += of_row
    replies: dict[str, list[OasstMessage]] = {}
    for message in messages:
        replies.setdefault(_parent(message), []).append(message)
    for root in replies.pop("", []):
        yield from _first_turn(root, replies.get(root["message_id"], []), config)
    for parent in replies.keys() - {message["message_id"] for message in messages}:
        yield from (Candidate(reply["message_id"], None, reply.get("text"), "no_parent") for reply in replies[parent])


def _messages(row: dict[str, Any]) -> list[OasstMessage] | None:
    """All messages of a tree, its prompt first, or the one that a flat row is; None if one has not the form."""
    if not _is_tree(row):
        return [row] if _is_message(row) else None
    waiting: list[Any] = [{**row["prompt"], "tree_state": row.get("tree_state")}]
    messages: list[OasstMessage] = []
    while waiting:
        message = waiting.pop()
        if not _is_message(message) or not isinstance(message.get("replies"), list | None):
            return None
        messages.append(message)
        waiting += message.get("replies") or []
    return messages


def _is_tree(row: dict[str, Any]) -> bool:
    return isinstance(row.get("prompt"), dict)


def _is_message(value: Any) -> bool:
    """Whether what is read of a message is of its type; a rank or labels of another type count as none."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("message_id"), str)
        and value["message_id"] != ""
        and isinstance(value.get("text"), str | None)
        and isinstance(value.get("role"), str | None)
        and (isinstance(value.get("parent_id"), str | None) or _is_nan(value["parent_id"]))
    )


def _count(tally: Counter[str], message: OasstMessage) -> None:
    tally["messages"] += 1
    if message.get("role") in ("prompter", "assistant"):
        tally[message["role"]] += 1
    tally["roots"] += not _parent(message)
    tally["rank0"] += _number(message.get("rank")) == 0


def _parent(message: OasstMessage) -> str:
    """Id of the message this one answers, empty for a root; a column that went through pandas has NaN there."""
    parent = message.get("parent_id")
    return parent if isinstance(parent, str) else ""


def _first_turn(root: OasstMessage, replies: list[OasstMessage], config: Seed) -> Iterator[Candidate]:
    """One candidate for every reply to a root prompt, with the reason if it is not used (paper 3.1)."""
    if not replies:
        yield Candidate(root["message_id"], root.get("text"), None, "no_reply")
    present = sum(not reply.get("deleted") for reply in replies)
    of_tree = None if root.get("tree_state") == "ready_for_export" else "not_exported"
    of_root = of_tree or _message_fault(root, "prompter", config)
    for reply in replies:
        reason = of_root or _message_fault(reply, "assistant", config)
        reason = reason or _rank_fault(reply, config, alone=present == 1) or _quality_fault(root, reply, config)
        yield Candidate(reply["message_id"], root.get("text"), reply.get("text"), reason)


def _message_fault(message: OasstMessage, role: str, config: Seed) -> str | None:
    name = "prompt" if role == "prompter" else "reply"
    if message.get("role") != role:
        return f"{name}_role"
    if message.get("deleted"):
        return f"{name}_deleted"
    if message.get("review_result") is False:
        return f"{name}_review"
    if message.get("lang") != config.language:
        return f"{name}_language"
    return "synthetic" if message.get("synthetic") and not config.synthetic else None


def _rank_fault(reply: OasstMessage, config: Seed, *, alone: bool) -> str | None:
    """Ranks order siblings, 0 is best; a reply without siblings was never ranked."""
    rank = _number(reply.get("rank"))
    if rank is None:
        return None if alone and config.only_children else "unranked"
    return None if rank == 0 else "lower_rank"


def _quality_fault(root: OasstMessage, reply: OasstMessage, config: Seed) -> str | None:
    if config.min_quality is None:
        return None
    qualities = [_quality(message.get("labels")) for message in (root, reply)]
    known = [quality for quality in qualities if quality is not None]
    if len(known) < len(qualities):
        return "no_quality"
    return "low_quality" if min(known) < config.min_quality else None


def _quality(labels: Any) -> float | None:
    """The `quality` label: trees map name to value, flat rows have a dict of lists or a list of dicts."""
    pairs: Iterable[tuple[Any, Any]] = []
    if isinstance(labels, dict) and isinstance(labels.get("name"), list):
        values = labels.get("value")
        pairs = zip(labels["name"], values if isinstance(values, list) else [], strict=False)
    elif isinstance(labels, dict):
        pairs = ((name, label.get("value")) for name, label in labels.items() if isinstance(label, dict))
    elif isinstance(labels, list):
        pairs = ((label.get("name"), label.get("value")) for label in labels if isinstance(label, dict))
    return next((_number(value) for name, value in pairs if name == "quality"), None)


def _number(value: Any) -> float | None:
    """A number, or None; a table that went through pandas says NaN where a rank is missing."""
    if isinstance(value, bool) or not isinstance(value, int | float) or _is_nan(value):
        return None
    return value


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
