"""What stands in a folder besides pages: nothing hangs, nothing is read from elsewhere, nothing goes without a word."""

import json
import os
import socket
from pathlib import Path

import pytest
from support.corpus_pages import archive, page, settings
from support.hang_guard import must_end

from builder.data.tables.file_rows import file_rows
from builder.errors import RecipeError
from builder.method.corpus.reading.readers import Loss, Page, Shard, list_inputs, read_pages
from builder.text.unseen import find_unseen

ODD_NAMES = [
    "a\nb",
    "-rf",
    "a\u202eb",
    "half\udcff",
    "$(touch x)",
    "a;b|c",
    "<b>",
    "x" * 250,
    "[link](y)",
    "\x1b]0;x\x07",
]


def read(folder: Path, form: str = "html") -> list[Page | Loss]:
    with must_end():
        return list(read_pages(list_inputs(settings(folder, form).sources), Shard()))


def reasons(found: list[Page | Loss]) -> dict[str, str]:
    return {item.identity: item.reason for item in found if isinstance(item, Loss)}


@pytest.mark.parametrize(
    ("form", "ending"), [("html", "html"), ("warc", "warc.gz"), ("jsonl", "jsonl"), ("parquet", "parquet")]
)
def test_pipes_sockets_and_devices_are_named_and_not_opened(tmp_path: Path, form: str, ending: str) -> None:
    folder = tmp_path / "in"
    (folder / f"folder.{ending}").mkdir(parents=True)
    os.mkfifo(folder / f"pipe.{ending}")
    (folder / f"zero.{ending}").symlink_to("/dev/zero")
    (folder / f"stdin.{ending}").symlink_to(folder / f"pipe.{ending}")
    here = Path.cwd()
    os.chdir(folder)  # the path of a socket has at most 108 characters
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(f"socket.{ending}")
        os.chdir(here)
        found = reasons(read(folder, form))
    expected = dict.fromkeys((f"pipe.{ending}", f"stdin.{ending}", f"socket.{ending}", f"zero.{ending}"), "not_a_file")
    assert found == expected | ({f"zero.{ending}": "link_outside"} if form == "html" else {})


def test_no_page_comes_from_outside_its_folder(tmp_path: Path) -> None:
    folder, secret = tmp_path / "in", tmp_path / "home"
    for place in (folder / "own", secret):
        place.mkdir(parents=True)
        (place / "a.html").write_text(page(1))
    (folder / "file.html").symlink_to(secret / "a.html")
    (folder / "relative.html").symlink_to("../home/a.html")
    (folder / "linked").symlink_to(secret)
    (folder / "inside.html").symlink_to("own/a.html")
    (folder / "gone.html").symlink_to("nowhere.html")
    (folder / "itself.html").symlink_to("itself.html")
    (folder / "round").symlink_to(".")
    found = read(folder)
    assert {item.page_id for item in found if isinstance(item, Page)} == {"own/a.html", "inside.html"}
    outside = dict.fromkeys(("file.html", "relative.html", "linked/a.html"), "link_outside")
    assert reasons(found) == outside | {"gone.html": "unreadable", "itself.html": "unreadable"}


def test_a_source_that_is_a_link_itself_is_read(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.html").write_text(page(1))
    (tmp_path / "in").symlink_to("there")
    (tmp_path / "b.html").symlink_to("there/a.html")
    assert [item.page_id for item in read(tmp_path / "in") if isinstance(item, Page)] == ["a.html"]
    assert [item.page_id for item in read(tmp_path / "b.html") if isinstance(item, Page)] == ["b.html"]


def test_archives_may_be_links_to_another_disk(tmp_path: Path) -> None:
    archive(tmp_path / "disk" / "x.warc.gz", 2)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.warc.gz").symlink_to(tmp_path / "disk" / "x.warc.gz")
    assert sum(isinstance(item, Page) for item in read(tmp_path / "in", "warc")) == 2


def test_names_of_files_are_read_as_names_and_shown_as_one_line(tmp_path: Path) -> None:
    for name in ODD_NAMES:
        (tmp_path / f"{name}.html").write_text(page(1))
    found = read(tmp_path)
    ids = {item.page_id for item in found if isinstance(item, Page)}
    assert len(ids) == len(found) == len(ODD_NAMES)
    assert not [name for name in ids if find_unseen(name) or "\n" in name]
    assert {"-rf.html", "a%0Ab.html", "a%E2%80%AEb.html", "$(touch x).html", "half?.html"} <= ids


def test_a_seed_source_that_is_a_pipe_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pairs.jsonl")
    with (
        must_end(),
        pytest.raises(RecipeError, match=r"pairs\.jsonl: cannot be read \(it is a named pipe; take it out"),
    ):
        list(file_rows(tmp_path / "pairs.jsonl"))
    (tmp_path / "good.jsonl").write_text(json.dumps({"instruction": "a", "output": "b"}))
    assert len(list(file_rows(tmp_path / "good.jsonl"))) == 1
