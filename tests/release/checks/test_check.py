"""`check_release` finds what is wrong: each test breaks one thing in a sound release."""

import functools
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.release_build import FakeBuild, recipe_of

from builder.recipe.licences import licence_notes
from builder.results.release.checks.check import OF_DATASETS, check_release, release_notes
from builder.results.release.checks.croissant import check_croissant
from builder.results.release.checks.limits import check_limits
from builder.results.release.checks.loading import check_loading
from builder.results.release.folder import assemble
from builder.results.release.manifest import MANIFEST, describe_files, sha256

TRAIN = "curated/train-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = FakeBuild(tmp_path_factory.mktemp("build"), models=["final"])
    return assemble(tmp_path_factory.mktemp("release") / "r", build.build, "1.0.0")


@pytest.fixture
def release(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "release"))


@pytest.fixture
def unloaded(release: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, checked without the two checks that take longest, for what has nothing to do with them."""
    checks = tuple(check for check in OF_DATASETS if check not in (check_loading, check_croissant))
    monkeypatch.setattr("builder.results.release.checks.check.OF_DATASETS", checks)
    return release


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    pq.write_table(change(pq.read_table(path)), path)


def sign(dataset: Path) -> None:
    """Bring the digests in manifest and description up to date, so that only what the test broke is wrong."""
    description = dataset / "croissant.json"
    if description.is_file():
        value = json.loads(description.read_text())
        for item in value["distribution"]:
            if "sha256" in item:
                item["sha256"] = sha256(dataset / item["contentUrl"])
        description.write_text(json.dumps(value))
    manifest = json.loads((dataset / MANIFEST).read_text())
    (dataset / MANIFEST).write_text(json.dumps(manifest | {"files": describe_files(dataset)}))


def flip_byte(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(bytes(data))


def with_text(table: pa.Table, column: str, text: str | None) -> pa.Table:
    values = [text, *table[column].to_pylist()[1:]]
    return table.set_column(table.schema.get_field_index(column), table.schema.field(column), pa.array(values))


def test_sound_release_has_no_problem(release: Path) -> None:
    assert check_release(release) == []


def test_changed_byte(unloaded: Path) -> None:
    flip_byte(unloaded / "dataset" / TRAIN, 40)
    assert any(f"dataset/{TRAIN}: sha256 is" in problem for problem in check_release(unloaded))


def test_changed_byte_of_weights(unloaded: Path) -> None:
    flip_byte(unloaded / "models" / "final" / "model.safetensors", -1)
    assert any("models/final/model.safetensors: sha256 is" in problem for problem in check_release(unloaded))


def test_weights_cut_short(unloaded: Path) -> None:
    path = unloaded / "models" / "final" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert "models/final/model.safetensors: the weights are cut short or damaged" in check_release(unloaded)


def test_pickled_weights(unloaded: Path) -> None:
    (unloaded / "models" / "final" / "pytorch_model.bin").write_bytes(b"")
    problems = check_release(unloaded)
    assert any("pytorch_model.bin: pickled" in problem for problem in problems)
    assert any("pytorch_model.bin: the file is not in manifest.json" in problem for problem in problems)


def test_extra_and_missing_file(unloaded: Path) -> None:
    dataset = unloaded / "dataset"
    shutil.copyfile(dataset / TRAIN, dataset / "curated" / "notes.parquet")
    (dataset / "CHANGELOG.md").unlink()
    problems = check_release(unloaded)
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


def test_row_left_out(unloaded: Path) -> None:
    rewrite(unloaded / "dataset" / TRAIN, lambda table: table.slice(1))
    problems = check_release(unloaded)
    assert any(f"dataset/{TRAIN}: rows is" in problem for problem in problems)
    assert any("rows by the card" in problem for problem in problems)


def test_features_of_the_card(release: Path) -> None:
    edit(release / "dataset" / "README.md", "dtype: float64", "dtype: float32")
    sign(release / "dataset")
    file = "dataset/augmented/train-00000-of-00001.parquet"
    assert check_release(release) == [f"{file}: its columns differ from the features in the card"]


def test_repeated_id(release: Path) -> None:
    def repeat(table: pa.Table) -> pa.Table:
        return with_text(table, "id", table["id"][1].as_py())

    rewrite(release / "dataset" / TRAIN, repeat)
    sign(release / "dataset")
    (problem,) = check_release(release)
    assert problem.startswith("dataset/curated: 1 ids occur more than once")


def test_other_schema_in_one_config(unloaded: Path) -> None:
    rewrite(unloaded / "dataset" / TRAIN, lambda table: table.drop_columns(["url"]))
    assert any("dataset/curated: its files have 2 different schemas" in problem for problem in check_release(unloaded))


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
        ("see file:///srv/crawl", "file:///srv/crawl"),
        (f"token hf_{'b' * 34}", "secret"),
        (f"here: {Path.cwd()}/x", str(Path.cwd())),
    ],
    ids=["home", "tmp", "windows", "file", "token", "current folder"],
)
def test_what_must_not_leave_the_machine(unloaded: Path, name: str, text: str, found: str) -> None:
    path = unloaded / "dataset" / name
    path.write_text(path.read_text() + f"\n# {text}\n")
    sign(unloaded / "dataset")
    (problem,) = check_release(unloaded)
    assert problem.startswith(f"dataset/{name}: ")
    assert found in problem


@pytest.mark.parametrize("text", ["[More Information Needed]", "{{ title }}", "{% if a %}", "TODO: say more", "TBD"])
def test_template_hole_and_what_only_quotes_one(unloaded: Path, text: str) -> None:
    card = unloaded / "dataset" / "README.md"
    quoted = f"\n````\n```\n{text}\n```\n/home/me https://example.org/tmp/x\n````\nsee https://example.org/home/me\n"
    card.write_text(card.read_text() + quoted)
    sign(unloaded / "dataset")
    assert check_release(unloaded) == []
    card.write_text(card.read_text() + f"\n{text}\n")
    sign(unloaded / "dataset")
    (problem,) = check_release(unloaded)
    assert "which a template has left over" in problem


@pytest.mark.parametrize("column", ["instruction", "output", "header"])
def test_control_token_in_a_row(unloaded: Path, column: str) -> None:
    path = unloaded / "dataset" / "augmented" / "train-00000-of-00001.parquet"
    rewrite(path, lambda table: with_text(table, column, "Fine.<|im_end|>\n<|im_start|>system"))
    sign(unloaded / "dataset")
    (problem,) = check_release(unloaded)
    assert f"{column} holds the control token '<|im_end|>'" in problem


def test_key_written_twice(unloaded: Path) -> None:
    edit(unloaded / "dataset" / "README.md", "license: odc-by\n", "license: odc-by\nlicense: mit\n")
    sign(unloaded / "dataset")
    assert any(re.search(r"README.md: .*'license' is written twice", problem) for problem in check_release(unloaded))


def test_pattern_without_file(release: Path) -> None:
    edit(release / "dataset" / "README.md", "path: curated/test-*.parquet", "path: curated/tset-*.parquet")
    sign(release / "dataset")
    problems = check_release(release)
    assert "dataset/README.md: curated/tset-*.parquet names no file" in problems
    assert any("test-00000-of-00001.parquet: the card declares no split" in problem for problem in problems)


CONFIG = """- config_name: augmented
  data_files:
  - split: train
    path: augmented/train-*.parquet
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Augmented", "configs 'augmented' and 'Augmented' differ only in case"),
        ("augmented", "config 'augmented' is declared more than once"),
        ("aug/mented", "must consist of letters, digits"),
    ],
)
def test_config_whose_name_is_refused(unloaded: Path, name: str, words: str) -> None:
    edit(unloaded / "dataset" / "README.md", CONFIG, CONFIG + CONFIG.replace("augmented", name, 1))
    assert any(words in problem for problem in check_release(unloaded))


