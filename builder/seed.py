"""Seed data: human-written (instruction, output) pairs (paper 2.1; 3.1 "Seed data").

The paper takes the first turn of English Open Assistant conversations and the reply ranked best. How its 3,200
pairs were chosen among those is not said. Departure: `size` draws them by a seeded hash of their ids, so that the
sample does not depend on the order of files or rows.
"""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from builder.control_tokens import escape_control_tokens, find_control_token
from builder.errors import StageError
from builder.progress import Progress
from builder.recipe import Runtime, Seed, SeedSource
from builder.records import Counts, Rejects, Stats, rejected_schema, seed_schema, stable_id
from builder.seed_files import Row, read_source
from builder.storage import write_rows

VERSION = 1

FAILURES = frozenset({"not_json", "no_columns", "not_text", "not_unicode"})
"""Reasons that mean a row could not be read; all others mean it was left out on purpose."""

OASST_COLUMNS = (("message_tree_id", "prompt"), ("message_id", "text", "role"))
"""What tells a tree and a flat message of Open Assistant."""

Message = dict[str, Any]


class Candidate(NamedTuple):
    """A pair as found, or `reason` why a row is none; the texts may still be anything.

    `escaped` says that a control token in them was made harmless.
    """

    id: str
    instruction: Any = None
    output: Any = None
    reason: str | None = None
    escaped: bool = False


def select_seed(out: Path, config: Seed, *, runtime: Runtime) -> Stats:
    """Read all sources and write the seed pairs.

    Writes `data/seed.parquet` (`seed_schema`, sorted by id) and `rejected/seed.parquet`.

    Args:
        out: The stage folder.
        config: Sources and selection.
        runtime: Unused; every stage takes it.

    Returns:
        Counts of `pairs`: rows of `pairs` sources, first-turn replies (and prompts without one) of `oasst` sources.

    Raises:
        RecipeError: If a source cannot be read or has not the columns the recipe names.
        StageError: If no pair is left.
    """
    parts, rejects, progress = {source.name: Counts() for source in config.sources}, Rejects(), Progress(out, "rows")
    kept: list[dict[str, str]] = []
    seen: set[str] = set()
    tallies: list[Counter[str]] = []
    escaped: set[str] = set()
    for source in config.sources:
        tallies.append(Counter())
        candidates = list(_candidates(source, config, tallies[-1], progress))
        # Sorted, so that which of two equal pairs stays does not depend on the order of the rows.
        for candidate in sorted(candidates, key=lambda item: (item.id, str(item.instruction), str(item.output))):
            parts[source.name].rows_in += 1
            row = _seed_row(candidate, source)
            reason = candidate.reason or _fault(row, candidate, seen)
            if reason is None:
                kept.append(row)
                escaped |= {candidate.id} if candidate.escaped else set()
            else:
                _reject(parts, rejects, row, reason)
    kept = _sample(kept, config, parts, rejects)
    counts = Counts()
    for name, part in parts.items():
        part.kept = sum(row["source"] == name for row in kept)
        counts.add(part)
    write_rows(out / "data" / "seed.parquet", sorted(kept, key=lambda row: row["id"]), seed_schema())
    write_rows(out / "rejected" / "seed.parquet", rejects.rows, rejected_schema())
    if not kept:
        raise StageError(f"no seed pair is left of {counts.rows_in:,}: {_reasons(counts)}; see the seed section")
    details = _details(config.sources, parts, tallies, kept)
    return Stats({"pairs": counts}, details | {"escaped": sum(row["id"] in escaped for row in kept)})


def char_lengths(lengths: list[int]) -> dict[str, float]:
    """Mean and sample standard deviation (n - 1) of lengths in characters, as in the paper's table of data."""
    mean = statistics.fmean(lengths) if lengths else 0.0
    return {"mean": round(mean, 1), "sd": round(statistics.stdev(lengths), 1) if len(lengths) > 1 else 0.0}


