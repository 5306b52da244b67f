"""Stand-off releases: no text of the crawl is in them, and all of it comes back from the crawl."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from support.corpus_pages import record, write_warc
from support.crawl_build import MAIL, PAGES, QUOTED, CrawlBuild, crawl, web_page
from support.output_schema import answered

from builder import __version__
from builder.build import Build
from builder.cli.hydrate import hydrate_release
from builder.data.storage import parquet_files, read_rows
from builder.errors import RecipeError, ReleaseError
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.results.release.cards.markdown import examples
from builder.results.release.checks.check import check_release
from builder.results.release.content.places import quotes
from builder.results.release.content.standoff import refuse_unreviewed
from builder.results.release.folder import assemble
from builder.results.release.hub.push import Push, push_release
from builder.results.release.hydrate import WALKS, hydrate
from builder.results.release.manifest import MANIFEST, describe_files
from builder.results.release.versions import Version


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> CrawlBuild:
    return CrawlBuild(tmp_path_factory.mktemp("build") / "b", text="standoff", models=["final"], max_quoted_words=9)


@pytest.fixture(scope="module")
def standoff(build: CrawlBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assemble(tmp_path_factory.mktemp("release") / "1.0.0", build.build, "1.0.0")


@pytest.fixture(scope="module")
def full(build: CrawlBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same build with its texts, without the pair that a stand-off release leaves out."""
    removed = tmp_path_factory.mktemp("removed") / "removed.txt"
    removed.write_text(build.candidates[QUOTED]["id"] + "\n")
    changed = build.recipe.release.model_copy(update={"text": "full", "removed": removed, "models": []})
    source = build.recipe.segments.sources[0].model_copy(update={"redistributable": True})
    segments = build.recipe.segments.model_copy(update={"sources": [source]})
    recipe = build.recipe.model_copy(update={"release": changed, "segments": segments})
    return assemble(tmp_path_factory.mktemp("full") / "1.0.0", Build(recipe, build.artifacts), "1.0.0")


