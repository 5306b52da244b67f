"""A stage that is done stays done as long as its inputs hold what they held, whatever else is done to them."""

import json
import os
import shutil
from pathlib import Path

import pytest
from support.stages import Reads, read_inputs

from builder.errors import StageError
from builder.recipe.sections.models import Origin
from builder.recipe.sections.runtime import Runtime
from builder.workspace.fingerprint import mark
from builder.workspace.finished.stage_file import write_stage_file
from builder.workspace.inputs.known import FileState, KnownInputs
from builder.workspace.layout import INPUTS
from builder.workspace.workspace import Workspace

TESTS = str(Path(__file__).parents[2])
FILES = {
    "corpus/a.warc": "page a",
    "corpus/deep/b.warc": "page b",
    "seed.jsonl": "one",
    "base/config.json": "{}",
    "base/model.safetensors": "weights",
    "base/tokenizer.json": "{ }",
    "base/README.md": "about",
    "base/.gitattributes": "lfs",
    "base/picture.png": "dots",
    "base/original/params.json": "{}",
}


def run(folder, work=None, *, base=None, dry=True):
    """The stage in a project folder; looked at alone, or run."""
    config = Reads(corpus=folder / "corpus", seed=folder / "seed.jsonl", base=Origin(path=base or folder / "base"))
    return Workspace(work or folder / "work", Runtime(), dry_run=dry).run("reads", read_inputs, config)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("known")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", TESTS)
        assert run(folder, dry=False).status == "done"
    return folder


@pytest.fixture
def project(built, tmp_path):
    """A copy whose files have other times and inodes."""
    shutil.copytree(built, tmp_path / "copy", copy_function=shutil.copy)
    return tmp_path / "copy"


def rewrite(file, text):
    """Write a text of the same size and set the time of modification back."""
    before = file.stat()
    assert before.st_size == len(text)
    file.write_text(text)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_copy_of_a_project_is_cached(built, project):
    assert (project / "seed.jsonl").stat().st_mtime_ns != (built / "seed.jsonl").stat().st_mtime_ns
    assert run(project).status == "done"
    assert run(project).fingerprint == run(built).fingerprint


def test_files_that_are_touched_or_linked_are_cached(project):
    for name in FILES:
        os.utime(project / name, (1, 1))
    assert run(project).status == "done"
    (project / "corpus").rename(project / "elsewhere")
    (project / "corpus").symlink_to(project / "elsewhere")
    (project / "seed.jsonl").rename(project / "pairs.jsonl")
    (project / "seed.jsonl").symlink_to(project / "pairs.jsonl")
    assert run(project).status == "done"


def test_a_moved_work_directory_is_cached(built, tmp_path):
    shutil.copytree(built / "work", tmp_path / "first")
    (tmp_path / "first").rename(tmp_path / "second")
    assert run(built, tmp_path / "second").status == "done"


@pytest.mark.parametrize("name", ["corpus/deep/b.warc", "seed.jsonl", "base/model.safetensors", "base/config.json"])
def test_one_byte_counts_even_where_size_and_time_are_as_they_were(project, name):
    assert run(project).status == "done"
    text = FILES[name]
    rewrite(project / name, f"{text[:-1]}!")
    changed = run(project)
    assert changed.status == "missing"
    assert run(project).fingerprint == changed.fingerprint
    rewrite(project / name, text)
    assert run(project).status == "done"


def test_a_file_that_is_replaced_by_an_older_one_counts(project):
    (project / "older").write_text("two")
    os.utime(project / "older", (1, 1))
    (project / "older").replace(project / "seed.jsonl")
    assert run(project).status == "missing"


def test_files_that_are_added_removed_or_renamed_count(project):
    file = project / "corpus" / "a.warc"
    file.rename(file.with_name("c.warc"))
    assert run(project).status == "missing"
    file.with_name("c.warc").rename(file)
    assert run(project).status == "done"
    file.with_name("more.warc").write_text("page c")
    assert run(project).status == "missing"


@pytest.mark.parametrize("name", ["README.md", ".gitattributes", "picture.png", "original/params.json"])
def test_what_is_not_loaded_from_the_folder_of_a_model_is_no_input(project, name):
    (project / "base" / name).write_text("something else")
    assert run(project).status == "done"
    (project / "base" / name).unlink()
    (project / "base" / "LICENSE.txt").write_text("terms")
    assert run(project).status == "done"


