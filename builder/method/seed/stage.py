"""Seed data: human-written (instruction, output) pairs (paper 2.1; 3.1 "Seed data").

The paper takes the first turn of English Open Assistant conversations and the reply ranked best. How its 3,200
pairs were chosen among those is not said. Departure: `size` draws them by a seeded hash of their ids, so that the
sample does not depend on the order of files or rows.
"""

import re
import statistics
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from builder.data.accounting import Counts, Rejects, Stats
from builder.data.records import rejected_schema, seed_schema, stable_id
from builder.data.storage import write_rows
from builder.errors import StageError
from builder.method.seed.files import Candidate, SourceRow, read_source
from builder.method.seed.formats import candidates_of, columns_of, with_format
from builder.method.seed.heads import first_rows
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed, SeedSource
from builder.text.control_tokens import escape_control_tokens, find_control_token
from builder.text.unseen import Plain, plain
from builder.workspace.progress import Progress

VERSION = 5

_HALF = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair, which no file can hold."""
FAILURES = frozenset({"not_json", "no_columns", "malformed", "not_text", "not_unicode"})
"""Reasons that mean a row could not be read; all others mean it was left out on purpose."""


def select_seed(out: Path, config: Seed, *, runtime: Runtime) -> Stats:
    """Read all sources and write the seed pairs.

    Writes `data/seed.parquet` (`seed_schema`, sorted by id) and `rejected/seed.parquet`.

    Args:
        out: The stage folder.
        config: Sources and selection.
        runtime: Unused; every stage takes it.

    Returns:
        Counts of `pairs`: first-turn replies (and prompts without one) of `oasst` sources, the rows of others.

    Raises:
        RecipeError: If a source cannot be read or has not the columns the recipe names.
        StageError: If no pair is left.
    """
    parts, rejects, progress = {source.name: Counts() for source in config.sources}, Rejects(), Progress(out, "rows")
    kept: list[dict[str, str]] = []
    seen: set[str] = set()
    tallies: list[Counter[str]] = []
    escaped: set[str] = set()
    unseen: dict[str, int] = {}
    sources = [with_format(source, first_rows(source)) for source in config.sources]
    for source in sources:
        tallies.append(Counter())
        found = candidates(read_source(source, columns_of(source), progress), source, config, tallies[-1])
        # Sorted, so that which of two equal pairs stays does not depend on the order of the rows.
        for candidate in sorted(found, key=lambda item: (item.id, str(item.instruction), str(item.output))):
            parts[source.name].rows_in += 1
            row = seed_row(candidate, source)
            reason = candidate.reason or row_fault(row, candidate, seen)
            if reason is None:
                kept.append(row)
                escaped |= {candidate.id} if candidate.escaped else set()
                unseen |= {candidate.id: candidate.unseen} if candidate.unseen else {}
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
    changed = {
        "escaped": sum(row["id"] in escaped for row in kept),
        "unseen": sum(row["id"] in unseen for row in kept),
        "unseen_chars": sum(unseen.get(row["id"], 0) for row in kept),
    }
    return Stats({"pairs": counts}, _details(sources, parts, tallies, kept) | changed)


def char_lengths(lengths: list[int]) -> dict[str, float]:
    """Mean and sample standard deviation (n - 1) of lengths in characters, as in the paper's table of data."""
    mean = statistics.fmean(lengths) if lengths else 0.0
    return {"mean": round(mean, 1), "sd": round(statistics.stdev(lengths), 1) if len(lengths) > 1 else 0.0}


def candidates(rows: Iterable[SourceRow], source: SeedSource, config: Seed, tally: Counter[str]) -> Iterator[Candidate]:
    """The candidates among rows, whose source has its format, with what the recipe does to their texts.

    Raises:
        RecipeError: If something that belongs to the prompts would be left out, and the recipe does not say so.
    """
    found = map(_plain, candidates_of(rows, source, config, tally))
    if config.on_control_tokens == "escape":
        found = map(_escaped, found)
    return map(_named, found)


def _plain(candidate: Candidate) -> Candidate:
    """The candidate without characters that nobody sees; one that is no Unicode stays as it is, to be left out."""
    texts = [candidate.id, candidate.instruction, candidate.output]
    if any(isinstance(text, str) and _HALF.search(text) for text in texts):
        return candidate
    shown = [plain(text) if isinstance(text, str) else Plain(text, 0) for text in texts]
    own_id, instruction, output = (text.text for text in shown)
    taken = sum(text.taken for text in shown)
    return candidate._replace(id=own_id, instruction=instruction, output=output, unseen=taken)


def _escaped(candidate: Candidate) -> Candidate:
    """The candidate with the control tokens in its texts made harmless."""
    originals = [candidate.instruction, candidate.output]
    texts = [escape_control_tokens(text) if isinstance(text, str) else text for text in originals]
    return candidate._replace(instruction=texts[0], output=texts[1], escaped=texts != originals)


def _named(candidate: Candidate) -> Candidate:
    """The candidate with an id: its source's, else that of its texts."""
    texts = map(_spaced, (candidate.instruction, candidate.output))
    return candidate if candidate.id else candidate._replace(id=stable_id(*texts))


def seed_row(candidate: Candidate, source: SeedSource) -> dict[str, str]:
    """The row of a candidate, as it is written if it stays."""
    texts = {name: str(getattr(candidate, name) or "").strip() for name in ("instruction", "output")}
    return {"id": candidate.id, **texts, "source": source.name, "license": source.license}


def row_fault(row: dict[str, str], candidate: Candidate, seen: set[str]) -> str | None:
    """Why a pair cannot be used as it stands; a pair that can is remembered in `seen`."""
    if not all(isinstance(text, str | None) for text in (candidate.instruction, candidate.output)):
        return "not_text"
    for name in ("instruction", "output"):
        if not row[name]:
            return f"empty_{name}"
    texts = row["instruction"], row["output"]
    if any(map(_HALF.search, (row["id"], *texts))):
        return "not_unicode"
    if any(map(find_control_token, (row["id"], *texts))):
        return "control_tokens"
    keys = {row["id"], stable_id(*map(_spaced, texts))}
    if keys & seen:
        return "duplicate"
    seen |= keys
    return None


def _spaced(text: Any) -> str:
    """A text as it is compared: composed, with single spaces."""
    return " ".join(unicodedata.normalize("NFC", str(text)).split())


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
    text = f"{row['instruction']}\n\n{row['output']}".strip()
    rejects.add(_unicode(row["id"]), reason, text=_unicode(text))


def _unicode(text: str) -> str:
    """The text with a question mark for what no file can hold."""
    return text.encode("utf-8", "replace").decode()


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
                "format": source.format,
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