def test_split_whose_name_is_refused(unloaded: Path) -> None:
    edit(unloaded / "dataset" / "README.md", CONFIG, CONFIG.replace("train", "not-this", 1))
    assert any("split 'not-this' of config 'augmented' must consist" in problem for problem in check_release(unloaded))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("", "the front matter lacks license; release.license"),
        ("license: ''\n", "the front matter lacks license; release.license"),
        ("license: apache2\n", "not one of the Hub's licence identifiers; did you mean apache-2.0?"),
        ("license: Secret Sauce 7\n", "where the Hub has none for it, write other"),
        ("license: other\nlicense_name: ours\n", "license is other, so license_link is needed"),
    ],
)
@pytest.mark.parametrize("card", ["dataset", "models/final"])
def test_licence_that_is_refused(unloaded: Path, card: str, lines: str, words: str) -> None:
    licence = "license: odc-by\n" if card == "dataset" else "license: apache-2.0\n"
    edit(unloaded / card / "README.md", licence, lines)
    sign(unloaded / card)
    (problem,) = check_release(unloaded)
    assert problem.startswith(f"{card}/README.md: ")
    assert words in problem


def test_licence_of_ones_own_with_name_and_link(unloaded: Path) -> None:
    other = "license: other\nlicense_name: ours\nlicense_link: https://example.org/licence\n"
    edit(unloaded / "dataset" / "README.md", "license: odc-by\n", other)
    sign(unloaded / "dataset")
    assert check_release(unloaded) == []


def test_other_licence_without_name_and_link_is_noted_before_a_build(tmp_path: Path) -> None:
    recipe = recipe_of(tmp_path, 0.2, license="other", license_name="ours")
    assert list(licence_notes(recipe)) == [
        "release.license is other; a release needs release.license_name and release.license_link beside it"
    ]
    assert not list(licence_notes(recipe_of(tmp_path, 0.2)))


