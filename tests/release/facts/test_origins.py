"""Where the pages of a release come from: addresses, sources, licences and languages are those of the rows."""

from pathlib import Path
from typing import Any

import pytest
from support.crawl_build import CrawlBuild
from support.release_build import FakeBuild

from builder.data.records import segment_schema
from builder.data.storage import read_json, read_rows, write_json, write_rows
from builder.recipe.sections.corpus import CorpusSource
from builder.results.release.checks.rows import check_addresses
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import domains
from builder.results.release.content.parquet import write_config
from builder.results.release.content.tables import configs
from builder.results.release.facts.origins import SegmentOrigins

LOCAL = "file:///home/jane/pages/a.html"


class LocalBuild(FakeBuild):
    """Pages of a folder: most have no address, some that of a file."""

    def candidate(self, number: int) -> dict[str, Any]:
        urls = {0: "", 1: LOCAL, 2: "/srv/pages/b.html"}
        row = super().candidate(number)
        return row | {"url": urls.get(number % 4, row["url"])}


def written(build: FakeBuild, folder: Path) -> dict[str, list[dict[str, Any]]]:
    for name, rows in configs(Material(build.build, "1.0.0")):
        write_config(folder, name, rows)
    return {name: list(read_rows(folder / name)) for name in ("curated", "seed", "sft", "augmented")}


def test_no_path_of_the_machine_is_the_address_of_a_row(tmp_path: Path) -> None:
    build = LocalBuild(tmp_path / "build", models=[])
    rows = written(build, tmp_path / "dataset")
    for name in ("curated", "sft", "augmented"):
        assert {row["url"] for row in rows[name]} > {None}
        assert all(url is None or url.startswith("https://example.org/") for url in (row["url"] for row in rows[name]))
    assert list(check_addresses(tmp_path / "dataset")) == []
    assert domains(Material(build.build, "1.0.0"))["number"] == 1
    assert domains(Material(build.build, "1.0.0"))["without"] > 0


def test_an_address_of_a_machine_is_found_by_the_check(tmp_path: Path) -> None:
    import pyarrow as pa

    schema = pa.schema([("id", pa.string()), ("url", pa.string())])
    write_rows(tmp_path / "curated" / "train-00000-of-00001.parquet", [{"id": "a", "url": LOCAL}], schema)
    (problem,) = check_addresses(tmp_path)
    assert problem.endswith("row a has a url that is no address of the web; it must be null")


@pytest.fixture
def two_sources(tmp_path: Path) -> CrawlBuild:
    """A crawl whose segments are, by turns, of two folders; one file has a name that both have."""
    build = CrawlBuild(tmp_path / "build", models=[])
    files = ["a.html", "b.html", "both.html"]
    segments = [
        {**row, "source_file": files[number % 3], "language": ("en", "de", "en")[number % 3]}
        for number, row in enumerate(build.segments)
    ]
    write_rows(build.artifacts["dedup"].data / "00000.parquet", segments, segment_schema())
    listed = [
        {"path": [["a.html", 1, "x"], ["both.html", 1, "x"]]},
        {"path": [["b.html", 1, "x"], ["both.html", 1, "x"]]},
    ]
    stage = build.artifacts["segments"].path / "stage.json"
    write_json(stage, read_json(stage) | {"config": {"sources": listed}})
    sources = [
        CorpusSource(path=tmp_path / name, format="html", name=name, license=licence)
        for name, licence in (("one", "mit"), ("two", "cc-by-4.0"))
    ]
    changed = build.recipe.segments.model_copy(update={"sources": sources})
    build.recipe = build.recipe.model_copy(update={"segments": changed})
    build.segments = segments
    return build


def test_rows_carry_the_licence_of_the_source_of_their_page(two_sources: CrawlBuild, tmp_path: Path) -> None:
    wanted = {"a.html": "mit", "b.html": "cc-by-4.0", "both.html": None}
    licences = {row["id"]: wanted[row["source_file"]] for row in two_sources.segments}
    segments = {row["id"]: row["segment_id"] for row in two_sources.candidates}
    rows = written(two_sources, tmp_path / "dataset")
    for name in ("curated", "sft"):
        web = [row for row in rows[name] if row["source"] == "web"]
        assert len({row["license"] for row in web}) > 1
        assert [row["license"] for row in web] == [licences[segments[row["id"]]] for row in web]


def test_one_licence_for_all_needs_no_file_names(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path / "build", models=[])
    source = build.recipe.segments.sources[0].model_copy(update={"license": "cc0-1.0"})
    segments = build.recipe.segments.model_copy(update={"sources": [source]})
    build.recipe = build.recipe.model_copy(update={"segments": segments})
    rows = written(build, tmp_path / "dataset")
    assert {row["license"] for row in rows["curated"]} == {"cc0-1.0"}
    assert {row["license"] for row in rows["seed"]} == {"apache-2.0"}


def test_languages_are_those_of_the_segments(two_sources: CrawlBuild) -> None:
    import pyarrow as pa

    origins = SegmentOrigins(two_sources.build)
    asked = [row["id"] for row in two_sources.segments[:4]]
    assert origins.languages(pa.array([*asked, "lost"])) == {"en": 3, "de": 1, "": 1}
