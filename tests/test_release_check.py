"""`check_release` finds what is wrong: each test breaks one thing in a sound release."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from release_build import FakeBuild

from builder.release import assemble, check_release
from builder.release.manifest import MANIFEST, describe_files

TRAIN = "curated/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = FakeBuild(tmp_path_factory.mktemp("build"), models=["final"])
    return assemble(tmp_path_factory.mktemp("release") / "r", build.recipe, build.artifacts, "1.0.0")


@pytest.fixture
def release(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "release"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def sign(dataset: Path) -> None:
    """Bring the manifest's digests up to date, so that only what the test broke is wrong."""
    manifest = json.loads((dataset / MANIFEST).read_text())
    (dataset / MANIFEST).write_text(json.dumps(manifest | {"files": describe_files(dataset)}))


def flip_byte(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def with_text(table: pa.Table, column: str, text: str) -> pa.Table:
    values = [text, *table[column].to_pylist()[1:]]
    return table.set_column(table.schema.get_field_index(column), table.schema.field(column), pa.array(values))


def test_sound_release_has_no_problem(release: Path) -> None:
    assert check_release(release) == []


def test_changed_byte(release: Path) -> None:
    flip_byte(release / "dataset" / TRAIN, 40)
    assert any(f"dataset/{TRAIN}: sha256 is" in problem for problem in check_release(release))


def test_changed_byte_of_weights(release: Path) -> None:
    flip_byte(release / "models" / "final" / "model.safetensors", -1)
    assert any("models/final/model.safetensors: sha256 is" in problem for problem in check_release(release))


def test_weights_cut_short(release: Path) -> None:
    path = release / "models" / "final" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert "models/final/model.safetensors: the weights are cut short or damaged" in check_release(release)


def test_pickled_weights(release: Path) -> None:
    (release / "models" / "final" / "pytorch_model.bin").write_bytes(b"")
    problems = check_release(release)
    assert any("pytorch_model.bin: pickled" in problem for problem in problems)
    assert any("pytorch_model.bin: the file is not in manifest.json" in problem for problem in problems)


def test_extra_and_missing_file(release: Path) -> None:
    dataset = release / "dataset"
    shutil.copyfile(dataset / TRAIN, dataset / "curated" / "notes.parquet")
    (dataset / "CHANGELOG.md").unlink()
    problems = check_release(release)
    assert "dataset/curated/notes.parquet: the file is not in manifest.json" in problems
    assert "dataset/curated/notes.parquet: the card declares no split with this file" in problems
    assert "dataset/CHANGELOG.md: the file is missing, manifest.json lists it" in problems


def test_broken_footer(release: Path) -> None:
    path = release / "dataset" / TRAIN
    path.write_bytes(path.read_bytes()[:-3])
    assert any(f"dataset/{TRAIN}: the Parquet file cannot be read" in problem for problem in check_release(release))


def test_row_count_of_the_card(release: Path) -> None:
    edit(release / "dataset" / "README.md", "num_examples: 5", "num_examples: 6")
    sign(release / "dataset")
    problems = check_release(release)
    assert "dataset/README.md: seed/train has 6 rows by the card and 5 in its files" in problems
    assert any("check_loading cannot be made: NonMatchingSplitsSizesError" in problem for problem in problems)


def test_row_left_out(release: Path) -> None:
    rewrite(release / "dataset" / TRAIN, lambda table: table.slice(1))
    problems = check_release(release)
    assert any(f"dataset/{TRAIN}: rows is" in problem for problem in problems)
    assert any("rows by the card" in problem for problem in problems)


def test_features_of_the_card(release: Path) -> None:
    edit(release / "dataset" / "README.md", "dtype: float64", "dtype: float32")
    sign(release / "dataset")
    assert check_release(release) == [
        f"dataset/curated/{split}-00000-of-00001.parquet: its columns differ from the features in the card"
        for split in ("train", "test")
    ]


def test_repeated_id(release: Path) -> None:
    def repeat(table: pa.Table) -> pa.Table:
        return with_text(table, "id", table["id"][1].as_py())

    rewrite(release / "dataset" / TRAIN, repeat)
    sign(release / "dataset")
    (problem,) = check_release(release)
    assert problem.startswith("dataset/curated: 1 ids occur more than once")


def test_other_schema_in_one_config(release: Path) -> None:
    rewrite(release / "dataset" / TRAIN, lambda table: table.drop_columns(["url"]))
    assert any("dataset/curated: its files have 2 different schemas" in problem for problem in check_release(release))


def test_rows_that_were_not_trained_on(release: Path) -> None:
    path = release / "dataset" / "sft" / "train-00000-of-00001.parquet"
    rewrite(path, lambda table: table.take(list(range(table.num_rows))[::-1]))
    sign(release / "dataset")
    (problem,) = check_release(release)
    assert problem.startswith("dataset/sft: the rows are not those the final model was trained on")


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "build.yaml", "training/sft.yaml"])
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see /home/me/crawl", "/home/me/crawl"),
        ("see /tmp/x", "/tmp/x"),
        ("see C:\\Users\\me", "C:"),
        (f"token hf_{'b' * 34}", "secret"),
        (f"here: {Path.cwd()}/x", str(Path.cwd())),
    ],
    ids=["home", "tmp", "windows", "token", "current folder"],
)
def test_what_must_not_leave_the_machine(release: Path, name: str, text: str, found: str) -> None:
    path = release / "dataset" / name
    path.write_text(path.read_text() + f"\n# {text}\n")
    sign(release / "dataset")
    (problem,) = check_release(release)
    assert problem.startswith(f"dataset/{name}: ")
    assert found in problem


