import base64
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from support.corpus_pages import archive, clueweb22, page, settings
from support.tables import rows, write_parquet
from support.web_files import Quiet, Ranged, serving

from builder.data.address import Address
from builder.data.inputs import open_binary
from builder.data.remote.listing import list_remote
from builder.data.storage import read_rows
from builder.errors import RecipeError
from builder.method.corpus.reading.readers import Loss, Page, Shard, list_inputs, read_pages
from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import CorpusSource, Segments
from builder.recipe.sections.runtime import Runtime
from builder.workspace.fingerprint import config_identity


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.store.clear()
    system.pseudo_dirs.clear()


class Demanding(Ranged):
    """A server that wants a password or a signature, gives the files of a folder as `get?file=NAME`, and no states."""

    def send_head(self) -> Any:
        login = base64.b64encode(b"CANUSER:CANPASS").decode()
        place, _, query = self.path.partition("?")
        if self.headers.get("Authorization") != f"Basic {login}" and "sig=CANSIGN" not in query:
            self.send_error(403)
            return None
        if found := re.search(r"file=(\w+)", query):
            self.path = f"{place}/{found[1]}.warc.gz"
        return super().send_head()

    def send_header(self, keyword: str, value: str) -> None:
        if keyword not in ("ETag", "Last-Modified"):
            super().send_header(keyword, value)


@pytest.fixture(params=[Ranged, Quiet])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with serving(tmp_path, request.param) as address:
        yield address


def config(path: str | Path, form: str = "warc", **keys: Any) -> Segments:
    return Segments.model_validate({"sources": [{"path": path, "format": form}], **keys})


def read(path: str | Path, form: str = "warc") -> list[Page | Loss]:
    return list(read_pages(list_inputs(config(path, form).sources), Shard()))


def test_a_url_is_an_address_and_a_file_url_is_a_path(tmp_path: Path) -> None:
    source = CorpusSource.model_validate({"path": "s3://bucket/crawl", "format": "warc"}, context={"folder": tmp_path})
    assert source.path == Address("s3://bucket/crawl")
    assert CorpusSource.model_validate_json(source.model_dump_json()) == source
    local = CorpusSource(path=f"file://{tmp_path}/a%20b", format="warc")
    assert local.path == tmp_path / "a b"
    beside = CorpusSource.model_validate({"path": "crawl", "format": "warc"}, context={"folder": tmp_path})
    assert beside.path == tmp_path / "crawl"


def test_a_url_enters_the_fingerprint_by_what_is_there(memory: Any) -> None:
    memory.pipe("/crawl/a/x.warc", clueweb22(1))
    before = config_identity(config("memory://crawl"))
    assert config_identity(config("memory://crawl")) == before
    memory.pipe("/crawl/b.warc", clueweb22(2))
    assert config_identity(config("memory://crawl")) != before
    memory.rm("/crawl/b.warc")
    assert config_identity(config("memory://crawl")) == before
    memory.pipe("/crawl/a/x.warc", clueweb22(1) + b"\r\n")
    assert config_identity(config("memory://crawl")) != before


def test_what_is_read_from_a_url_is_what_is_read_from_the_disk(tmp_path: Path, memory: Any) -> None:
    archive(tmp_path / "sub" / "x.warc.gz", 4)
    archive(tmp_path / "y.warc.gz", 3, first=10)
    (tmp_path / "note.txt").write_text("not read")
    for path in tmp_path.rglob("*.*"):
        memory.pipe(f"/crawl/{path.relative_to(tmp_path)}", path.read_bytes())
    assert read("memory://crawl") == read(tmp_path)
    assert read("memory://crawl/y.warc.gz") == read(tmp_path / "y.warc.gz")
    write_parquet(tmp_path / "t.parquet", rows())
    memory.pipe("/t.parquet", (tmp_path / "t.parquet").read_bytes())
    assert read("memory://t.parquet", "parquet") == read(tmp_path / "t.parquet", "parquet")


