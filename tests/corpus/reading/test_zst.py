"""Archives and tables packed as Zstandard: whole, with a dictionary, damaged and hostile."""

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from support.corpus_pages import clueweb22, common_crawl, page, record, settings

from builder.method.corpus.reading.crawl import Input, Loss, Page, Shard
from builder.method.corpus.reading.readers import list_inputs, read_pages

RECORDS = [clueweb22(number) for number in range(6)]
PAGES = [page(number) for number in range(6)]


def frame(data: bytes, dictionary: zstandard.ZstdCompressionDict | None = None, **options: bool) -> bytes:
    packer = zstandard.ZstdCompressor(dict_data=dictionary, write_checksum=True, **options)
    return packer.compress(data)


def stream(data: bytes, level: int = 3) -> bytes:
    """A frame that does not say how long its content is, as pipes give it."""
    packer = zstandard.ZstdCompressor(level, write_checksum=True).compressobj()
    return packer.compress(data) + packer.flush()


def skippable(content: bytes, number: int = 0) -> bytes:
    return bytes((0x50 + number,)) + b"\x2a\x4d\x18" + len(content).to_bytes(4, "little") + content


def trained() -> zstandard.ZstdCompressionDict:
    words = " ".join(PAGES).split()
    rng = random.Random(1)
    samples = [" ".join(rng.choices(words, k=80)).encode() for _ in range(400)]
    return zstandard.train_dictionary(4_096, samples, dict_id=77)


DICTIONARY = trained()


def with_dictionary(*, packed: bool) -> bytes:
    content = DICTIONARY.as_bytes()
    return skippable(frame(content) if packed else content, 0x0D) + b"".join(
        frame(item, DICTIONARY) for item in RECORDS
    )


WHOLE: dict[str, bytes] = {
    "a frame a record": b"".join(map(frame, RECORDS)),
    "streams": b"".join(map(stream, RECORDS)),
    "one frame": frame(b"".join(RECORDS)),
    "frames that share records": b"".join(
        stream(b"".join(RECORDS)[start : start + 3_000]) for start in range(0, len(b"".join(RECORDS)), 3_000)
    ),
    "skippable frames between": skippable(b"x" * 9, 3).join([b"", *map(frame, RECORDS), b""]),
    "a dictionary": with_dictionary(packed=False),
    "a packed dictionary": with_dictionary(packed=True),
    "a frame of its own that is no dictionary": skippable(b"made by a tool", 0x0D) + b"".join(map(frame, RECORDS)),
    "zeros behind": b"".join(map(frame, RECORDS)) + b"\x00" * 512,
}


def read(path: Path) -> list[Page | Loss]:
    item = Input(path, path.name, "jsonl" if "jsonl" in path.name else "warc")
    return list(read_pages([item], Shard()))


def outcomes(path: Path) -> list[str]:
    return [item.html.strip() if isinstance(item, Page) else item.reason for item in read(path)]


@pytest.mark.parametrize("form", WHOLE)
@pytest.mark.parametrize("name", ["x.warc.zst", "x.warc.gz", "x.warc"])
def test_every_form_of_archive_is_read_whatever_its_name(tmp_path: Path, form: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(WHOLE[form])
    found = [item for item in read(path) if isinstance(item, Page)]
    assert [item.html.strip() for item in found] == PAGES
    assert len(read(path)) == 6
    assert [item.page_id for item in found] == [f"clueweb22-en0000-00-{number:05d}" for number in range(6)]


def test_a_record_is_found_again_by_the_offset_of_its_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.zst"
    path.write_bytes(WHOLE["a frame a record"])
    for number, item in enumerate(read(path)):
        assert isinstance(item, Page)
        rest = path.read_bytes()[item.record_offset :]
        assert zstandard.ZstdDecompressor().decompressobj().decompress(rest) == RECORDS[number]


def test_a_folder_gives_its_packed_archives_whichever_way(tmp_path: Path) -> None:
    (tmp_path / "a.warc").write_bytes(common_crawl(1))
    (tmp_path / "b.warc.zst").write_bytes(frame(common_crawl(2)))
    (tmp_path / "B.WARC.ZST").write_bytes(frame(common_crawl(3)))
    found = list(read_pages(list_inputs(settings(tmp_path).sources), Shard()))
    assert sorted(item.source_file for item in found if isinstance(item, Page)) == [
        "B.WARC.ZST",
        "a.warc",
        "b.warc.zst",
    ]


FRAMES = list(map(frame, RECORDS))


def damaged(number: int, at: int, value: int) -> bytes:
    broken = bytearray(FRAMES[number])
    broken[at] ^= value
    return b"".join([*FRAMES[:number], bytes(broken), *FRAMES[number + 1 :]])


@pytest.mark.parametrize("at", [0, 4, 6, 9, 60, 400, -2])
def test_what_follows_damage_is_found_again(tmp_path: Path, at: int) -> None:
    (tmp_path / "x.warc.zst").write_bytes(damaged(2, at, 0x55))
    found = outcomes(tmp_path / "x.warc.zst")
    assert [item for item in found if item in PAGES] == [item for item in PAGES if item != PAGES[2]]
    assert [item for item in found if item not in PAGES] == ["corrupt"]


@limits(max_examples=150, deadline=None)
@given(st.integers(0, len(b"".join(FRAMES)) - 1), st.integers(1, 255))
def test_one_changed_byte_costs_no_page_but_its_own_and_none_in_silence(
    tmp_path_factory: pytest.TempPathFactory, at: int, value: int
) -> None:
    data = bytearray(b"".join(FRAMES))
    data[at] ^= value
    path = tmp_path_factory.getbasetemp() / "changed.warc.zst"
    path.write_bytes(data)
    found = outcomes(path)
    pages = [item for item in found if item in PAGES]
    assert len(pages) >= 5
    assert len(pages) == 6 or len(found) > len(pages)


@limits(max_examples=100, deadline=None)
@given(st.integers(0, len(with_dictionary(packed=True))), st.binary(max_size=40))
def test_a_cut_archive_gives_what_is_whole_and_says_that_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, keep: int, behind: bytes
) -> None:
    data = with_dictionary(packed=True)
    path = tmp_path_factory.getbasetemp() / "cut.warc.zst"
    path.write_bytes(data[:keep] + behind)
    found = outcomes(path)
    pages = [item for item in found if item in PAGES]
    assert pages == PAGES[: len(pages)]
    assert len(pages) == 6 or len(found) > len(pages)


