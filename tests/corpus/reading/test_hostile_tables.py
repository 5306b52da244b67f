"""Tables that attack: sizes that unpack to far more or lie, columns of other types, lines that grow in memory."""

import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.corpus_pages import page, settings
from support.hang_guard import must_end

from builder.errors import RecipeError
from builder.method.corpus.memory import bounded_memory
from builder.method.corpus.reading.crawl import Columns, Input
from builder.method.corpus.reading.readers import Loss, Shard, list_inputs, read_pages
from builder.method.corpus.reading.tables import check_columns

LARGE = "x" * 130_000_000


def found(path: Path) -> Counter[str]:
    item = Input(path, path.name, "parquet" if path.suffix == ".parquet" else "jsonl")
    with must_end():
        items = read_pages([item], Shard())
        return Counter(item.reason if isinstance(item, Loss) else "page" for item in items)


def write(path: Path, html: Any, rows: int = 10**6, **columns: Any) -> Path:
    table = pa.table({"html": html, **columns})
    pq.write_table(table, path, compression="zstd", use_dictionary=False, row_group_size=rows)
    return path


def test_what_unpacks_to_more_than_the_limit_is_lost_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "x.parquet", [page(1), page(2), LARGE, page(3)], rows=2)
    assert path.stat().st_size < 100_000
    # In a process of its own: what this one has taken and freed before would not count.
    code = (
        "import sys; from pathlib import Path; from builder.method.corpus.reading import tables; "
        "from builder.method.corpus.reading.readers import Input, Shard, read_pages; tables.MEMORY_MB = 100; "
        "items = read_pages([Input(Path(sys.argv[1]), 'x', 'parquet')], Shard()); "
        "print([getattr(item, 'reason', 'page') for item in items])"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['page', 'page', 'memory', 'memory']"


def test_the_limit_ends_with_its_block_and_raises_none_that_is_lower() -> None:
    code = (
        "import resource; from builder.method.corpus.memory import bounded_memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (10**9, 2 * 10**9))\n"
        "with bounded_memory(10**6): print(resource.getrlimit(resource.RLIMIT_AS))\n"
        "print(resource.getrlimit(resource.RLIMIT_AS))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split("\n")[:2] == ["(1000000000, 2000000000)"] * 2
    with bounded_memory(50), pytest.raises(MemoryError):
        bytearray(10**9)
    assert len(bytearray(10**8)) == 10**8


def varint(number: int) -> bytes:
    """A number as the footer of a Parquet file holds it."""
    number, out = number << 1, bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


@pytest.mark.parametrize("claimed", [10**6 + 1, 2**40, 2**61])
def test_a_file_that_claims_more_rows_than_it_has_is_one_loss(tmp_path: Path, claimed: int) -> None:
    path = write(tmp_path / "x.parquet", [page(1)] * 5_003)
    data = path.read_bytes()
    start = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    footer = data[start:-8].replace(varint(5_003), varint(claimed))
    path.write_bytes(data[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    outcomes = found(path)
    assert outcomes["corrupt"] == 1
    assert outcomes.total() <= 5_004


@pytest.mark.parametrize(
    "footer", [b"PAR1", (2**31 - 1).to_bytes(4, "little") + b"PAR1", b"\xff" * 4 + b"PAR1", b"\x15" * 5_000 + b"PAR1"]
)
def test_a_footer_that_lies_is_damage(tmp_path: Path, footer: bytes) -> None:
    path = write(tmp_path / "x.parquet", [page(1)])
    path.write_bytes(path.read_bytes()[:-8] + footer)
    assert found(path) == {"corrupt": 1}


def nested(depth: int) -> pa.Array:
    array = pa.array([page(1)])
    for _ in range(depth):
        array = pa.ListArray.from_arrays(pa.array([0, 1], pa.int32()), array)
    return array


WRONG: dict[str, pa.Array] = {
    "struct": pa.array([{"a": page(1)}]),
    "list": pa.array([[[page(1)]]]),
    "map": pa.array([[("a", page(1))]], pa.map_(pa.string(), pa.string())),
    "int": pa.array([1]),
    "decimal": pa.array([Decimal("1.5")]),
    "boolean": pa.array([True]),
    "time": pa.array([0], pa.timestamp("ns")),
    "deep": nested(15),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_column_of_another_type_is_named_before_the_build_and_counted_in_it(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "x.parquet", WRONG[kind])
    with pytest.raises(RecipeError, match=r"x\.parquet: the column 'html' holds .{1,110} and no text\. Name the right"):
        list_inputs(settings(path, "parquet").sources)
    assert found(path) == {"not_text": 1}


@pytest.mark.parametrize("kind", WRONG)
def test_other_columns_of_another_type_are_no_names_of_pages(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / "x.parquet", [page(1)], url=WRONG[kind], id=WRONG[kind], language=WRONG[kind])
    item = Input(path, path.name, "parquet", Columns(id="id", language="language"))
    (only,) = read_pages([item], Shard())
    assert only.url == only.language_hint == ""
    assert only.page_id == "x.parquet@0" or kind in ("int", "decimal", "boolean", "time")


def test_an_id_that_is_no_name_is_none(tmp_path: Path) -> None:
    ids = ["x" * 2_001, "", None, "fine"]
    path = write(tmp_path / "x.parquet", [page(1)] * 4, id=ids)
    pages = read_pages([Input(path, path.name, "parquet", Columns(id="id"))], Shard())
    assert [item.page_id for item in pages] == ["x.parquet@0", "x.parquet@1", "x.parquet@2", "fine"]


def test_types_that_hold_text_are_read(tmp_path: Path) -> None:
    texts = pa.array([page(1)])
    for kind in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary()):
        assert found(write(tmp_path / "x.parquet", texts.cast(kind))) == {"page": 1}
    assert found(write(tmp_path / "x.parquet", texts.dictionary_encode())) == {"page": 1}
    assert found(write(tmp_path / "x.parquet", pa.nulls(2))) == {"empty": 2}


def test_many_columns_are_named_shortly(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({f"column \x1b[2J{number}": [1] for number in range(3_000)}), path)
    (tmp_path / "x.jsonl").write_text(json.dumps({f"k{number}": 1 for number in range(30_000)}))
    for name in ("x.parquet", "x.jsonl"):
        with pytest.raises(RecipeError) as error:
            check_columns(Input(tmp_path / name, name, "parquet" if "parquet" in name else "jsonl"))
        assert len(str(error.value)) < 1_300 + len(str(tmp_path))
        assert "\x1b" not in str(error.value)


LINES = {
    "lists": ('{"html": "x", "a": [' + "[]," * 1_100_000 + "[]]}", "corrupt"),
    "objects": ('{"html": "x", "a": [' + "{}," * 1_100_000 + "{}]}", "corrupt"),
    "nested": ('{"html": ' + "[" * 200_000 + "]" * 200_000 + "}", "corrupt"),
    "a number": ('{"html": "x", "n": ' + "1" * 500_000 + "}", "corrupt"),
    "a list of pages": (json.dumps({"html": [page(2)]}), "not_text"),
    "an object": (json.dumps({"html": {"a": page(2)}}), "not_text"),
    "true": ('{"html": true}', "not_text"),
    "null": ('{"html": null}', "empty"),
    "half a pair": ('{"html": "\\ud800", "url": "\\udfff"}', "page"),
    "not a number": ('{"html": NaN}', "not_text"),
}


@pytest.mark.parametrize("kind", LINES)
def test_a_hostile_line_is_named_and_the_lines_around_it_are_read(tmp_path: Path, kind: str) -> None:
    line, outcome = LINES[kind]
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join([json.dumps({"html": page(1)}), line, json.dumps({"html": page(3)})]))
    assert found(path) == Counter(["page", "page", outcome])