def test_folders_and_files_on_the_web(tmp_path: Path, served: str) -> None:
    archive(tmp_path / "crawl" / "sub" / "x.warc.gz", 4)
    (tmp_path / "crawl" / "a.html").write_text(page(1))
    assert read(f"{served}crawl/sub/x.warc.gz") == read(tmp_path / "crawl" / "sub" / "x.warc.gz")
    assert read(f"{served}crawl/") == read(tmp_path / "crawl")
    assert read(f"{served}crawl/", "html") == read(tmp_path / "crawl", "html")
    first = config_identity(config(f"{served}crawl/sub/x.warc.gz"))
    assert config_identity(config(f"{served}crawl/sub/x.warc.gz")) == first
    with pytest.raises(RecipeError, match=r"none\.warc\.gz: no such file"):
        read(f"{served}none.warc.gz")


def test_forked_workers_read_from_the_web(tmp_path: Path, served: str) -> None:
    archive(tmp_path / "x.warc.gz", 6)
    stats = extract_segments(tmp_path / "out", config(f"{served}x.warc.gz", tasks=2), runtime=Runtime(workers=2))
    assert stats.counts["pages"].kept == 6
    extract_segments(tmp_path / "local", settings(tmp_path / "x.warc.gz", tasks=2), runtime=Runtime(workers=1))
    assert list(read_rows(tmp_path / "out" / "data")) == list(read_rows(tmp_path / "local" / "data"))


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://bucket/crawl", "s3:// needs a package that is not installed: .*s3fs"),
        ("memory://nothing", "no such file or folder"),
        ("nonsense://x", "fsspec cannot read it .*correct the URL"),
        ("http://127.0.0.1:9/x.warc", "no such file or folder, or no answer"),
    ],
)
def test_what_cannot_be_listed_is_named(url: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)  # also where it is installed
    with pytest.raises(RecipeError, match=f"{url}: .*{message}"):
        list_remote(url)
    with pytest.raises(RecipeError, match=f"{url}: .*{message}"):
        list_inputs(config(url).sources)


def test_members_of_one_archive_have_names_of_their_own(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        for name in ("one.jsonl", "sub/two.jsonl"):
            file.writestr(name, "{}")
    where = f"::file://{tmp_path}/a.zip"
    urls = [f"zip://one.jsonl{where}", f"zip://sub/two.jsonl{where}", f"simplecache{where}", where.lstrip(":")]
    assert [item.name for url in urls for item in list_remote(url)] == ["one.jsonl", "two.jsonl", "a.zip", "a.zip"]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("simplecache::https://host/x.warc?sig=CAN", "x.warc"),
        ("zip://a/b.warc::simplecache::https://u:CAN@host/x.zip?sig=CAN", "b.warc"),
        ("https://host/a::b.warc#CAN", "a::b.warc"),
        ("s3://bucket/folder/?CAN", "folder"),
    ],
)
def test_the_name_of_what_an_address_names_has_no_secret_of_it(url: str, name: str) -> None:
    assert Address(url).file_name == name


