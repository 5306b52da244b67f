"""Every example in the README and in the cards runs as it stands there.

Examples of a release that is on the Hub name its repository at a tag; here both are replaced by the folder, which is
what lies there. `trl sft` itself is run in tests/release/test_folder.py.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.storage import count_rows, read_rows
from builder.results.release.cards.markdown import examples
from builder.results.release.folder import assemble

README = Path(__file__).parents[3] / "README.md"
REPOSITORY, TAG = "org/tiny", "v1.2.3"


@pytest.fixture(scope="module")
def published(build: FakeBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release that names a repository on the Hub."""
    changed = build.recipe.release.model_copy(update={"dataset": REPOSITORY, "models": []})
    recipe = build.recipe.model_copy(update={"release": changed})
    return assemble(tmp_path_factory.mktemp("release") / "r", Build(recipe, build.artifacts), TAG[1:])


@pytest.fixture
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")


def blocks(path: Path, language: str) -> list[str]:
    found = [text for kind, text in examples(path.read_text()) if kind == language]
    assert found
    return found


def run_python(text: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(compile(text, "example", "exec"), names)
    return names


def run_sql(text: str) -> list[tuple[Any, ...]]:
    import duckdb

    return duckdb.sql(text.rstrip().rstrip(";")).fetchall()


def check_rows_of_examples(dataset: Path, python: list[str], sql: list[str]) -> None:
    loaded, polars = map(run_python, python)
    for config in ("curated", "seed", "sft", "chat", "augmented"):
        assert sum(len(split) for split in loaded[config].values()) == count_rows(dataset / config)
    rows = [row for row in read_rows(dataset / "curated") if row["score"] is not None]
    train = [row for row in rows if row["id"] in set(loaded["curated"]["train"]["id"])]
    scores = sorted((row["score"] for row in train), reverse=True)[:5]
    assert polars["best"]["score"].to_list() == scores
    (found,) = map(run_sql, sql)
    texts = {row["id"]: (row["prompt"][1]["content"], row["completion"][0]["content"]) for row in rows}
    assert [score for _, score, *_ in found] == scores
    assert [(question, answer) for *_, question, answer in found] == [texts[key] for key, *_ in found]


def test_examples_of_the_dataset_card_in_its_folder(
    release: Path, caches: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(release / "dataset")
    card = Path("README.md")
    check_rows_of_examples(Path(), blocks(card, "python"), blocks(card, "sql"))


def test_examples_of_a_published_card_with_the_folder_in_place_of_the_repository(published: Path, caches: None) -> None:
    dataset, card = published / "dataset", published / "dataset" / "README.md"

    def here(text: str) -> str:
        assert REPOSITORY in text
        assert TAG in text
        local = text.replace(f"hf://datasets/{REPOSITORY}@{TAG}/", f"{dataset}/")
        return local.replace(f'"{REPOSITORY}"', f'"{dataset}"').replace(f', revision="{TAG}"', "")

    check_rows_of_examples(
        dataset, [here(text) for text in blocks(card, "python")], list(map(here, blocks(card, "sql")))
    )
    (shell,) = blocks(card, "bash")
    download, train = shell.replace("\\\n  ", "").splitlines()
    assert download.startswith(f"hf download {REPOSITORY} --repo-type dataset --revision {TAG} ")
    assert train == "trl sft --config training/sft.yaml"
    assert here((dataset / "training" / "sft.yaml").read_text()).count(f"{dataset}/sft/train-*.parquet") == 1


def test_download_in_a_published_card_is_a_command_of_the_client(published: Path) -> None:
    import subprocess
    import sys

    options = {word for word in blocks(published / "dataset" / "README.md", "bash")[0].split() if word[:2] == "--"}
    command = [str(Path(sys.executable).with_name("hf")), "download", "--help"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert {option for option in options - {"--config"} if option not in said} == set()


@pytest.mark.parametrize("name", ["final", "backward"])
def test_examples_of_the_model_cards(
    release: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(release / "models" / name)
    (example,) = blocks(Path("README.md"), "python")
    ran = run_python(example)
    assert (
        capsys.readouterr().out
        == ran["tokenizer"].decode(ran["answer"][0, ran["inputs"]["input_ids"].shape[1] :], skip_special_tokens=True)
        + "\n"
    )


def test_examples_of_the_readme(
    release: Path, build: FakeBuild, caches: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "quickstart" / "releases"
    place.mkdir(parents=True)
    (place / "1.0.0").symlink_to(release)
    monkeypatch.chdir(tmp_path)
    use, api = blocks(README, "python")
    names = run_python(use)
    assert set(names["curated"]) == {"train", "test"}
    assert len(names["augmented"]["train"]) == len(build.candidates)
    assert names["model"].config.model_type == "llama"
    (shell,) = blocks(README, "bash")
    folder, train = shell.splitlines()
    assert folder == "cd quickstart/releases/1.0.0/dataset"
    assert [train] == blocks(release / "dataset" / "README.md", "bash")
    run_the_readmes_build(api, build, monkeypatch)


def run_the_readmes_build(text: str, build: FakeBuild, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the build itself, which takes minutes: a finished one is handed out in its place."""
    from builder.cli.init import copy_recipe
    from builder.recipe.recipe import Recipe
    from builder.workspace.workspace import Workspace

    def finished(recipe: Recipe, workspace: Workspace) -> SimpleNamespace:
        assert (recipe.name, workspace.root) == ("quickstart", Path("DIR/work"))
        return SimpleNamespace(curated=[build.artifacts["curate-2"]])

    copy_recipe(Path("DIR"))
    monkeypatch.setattr("builder.run_build", finished, raising=False)
    run_python(text)
