"""Where texts stand, and which instructions quote them, whatever the order of segments and candidates."""

from pathlib import Path

import pyarrow as pa
import pytest
from support.crawl_build import QUOTED, CrawlBuild

from builder.data.records import segment_schema
from builder.data.storage import parquet_files, read_rows, write_rows
from builder.errors import ReleaseError
from builder.results.release.content.material import Material
from builder.results.release.content.places import (
    Places,
    place_schema,
    segments_of,
    stand_off,
    stand_off_schema,
    text_digest,
)
from builder.results.release.content.trained import conversation_schema


@pytest.fixture
def build(tmp_path: Path) -> CrawlBuild:
    return CrawlBuild(tmp_path / "build", text="standoff", models=[], max_quoted_words=9)


def test_segments_in_another_order_reach_their_candidates(build: CrawlBuild) -> None:
    (path,) = parquet_files(build.artifacts["dedup"].data)
    write_rows(path, reversed(list(read_rows(path))), segment_schema(), row_group_size=3)
    places = Material(build.build, "1.0.0").places
    assert places is not None
    assert places.quoting == {build.candidates[QUOTED]["id"]}
    asked = [build.candidates[number]["segment_id"] for number in (5, 0, 9)]
    found = places.table.take(places.rows(pa.array([*asked, None]))).to_pylist()
    texts = {row["id"]: row["text"] for row in build.segments}
    assert [row["segment_id"] for row in found] == [*asked, None]
    assert [row["text_sha256"] for row in found[:3]] == [text_digest(texts[key]) for key in asked]
    assert [row["text_chars"] for row in found[:3]] == [len(texts[key]) for key in asked]


def test_candidate_of_an_unknown_segment_is_refused(build: CrawlBuild) -> None:
    (path,) = parquet_files(build.artifacts["dedup"].data)
    write_rows(path, list(read_rows(path))[1:], segment_schema())
    with pytest.raises(ReleaseError, match="its stages do not belong together"):
        Material(build.build, "1.0.0").places  # noqa: B018  reading is what fails


def test_rows_of_the_seed_have_no_place_and_those_of_the_web_their_segments() -> None:
    columns = pa.schema([("segment_id", pa.string()), ("page_id", pa.string()), *place_schema()])
    table = pa.Table.from_pylist([{"segment_id": "s-t", "page_id": "p", "text_chars": 4}], columns)
    places, schema = Places(table, frozenset()), stand_off_schema(conversation_schema())
    rows = [{"id": "s-t-0", "source": "web", "url": "u"}, {"id": "x", "source": "people"}]
    batch = pa.RecordBatch.from_pylist(rows, schema=conversation_schema())
    found = places.rows(pa.array([*segments_of(pa.array(["s-t-0"])).to_pylist(), None]))
    apart = stand_off(batch, schema, places, found)
    assert apart.schema == schema
    assert [(row["id"], row["segment_id"], row["text_chars"]) for row in apart.to_pylist()] == [
        ("s-t-0", "s-t", 4),
        ("x", None, None),
    ]
    assert not {"completion", "url"} & set(schema.names)
    with pytest.raises(ReleaseError, match="segment x is not in stage dedup"):
        places.rows(pa.array(["s-t", "x"]))