@pytest.mark.parametrize("text", ["[More Information Needed]", "{{ title }}", "TODO: say more"])
def test_template_hole_and_what_only_quotes_one(release: Path, text: str) -> None:
    card = release / "dataset" / "README.md"
    quoted = f"\n````\n```\n{text}\n```\n/home/me https://example.org/tmp/x\n````\nsee https://example.org/home/me\n"
    card.write_text(card.read_text() + quoted)
    sign(release / "dataset")
    assert check_release(release) == []
    card.write_text(card.read_text() + f"\n{text}\n")
    sign(release / "dataset")
    (problem,) = check_release(release)
    assert "which a template has left over" in problem


@pytest.mark.parametrize("column", ["instruction", "output", "header"])
def test_control_token_in_a_row(release: Path, column: str) -> None:
    path = release / "dataset" / "augmented" / "train-00000-of-00001.parquet"
    rewrite(path, lambda table: with_text(table, column, "Fine.<|im_end|>\n<|im_start|>system"))
    sign(release / "dataset")
    (problem,) = check_release(release)
    assert f"{column} holds the control token '<|im_end|>'" in problem


def test_key_written_twice(release: Path) -> None:
    edit(release / "dataset" / "README.md", "license: odc-by\n", "license: odc-by\nlicense: mit\n")
    sign(release / "dataset")
    assert any(re.search(r"README.md: .*'license' is written twice", problem) for problem in check_release(release))


def test_pattern_without_file(release: Path) -> None:
    edit(release / "dataset" / "README.md", "path: curated/test-*.parquet", "path: curated/tset-*.parquet")
    sign(release / "dataset")
    problems = check_release(release)
    assert "dataset/README.md: curated/tset-*.parquet names no file" in problems
    assert any("test-00000-of-00001.parquet: the card declares no split" in problem for problem in problems)


def test_folder_that_is_empty_is_reported_and_raises_nothing(tmp_path: Path) -> None:
    assert check_release(tmp_path)


def test_problems_found_before_a_check_breaks_off_are_kept(release: Path) -> None:
    (release / "dataset" / "CHANGELOG.md").write_text("see /home/me/crawl")
    (release / "dataset" / "README.md").write_bytes(b"\xff")
    (release / "dataset" / "training" / "sft.yaml").write_bytes(b"\xff")
    problems = check_release(release)
    assert "dataset/CHANGELOG.md: holds the local path '/home/me/crawl'" in problems
    assert any("check_texts cannot be made: UnicodeDecodeError" in problem for problem in problems)
