"""Which instructions quote the page they were written for, and so would pass its text on."""

from collections.abc import Iterable
from typing import Any

from builder.text.words import holds_run, runs, units, words

Row = dict[str, Any]


def quotes(instruction: str, page: str, limit: int) -> bool:
    """Whether an instruction has more than `limit` words in a row in common with a text of its page."""
    asked = words(instruction)
    length = units(limit, asked) + 1
    return holds_run(words(page), runs(asked, length), length)


def quoting_ids(segments: Iterable[Row], candidates: Iterable[Row], limit: int) -> frozenset[str]:
    """Ids of the candidates whose instruction quotes what the build has of the page: title, headings and segment.

    Args:
        segments: The segments with their `SOURCE_TEXTS`.
        candidates: The pairs; `id`, `segment_id` and `instruction`.
        limit: So many words in a row are no quotation yet.
    """
    texts = {row["id"]: _text(row) for row in segments}
    return frozenset(
        str(row["id"]) for row in candidates if quotes(row["instruction"], texts[row["segment_id"]], limit)
    )


SOURCE_TEXTS = ("id", "title", "header", "header_path", "text")


def _text(row: Row) -> str:
    return "\n".join([row["title"], *row["header_path"], row["header"], row["text"]])
