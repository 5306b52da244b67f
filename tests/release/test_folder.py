"""Assembling a release: what is in the folder, and that it appears whole or not at all."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.release_build import FakeBuild

from builder.build import Build
from builder.data.records import training_schema
from builder.data.storage import read_rows, write_json, write_rows
from builder.errors import RecipeError, ReleaseError
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.runtime import Runtime
from builder.results.release.cards.markdown import examples
from builder.results.release.checks.check import check_release
from builder.results.release.content.material import Material
from builder.results.release.content.training import accelerate_config, write_training
from builder.results.release.folder import assemble
from builder.workspace.stage_names import half_of
from builder.workspace.workspace import Artifact

CONFIGS = ("curated", "seed", "sft", "chat", "augmented")


def load(release: Path, *name: str, cache: Path) -> Any:
    from datasets import load_dataset

    return load_dataset(str(release / "dataset"), *name, cache_dir=str(cache))


def only_this(folder: Path) -> bool:
    """Whether nothing temporary lies beside the release."""
    return [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_default_config_is_curated_with_the_web_tag_inside(release: Path, build: FakeBuild, tmp_path: Path) -> None:
    loaded = load(release, cache=tmp_path)
    assert set(loaded) == {"train", "test"}
    candidates = {row["id"]: row for row in build.candidates}
    for row in (*loaded["train"], *loaded["test"]):
        candidate = candidates[row["id"]]
        assert row["prompt"] == [
            {"role": "system", "content": build.recipe.chat.system_web},
            {"role": "user", "content": candidate["instruction"]},
        ]
        assert row["completion"] == [{"role": "assistant", "content": candidate["output"]}]
        assert (row["source"], row["url"], row["license"]) == ("web", candidate["url"], None)
        assert row["score"] > 2
    pages = {split: {candidates[key]["page_id"] for key in loaded[split]["id"]} for split in loaded}
    assert not pages["train"] & pages["test"]
    assert loaded["train"]["id"][:] == sorted(loaded["train"]["id"])


def test_seed_rows_carry_the_seed_tag_their_source_and_licence(release: Path, build: FakeBuild, tmp_path: Path) -> None:
    rows = load(release, "seed", cache=tmp_path)["train"]
    assert rows.num_rows == len(build.seed)
    assert {row["prompt"][0]["content"] for row in rows} == {build.recipe.chat.system_seed}
    assert {(row["source"], row["license"], row["score"], row["url"]) for row in rows} == {
        ("people", "apache-2.0", None, None)
    }


def test_sft_is_row_for_row_what_the_final_model_was_trained_on(
    release: Path, build: FakeBuild, tmp_path: Path
) -> None:
    folder = build.artifacts["model-2"].path / "rows"
    trained = [*read_rows(folder / "seed.parquet"), *read_rows(folder / "curated.parquet")]
    rows = load(release, "sft", cache=tmp_path)["train"].to_list()
    assert [{name: row[name] for name in ("id", "prompt", "completion")} for row in rows] == trained
    assert [row["source"] for row in rows] == ["people"] * 5 + ["web"] * (len(rows) - 5)


def test_augmented_has_every_candidate_all_scores_and_selections(
    release: Path, build: FakeBuild, tmp_path: Path
) -> None:
    rows = {row["id"]: row for row in load(release, "augmented", cache=tmp_path)["train"]}
    assert rows.keys() == {row["id"] for row in build.candidates}
    for t in (1, 2):
        scores = {row["id"]: row["score"] for row in read_rows(build.artifacts[f"score-{t}-likelihood"].data)}
        selected = {row["id"] for row in read_rows(build.artifacts[f"curate-{t}"].data)}
        assert {key: row[f"score_{t}_likelihood"] for key, row in rows.items()} == scores
        assert {key for key, row in rows.items() if row[f"selected_{t}"]} == selected
    for row in read_rows(build.artifacts["curate-2"].data):
        assert rows[row["id"]]["split"] == row["split"]


def test_split_without_rows_is_neither_written_nor_declared(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path / "build", test_share=0, models=[])
    folder = assemble(tmp_path / "release", build.build, "0.1.0")
    assert set(load(folder, "curated", cache=tmp_path / "cache")) == {"train"}
    assert "test-" not in (folder / "dataset" / "README.md").read_text()


def test_manifest_ties_rows_recipe_base_and_stages_together(release: Path, build: FakeBuild) -> None:
    manifest = json.loads((release / "dataset" / "manifest.json").read_text())
    files = {entry["path"]: entry for entry in manifest["files"]}
    assert files["seed/train-00000-of-00001.parquet"]["rows"] == len(build.seed)
    assert files["seed/train-00000-of-00001.parquet"]["schema"]["score"] == "double"
    assert manifest["recipe"] == files["build.yaml"]["sha256"]
    assert manifest["stages"]["curate-2"]["counts"]["pairs"]["in"] == len(build.candidates)
    model = json.loads((release / "models" / "final" / "manifest.json").read_text())
    assert model["stage"] == {key: manifest["sft"][other] for key, other in (("name", "stage"), ("fingerprint",) * 2)}
    assert model["rows"] == manifest["sft"]["rows"]


def test_manifest_says_who_wrote_and_who_judged(release: Path, build: FakeBuild) -> None:
    manifest = json.loads((release / "dataset" / "manifest.json").read_text())
    stages = {name: artifact.fingerprint for name, artifact in build.artifacts.items()}
    assert manifest["generator"] == {"model": "model-backward", "revision": stages["model-backward"]}
    assert manifest["judges"]["score_2_likelihood"] == {
        "judge": "likelihood",
        "models": [{"model": "model-1", "revision": stages["model-1"]}],
    }
    assert manifest["seed"] == [{"name": "people", "dataset": "seed.jsonl", "revision": None, "license": "apache-2.0"}]
    files = {entry["path"]: entry for entry in manifest["files"]}
    digests = {name: files[f"{name}/train-00000-of-00001.parquet"]["schema_sha256"] for name in CONFIGS}
    assert digests["curated"] == digests["seed"] == digests["sft"] != digests["augmented"]
    assert files["seed/train-00000-of-00001.parquet"]["config"] == "seed"


def test_rows_name_their_judge_where_two_models_scored(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path / "build", cross_fit=True, models=[])
    folder = assemble(tmp_path / "release", build.build, "1.0.0")
    marks = {half: f"model-1-{half}@{build.artifacts[f'model-1-{half}'].fingerprint}" for half in ("a", "b")}
    pages = {row["id"]: row["page_id"] for row in build.candidates}
    for config in ("augmented", "curated", "sft"):
        rows = load(folder, config, cache=tmp_path / "cache")["train"]
        judges = {row["id"]: row["judge"] for row in rows if row["id"] in pages}
        assert judges == {key: marks["b" if half_of(pages[key]) == "a" else "a"] for key in judges}
        assert len(set(judges.values())) == 2
    assert set(load(folder, "seed", cache=tmp_path / "cache")["train"]["judge"]) == {None}
    manifest = json.loads((folder / "dataset" / "manifest.json").read_text())
    assert [author["model"] for author in manifest["judges"]["score_2_likelihood"]["models"]] == [
        "model-1-b",
        "model-1-a",
    ]


@pytest.mark.parametrize("flag", ["--config_file FILE", "--config_file=FILE", "--num_processes 2"])
def test_accelerate_configuration_of_the_launcher_comes_along(build: FakeBuild, tmp_path: Path, flag: str) -> None:
    config = {"distributed_type": "FSDP", "num_processes": 8, "main_process_ip": "10.0.0.7", "machine_rank": 0}
    (tmp_path / "fsdp.yaml").write_text(yaml.safe_dump(config | {"fsdp_config": {"fsdp_version": 2}}))
    runtime = Runtime(launcher=f"accelerate launch {flag.replace('FILE', str(tmp_path / 'fsdp.yaml'))}")
    found = accelerate_config(runtime)
    if "FILE" not in flag:
        assert found is None
        return
    assert found == {"distributed_type": "FSDP", "num_processes": 8, "fsdp_config": {"fsdp_version": 2}}
    recipe = build.recipe.model_copy(update={"runtime": runtime})
    write_training(tmp_path / "dataset", Material(Build(recipe, build.artifacts), "1.0.0"))
    text = (tmp_path / "dataset" / "training" / "sft.yaml").read_text()
    assert text.startswith("# trl sft --config training/sft.yaml --accelerate_config training/accelerate.yaml ")
    assert yaml.safe_load((tmp_path / "dataset" / "training" / "accelerate.yaml").read_text()) == found


def test_build_recipe_is_complete_and_names_no_folder_of_this_machine(release: Path, build: FakeBuild) -> None:
    path = release / "dataset" / "build.yaml"
    assert str(build.root) not in path.read_text()
    again = load_recipe(path)
    assert again.curate == build.recipe.curate
    assert again.seed.sources[0].path == path.parent / "seed.jsonl"


def test_training_recipe_names_the_rows_here_or_on_the_hub(release: Path, tmp_path: Path) -> None:
    local = yaml.safe_load((release / "dataset" / "training" / "sft.yaml").read_text())
    assert local["datasets"][0]["data_files"] == "sft/train-*.parquet"
    assert local["model_name_or_path"] == "../models/base"
    assert local["learning_rate"] == 1e-3
    assert not {"logging_dir", "dataloader_pin_memory"} & local.keys()
    build = FakeBuild(tmp_path / "build", dataset="org/name", models=[])
    base = build.recipe.base.model_copy(update={"path": None, "model": "org/base", "revision": "a" * 40})
    recipe = build.recipe.model_copy(update={"base": base})
    folder = assemble(tmp_path / "release", Build(recipe, build.artifacts), "1.2.3")
    hub = yaml.safe_load((folder / "dataset" / "training" / "sft.yaml").read_text())
    assert hub["datasets"][0]["data_files"] == "hf://datasets/org/name@v1.2.3/sft/train-*.parquet"
    assert (hub["model_name_or_path"], hub["model_revision"]) == ("org/base", "a" * 40)
    assert not (folder / "models" / "base").exists()
    assert 'load_dataset("org/name", "curated", revision="v1.2.3")' in (folder / "dataset" / "README.md").read_text()


def test_models_are_copied_without_the_trainers_files_and_load(release: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    assert sorted(path.name for path in (release / "models").iterdir()) == ["backward", "base", "final"]
    for folder in (release / "models").iterdir():
        assert not list(folder.glob("*.bin"))
        assert AutoModelForCausalLM.from_pretrained(folder).config.model_type == "llama"
    assert AutoTokenizer.from_pretrained(release / "models" / "final").chat_template


@pytest.mark.full
def test_trl_trains_on_the_folder_as_it_is(release: Path, tmp_path: Path) -> None:
    (example,) = (
        text for language, text in examples((release / "dataset" / "README.md").read_text()) if language == "bash"
    )
    trl, *arguments = shlex.split(example)
    command = [str(Path(sys.executable).with_name(trl)), *arguments, "--max_steps", "1"]
    environment = os.environ | {"HF_DATASETS_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [*command, "--output_dir", str(tmp_path / "model")],
        cwd=release / "dataset", env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "model" / "model.safetensors").is_file()
    assert check_release(release) == []


def test_what_a_training_wrote_beside_the_dataset_is_no_part_of_the_release_and_is_not_removed(
    build: FakeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builder.results.release.folder.check_release", lambda folder: [])  # it takes longest
    recipe = build.recipe.model_copy(update={"release": build.recipe.release.model_copy(update={"models": []})})
    folder = assemble(tmp_path / "release", Build(recipe, build.artifacts), "1.0.0")
    recipe_of_training = yaml.safe_load((folder / "dataset" / "training" / "sft.yaml").read_text())
    trained = (folder / "dataset" / recipe_of_training["output_dir"]).resolve()
    assert trained == folder / "tiny-1.0.0-trained"
    trained.mkdir()
    (trained / "model.safetensors").write_bytes(b"weights")
    before = folder.stat().st_ino
    assert assemble(folder, Build(recipe, build.artifacts), "1.0.0").stat().st_ino == before
    with pytest.raises(ReleaseError, match=r"holds tiny-1\.0\.0-trained, which no release has written"):
        assemble(folder, Build(recipe, build.artifacts), "1.0.1", replace=True)
    assert (trained / "model.safetensors").is_file()


def test_same_release_again_changes_nothing_and_another_is_refused(build: FakeBuild, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    recipe = build.recipe.model_copy(update={"release": build.recipe.release.model_copy(update={"models": []})})
    assemble(folder, Build(recipe, build.artifacts), "1.0.0")
    before = folder.stat().st_ino
    assemble(folder, Build(recipe, build.artifacts), "1.0.0")
    assert folder.stat().st_ino == before
    with pytest.raises(ReleaseError, match=r"already holds version 1\.0\.0"):
        assemble(folder, Build(recipe, build.artifacts), "1.0.1")
    assert "1.0.0" in (folder / "dataset" / "CHANGELOG.md").read_text()
    assemble(folder, Build(recipe, build.artifacts), "1.0.1", replace=True)
    assert "1.0.1" in (folder / "dataset" / "CHANGELOG.md").read_text()
    assert only_this(folder)


def killed_between_the_renames(folder: Path) -> Path:
    """The folder of a release as a kill in `--replace` leaves it: only under its hidden name."""
    return folder.rename(folder.with_name(f".{folder.name}.old"))


def test_release_whose_replacement_was_killed_comes_back_even_if_the_next_fails(
    build: FakeBuild, tmp_path: Path
) -> None:
    release = build.recipe.release.model_copy(update={"models": []})
    recipe = build.recipe.model_copy(update={"release": release})
    folder = assemble(tmp_path / "release", Build(recipe, build.artifacts), "1.0.0")
    killed_between_the_renames(folder)
    poor = build.recipe.model_copy(update={"release": release.model_copy(update={"title": "TODO"})})
    with pytest.raises(ReleaseError, match="TODO"):
        assemble(folder, Build(poor, build.artifacts), "1.0.1", replace=True)
    assert "1.0.0" in (folder / "dataset" / "CHANGELOG.md").read_text()
    assert only_this(folder)


def test_replaced_release_that_a_kill_left_behind_is_removed(build: FakeBuild, tmp_path: Path) -> None:
    release = build.recipe.release.model_copy(update={"models": []})
    recipe = build.recipe.model_copy(update={"release": release})
    old = killed_between_the_renames(assemble(tmp_path / "release", Build(recipe, build.artifacts), "1.0.0"))
    old = old.rename(tmp_path / "kept")
    folder = assemble(tmp_path / "release", Build(recipe, build.artifacts), "1.0.1")
    old.rename(tmp_path / ".release.old")
    assemble(folder, Build(recipe, build.artifacts), "1.0.1")
    assert "1.0.1" in (folder / "dataset" / "CHANGELOG.md").read_text()
    assert only_this(folder)


def test_folder_that_is_no_release_is_never_replaced(build: FakeBuild, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ReleaseError, match="no release"):
        assemble(folder, build.build, "1.0.0", replace=True)
    assert (folder / "thesis.tex").is_file()
    assert only_this(folder)


def with_stage(build: FakeBuild, name: str, tmp_path: Path) -> dict[str, Artifact]:
    """The artifacts of the build, one stage being a copy that a test may change."""
    old = build.artifacts[name]
    copy = Artifact(old.stage, old.fingerprint, tmp_path / old.path.name)
    shutil.copytree(old.path, copy.path)
    return build.artifacts | {name: copy}


@pytest.mark.parametrize(
    ("version", "models", "words"),
    [("1.0", ["final"], "1.0.0"), ("01.0.0", ["final"], "1.0.0"), ("1.0.0", ["third"], "'third' is no model")],
)
def test_wrong_request_is_refused(
    build: FakeBuild, tmp_path: Path, version: str, models: list[str], words: str
) -> None:
    changed = build.recipe.release.model_copy(update={"models": models})
    with pytest.raises((RecipeError, ReleaseError), match=words):
        assemble(tmp_path / "r", Build(build.recipe.model_copy(update={"release": changed}), build.artifacts), version)
    assert not list(tmp_path.iterdir())


def test_unfinished_stage_is_refused(build: FakeBuild, tmp_path: Path) -> None:
    artifacts = with_stage(build, "score-2-likelihood", tmp_path)
    path = artifacts["score-2-likelihood"].path / "stage.json"
    write_json(path, json.loads(path.read_text()) | {"status": "running"})
    with pytest.raises(ReleaseError, match="score-2-likelihood is not done"):
        assemble(tmp_path / "release", Build(build.recipe, artifacts), "1.0.0")


@pytest.mark.parametrize("part", ["seed.sources.0.license", "segments.sources.0.license"])
def test_a_licence_wider_than_that_of_a_part_is_refused_before_anything_is_written(
    build: FakeBuild, tmp_path: Path, part: str
) -> None:
    recipe, (section, _, _, key) = build.recipe, part.split(".")
    (source,) = getattr(recipe, section).sources
    narrow = getattr(recipe, section).model_copy(update={"sources": [source.model_copy(update={key: "cc-by-nc-4.0"})]})
    wide = recipe.release.model_copy(update={"license": "apache-2.0"})
    changed = recipe.model_copy(update={section: narrow, "release": wide})
    said = f"release.license is 'apache-2.0', and {part} is 'cc-by-nc-4.0', which allows no commerce; write "
    with pytest.raises(ReleaseError, match=re.escape(said)):
        assemble(tmp_path / "r", Build(changed, build.artifacts), "1.0.0")
    assert list(tmp_path.iterdir()) == []
    mended = changed.model_copy(update={"release": wide.model_copy(update={"license": "cc-by-nc-4.0"})})
    Material(Build(mended, build.artifacts), "1.0.0").refuse_unready()


def test_training_rows_of_another_selection_are_refused(build: FakeBuild, tmp_path: Path) -> None:
    artifacts = with_stage(build, "model-2", tmp_path)
    path = artifacts["model-2"].path / "rows" / "curated.parquet"
    rows = list(read_rows(path))
    rows[0]["completion"][0]["content"] += "."
    write_rows(path, rows, training_schema())
    with pytest.raises(ReleaseError, match=rows[0]["id"]):
        assemble(tmp_path / "release", Build(build.recipe, artifacts), "1.0.0")
    assert not (tmp_path / "release").exists()


def test_release_with_a_problem_is_not_written(build: FakeBuild, tmp_path: Path) -> None:
    changed = build.recipe.release.model_copy(update={"title": "TODO", "contact": "hf_" + "a" * 30})
    with pytest.raises(ReleaseError, match="TODO") as caught:
        assemble(tmp_path / "r", Build(build.recipe.model_copy(update={"release": changed}), build.artifacts), "1.0.0")
    assert "secret" in str(caught.value)
    assert not list(tmp_path.iterdir())
