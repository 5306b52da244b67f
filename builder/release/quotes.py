"""Which instructions quote the page they were written for, and so would pass its text on."""

from typing import TYPE_CHECKING, Any

from builder.gate.words import holds_run, runs, units, words
from builder.storage import read_rows

if TYPE_CHECKING:
    from builder.release.material import Material


def quotes(instruction: str, page: str, limit: int) -> bool:
    """Whether an instruction has more than `limit` words in a row in common with a text of its page."""
    asked = words(instruction)
    length = units(limit, asked) + 1
    return holds_run(words(page), runs(asked, length), length)


def quoting_ids(material: "Material") -> frozenset[str]:
    """Ids of the candidates whose instruction quotes what the build has of the page: title, headings and segment."""
    limit = material.recipe.release.max_quoted_words
    texts = {row["id"]: _text(row) for row in read_rows(material.stage("dedup").data, list(_TEXTS))}
    found = set()
    for row in read_rows(material.stage("augment").data, ["id", "segment_id", "instruction"]):
        if quotes(row["instruction"], texts[row["segment_id"]], limit):
            found.add(str(row["id"]))
    return frozenset(found)


_TEXTS = ("id", "title", "header", "header_path", "text")


def _text(row: dict[str, Any]) -> str:
    return "\n".join([row["title"], *row["header_path"], row["header"], row["text"]])