def _candidates(source: SeedSource, config: Seed, tally: Counter[str], progress: Progress) -> Iterator[Candidate]:
    if source.format == "oasst":
        found = _oasst(read_source(source, OASST_COLUMNS, progress), config, tally)
    else:
        found = _pairs(read_source(source, ((source.instruction, source.output),), progress), source)
    if config.on_control_tokens == "escape":
        found = map(_escaped, found)
    return map(_named, found)


def _escaped(candidate: Candidate) -> Candidate:
    """The candidate with the control tokens in its texts made harmless."""
    found = [candidate.instruction, candidate.output]
    texts = [escape_control_tokens(text) if isinstance(text, str) else text for text in found]
    return candidate._replace(instruction=texts[0], output=texts[1], escaped=texts != found)


def _named(candidate: Candidate) -> Candidate:
    """The candidate with an id: its source's, else that of its texts."""
    texts = map(_spaced, (candidate.instruction, candidate.output))
    return candidate if candidate.id else candidate._replace(id=stable_id(*texts))


def _pairs(rows: Iterable[Row], source: SeedSource) -> Iterator[Candidate]:
    for row in rows:
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
        else:
            yield Candidate("", row.value[source.instruction], row.value[source.output])


def _oasst(rows: Iterable[Row], config: Seed, tally: Counter[str]) -> Iterator[Candidate]:
    """First-turn replies of Open Assistant trees and flat messages; `tally` counts the messages."""
    messages: list[Message] = []
    for row in rows:
        if row.value is None:
            yield Candidate(row.place, reason=row.fault)
        elif isinstance(row.value.get("prompt"), dict):
            root = {**row.value["prompt"], "tree_state": row.value.get("tree_state")}
            for message in _flattened(root):
                _count(tally, message)
            yield from _first_turn(root, root.get("replies") or [], config)
        else:
            _count(tally, row.value)
            messages.append(row.value)
    replies: dict[str, list[Message]] = {}
    for message in messages:
        replies.setdefault(_parent(message), []).append(message)
    for root in replies.pop("", []):
        yield from _first_turn(root, replies.get(str(root["message_id"]), []), config)


def _flattened(root: Message) -> Iterator[Message]:
    waiting = [root]
    while waiting:
        message = waiting.pop()
        yield message
        waiting += message.get("replies") or []


def _count(tally: Counter[str], message: Message) -> None:
    tally["messages"] += 1
    tally[str(message.get("role"))] += 1
    tally["roots"] += not _parent(message)
    tally["rank0"] += _number(message.get("rank")) == 0


def _parent(message: Message) -> str:
    """Id of the message this one answers, empty for a root; a column that went through pandas has NaN there."""
    parent = message.get("parent_id")
    return parent if isinstance(parent, str) else ""


def _first_turn(root: Message, replies: list[Message], config: Seed) -> Iterator[Candidate]:
    """One candidate for every reply to a root prompt, with the reason if it is not used (paper 3.1)."""
    if not replies:
        yield Candidate(str(root.get("message_id")), root.get("text"), None, "no_reply")
    present = sum(not reply.get("deleted") for reply in replies)
    of_tree = None if root.get("tree_state") == "ready_for_export" else "not_exported"
    of_root = of_tree or _message_fault(root, "prompter", config)
    for reply in replies:
        reason = of_root or _message_fault(reply, "assistant", config)
        reason = reason or _rank_fault(reply, config, alone=present == 1) or _quality_fault(root, reply, config)
        yield Candidate(str(reply.get("message_id")), root.get("text"), reply.get("text"), reason)


def _message_fault(message: Message, role: str, config: Seed) -> str | None:
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


def _rank_fault(reply: Message, config: Seed, *, alone: bool) -> str | None:
    """Ranks order siblings, 0 is best; a reply without siblings was never ranked."""
    rank = _number(reply.get("rank"))
    if rank is None:
        return None if alone and config.only_children else "unranked"
    return None if rank == 0 else "lower_rank"