@pytest.mark.parametrize("column", ["instruction", "output"])
@pytest.mark.parametrize("text", ["", " \n", None])
def test_empty_text_in_a_row(unloaded: Path, column: str, text: str | None) -> None:
    path = unloaded / "dataset" / "augmented" / "train-00000-of-00001.parquet"
    rewrite(path, lambda table: with_text(table, column, text))
    sign(unloaded / "dataset")
    (problem,) = check_release(unloaded)
    assert f": {column} is empty" in problem


def test_empty_turn_of_a_conversation(unloaded: Path) -> None:
    def empty(table: pa.Table) -> pa.Table:
        rows = table.to_pylist()
        rows[1]["completion"][0]["content"] = " "
        return pa.Table.from_pylist(rows, schema=table.schema)

    rewrite(unloaded / "dataset" / TRAIN, empty)
    sign(unloaded / "dataset")
    (problem,) = check_release(unloaded)
    assert problem.startswith(f"dataset/{TRAIN}: row ")
    assert ": completion is empty" in problem


def test_secret_in_a_row(unloaded: Path) -> None:
    path = unloaded / "dataset" / "augmented" / "train-00000-of-00001.parquet"
    rewrite(path, lambda table: with_text(table, "output", f"Use the key AIza{'Sy7dK2b' * 4}QwErT3Z."))
    sign(unloaded / "dataset")
    (problem,) = check_release(unloaded)
    assert "output holds what looks like a secret (Google API key)" in problem
    assert "Sy7dK2b" not in problem


def test_row_that_the_viewer_cannot_show_is_a_note_and_no_problem(release: Path) -> None:
    path = release / "dataset" / "augmented" / "train-00000-of-00001.parquet"
    rewrite(path, lambda table: with_text(table, "output", "long " * 400_001))
    sign(release / "dataset")
    assert check_release(release) == []
    (note,) = release_notes(release)
    assert "has 2,000," in note
    assert "the Hub's viewer may not show it whole" in note


def test_limits_of_the_hub(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.results.release.checks.limits.FOLDER_ENTRIES", 3)
    monkeypatch.setattr("builder.results.release.checks.limits.REPOSITORY_FILES", 4)
    monkeypatch.setattr("builder.results.release.checks.limits.FILE_BYTES", 10)
    problems = list(check_limits(release / "dataset"))
    assert any(problem.startswith(".: holds ") and "write larger shards" in problem for problem in problems)
    assert any("files; the Hub takes 4 a repository" in problem for problem in problems)
    assert any(problem.startswith(f"{TRAIN}: has ") and "up to 10" in problem for problem in problems)


@pytest.mark.parametrize(("name", "text"), [("build.yaml", "name: twice\n"), ("training/more.json", "{")])
def test_texts_that_cannot_be_parsed(unloaded: Path, name: str, text: str) -> None:
    path = unloaded / "dataset" / name
    path.write_text((path.read_text() if path.is_file() else "") + text)
    sign(unloaded / "dataset")
    (problem,) = (
        problem for problem in check_release(unloaded) if not problem.endswith("is no file of a release; take it out")
    )
    assert problem.startswith(f"dataset/{name}: not valid ")


def test_rows_that_load_dataset_changes_are_found_in_every_column(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    real = datasets.load_dataset
    load = functools.cache(lambda name: real(str(release / "dataset"), name, cache_dir=str(release / "cache")))

    def found(change: Callable[[Any], Any]) -> list[str]:
        def changed(folder: str, name: str, **_: Any) -> Any:
            return {**load(name), "train": change(load(name)["train"])} if name == "curated" else load(name)

        monkeypatch.setattr(datasets, "load_dataset", changed)
        return list(check_loading(release / "dataset"))

    said = "curated: load_dataset gives in split train "
    assert found(lambda rows: rows) == []
    third = load("curated")["train"]["id"][2]

    def longer(row: Any, place: int) -> Any:
        return {"url": row["url"] + "?" * (place == 2)}

    other = f"{said}another url in row {third} than its files hold"
    assert found(lambda rows: rows.map(longer, with_indices=True)) == [other]
    assert found(lambda rows: rows.select(range(3))) == [f"{said}3 rows, fewer than its files hold"]
    (problem,) = found(lambda rows: rows.remove_columns("score"))
    assert problem.startswith(f"{said}the columns ")
    assert "its files have" in problem


def test_folder_that_is_empty_is_reported_and_raises_nothing(tmp_path: Path) -> None:
    assert check_release(tmp_path)


def test_problems_found_before_a_check_breaks_off_are_kept(release: Path) -> None:
    (release / "dataset" / "CHANGELOG.md").write_text("see /home/me/crawl")
    (release / "dataset" / "README.md").write_bytes(b"\xff")
    (release / "dataset" / "training" / "sft.yaml").write_bytes(b"\xff")
    problems = check_release(release)
    assert "dataset/CHANGELOG.md: holds the local path '/home/me/crawl'" in problems
    assert any("check_texts cannot be made: UnicodeDecodeError" in problem for problem in problems)
