"""What the owner of a dataset says of it in words of their own."""

from pathlib import Path

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.errors import RecipeError

MOST_CHARS = 20_000


def read_about(path: Path) -> list[str]:
    """The paragraphs of the file of `release.about`, as they are; nothing in them is markup.

    Raises:
        RecipeError: If it is no text file, or too long for a card.
    """
    try:
        refuse_special(path)
        with path.open("rb") as file:
            held = file.read(4 * MOST_CHARS + 1)
        text = held.decode("utf-8-sig") if len(held) <= 4 * MOST_CHARS else " " * len(held)
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path}: release.about cannot be read ({why_unread(error)}); it must be a text file in UTF-8"
        ) from error
    if len(text) > MOST_CHARS:
        raise RecipeError(f"{path}: has more than {MOST_CHARS:,} characters; shorten what release.about says")
    lines = [line.strip() for line in text.splitlines()]
    paragraphs = "\n".join(lines).split("\n\n")
    return [" ".join(paragraph.split()) for paragraph in paragraphs if paragraph.strip()]