def _quality_fault(root: Message, reply: Message, config: Seed) -> str | None:
    if config.min_quality is None:
        return None
    qualities = [_quality(message.get("labels")) for message in (root, reply)]
    known = [quality for quality in qualities if quality is not None]
    if len(known) < len(qualities):
        return "no_quality"
    return "low_quality" if min(known) < config.min_quality else None


def _quality(labels: Any) -> float | None:
    """The `quality` label: trees map name to value, flat rows have a dict of lists or a list of dicts."""
    if isinstance(labels, dict) and isinstance(labels.get("name"), list):
        return _number(dict(zip(labels["name"], labels["value"], strict=True)).get("quality"))
    if isinstance(labels, dict):
        return _number((labels.get("quality") or {}).get("value"))
    return next((_number(label["value"]) for label in labels or [] if label["name"] == "quality"), None)


def _number(value: Any) -> float | None:
    """A number, or None; a table that went through pandas says NaN where a rank is missing."""
    return None if value is None or math.isnan(value) else float(value)


def _seed_row(candidate: Candidate, source: SeedSource) -> dict[str, str]:
    texts = {name: str(getattr(candidate, name) or "").strip() for name in ("instruction", "output")}
    return {"id": candidate.id, **texts, "source": source.name, "license": source.license}


def _fault(row: dict[str, str], candidate: Candidate, seen: set[str]) -> str | None:
    """Why a pair cannot be used as it stands; a pair that can is remembered in `seen`."""
    if not all(isinstance(text, str | None) for text in (candidate.instruction, candidate.output)):
        return "not_text"
    for name in ("instruction", "output"):
        if not row[name]:
            return f"empty_{name}"
    texts = row["instruction"], row["output"]
    if any("\ud800" <= character <= "\udfff" for text in texts for character in text):
        return "not_unicode"
    if any(map(find_control_token, (row["id"], *texts))):
        return "control_tokens"
    keys = {row["id"], stable_id(*map(_spaced, texts))}
    if keys & seen:
        return "duplicate"
    seen |= keys
    return None


def _spaced(text: Any) -> str:
    return " ".join(str(text).split())


def _sample(
    kept: list[dict[str, str]], config: Seed, parts: dict[str, Counts], rejects: Rejects
) -> list[dict[str, str]]:
    """At most `size` rows, by the hash of their ids."""
    ordered = sorted(kept, key=lambda row: stable_id(config.seed, row["id"]))
    for row in ordered[config.size :] if config.size else []:
        _reject(parts, rejects, row, "not_sampled")
    return ordered[: config.size]


def _reject(parts: dict[str, Counts], rejects: Rejects, row: dict[str, str], reason: str) -> None:
    counts = parts[row["source"]]
    (counts.failed if reason in FAILURES else counts.dropped)[reason] += 1
    text = f"{row['instruction']}\n\n{row['output']}".strip().encode("utf-8", "replace").decode()
    rejects.add(row["id"], reason, text=text)


def _reasons(counts: Counts) -> str:
    reasons = counts.dropped + counts.failed
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.most_common()) or "the sources hold no row"


def _details(
    sources: list[SeedSource], parts: dict[str, Counts], tallies: list[Counter[str]], kept: list[dict[str, str]]
) -> dict[str, Any]:
    return {
        "sources": [
            {
                "name": source.name,
                "license": source.license,
                "pairs": parts[source.name].rows_in,
                "kept": parts[source.name].kept,
                "left_out": dict(sorted((parts[source.name].dropped + parts[source.name].failed).items())),
                **dict(sorted(tally.items())),
            }
            for source, tally in zip(sources, tallies, strict=True)
        ],
        "instruction_chars": char_lengths([len(row["instruction"]) for row in kept]),
        "output_chars": char_lengths([len(row["output"]) for row in kept]),
    }
