"""Bombs and hogs: what is too large is counted, and takes no more memory than what is not."""

import gzip
import json
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from support.corpus_pages import clueweb22, common_crawl, http, page, record, settings
from support.hang_guard import must_end

from builder.method.corpus.cutting.page import CutPage
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.reading.decode import MAX_PAGE_BYTES, UndecodableError, split_http
from builder.method.corpus.reading.readers import Loss, Page
from builder.method.corpus.sandbox import CutPages

SIZE = 300_000_000
EXTRA_MB = 200


def gzip_bomb(start: bytes = b"", end: bytes = b"") -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    zeros = b"x" * 10_000_000
    texts = [start, *[zeros] * (SIZE // len(zeros)), end]
    return b"".join(map(packer.compress, texts)) + packer.flush()


def record_bomb() -> bytes:
    return gzip_bomb(record(b"", 1).replace(b"Content-Length: 0", b"Content-Length: %d" % SIZE))


def lying_bomb() -> bytes:
    """A record that says it has 5 bytes, and goes on for 300 MB."""
    return gzip_bomb(record(b"hello", 1))


def body_bomb() -> bytes:
    return gzip.compress(clueweb22(1, http(gzip_bomb(), "Content-Type: text/html", "Content-Encoding: gzip")))


def other_bomb(codec: str, name: str) -> bytes:
    packed = pa.compress(b"x" * SIZE, codec, asbytes=True)
    return gzip.compress(clueweb22(1, http(packed, "Content-Type: text/html", f"Content-Encoding: {name}")))


def with_neighbours(bomb: bytes) -> bytes:
    return gzip.compress(clueweb22(0)) + bomb + gzip.compress(clueweb22(2))


BOMBS: dict[str, tuple[str, Callable[[], bytes], list[str]]] = {
    "a record": ("warc.gz", lambda: with_neighbours(record_bomb()), ["too_large"]),
    "a record that lies": ("warc.gz", lambda: with_neighbours(lying_bomb()), ["corrupt"]),
    "a gzip body": ("warc.gz", lambda: with_neighbours(body_bomb()), ["too_large"]),
    "a br body": ("warc.gz", lambda: with_neighbours(other_bomb("brotli", "br")), ["too_large"]),
    "a zstd body": ("warc.gz", lambda: with_neighbours(other_bomb("zstd", "zstd")), ["too_large"]),
    "a file": ("html.gz", gzip_bomb, ["too_large"]),
    "a line": (
        "jsonl.gz",
        lambda: gzip_bomb(json.dumps({"html": page(0)}).encode() + b'\n{"html": "', b'"}\n{"html": "x"}'),
        ["too_large"],
    ),
}
READ = """
import json, resource, sys
from pathlib import Path
from builder.method.corpus.reading.readers import Loss, Shard, list_inputs, read_pages
from builder.recipe.sections.corpus import CorpusSource
from builder.method.corpus.reading import decode
import loguru, pyarrow, pyarrow.parquet, resiliparse.parse.encoding
form, path = sys.argv[1:]
inputs = list_inputs([CorpusSource(path=Path(path), format=form)])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = [item.reason if isinstance(item, Loss) else "page" for item in read_pages(inputs, Shard())]
print(json.dumps([found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_more_memory_than_the_cap_and_a_buffer(tmp_path: Path, name: str) -> None:
    ending, make, reasons = BOMBS[name]
    path = tmp_path / f"x.{ending}"
    path.write_bytes(make())
    form = ending.removesuffix(".gz")
    output = subprocess.run([sys.executable, "-c", READ, form, path], capture_output=True, text=True, check=True).stdout
    found, kilobytes = json.loads(output)
    assert [reason for reason in found if reason != "page"] == reasons
    assert found.count("page") == {"a file": 0, "a record that lies": 3}.get(name, 2)
    assert kilobytes < EXTRA_MB * 1_000


@pytest.mark.parametrize("codec", ["gzip", "deflate", "raw deflate", "br", "zstd", "gzip, br"])
def test_bodies_are_unpacked_up_to_the_cap(codec: str) -> None:
    packers: dict[str, Callable[[bytes], bytes]] = {
        "gzip": gzip.compress,
        "deflate": zlib.compress,
        "raw deflate": lambda body: zlib.compress(body)[2:-4],
        "br": lambda body: bytes(pa.compress(body, "brotli", asbytes=True)),
        "zstd": lambda body: bytes(pa.compress(body, "zstd", asbytes=True)),
        "gzip, br": lambda body: bytes(pa.compress(gzip.compress(body), "brotli", asbytes=True)),
    }
    body = page(1).encode() * 20
    encoding = f"Content-Encoding: {codec.removeprefix('raw ')}"
    packed = packers[codec](body)
    assert split_http(http(packed, encoding)).body == body
    assert len(split_http(http(packers[codec](b"<" * (MAX_PAGE_BYTES + 9)), encoding)).body) == MAX_PAGE_BYTES + 1
    if codec in ("gzip", "deflate", "br"):
        cut = split_http(http(packed[: len(packed) * 2 // 3], encoding)).body
        assert body.startswith(cut)
        assert len(cut) > 1_000
    with pytest.raises(UndecodableError, match=codec.rpartition(" ")[2]):
        split_http(http(b"\x02 this is not packed at all", encoding))


def a_page(html: str, number: int = 0) -> Page:
    return Page(f"p{number}", "https://example.org", html, "file", 0, "en", "digest")


def _hog(given: Page) -> CutPage | str:
    if given.html.isdecimal():
        return f"{len(bytearray(int(given.html) * 1_000_000))}"
    if given.html == "lxml":
        raise ValueError("Memory allocation failed, line 3")
    return CutPage("", "en", [Segment("h", 1, (), 0, given.html, (0,))])


def test_a_page_that_takes_too_much_memory_fails_alone() -> None:
    # Far more than other tests may have left in this process, which would be taken before there is need of any more.
    pages = [a_page(text, number) for number, text in enumerate(["a", "5000", "b", "3", "lxml", "20000", "c"])]
    found = list(CutPages(_hog, seconds=10, memory_mb=100)(pages, 0, 1))
    losses = [(item.identity, item.reason, item.failed) for item in found if isinstance(item, Loss)]
    assert losses == [
        ("p1", "memory", True), ("p3", "3000000", False), ("p4", "memory", True), ("p5", "memory", True),
    ]  # fmt: skip
    assert [item[0].html for item in found if isinstance(item, tuple)] == ["a", "b", "c"]


def test_reading_takes_time_in_proportion_to_size(tmp_path: Path) -> None:
    """Hostile archives: no quadratic search for the next record."""
    hostile = {
        "magic.warc.gz": b"\x1f\x8b\x08\x00" * 200_000,
        "starts.warc": b"WARC/1.0\r\n" * 300_000,
        "headers.warc": b"WARC/1.0\r\nWARC-Type: response\r\n\r\n" * 20_000,
        "newlines.warc": common_crawl(1) + b"\r\n" * 3_000_000 + common_crawl(2),
        "lengths.warc": b"WARC/1.0\r\nContent-Length: 19999999\r\n\r\n" * 60_000,
        "members.warc.gz": gzip.compress(b"") * 60_000,
    }
    from builder.method.corpus.reading.readers import Shard, list_inputs, read_pages

    for name, data in hostile.items():
        path = tmp_path / name
        path.write_bytes(data)
        with must_end():
            count = sum(1 for _ in read_pages(list_inputs(settings(path).sources), Shard()))
        assert count >= 1
