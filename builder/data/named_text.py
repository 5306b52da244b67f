"""Text files that a recipe names, and why one of them cannot be read."""

from pathlib import Path

from builder.data.inputs import NotAFileError
from builder.errors import RecipeError


def named_text(path: Path, key: str) -> str:
    """The text of a file.

    Args:
        path: The file.
        key: The key of the recipe that names it.

    Raises:
        RecipeError: If it cannot be read as UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot be read ({why_unread(error)}); {key} names it") from error


def why_unread(error: OSError | UnicodeDecodeError) -> str:
    """Why a text file cannot be read, for a message that names the file."""
    if isinstance(error, UnicodeDecodeError):
        return "it is no text in UTF-8"
    if isinstance(error, NotAFileError):
        return f"it is {error.kind}"
    return error.strerror.lower() if error.strerror else str(error)
