"""What was consented to counts with the user's own signature alone, for the recipe and the folder it was given for."""

import json
import os
from pathlib import Path

import pytest

from builder.recipe.remembered import Memory, of_others, remember_own


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "recipe").mkdir()
    return tmp_path / "recipe"


def memory(folder: Path) -> Memory:
    return Memory(folder / "build.yaml", folder / "work")


def test_a_consent_is_remembered_and_others_stay(folder: Path) -> None:
    assert memory(folder).consents() == set()
    assert memory(folder).consent(["a"]) is None
    assert memory(folder).consent(["b"]) is None
    assert memory(folder).consents() == {"a", "b"}
    assert not memory(folder).is_own()
    assert remember_own(folder) is None
    assert memory(folder).is_own()
    assert memory(folder).consents() == {"a", "b"}


def test_key_and_memory_are_for_their_user_alone(folder: Path, tmp_path: Path) -> None:
    memory(folder).consent(["a"])
    key = tmp_path / "state" / "humpback" / "trust.key"
    assert [path.stat().st_mode & 0o777 for path in (key, key.parent, folder / ".work.trusted.json")] == [
        0o600, 0o700, 0o600,
    ]  # fmt: skip
    assert {path.name for path in key.parent.iterdir()} == {"trust.key"}
    key.chmod(0o644)
    assert memory(folder).consents() == set()
    assert "cannot be kept" in str(memory(folder).consent(["b"]))


def test_a_memory_that_came_along_counts_for_nothing(folder: Path, tmp_path: Path) -> None:
    file = folder / ".work.trusted.json"
    remember_own(folder)
    memory(folder).consent(["a"])
    mine = file.read_text()

    other = tmp_path / "other"
    other.mkdir()
    (other / file.name).write_text(mine)
    assert not memory(other).is_own()
    assert memory(other).consents() == set()

    moved = mine.replace(str(folder), str(other))
    (other / file.name).write_text(moved)
    assert not memory(other).is_own()
    assert memory(other).consents() == set()

    more = [{**entry, "digests": [*entry["digests"], "b"]} for entry in json.loads(mine)]
    file.write_text(json.dumps(more))
    assert not memory(folder).is_own()
    assert memory(folder).consents() == set()

    file.write_text(mine)
    (tmp_path / "state" / "humpback" / "trust.key").write_bytes(bytes(32))
    assert not memory(folder).is_own()
    assert memory(folder).consents() == set()


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"{}", b"[1, null]", b'[{"kind": "recipe"}]', b"[" * 100_000, b'[{"digests": 7, "signature": []}]'],
)
def test_a_memory_that_is_none_counts_for_nothing_and_is_written_anew(folder: Path, content: bytes) -> None:
    memory(folder).consent(["a"])
    (folder / ".work.trusted.json").write_bytes(content)
    assert memory(folder).consents() == set()
    assert not memory(folder).is_own()
    assert memory(folder).consent(["b"]) is None
    assert memory(folder).consents() == {"b"}


def test_no_link_and_no_pipe_in_the_place_of_a_memory_is_opened(folder: Path, tmp_path: Path) -> None:
    file, victim = folder / ".work.trusted.json", tmp_path / "victim"
    victim.write_text("mine")
    for name in (file.name, f".{file.name}.tmp", f"{file.name}.tmp"):
        (folder / name).symlink_to(victim)
    assert memory(folder).consent(["a"]) is None
    assert memory(folder).consents() == {"a"}
    assert victim.read_text() == "mine"
    file.unlink()
    os.mkfifo(file)
    assert memory(folder).consents() == set()


def test_where_nothing_can_be_kept_it_says_so(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    said = memory(folder).consent(["a"])
    assert said
    assert str(tmp_path / "state") in said
    assert memory(folder).consents() == set()
    assert remember_own(folder)
    assert not memory(folder).is_own()


def test_what_another_user_has_or_may_write_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "build.yaml"
    file.touch(0o644)
    assert of_others([folder, file, folder / "absent"]) is None
    file.chmod(0o666)
    assert of_others([folder, file]) == file
    file.chmod(0o644)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert of_others([folder, file]) == folder