def test_a_connection_that_breaks_is_a_lost_record(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(clueweb22(number) for number in range(60))
    memory.pipe("/crawl/x.warc", data)
    inputs = list_inputs(config("memory://crawl").sources)

    class Broken:
        def __init__(self) -> None:
            self.left = 2

        def __enter__(self) -> "Broken":
            return self

        def __exit__(self, *args: object) -> None:
            pass

        def read(self, size: int) -> bytes:
            self.left -= 1
            if self.left < 0:
                raise OSError("connection reset")
            return data[(1 - self.left) * size :][:size]

    monkeypatch.setattr("builder.method.corpus.reading.archives.open_binary", lambda location: Broken())
    found = list(read_pages(inputs, Shard()))
    assert [item.reason for item in found if isinstance(item, Loss)] == ["unreadable"]
    assert sum(isinstance(item, Page) for item in found) == 131_072 // len(clueweb22(10))
    with open_binary("memory://crawl/x.warc") as handle:
        assert handle.read() == data


def test_a_signature_changes_no_fingerprint_and_a_query_that_names_another_file_does(tmp_path: Path) -> None:
    archive(tmp_path / "x.warc.gz", 2)
    (tmp_path / "get").mkdir()
    for name, other in (("a", 1), ("b", 2), ("c", 1)):
        (tmp_path / "get" / f"{name}.warc.gz").write_bytes(clueweb22(other))
    with serving(tmp_path, Demanding) as server:
        host = server.removeprefix("http://")
        marks = {
            query: config_identity(config(f"{server}{query}"))
            for query in [
                "x.warc.gz?sig=CANSIGN1&Expires=1", "x.warc.gz?sig=CANSIGN2&Expires=2#CANFRAG",
                "get?file=a&sig=CANSIGN", "get?file=b&sig=CANSIGN", "get?file=c&sig=CANSIGN",
            ]
        }  # fmt: skip
        login = config_identity(config(f"http://CANUSER:CANPASS@{host}x.warc.gz"))
        signed, again, one, other, same = marks.values()
    with serving(tmp_path, Ranged) as server:
        bare = config_identity(config(f"{server}x.warc.gz"))
    assert "CAN" not in f"{[*marks.values()]} {login}"
    assert signed == again
    assert one == same != other
    assert [name for name, *_ in login["sources"][0]["path"]] == ["x.warc.gz"]
    assert not re.search("[0-9a-f]{64}", str(bare["sources"]))  # name, size and state, as for any file without a query


def test_files_that_only_a_query_tells_apart_are_all_read_and_named_apart(tmp_path: Path) -> None:
    (tmp_path / "get").mkdir()
    for number, name in enumerate("ab"):
        archive(tmp_path / "get" / f"{name}.warc.gz", 2, first=10 * number)
    with serving(tmp_path, Demanding) as server:
        paths = [f"{server}get?file={name}&sig=CANSIGN" for name in "aba"]
        sources = Segments.model_validate({"sources": [{"path": path, "format": "warc"} for path in paths]}).sources
        pages = [page for page in read_pages(list_inputs(sources), Shard()) if isinstance(page, Page)]
    assert [page.source_file for page in pages] == ["get", "get", "get~2", "get~2", "get", "get"]
    assert len({page.page_id for page in pages}) == 4


def test_a_folder_behind_a_login_is_read_and_its_files_hide_it_too(tmp_path: Path) -> None:
    archive(tmp_path / "crawl" / "sub" / "x.warc.gz", 2)
    with serving(tmp_path, Demanding) as server:
        url = f"http://CANUSER:CANPASS@{server.removeprefix('http://')}crawl/"
        inputs = list_inputs(config(url).sources)
        assert "CAN" not in repr(inputs)
        assert [item.name for item in inputs] == ["sub/x.warc.gz"]
        assert list(read_pages(inputs, Shard())) == read(tmp_path / "crawl")
        with pytest.raises(RecipeError, match="no such file or folder, or no answer"):
            list_remote(f"{server}crawl/sub/x.warc.gz")


def test_a_login_follows_no_redirect_to_another_host(tmp_path: Path) -> None:
    seen: list[str] = []

    class Other(Quiet):
        def send_head(self) -> Any:
            seen.append(f"{self.path} {self.headers}")
            return super().send_head()

    archive(tmp_path / "x.warc.gz", 1)
    with serving(tmp_path, Other) as other:

        class Redirecting(Quiet):
            def send_head(self) -> Any:
                self.send_response(302)
                self.send_header("Location", f"{other}x.warc.gz")
                self.send_header("Content-Length", "0")
                self.end_headers()

        with serving(tmp_path, Redirecting) as first:
            url = f"http://CANUSER:CANPASS@{first.removeprefix('http://')}x.warc.gz?sig=CANSIGN"
            assert len(list(read_pages(list_inputs(config(url).sources), Shard()))) == 1
    assert seen
    assert not [text for text in seen if "CAN" in text or "Authorization" in text]
