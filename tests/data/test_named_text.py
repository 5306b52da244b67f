import errno
import os
from pathlib import Path

import pytest

from builder.data.inputs import NotAFileError
from builder.data.named_text import named_text, why_unread
from builder.errors import RecipeError


def test_the_text_of_a_file_that_cannot_be_read_is_asked_for_by_the_key_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    with pytest.raises(RecipeError) as error:
        named_text(path, "segments.phrases")
    assert str(error.value) == f"{path}: cannot be read (no such file or directory); segments.phrases names it"
    path.write_bytes(b"\xff")
    with pytest.raises(RecipeError, match=r"cannot be read \(it is no text in UTF-8\); segments.phrases names it$"):
        named_text(path, "segments.phrases")
    path.write_text("\ufeffé\n", encoding="utf-8")
    assert named_text(path, "segments.phrases") == "\ufeffé\n"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/A/B"), "permission denied"),
        (NotAFileError(Path("/A"), "a socket"), "it is a socket"),
        (OSError("No such file or directory: /A/B"), "No such file or directory: /A/B"),
    ],
)
def test_the_reason_holds_no_number_and_leaves_a_path_as_it_is(error: OSError, why: str) -> None:
    assert why_unread(error) == why
