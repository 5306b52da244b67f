"""Files of a release are looked at before hours of building."""

import os
import re
from pathlib import Path

import pytest
from support.bare_recipe import recipe

from builder.cli.checks.metadata import release_file_problems


def test_labels_and_take_downs_that_cannot_be_read_are_told_with_line_and_cure(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"id": "a", "good": true}\n{"id": "b" "good": false}\n')
    of = recipe(release={"labels": labels, "removed": tmp_path / "none.txt"}).release
    bad_line, missing = release_file_problems(of)
    assert bad_line.startswith(f"{labels}: line 2 is not JSON (Expecting ',' delimiter")
    assert bad_line.endswith('; write {"id": "...", "good": true}')
    assert missing.startswith(f"{tmp_path / 'none.txt'}: release.removed cannot be read (no such file or directory); ")


def test_labels_that_are_not_there_name_no_option_that_nobody_gave(tmp_path: Path) -> None:
    (missing,) = release_file_problems(recipe(release={"labels": tmp_path / "none.jsonl"}).release)
    assert missing == (
        f"{tmp_path / 'none.jsonl'}: cannot be read (no such file or directory); labels are JSON lines such as "
        '{"id": "...", "good": true}'
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, r"release.about cannot be read \(no such file or directory\); it must be"),
        (
            "Maße".encode("latin-1"),
            r"release.about cannot be read \(it is no text in UTF-8\); it must be a text file in UTF-8",
        ),
        (b"word " * 4_001, "has more than 20,000 characters"),
        ("😀".encode() * 20_001, "has more than 20,000 characters"),
    ],
)
def test_the_owners_own_words_are_read_before_a_build(tmp_path: Path, content: bytes | None, why: str) -> None:
    file = tmp_path / "about.txt"
    if content is not None:
        file.write_bytes(content)
    (problem,) = release_file_problems(recipe(release={"about": file}).release)
    assert re.match(rf"{re.escape(str(file))}: {why}", problem)


@pytest.mark.parametrize("key", ["about", "labels", "removed"])
def test_a_pipe_in_place_of_such_a_file_is_told_and_never_waited_for(tmp_path: Path, key: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (problem,) = release_file_problems(recipe(release={key: tmp_path / "pipe"}).release)
    assert problem.startswith(f"{tmp_path / 'pipe'}: ")
    assert "cannot be read (it is a named pipe)" in problem


def test_sound_files_and_none_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "good": true}\n')
    (tmp_path / "removed.txt").write_text("# none yet\n")
    (tmp_path / "about.txt").write_bytes("😀".encode() * 20_000)
    files = {"labels": "labels.jsonl", "removed": "removed.txt", "about": "about.txt"}
    sound = recipe(release={key: tmp_path / name for key, name in files.items()})
    assert list(release_file_problems(sound.release)) == []
    assert list(release_file_problems(recipe().release)) == []
