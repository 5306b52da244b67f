"""What the segments stage notes of its inputs while it reads them, so that no corpus is read for its digests."""

import gzip
import hashlib
import json
import os
import time
from pathlib import Path

import pytest
from support.corpus_pages import archive, page
from support.tables import rows, write_parquet

from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import Segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.fingerprint import fingerprint
from builder.workspace.inputs.known import FileState, KnownInputs
from builder.workspace.inputs.listing import Inputs

ONE = Runtime(workers=1)


def state(file: Path) -> FileState:
    return FileState.of(file.stat())


def write_corpus(folder: Path) -> list[Path]:
    """Files of every format that is read from front to back."""
    archive(folder / "warc" / "x.warc.gz", 3)
    archive(folder / "warc" / "y.warc.gz", 3, first=10)
    (folder / "html").mkdir()
    (folder / "html" / "a.html").write_text(page(20))
    (folder / "html" / "b.html.gz").write_bytes(gzip.compress(page(21).encode()))
    (folder / "t.jsonl").write_text("".join(json.dumps({"html": page(n), "url": ""}) + "\n" for n in (30, 31)))
    time.sleep(0.03)  # a file that was written a moment ago is not noted
    return sorted(file for file in folder.rglob("*") if file.is_file())


def sources(folder: Path, **keys: int) -> Segments:
    places = {"warc": folder / "warc", "html": folder / "html", "jsonl": folder / "t.jsonl"}
    listed = [{"path": place, "format": form} for form, place in places.items()]
    return Segments.model_validate({"sources": listed, **keys})


@pytest.mark.parametrize("tasks", [1, 3, 20])
def test_every_file_that_is_read_whole_is_noted_once(tmp_path: Path, tasks: int) -> None:
    files = write_corpus(tmp_path / "in")
    stage = tmp_path / "work" / "segments"
    extract_segments(stage, sources(tmp_path / "in", tasks=tasks), runtime=ONE)
    lines = [json.loads(line) for line in (stage / "logs" / "inputs.jsonl").read_text().splitlines()]
    noted = sorted((line["state"], line["sha256"]) for line in lines)
    assert noted == sorted((list(state(file)), hashlib.sha256(file.read_bytes()).hexdigest()) for file in files)
    assert all(KnownInputs(tmp_path / "work").knows(state(file)) for file in files)


def test_what_is_not_read_from_front_to_back_is_read_once_more(tmp_path: Path) -> None:
    write_parquet(tmp_path / "t.parquet", rows())
    config = Segments.model_validate({"sources": [{"path": tmp_path / "t.parquet", "format": "parquet"}], "tasks": 1})
    files = Inputs(KnownInputs(tmp_path / "work"))
    fingerprint("segments", 1, config, {}, files)
    extract_segments(tmp_path / "work" / "segments", config, runtime=ONE)
    files.learn(noted=False)
    assert not files.known.knows(state(tmp_path / "t.parquet"))
    files.learn()
    assert KnownInputs(tmp_path / "work").knows(state(tmp_path / "t.parquet"))


def test_files_that_are_touched_midway_have_no_task_run_again(tmp_path: Path) -> None:
    files = write_corpus(tmp_path / "in")
    config = sources(tmp_path / "in", tasks=3)
    known = Inputs(KnownInputs(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    fingerprint("segments", 1, config, {}, known)
    known.learn(noted=False)
    stage = tmp_path / "work" / "segments"
    extract_segments(stage, config, runtime=ONE)
    data = {file: file.stat().st_mtime_ns for file in stage.glob("data/*.parquet")}
    (stage / "data" / "00001.parquet").unlink()
    for file in files:
        os.utime(file, (1, 1))
    extract_segments(stage, config, runtime=ONE)
    again = {file for file, written in data.items() if file.stat().st_mtime_ns != written}
    assert again == {stage / "data" / "00001.parquet"}
