"""What a child is told and what it says: whole addresses reach it, and come out nowhere."""

import hashlib
import os
import sys
from pathlib import Path

import pytest

from builder.data.accounting import Counts, Stats
from builder.data.storage import read_json, write_json
from builder.errors import RecipeError, StageError
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import InputUrl, Section
from builder.workspace.layout import STAGE_FILE
from builder.workspace.workspace import Workspace

VERSION = 1
URL = "memory://canaryuser:canarypass@host/x?sig=canarysign"


class Sources(Section):
    """A stage that reads from many places."""

    sources: tuple[InputUrl, ...]
    fail: str = ""


def look(out: Path, config: Sources, *, runtime: Runtime) -> Stats:
    whole = [source.full() for source in config.sources if not isinstance(source, Path)]
    sys.stderr.write(f"reading {whole[0]}\n")
    os.write(1, b"a library's own words\n")
    if config.fail == "recipe":
        raise RecipeError(f"{whole[0]}: wrong")
    if config.fail == "defect":
        raise ValueError(f"cannot read {whole[0]}")
    around = Path("/proc/self/environ").read_text() + Path("/proc/self/cmdline").read_text()
    write_json(out / "seen.json", {"secret": "canary" in around, "digest": digest(whole)})
    return Stats({"words": Counts(1, 1)}, warnings=[f"slow: {whole[0]}"])


def digest(whole: list[str]) -> str:
    return hashlib.sha256(repr(whole).encode()).hexdigest()


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fingerprints of addresses that nobody serves."""
    monkeypatch.setattr("builder.workspace.fingerprint.list_remote", lambda url: [])
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def test_a_child_gets_all_whole_addresses_and_neither_its_files_nor_its_surroundings_show_one(
    tmp_path: Path, files: None
) -> None:
    urls = [f"{URL}{number:0100}" for number in range(1_000)]  # more than a pipe holds
    made = Workspace(tmp_path, Runtime()).run("look", look, Sources(sources=tuple(urls)))
    assert read_json(made.path / "seen.json") == {"secret": False, "digest": digest(urls)}
    assert made.record["warnings"] == ["slow: memory://host/x"]
    assert "reading memory://host/x\n" in (made.path / "logs" / "child.log").read_text()
    assert "canary" not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize(("fail", "kind"), [("recipe", RecipeError), ("defect", StageError)])
def test_a_child_that_fails_shows_none_either(tmp_path: Path, files: None, fail: str, kind: type[Exception]) -> None:
    workspace = Workspace(tmp_path, Runtime())
    with pytest.raises(kind, match="memory://host/x") as caught:
        workspace.run("look", look, Sources(sources=(URL,), fail=fail))
    assert read_json(workspace.artifacts["look"].path / STAGE_FILE)["status"] == "failed"
    texts = [str(caught.value), *(path.read_text() for path in tmp_path.rglob("*") if path.is_file())]
    assert "canary" not in "".join(texts)
