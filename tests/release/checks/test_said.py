"""The check holds card and training recipe against rows and folder."""

from pathlib import Path

import pyarrow as pa
import pytest

from builder.data.storage import write_rows
from builder.results.release.checks.said import check_licences, check_training


def test_a_licence_of_a_row_that_the_card_does_not_name_is_found(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("license", pa.string())])
    rows = [{"id": "a", "license": "cc-by-4.0"}, {"id": "b", "license": "own | 1.0"}, {"id": "c", "license": None}]
    write_rows(tmp_path / "curated" / "train-00000-of-00001.parquet", rows, schema)
    (tmp_path / "README.md").write_text("| `web` | cc-by-4.0 | 1 |\n")
    (problem,) = check_licences(tmp_path)
    assert problem.startswith("README.md: does not name the licence 'own | 1.0', under which rows of curated/train")
    assert problem.endswith("; release it again")
    (tmp_path / "README.md").write_text("| `web` | cc-by-4.0 | 1 |\n| x | own \\| 1.0 | 1 |\n")
    assert list(check_licences(tmp_path)) == []


@pytest.mark.parametrize(("target", "sound"), [("../tiny-1.0.0-trained", True), ("tiny-1.0.0", False), ("", False)])
def test_a_training_that_would_write_into_the_dataset_is_found(tmp_path: Path, target: str, sound: bool) -> None:
    assert list(check_training(tmp_path)) == []
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "sft.yaml").write_text(f"output_dir: '{target}'\n")
    assert (list(check_training(tmp_path)) == []) is sound
