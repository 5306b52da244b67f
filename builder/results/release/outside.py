"""Texts of a release that somebody else may have written, read by rules that bound them."""

from pathlib import Path
from typing import Any

from builder.data.paths import inside
from builder.data.strict_json import strict_json
from builder.errors import ReleaseError

MOST_BYTES = 64 * 1024**2
"""Of a manifest of as many files as the Hub takes, with room."""


def outside_text(root: Path, name: str, most: int = MOST_BYTES) -> str:
    """The text of a file of a release.

    Args:
        root: The folder of the dataset or model.
        name: The file in it.
        most: How many bytes it may have.

    Raises:
        ReleaseError: If it is missing, no plain file, too large or not UTF-8.
        UnsafePath: If the name or a link leads out of the folder.
    """
    path = inside(root, name, str(root))
    if not path.is_file():
        raise ReleaseError(f"{path}: there is no such file; a release has one")
    if path.stat().st_size > most:
        raise ReleaseError(f"{path}: has {path.stat().st_size:,} bytes; at most {most:,} are read")
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise ReleaseError(f"{path}: is not UTF-8 ({error.reason} at byte {error.start})") from error


def outside_json(root: Path, name: str, most: int = MOST_BYTES) -> Any:
    """The value of a JSON file of a release; keys written twice and numbers that JSON has not are errors.

    Raises:
        ReleaseError: As `outside_text`, and if it is not JSON, or nested too deep.
        UnsafePath: As `outside_text`.
    """
    text = outside_text(root, name, most)
    try:
        return strict_json(text)
    except ValueError as error:
        raise ReleaseError(f"{root / name}: not valid JSON ({error})") from error