def test_what_had_to_be_read_once_is_not_read_again(project):
    inputs = [project / name for name in FILES if name.startswith(("corpus/", "seed"))]
    assert not [file for file in inputs if KnownInputs(project / "work").knows(state(file))]
    assert run(project).status == "done"
    assert [file for file in inputs if KnownInputs(project / "work").knows(state(file))] == inputs
    record = (project / "work" / INPUTS).read_bytes()
    assert run(project).status == "done"
    assert (project / "work" / INPUTS).read_bytes() == record


def test_looking_at_what_was_never_run_writes_nothing(project):
    assert run(project, project / "other").status == "missing"
    assert not (project / "other").exists()
    (project / "other").mkdir()
    assert run(project, project / "other").status == "missing"
    assert list((project / "other").iterdir()) == []


def state(file):
    return FileState.of(file.stat())


def test_without_a_record_the_time_decides(built, project):
    (project / "work" / INPUTS).unlink()
    assert run(built, project / "work").status == "done"
    assert run(project).status == "missing"


@pytest.mark.parametrize("spoiled", [b"\xff\n", b'{"state": [1, 2], "sha256": 3}\n', b"[" * 100_000, b'{"state": '])
def test_a_torn_record_costs_no_more_than_reading_again(built, project, spoiled):
    record = project / "work" / INPUTS
    record.write_bytes(spoiled + b"\n" + record.read_bytes() + spoiled)
    assert run(project).status == "done"
    assert run(built, project / "work").status == "done"


def with_all_files(identity, base):
    """The identity that an earlier version would have given the stage."""
    value = json.loads(json.dumps(identity))
    value["config"]["base"]["path"] = [
        [file.relative_to(base).as_posix(), file.stat().st_size, file.stat().st_mtime_ns]
        for file in sorted(base.rglob("*"))
        if file.is_file()
    ]
    return value


def test_a_stage_that_counted_the_readme_of_its_base_is_found(built, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(built / "work", work)
    (stage,) = work.glob("reads-*")
    record = json.loads((stage / "stage.json").read_text())
    old = with_all_files({key: record[key] for key in ("stage", "version", "config", "inputs")}, built / "base")
    earlier = stage.rename(work / f"reads-{mark(old)}")
    write_stage_file(earlier, record | old | {"fingerprint": mark(old)})
    (work / INPUTS).unlink()
    found = run(built, work)
    assert (found.status, found.path, found.fingerprint) == ("done", earlier, mark(old))
    base = tmp_path / "base"
    shutil.copytree(built / "base", base)
    (base / "README.md").write_text("other")
    assert run(built, work, base=base).path == earlier
    (base / "model.safetensors").write_text("WEIGHTS")
    assert run(built, work, base=base).status == "missing"


def test_a_stage_of_before_the_record_is_noted_by_the_next_build(built, project):
    (project / "work" / INPUTS).unlink()
    assert run(built, project / "work", dry=False).status == "done"
    assert run(project).status == "done"


def test_a_stage_that_failed_goes_on_in_its_folder_although_files_were_touched(built, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", TESTS)
    project = tmp_path / "copy"
    shutil.copytree(built, project, ignore=shutil.ignore_patterns("work"))
    (project / "seed.jsonl").write_bytes(b"\xff")
    with pytest.raises(StageError):
        run(project, dry=False)
    before = run(project)
    for name in ("seed.jsonl", "base/model.safetensors"):
        os.utime(project / name, (1, 1))
    assert (before.status, run(project).path) == ("partial", before.path)


def as_link(record, elsewhere):
    record.rename(elsewhere)
    record.symlink_to(elsewhere)


def as_pipe(record, elsewhere):
    record.unlink()
    os.mkfifo(record)


@pytest.mark.parametrize("make", [as_link, as_pipe])
def test_a_record_that_is_no_plain_file_is_neither_read_nor_written(built, project, tmp_path, make):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    make(project / "work" / INPUTS, elsewhere)
    text = elsewhere.read_bytes()
    assert run(project).status == "missing"
    assert run(built, project / "work", dry=False).status == "done"
    assert elsewhere.read_bytes() == text
