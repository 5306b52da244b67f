"""ARC files, in both versions, whole and damaged."""

import gzip
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from support.corpus_pages import http, page, settings
from support.hang_guard import must_end

from builder.method.corpus.reading.readers import Loss, Page, Shard, list_inputs, read_pages

PAGES = [page(number) for number in range(4)]


def line(url: str, payload: bytes, kind: str, version: int) -> bytes:
    more = " 200 d41d8cd98f00b204e9800998ecf8427e - 1043 x.arc.gz" if version == 2 else ""
    return f"{url} 192.0.2.7 20040219123456 {kind}{more} {len(payload)}\n".encode() + payload + b"\n"


def describing(version: int) -> bytes:
    fields = "URL IP-address Archive-date Content-type Archive-length"
    if version == 2:
        fields = "URL IP-address Archive-date Content-type Result-code Checksum Location Offset Filename Archive-length"
    block = f"{version} 0 InternetArchive\n{fields}\n\n".encode()
    return f"filedesc://x.arc.gz 0.0.0.0 20040219123450 text/plain {len(block)}\n".encode() + block + b"\n"


def records(version: int = 1) -> list[bytes]:
    pages = [line(f"http://example.org/{n}", http(PAGES[n].encode()), "text/html", version) for n in range(4)]
    dns = line("dns:example.org", b"20040219123456\nexample.org. 86400 IN A 192.0.2.7\n", "text/dns", version)
    return [describing(version), dns, *pages]


def write(path: Path, parts: list[bytes], packing: str) -> Path:
    packed = {
        "plain": lambda: b"".join(parts),
        "members": lambda: b"".join(map(gzip.compress, parts)),
        "one member": lambda: gzip.compress(b"".join(parts)),
        "frames": lambda: b"".join(map(zstandard.ZstdCompressor(write_checksum=True).compress, parts)),
    }
    path.write_bytes(packed[packing]())
    return path


def read(path: Path) -> list[Page | Loss]:
    return list(read_pages(list_inputs(settings(path).sources), Shard()))


def outcomes(path: Path) -> list[str]:
    return [item.html if isinstance(item, Page) else item.reason for item in read(path)]


@pytest.mark.parametrize("packing", ["plain", "members", "one member", "frames"])
@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_are_read_however_they_are_packed(tmp_path: Path, version: int, packing: str) -> None:
    write(tmp_path / "x.arc.gz", records(version), packing)
    assert outcomes(tmp_path) == ["warcinfo", "resource", *PAGES]
    pages = [item for item in read(tmp_path) if isinstance(item, Page)]
    assert [item.url for item in pages] == [f"http://example.org/{number}" for number in range(4)]
    assert len({item.page_id for item in pages}) == 4
    assert all(item.page_id.startswith("x.arc.gz@") and not item.truncated for item in pages)


def test_it_is_the_content_that_says_what_a_file_is(tmp_path: Path) -> None:
    assert outcomes(write(tmp_path / "download", records(), "members")) == ["warcinfo", "resource", *PAGES]
    assert outcomes(write(tmp_path / "part.arc", records()[2:], "plain")) == PAGES


@pytest.mark.parametrize("packing", ["plain", "members"])
@pytest.mark.parametrize("off", [-40, -1, 1, 9, 5_000])
def test_a_length_that_is_wrong_costs_no_other_record(tmp_path: Path, packing: str, off: int) -> None:
    parts = records()
    size = len(http(PAGES[1].encode()))
    parts[3] = parts[3].replace(f" {size}\n".encode(), f" {size + off}\n".encode(), 1)
    found = outcomes(write(tmp_path / "x.arc", parts, packing))
    assert [item for item in found if item in PAGES and item != PAGES[1]] == [PAGES[0], PAGES[2], PAGES[3]]
    assert len(found) in (6, 7)


def test_a_member_that_is_damaged_is_lost_alone(tmp_path: Path) -> None:
    packed = list(map(gzip.compress, records()))
    packed[3] = packed[3][:60] + b"\x00\xff" + packed[3][62:]
    (tmp_path / "x.arc.gz").write_bytes(b"".join(packed))
    assert outcomes(tmp_path) == ["warcinfo", "resource", PAGES[0], "corrupt", *PAGES[2:]]


def test_a_file_cut_in_a_record_says_so(tmp_path: Path) -> None:
    parts = records()
    (tmp_path / "x.arc").write_bytes(b"".join(parts)[:-200])
    assert outcomes(tmp_path) == ["warcinfo", "resource", *PAGES[:3], "cut"]


@limits(max_examples=100, deadline=None)
@given(st.integers(0, len(b"".join(records())) - 1), st.binary(min_size=1, max_size=30))
def test_bytes_in_the_middle_cost_two_records_at_most(
    tmp_path_factory: pytest.TempPathFactory, at: int, junk: bytes
) -> None:
    data = b"".join(records())
    path = tmp_path_factory.getbasetemp() / "junk.arc"
    path.write_bytes(data[:at] + junk + data[at:])
    found = outcomes(path)
    assert sum(item in PAGES for item in found) >= 2
    assert len(found) >= 4


def test_a_page_of_nothing_but_addresses_hides_no_record_and_takes_no_time(tmp_path: Path) -> None:
    parts = records()
    body = b"http:" * 400_000
    parts[3] = line("http://example.org/1", body, "text/html", 1).replace(b" 2000000\n", b" 2100000\n")
    path = write(tmp_path / "x.arc", parts, "plain")
    with must_end():
        found = outcomes(path)
    assert [item for item in found if item in PAGES] == [PAGES[0], PAGES[2], PAGES[3]]
