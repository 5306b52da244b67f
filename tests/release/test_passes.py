"""A release reads every stage at most twice: once for what it says of the rows, once to write them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from count_passes import counting
from support.crawl_build import CrawlBuild
from support.release_build import FakeBuild

from builder.build import Build
from builder.results.release.folder import assemble
from builder.results.release.versions import read_previous

MODELS = ["backward", "0", "1", "final"]


def passes(made: FakeBuild, out: Path, **release: Any) -> dict[str, float]:
    """Passes over each stage in a release with everything that reads rows: take-downs, labels, a release before."""
    before = assemble(out / "1.0.0", made.build, "1.0.0")
    down, labels = made.root / "down.txt", made.root / "labels.jsonl"
    down.write_text(f"{made.candidates[3]['page_id']}\n{made.seed[0]['id']}\n")
    labels.write_text(json.dumps({"id": made.candidates[1]["id"], "good": True}) + "\n")
    changed = made.recipe.release.model_copy(update={"removed": down, "labels": labels})
    build = Build(made.recipe.model_copy(update={"release": changed}), made.artifacts)
    with counting() as counted:
        assemble(out / "1.1.0", build, "1.1.0", previous=read_previous(before))
    found = counted.below(made.root / "work")
    return {folder.partition("/")[0].rpartition("-")[0]: number for folder, number in found.items()}


def test_release_with_its_texts(tmp_path: Path) -> None:
    found = passes(FakeBuild(tmp_path / "build", cross_fit=True, models=MODELS), tmp_path / "releases")
    written, seen = ("seed", "augment", "curate-2", "model-2"), ("curate-1", "score-1-likelihood", "score-2-likelihood")
    models = ("model-backward", "model-0", "model-1")
    assert found == {**dict.fromkeys(written, 2), **dict.fromkeys((*seen, *models), 1)}


def test_release_of_places(tmp_path: Path) -> None:
    found = passes(CrawlBuild(tmp_path / "build", text="standoff", models=[]), tmp_path / "releases")
    assert found["dedup"] == found["augment"] == found["curate-2"] == 2
    assert max(found.values()) == 2


def test_passes_are_counted_over_all_files_of_a_folder(tmp_path: Path) -> None:
    for number in range(2):
        pq.write_table(pa.table({"n": range(10)}), tmp_path / f"{number}.parquet", row_group_size=5)
    with counting() as counted:
        pq.ParquetFile(tmp_path / "0.parquet").read_row_group(1)
        for number in range(2):
            with pq.ParquetFile(tmp_path / f"{number}.parquet") as file:
                assert sum(batch.num_rows for batch in file.iter_batches(3)) == 10
    assert counted.below(tmp_path.parent) == {tmp_path.name: 1.25}
