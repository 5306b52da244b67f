"""What took the segments of a corpus, where none of them is left to go on with."""

from collections.abc import Mapping
from typing import Any

from builder.data.accounting import Counts
from builder.errors import StageError

_KINDS = ("records", "pages", "segments")
_ADVICE = (
    "segments.languages, min_chars and the rules of segments decide on most; `humpback show RECIPE segments --rejected`"
)


def refuse_nothing_left(segments: Mapping[str, Any], dedup: Mapping[str, Any]) -> None:
    """See that segments are left.

    Args:
        segments: What the stage `segments` has counted, as its record has it.
        dedup: The same of `dedup`.

    Raises:
        StageError: If none is; it says what took the records, the pages and the segments.
    """
    kept = dedup.get("segments")
    if not isinstance(kept, Mapping) or kept["kept"]:
        return
    parts = [f"{kind}: {taken(segments[kind])}" for kind in _KINDS if kind in segments]
    repeats = Counts.from_dict(dict(kept))
    if repeats.rows_in:
        parts.append(f"distinct segments: {taken(kept)}")
    raise StageError(f"no segments are left ({'; '.join(parts)}); {_ADVICE} shows them")


def taken(counts: Mapping[str, Any]) -> str:
    """How many of how many rows stay, and what took the others, the most frequent reason first."""
    of = Counts.from_dict(dict(counts))
    lost = (of.dropped + of.failed).most_common()
    return ", ".join([f"{of.kept:,} of {of.rows_in:,} stay", *(f"{number:,} {reason}" for reason, number in lost)])