def test_frames_whose_dictionary_is_missing_or_damaged_are_counted_one_by_one(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.zst"
    path.write_bytes(b"".join(frame(item, DICTIONARY) for item in RECORDS[:3]) + frame(RECORDS[3]))
    assert outcomes(path) == ["dictionary"] * 3 + [PAGES[3]]
    path.write_bytes(with_dictionary(packed=False).replace(b"\x37\xa4\x30\xec", b"\x37\xa4\x30\xed", 1))
    assert outcomes(path) == ["dictionary"] * 6


def test_a_file_that_is_no_archive_at_all_is_one_loss(tmp_path: Path) -> None:
    path = tmp_path / "x.warc.zst"
    for content in (b"", b"\x28\xb5", b"\x28\xb5\x2f\xfd", b"no zstd at all" * 100, skippable(b"")[:6]):
        path.write_bytes(content)
        (only,) = read(path)
        assert isinstance(only, Loss), content
        assert only.failed


def test_lines_of_json_after_damage_are_read_and_offsets_count_what_was_unpacked(tmp_path: Path) -> None:
    rows = [json.dumps({"html": html}).encode() + b"\n" for html in PAGES]
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(b"".join(map(frame, rows)))
    found = [item for item in read(path) if isinstance(item, Page)]
    assert [item.record_offset for item in found] == [sum(map(len, rows[:number])) for number in range(6)]
    packed = list(map(frame, rows))
    packed[1] = packed[1][:100] + b"\xff\xff" + packed[1][102:]
    path.write_bytes(b"".join(packed))
    assert outcomes(path) == [PAGES[0], "corrupt", *PAGES[2:]]


SIZE = 1_000_000_000
EXTRA_MB = 200


def blocks(start: bytes, count: int, *, window: int = 0x50) -> bytes:
    """A frame of `start` and blocks of 128 kB of one letter, four bytes each."""
    raw = (len(start) << 3).to_bytes(3, "little") + start
    filler = (1 << 17 << 3 | 1 << 1).to_bytes(3, "little") + b"x"
    return zstandard.FRAME_HEADER + bytes((0, window)) + raw + filler * count + (1).to_bytes(3, "little")


LARGE = blocks(record(b"", 1).replace(b"Content-Length: 0", b"Content-Length: %d" % SIZE), SIZE >> 17)
BOMBS: dict[str, tuple[Callable[[], bytes], list[str]]] = {
    "a record": (lambda: FRAMES[0] + LARGE + FRAMES[2], ["page", "too_large", "page"]),
    "a record that lies": (
        lambda: FRAMES[0] + blocks(record(b"hello", 1), SIZE >> 17) + FRAMES[2],
        ["page", "page", "corrupt", "page"],
    ),
    "a window of a gigabyte": (
        lambda: FRAMES[0] + blocks(RECORDS[1], 9, window=0xA0) + FRAMES[2],
        ["page", "memory", "page"],
    ),
    "a dictionary that unpacks to a gigabyte": (
        lambda: skippable(blocks(b"\x37\xa4\x30\xec", SIZE >> 17), 0x0D) + FRAMES[0],
        ["page"],
    ),
    "a skippable frame of 4 GB that is not there": (
        lambda: FRAMES[0] + b"\x50\x2a\x4d\x18\xff\xff\xff\xff" + b"x" * 9_999,
        ["page", "cut"],
    ),
}
READ = """
import json, resource, sys
from pathlib import Path
from builder.method.corpus.reading.readers import Loss, Shard, list_inputs, read_pages
from builder.recipe.sections.corpus import CorpusSource
import loguru, zstandard, resiliparse.parse.encoding
inputs = list_inputs([CorpusSource(path=Path(sys.argv[1]), format="warc")])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = [item.reason if isinstance(item, Loss) else "page" for item in read_pages(inputs, Shard())]
print(json.dumps([found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before]))
"""


@pytest.mark.full
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_takes_no_more_memory_than_the_cap_and_a_buffer(tmp_path: Path, name: str) -> None:
    make, reasons = BOMBS[name]
    path = tmp_path / "x.warc.zst"
    path.write_bytes(make())
    output = subprocess.run([sys.executable, "-c", READ, path], capture_output=True, text=True, check=True).stdout
    found, kilobytes = json.loads(output)
    assert found == reasons
    assert kilobytes < EXTRA_MB * 1_000
