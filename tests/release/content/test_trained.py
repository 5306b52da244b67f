"""The rows of a model: their digests, and the config made of them."""

import hashlib
import json
from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.records import training_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import ReleaseError
from builder.results.release.content.material import Material
from builder.results.release.content.parquet import write_config
from builder.results.release.content.trained import rows_digest, training_digest, training_files


@pytest.fixture
def build(tmp_path: Path) -> FakeBuild:
    return FakeBuild(tmp_path / "build", models=[])


def test_digest_is_that_of_the_rows_as_json() -> None:
    row = {"id": "é", "prompt": [{"role": "user", "content": "x\n"}], "completion": [], "score": 1.0}
    line = json.dumps(["é", row["prompt"], []], ensure_ascii=False) + "\n"
    assert rows_digest([row, row]) == hashlib.sha256((2 * line).encode()).hexdigest()


def test_files_come_in_the_order_of_the_recipe(build: FakeBuild) -> None:
    final = build.artifacts["model-2"]
    assert [path.stem for path in training_files(final)] == ["seed", "curated"]
    recipe = final.path / "sft.yaml"
    names = [f"- {{data_files: x/{name}.parquet}}\n" for name in ("curated", "seed")]
    recipe.write_text("datasets:\n" + "".join(names))
    assert [path.stem for path in training_files(final)] == ["curated", "seed"]


@pytest.mark.parametrize("column", ["prompt", "completion", "id"])
def test_row_that_the_selection_does_not_have_is_refused(build: FakeBuild, column: str) -> None:
    path = build.artifacts["model-2"].path / "rows" / "curated.parquet"
    rows = list(read_rows(path))
    rows[2] |= {"id": "other"} if column == "id" else {column: [{"role": "user", "content": "another text"}]}
    write_rows(path, rows, training_schema())
    with pytest.raises(ReleaseError, match=f"was trained on row {rows[2]['id']}, which differs"):
        Material(build.build, "1.0.0").trained  # noqa: B018  reading is what fails


def test_rows_left_out_are_in_the_digest_of_all_and_not_in_that_of_the_kept(build: FakeBuild, tmp_path: Path) -> None:
    rows = list(read_rows(build.artifacts["model-2"].path / "rows" / "seed.parquet"))
    rows += read_rows(build.artifacts["model-2"].path / "rows" / "curated.parquet")
    down = [rows[1]["id"], rows[-1]["id"]]
    (tmp_path / "down.txt").write_text("\n".join(down))
    release = build.recipe.release.model_copy(update={"removed": tmp_path / "down.txt"})
    changed = Build(build.recipe.model_copy(update={"release": release}), build.artifacts)
    material = Material(changed, "1.0.0")
    kept = [row for row in rows if row["id"] not in down]
    trained = material.trained
    assert (trained.digest, trained.kept_digest) == (rows_digest(rows), rows_digest(kept))
    assert trained.digest == training_digest(build.artifacts["model-2"])
    assert trained.ids.to_pylist() == [row["id"] for row in rows]
    assert trained.among(frozenset([*down, "other"])) == 2
    write_config(tmp_path, "sft", material.sft.rows(trained))
    written = [{name: row[name] for name in training_schema().names} for row in read_rows(tmp_path / "sft")]
    assert written == kept
