import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corpus_pages import page
from support.tables import rows, write_parquet

from builder.errors import RecipeError
from builder.method.corpus.reading.readers import Loss, Page, Shard, list_inputs, read_pages
from builder.recipe.sections.corpus import CorpusSource


def read(path: Path, shard: Shard | None = None, **keys: Any) -> list[Page | Loss]:
    form = "parquet" if "parquet" in path.name else "jsonl"
    source = CorpusSource.model_validate({"path": path, "format": form, **keys})
    return list(read_pages(list_inputs([source]), shard or Shard()))


def lines(*values: Any) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@pytest.mark.parametrize("name", ["x.jsonl", "x.jsonl.gz", "x.jsonl.zst", "x.json.gz", "x.parquet"])
def test_tables_give_pages(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        write_parquet(path, rows())
    else:
        data = lines(*rows())
        packed = {"gz": gzip.compress, "zst": lambda data: pa.compress(data, "zstd", asbytes=True)}
        path.write_bytes(packed.get(name.rpartition(".")[2], bytes)(data))
    found = read(path)
    assert [(item.html, item.url) for item in found if isinstance(item, Page)] == [
        (row["html"], row["url"]) for row in rows()
    ]
    places = [item.record_offset for item in found if isinstance(item, Page)]
    assert [item.page_id for item in found if isinstance(item, Page)] == [f"{name}@{place}" for place in places]
    parts = [read(path, Shard(rank, 3)) for rank in range(3)]
    assert sorted(map(repr, found)) == sorted(repr(item) for part in parts for item in part)
    assert all(parts)


def test_columns_have_the_names_that_the_recipe_gives(tmp_path: Path) -> None:
    table = [{"doc": number, "raw": page(number).encode(), "link": f"u{number}", "lang": "en"} for number in range(3)]
    path = write_parquet(tmp_path / "x.parquet", table)
    found = read(path, html="raw", url="link", id="doc", language="lang")
    assert [(item.page_id, item.url, item.language_hint) for item in found if isinstance(item, Page)] == [
        (str(number), f"u{number}", "en") for number in range(3)
    ]
    assert [item.html for item in found if isinstance(item, Page)] == [page(number) for number in range(3)]


@pytest.mark.parametrize("name", ["x.jsonl", "x.parquet"])
def test_a_column_that_is_not_there_is_named_before_any_work(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("parquet"):
        write_parquet(path, rows())
    else:
        path.write_bytes(lines(*rows()))
    with pytest.raises(RecipeError, match=r"no column 'content'; it has html, url\. Name the right ones"):
        read(path, html="content")
    assert len(read(path, url="url")) == 5
    with pytest.raises(RecipeError, match="no column 'key'"):
        read(path, id="key")


def test_columns_belong_to_tables(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="html, which names a column, but format warc has none"):
        CorpusSource(path=tmp_path, format="warc", html="raw")
    with pytest.raises(ValueError, match="base_url, which is for folders of html; its format is warc"):
        CorpusSource(path=tmp_path, format="warc", base_url="https://example.org/")
    source = CorpusSource(path=tmp_path, format="warc")
    assert CorpusSource.model_validate_json(source.model_dump_json()) == source


def test_lines_that_are_no_rows_fail_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    bad = [b"{", b"[1, 2]", b"[" * 100_000, b'{"html": 1' + b"0" * 5_000 + b"}", b"\xff\xfe{}", b"NaN"]
    odd = [{"html": None}, {"html": 3}, {"url": "x"}, {"html": ""}]
    data = [lines(rows()[0]), *(line + b"\n" for line in bad), lines(*odd), b"\n\n", lines(rows()[1])[:-1]]
    path.write_bytes(b"".join(data))
    found = read(path)
    assert [item.reason for item in found if isinstance(item, Loss)] == ["corrupt"] * 6 + [
        "empty",
        "not_text",
        "empty",
        "empty",
    ]
    assert [item.url[-1] for item in found if isinstance(item, Page)] == ["0", "1"]


def test_half_characters_in_json_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"html": "<h1>a\\ud800b\\u0000</h1>", "url": "\\udfff"}\n')
    (only,) = read(path)
    assert isinstance(only, Page)
    assert (only.html, only.url) == ("<h1>a?b</h1>", "?")


def test_a_line_above_the_cap_is_too_large_and_the_next_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.method.corpus.reading.tables.MAX_LINE_BYTES", 200_000)
    path = tmp_path / "x.jsonl"
    path.write_bytes(lines(rows()[0], {"html": "x" * 700_000}, rows()[1], {"html": "x" * 300_000}))
    found = read(path)
    assert [item.reason if isinstance(item, Loss) else item.url[-1] for item in found] == [
        "0", "too_large", "1", "too_large",
    ]  # fmt: skip
    assert isinstance(found[2], Page)
    assert path.read_bytes()[found[2].record_offset :].startswith(b'{"html": "<html')


def test_a_cut_table_keeps_what_comes_before(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(lines(*rows(30)))[:-200])
    found = read(path)
    assert len(found) > 20
    assert [item.reason for item in found if isinstance(item, Loss)] == ["cut"]
    assert isinstance(found[-1], Loss)
    path = tmp_path / "x.jsonl.zst"
    path.write_bytes(pa.compress(lines(*rows(30)), "zstd", asbytes=True)[:-200])
    assert [item.reason for item in read(path) if isinstance(item, Loss)] == ["cut"]


def test_a_damaged_row_group_loses_its_own_rows(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "x.parquet", rows(6), group=2)
    chunk = pq.read_metadata(path).row_group(1).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    data = bytearray(path.read_bytes())
    data[start : start + chunk.total_compressed_size] = b"\xee" * chunk.total_compressed_size
    path.write_bytes(bytes(data))
    found = read(path)
    assert [(item.identity, item.reason) for item in found if isinstance(item, Loss)] == [
        ("x.parquet@2", "corrupt"), ("x.parquet@3", "corrupt"),
    ]  # fmt: skip
    assert [item.url[-1] for item in found if isinstance(item, Page)] == list("0145")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 1_000])
def test_files_that_are_no_parquet_are_one_lost_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    assert read(tmp_path / "x.parquet") == [Loss("records", "x.parquet", "corrupt", failed=True)]
    path = write_parquet(tmp_path / "cut.parquet", rows())
    path.write_bytes(path.read_bytes()[:-20])
    assert read(path) == [Loss("records", "cut.parquet", "corrupt", failed=True)]