@pytest.fixture(scope="module")
def hydrated(
    standoff: Path, build: CrawlBuild, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("hydrated") / "out"
    return out, answered("hydrate", hydrate(standoff, [build.root / "crawl"], out))


def test_no_file_of_a_standoff_release_holds_text_of_the_crawl(standoff: Path, build: CrawlBuild) -> None:
    outputs = [row["output"] for row in build.candidates]
    said = "\n".join(
        path.read_text(errors="replace") for path in standoff.rglob("*") if path.suffix in (".md", ".json")
    )
    for path in parquet_files(standoff / "dataset"):
        said += "\n".join(json.dumps(row, ensure_ascii=False) for row in read_rows(path))
    assert len(outputs) == 2 * PAGES
    for text in outputs:
        assert all(line.strip() not in said for line in text.splitlines() if len(line) > 60)
    assert "How the part" not in said  # headings
    assert "https://example.org/" not in said  # addresses


def test_restored_rows_are_those_of_the_full_release_byte_for_byte(
    hydrated: tuple[Path, dict[str, Any]], full: Path, tmp_path: Path
) -> None:
    from datasets import load_dataset

    out, result = hydrated
    texts = {"in": 2 * PAGES - 1, "restored": 2 * PAGES - 1}
    assert (result["texts"], result["missing"], result["sft_as_trained"]) == (texts, {}, True)
    files = [path.relative_to(full / "dataset") for path in parquet_files(full / "dataset")]
    assert files == [path.relative_to(out) for path in parquet_files(out)]
    for file in files:
        assert (out / file).read_bytes() == (full / "dataset" / file).read_bytes(), file
    for config in ("curated", "seed", "sft", "chat", "augmented"):
        ours, theirs = (
            load_dataset(str(folder), config, cache_dir=str(tmp_path / name))
            for name, folder in (("ours", out), ("theirs", full / "dataset"))
        )
        assert {split: ours[split].to_list() for split in ours} == {split: theirs[split].to_list() for split in theirs}


def test_restored_texts_are_masked_and_escaped_as_in_the_build(hydrated: tuple[Path, dict[str, Any]]) -> None:
    texts = "\n".join(row["output"] for row in read_rows(hydrated[0] / "augmented"))
    assert MAIL not in texts
    assert "email@example.com" in texts
    assert "<|im_end|>" not in texts
    assert "‹|im_end|›" in texts
    assert "日本語" in texts
    assert "Turned round, parted email@example.com and ‹|im_end|›." in texts


def test_pair_whose_instruction_quotes_its_page_is_left_out_and_counted(standoff: Path, build: CrawlBuild) -> None:
    quoting = build.candidates[QUOTED]["id"]
    for config in ("curated", "sft", "augmented"):
        assert quoting not in {row["id"] for row in read_rows(standoff / "dataset" / config, ["id"])}
    manifest = json.loads((standoff / "dataset" / MANIFEST).read_text())
    trained = {row["id"] for row in read_rows(build.artifacts["model-2"].path / "rows", ["id"])}
    assert manifest["sft"]["quoting"] == (quoting in trained)
    assert (
        "1 candidate is left out because its instruction shares more than 9 words"
        in (standoff / "dataset" / "README.md").read_text()
    )


@pytest.mark.parametrize(
    ("instruction", "limit", "quoting"),
    [
        ("what does one two three four mean", 4, False),
        ("what does One, two THREE four mean", 3, True),
        ("one two three", 3, False),
        ("unrelated words", 1, False),
    ],
)
def test_words_in_a_row_are_counted_whatever_their_case(instruction: str, limit: int, quoting: bool) -> None:
    assert quotes(instruction, "Zero one two three four five.", limit) == quoting


WITHOUT_EXTRACTORS = """
import sys
for name in ("trafilatura", "resiliparse.extract", "resiliparse.extract.html2text", "torch", "transformers"):
    sys.modules[name] = None
from builder.cli.main import main
sys.argv = ["humpback", "hydrate", *sys.argv[1:]]
main()
"""


def test_command_restores_without_any_extractor_or_model_library(
    standoff: Path, build: CrawlBuild, tmp_path: Path
) -> None:
    arguments = [standoff / "dataset", "--corpus", build.crawl, "--out", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRACTORS, *map(str, arguments)],
        capture_output=True, text=True, check=False, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{2 * PAGES - 1} of {2 * PAGES - 1} texts came back\n")
    assert "sft is the same as in the build" in done.stdout


def test_rows_that_do_not_come_back_are_counted_by_reason(standoff: Path, tmp_path: Path) -> None:
    pages = [web_page(number).encode() + b"\r\n" for number in range(PAGES)]
    pages[3] = pages[3].replace(b"<p>", b"<p>Changed. ")
    pages[4] = b"%PDF-1.7 no page any more"
    write_warc(tmp_path / "crawl" / "x.warc.gz", [record(page, number) for number, page in enumerate(pages[:-1])])
    out = tmp_path / "out"
    result = hydrate(standoff, [tmp_path / "crawl"], out)
    rows = list(read_rows(standoff / "dataset" / "augmented", ["segment_id", "page_id"]))
    outcomes = {3: "page_differs", 4: "page_unreadable", PAGES - 1: "page_missing"}
    lost = {row["segment_id"]: outcomes[n] for row in rows if (n := int(row["page_id"][-5:])) in outcomes}
    assert set(lost.values()) == set(outcomes.values())
    assert result["missing"] == Counter(lost.values())
    assert result["sft_as_trained"] is None
    assert result["rows"]["augmented"] == {"in": len(rows), "restored": len(rows) - len(lost)}
    assert json.loads((out / "hydrate.json").read_text())["segments_missing"] == lost
    kept = {row["segment_id"] for row in read_rows(out / "augmented", ["segment_id"])}
    assert kept == {row["segment_id"] for row in rows} - lost.keys()
    said = hydrate_release(standoff, [tmp_path / "crawl"], tmp_path / "again").text()
    assert said.startswith(f"{len(rows) - len(lost)} of {len(rows)} texts came back\n  page_")


def test_copy_that_is_laid_out_otherwise_and_damaged_twice_is_still_found(standoff: Path, tmp_path: Path) -> None:
    """By page id: the first copy of a page differs, the second does not."""
    pages = [record(web_page(number).encode() + b"\r\n", number) for number in range(PAGES)]
    broken = record(web_page(0).replace("<p>", "<p>Changed. ").encode(), 0)
    write_warc(tmp_path / "deep" / "down" / "other.warc.gz", [broken, *pages])
    result = hydrate(standoff, [tmp_path / "deep"], tmp_path / "out")
    assert result["missing"] == {}


def test_what_cannot_be_restored_is_refused(standoff: Path, full: Path, build: CrawlBuild, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is no stand-off release"):
        hydrate(full, [build.crawl], tmp_path / "out")
    with pytest.raises(RecipeError, match="so it is no release"):
        hydrate(tmp_path, [build.crawl], tmp_path / "out")
    with pytest.raises(RecipeError, match="no such file or folder; --corpus names it"):
        hydrate(standoff, [tmp_path / "none"], tmp_path / "out")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").touch()
    with pytest.raises(RecipeError, match="is there already"):
        hydrate(standoff, [build.crawl], tmp_path / "full")
    other = crawl(tmp_path / "other", range(PAGES, PAGES + 2))
    with pytest.raises(ReleaseError, match=r"none of the 23 texts came back \(page_missing 23\)"):
        hydrate(standoff, [other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("walk", "made_with", "cure"),
    [
        ("dom-2", __version__, "install humpback-builder from the commit that made it"),
        ("dom-3", "0.1.0", r"install humpback-builder 0\.1\.0, and"),
        ("dom-3", "0.0.9", r"install humpback-builder 0\.1\.0, and"),
        ("dom-3", __version__, r"install humpback-builder 0\.1\.0, and"),
        ("dom-3", None, r"install humpback-builder 0\.1\.0, and"),
        ("dom-99", "7.1.0", r"install humpback-builder 7\.1\.0, and"),
    ],
)
def test_a_release_of_another_walk_is_refused_with_the_version_to_install(
    standoff: Path, build: CrawlBuild, tmp_path: Path, walk: str, made_with: str | None, cure: str
) -> None:
    changed = Path(shutil.copytree(standoff / "dataset", tmp_path / "changed"))
    manifest = json.loads((changed / MANIFEST).read_text())
    tool = {"name": "humpback-builder", "version": made_with} if made_with else None
    (changed / MANIFEST).write_text(json.dumps(manifest | {"walk": walk, "tool": tool}))
    with pytest.raises(ReleaseError, match=rf"made with walk {walk}, this version, {__version__}, has .*{cure}"):
        hydrate(changed, [build.crawl], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_release_names_the_walk_and_the_version_that_has_it(standoff: Path) -> None:
    assert WALKS[__version__] == WALK_VERSION
    assert list(WALKS)[-1] == __version__
    manifest = json.loads((standoff / "dataset" / MANIFEST).read_text())
    assert (manifest["walk"], manifest["tool"]["version"]) == (WALK_VERSION, __version__)


def test_examples_of_a_standoff_card_run(
    standoff: Path, build: CrawlBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import duckdb

    folder = tmp_path / "r" / "dataset"
    shutil.copytree(standoff / "dataset", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    shown = examples(Path("README.md").read_text())
    for text in (text for language, text in shown if language == "python"):
        exec(compile(text, "example", "exec"), {})
    (sql,) = (text for language, text in shown if language == "sql")
    assert all(chars > 600 for *_, chars in duckdb.sql(sql.rstrip().rstrip(";")).fetchall())
    restore, train = (text for language, text in shown if language == "bash")
    command, change = restore.replace("CRAWL", str(build.root / "crawl")).splitlines()
    assert (change, train) == ("cd ../restored", "trl sft --config training/sft.yaml")
    done = subprocess.run(
        [sys.executable, "-m", "builder", *command.split()[1:]], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    recipe = yaml.safe_load(Path("../restored/training/sft.yaml").read_text())
    assert list(Path("../restored").glob(recipe["datasets"][0]["data_files"]))
    axolotl = yaml.safe_load(Path("../restored/training/axolotl.yml").read_text())
    assert list(Path("../restored").glob(axolotl["datasets"][0]["data_files"]))
    assert Path("../restored/training/dataset_info.json").is_file()


def sign(dataset: Path, **changes: Any) -> None:
    manifest = json.loads((dataset / MANIFEST).read_text())
    (dataset / MANIFEST).write_text(json.dumps(manifest | changes | {"files": describe_files(dataset)}))


@pytest.mark.parametrize("column", ["output", "header", "url", "text", "notes"])
def test_text_column_in_a_standoff_release_is_refused(standoff: Path, tmp_path: Path, column: str) -> None:
    release = tmp_path / "release"
    shutil.copytree(standoff / "dataset", release / "dataset")
    path = release / "dataset" / "augmented" / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column(column, pa.array(["some text"] * len(table))), path)
    sign(release / "dataset")
    problems = check_release(release)
    assert any(f"has the column {column}; a stand-off release holds no text" in problem for problem in problems)


def test_row_of_the_crawl_among_the_seed_is_refused(standoff: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    shutil.copytree(standoff / "dataset", release / "dataset")
    path = release / "dataset" / "seed" / "train-00000-of-00001.parquet"
    rows = pq.read_table(path).to_pylist()
    pq.write_table(pa.Table.from_pylist([rows[0] | {"source": "web"}, *rows[1:]], pq.read_schema(path)), path)
    sign(release / "dataset")
    assert any("has rows of the crawl, with their text" in problem for problem in check_release(release))


def test_corpus_that_may_not_be_passed_on_has_no_other_release(build: CrawlBuild, full: Path, tmp_path: Path) -> None:
    from builder.recipe.recipe import Recipe

    values = build.recipe.model_dump()
    values["release"]["text"] = "full"
    with pytest.raises(ValueError, match=r"segments\.sources\.0 is not redistributable, so release\.text must be"):
        Recipe.model_validate(values)
    release = tmp_path / "release"
    shutil.copytree(full / "dataset", release / "dataset")
    sign(release / "dataset", redistributable=False)
    assert check_release(release) == [
        "dataset/manifest.json: the corpus is not redistributable; release.text must be standoff"
    ]


def test_models_wait_until_somebody_has_read_the_licence(standoff: Path, build: CrawlBuild, tmp_path: Path) -> None:
    release = build.recipe.release
    with pytest.raises(ReleaseError, match=r"final learned from text.*set release\.licence_reviewed: true"):
        push_release(standoff, release, Version(1, 0, 0), Push(), print)
    refuse_unreviewed(release.model_copy(update={"licence_reviewed": True}), standoff)
    refuse_unreviewed(release.model_copy(update={"text": "full"}), standoff)
    refuse_unreviewed(release, tmp_path)
