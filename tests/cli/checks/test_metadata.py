"""Files of a release are looked at before hours of building."""

from pathlib import Path

from support.bare_recipe import recipe

from builder.cli.checks.metadata import release_file_problems


def test_labels_and_take_downs_that_cannot_be_read_are_told_with_line_and_cure(tmp_path: Path) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"id": "a", "good": true}\n{"id": "b" "good": false}\n')
    of = recipe(release={"labels": labels, "removed": tmp_path / "none.txt"}).release
    bad_line, missing = release_file_problems(of)
    assert bad_line.startswith(f"{labels}: line 2 is not JSON (Expecting ',' delimiter")
    assert bad_line.endswith('; write {"id": "...", "good": true}')
    assert missing.startswith(f"{tmp_path / 'none.txt'}: release.removed cannot be read")


def test_sound_files_and_none_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "good": true}\n')
    (tmp_path / "removed.txt").write_text("# none yet\n")
    sound = recipe(release={"labels": tmp_path / "labels.jsonl", "removed": tmp_path / "removed.txt"})
    assert list(release_file_problems(sound.release)) == []
    assert list(release_file_problems(recipe().release)) == []
