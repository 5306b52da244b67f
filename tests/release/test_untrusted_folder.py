"""Folders of a release, a model or the release before that hold links, strange names or files of others."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.small_release import RELEASE, write_release
from support.standoff_release import write_standoff

from builder.errors import BuilderError, ReleaseError, UnsafePath
from builder.results.release.cards.changelog import change_log
from builder.results.release.changes import Changes, compare
from builder.results.release.checks.check import check_release
from builder.results.release.checks.croissant import check_croissant
from builder.results.release.checks.loading import check_loading
from builder.results.release.checks.plain import check_dataset_files, check_model_files
from builder.results.release.content.removed import write_removed
from builder.results.release.hub.files import local_files, refuse_changed
from builder.results.release.hub.push import Push, push_release
from builder.results.release.manifest import MANIFEST
from builder.results.release.models import copy_model
from builder.results.release.versions import Previous, Version, local_releases, read_previous

SECRET = "only the owner may read this"


@pytest.fixture
def release(tmp_path: Path) -> Path:
    (tmp_path / "id_rsa").write_text(SECRET)
    return write_release(tmp_path / "release")


def link(name: str) -> Callable[[Path], None]:
    def attack(release: Path) -> None:
        (release / name).unlink(missing_ok=True)
        (release / name).symlink_to(release.parent / "id_rsa")

    return attack


def same_but_case(release: Path) -> None:
    (release / "dataset" / "readme.MD").write_text("other")


ATTACKS: dict[str, Callable[[Path], None]] = {
    "a link to a file": link("dataset/training.yaml"),
    "a link instead of weights": link("models/final/model.safetensors"),
    "a link to itself": lambda release: (release / "dataset" / "x").symlink_to("x"),
    "a link to a folder": lambda release: (release / "dataset" / "x").symlink_to(release.parent),
    "a link within": lambda release: (release / "dataset" / "x").symlink_to("README.md"),
    "a pipe": lambda release: os.mkfifo(release / "dataset" / "x"),
    "a name with an escape": lambda release: (release / "dataset" / "\x1b[31m").write_text(""),
    "a device of Windows": lambda release: (release / "dataset" / "nul.txt").write_text(""),
    "names that differ in case": same_but_case,
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_folder_of_links_and_strange_names_is_neither_sound_nor_pushed(
    release: Path, attack: Callable[[Path], None]
) -> None:
    attack(release)
    problems = check_release(release)
    assert len(problems) == 1
    assert problems[0].isprintable()
    assert SECRET not in problems[0]
    with pytest.raises(ReleaseError, match=r"plain file|name"):
        push_release(release, RELEASE, Version(1, 0, 0), Push(), print)


@pytest.mark.parametrize("name", ["../../id_rsa", "/etc/passwd", "curated/../../../id_rsa", "C:\\x", "a\n"])
def test_a_manifest_that_names_a_file_elsewhere_publishes_nothing(release: Path, name: str) -> None:
    path = release / "dataset" / MANIFEST
    manifest = json.loads(path.read_text())
    manifest["files"].append({"path": name, "sha256": "0" * 64, "bytes": len(SECRET)})
    path.write_text(json.dumps(manifest))
    with pytest.raises(UnsafePath):
        local_files(release / "dataset")


def test_a_file_that_changed_since_its_manifest_is_not_sent(release: Path) -> None:
    files = local_files(release / "dataset")
    refuse_changed(files)
    text = (release / "dataset" / "README.md").read_text()
    (release / "dataset" / "README.md").write_text(text.replace("Tiny", "Tin!"))
    with pytest.raises(ReleaseError, match="nothing is sent"):
        refuse_changed(files)


@pytest.mark.parametrize("name", [".huggingface.yaml", "dataset_infos.json", "loader.py", "training/env.yaml"])
def test_a_file_that_loaders_obey_is_no_file_of_a_dataset(release: Path, name: str) -> None:
    (release / "dataset" / name).parent.mkdir(exist_ok=True)
    (release / "dataset" / name).write_text("")
    assert [problem for problem in check_dataset_files(release / "dataset") if name in problem]
    assert list(check_loading(release / "dataset")) == ["is not loaded, as it holds files that loaders may obey"]


@pytest.mark.parametrize("name", ["modeling_x.py", "weights.pickle", "x/model.safetensors", "training_args.bin"])
def test_a_file_beside_weights_is_no_file_of_a_model(release: Path, name: str) -> None:
    (release / "models" / "final" / name).parent.mkdir(exist_ok=True)
    (release / "models" / "final" / name).write_text("")
    (problem,) = check_model_files(release / "models" / "final")
    assert name in problem


@pytest.mark.parametrize("path", ["https://example.org/x.parquet", "hf://datasets/o/n/x.parquet", "../../*.parquet",
                                  "/etc/*", "curated/**/x.parquet"])  # fmt: skip
def test_a_pattern_that_leads_out_is_never_loaded(release: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: pytest.fail("was loaded"))
    card = release / "dataset" / "README.md"
    card.write_text(card.read_text().replace("curated/train-*.parquet", path))
    with pytest.raises(UnsafePath):
        list(check_loading(release / "dataset"))


def test_a_description_names_no_context_of_others(release: Path) -> None:
    description = {"@context": "https://example.org/context", "distribution": []}
    (release / "dataset" / "croissant.json").write_text(json.dumps(description))
    (problem,) = check_croissant(release / "dataset")
    assert "@context" in problem


def test_no_link_to_a_file_elsewhere_is_copied_with_a_model(release: Path, tmp_path: Path) -> None:
    model = release / "models" / "final"
    (model / "tokenizer.json").symlink_to(tmp_path / "id_rsa")
    with pytest.raises(UnsafePath, match="leads out"):
        copy_model(model, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.fixture(scope="module")
def standoff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_standoff(tmp_path_factory.mktemp("standoff"))


@pytest.fixture
def before(standoff: Path, tmp_path: Path) -> Previous:
    """The release before, of which a stranger may have made anything."""
    (tmp_path / "id_rsa").write_text(SECRET)
    shutil.copytree(standoff, tmp_path / "before")
    return read_previous(tmp_path / "before")


@pytest.mark.parametrize("name", ["build.yaml", "removed.txt", "CHANGELOG.md", "curated/train-00000-of-00001.parquet"])
def test_a_release_before_with_a_link_elsewhere_is_not_compared(standoff: Path, before: Previous, name: str) -> None:
    (before.dataset / name).unlink(missing_ok=True)
    (before.dataset / name).symlink_to(before.dataset.parents[1] / "id_rsa")
    with pytest.raises(UnsafePath, match="leads out"):
        compare(before, standoff / "dataset", {})


def test_what_a_release_before_took_down_must_be_ids(standoff: Path, before: Previous) -> None:
    (before.dataset / "removed.txt").write_text("# a comment\n0a-1\n\x1b]0;title\x07\n")
    with pytest.raises(ReleaseError, match=r"removed\.txt:3: is no id"):
        write_removed(standoff / "dataset", frozenset(), before.dataset)


def test_the_change_log_of_a_release_before_is_markup_no_more(before: Previous) -> None:
    sound = "## 1.0.0\n\n- `curated`: 2 rows, 1 changed (`instruction` in 1)\n- recipe, `a.b`: \\<x\\> → 2\n"
    evil = "<script>x</script>\n![x](https://example.org/x.png)\n- [click](javascript:x)\n# \u202etitle\n"
    (before.dataset / "CHANGELOG.md").write_text(f"# Changelog\n\n{sound}{evil}")
    log = change_log(Version(1, 0, 1), [], Changes(before, [], [], []))
    assert sound in log
    for markup in ("<script>", "[click]", "![x]", "https://", "\u202e", "\n# \n"):
        assert markup not in log.removeprefix("# Changelog")


@pytest.mark.parametrize("changes", [{"version": "1.0.0; rm -rf ~"}, {"name": "x\n"}, {"history": [{"base": "`"}]}])
def test_a_release_before_of_another_grammar_is_refused_or_passed_over(
    before: Previous, changes: dict[str, Any]
) -> None:
    path = before.dataset / MANIFEST
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(BuilderError):
        read_previous(before.dataset)
    assert local_releases(before.dataset.parents[1] / "2.0.0", "tiny") == {}


def test_names_that_a_release_before_has_made_up_are_no_markup(standoff: Path, before: Previous) -> None:
    (before.dataset / "build.yaml").write_text('"a\\n# Evil\\e[2J`<img src=x>`": 1\nname: tiny\n')
    shutil.copytree(before.dataset / "curated", before.dataset / "a`<img src=x>`")
    log = change_log(Version(1, 0, 1), [], compare(before, standoff / "dataset", {}))
    assert "Evil" in log
    assert "gone, with its" in log
    for markup in ("<img", "\x1b", "\n# Evil", "`<"):
        assert markup not in log.replace("\\<", "")


def test_a_folder_without_rows_in_a_release_before_is_no_config_of_it(standoff: Path, before: Previous) -> None:
    for file in (before.dataset / "curated").iterdir():
        file.unlink()
    (config,) = [item for item in compare(before, standoff / "dataset", {}).configs if item.name == "curated"]
    assert config.new
