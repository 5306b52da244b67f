"""The forms of seed files, and files that cannot be read or do not fit."""

import errno
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.seed_rows import run, source, write_lines

from builder.data.tables.file_rows import file_rows
from builder.errors import RecipeError


@pytest.mark.parametrize("form", ["jsonl", "jsonl.gz", "json", "parquet", "folder"])
def test_every_file_form_gives_the_same_rows(tmp_path: Path, form: str) -> None:
    rows = [{"instruction": f"Say {number}", "output": str(number)} for number in range(6)]
    path = tmp_path / f"x.{form}"
    if form == "jsonl.gz":
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))
    elif form == "json":
        path.write_text(json.dumps(rows, indent=1))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "folder":
        write_lines(path / "a.jsonl", rows[:2])
        write_lines(path / "sub" / "b.jsonl", rows[2:])
        (path / "README.md").write_text("not a seed file")
    else:
        write_lines(path, rows)
    reference, _ = run(tmp_path / "reference", source(write_lines(tmp_path / "reference.jsonl", rows)))
    assert run(tmp_path / "out", source(path))[0] == reference


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"question": "a", "answer": "b"}\n', ["instruction, output", "answer, question", "x.jsonl"]),
        (b"not json\nat all\n", ["not JSON objects", "x.jsonl"]),
        (b"", ["holds no row"]),
    ],
    ids=["other columns", "no JSON", "empty"],
)
def test_file_that_does_not_fit_is_named(tmp_path: Path, content: bytes, words: list[str]) -> None:
    (tmp_path / "x.jsonl").write_bytes(content)
    with pytest.raises(RecipeError) as caught:
        run(tmp_path / "out", source(tmp_path / "x.jsonl"))
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EACCES, r"\(Permission denied\); give this user access to it"),
        (errno.ENOENT, r"\(No such file or directory\); put it there, or name another"),
        (errno.EIO, r"\(Input/output error\); see whether it can be copied"),
        (None, r"\(torn\); it may be cut short, fetch it again"),
    ],
)
def test_advice_for_an_unreadable_file_fits_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int | None, advice: str
) -> None:
    def fail(file: Path, *_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number), str(file)) if number else OSError("torn")

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(RecipeError, match=rf"x\.jsonl: cannot be read {advice}"):
        list(file_rows(tmp_path / "x.jsonl"))


@pytest.mark.parametrize("name", ["x.jsonl.gz", "x.parquet", "x.csv"])
def test_unreadable_file_is_named(tmp_path: Path, name: str) -> None:
    whole = gzip.compress(json.dumps({"instruction": "a", "output": "b"}).encode())
    (tmp_path / name).write_bytes(whole[:-9])
    with pytest.raises(RecipeError, match=name):
        run(tmp_path / "out", source(tmp_path / name))
