"""`humpback release`: the release before, the dry run, and a push of what was assembled."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.hub_server import HubServer
from support.output_schema import answered
from support.release_build import FakeBuild
from support.small_release import clients_reach

from builder.build import Build
from builder.cli import release as command
from builder.cli.answer import Answer
from builder.cli.project import Project
from builder.cli.release import Options, release_recipe
from builder.data.records import candidate_schema
from builder.data.storage import read_json, write_json, write_rows
from builder.errors import RecipeError, ReleaseError
from builder.results.release.hub import verify
from builder.results.release.hub.files import linked
from builder.results.release.hub.push import Push

REPOSITORY = "org/tiny"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> FakeBuild:
    return FakeBuild(tmp_path_factory.mktemp("build"), models=["final"], dataset=REPOSITORY)


class Releases:
    """The command on a build made by hand, which has no recipe file; its releases lie in `releases/`."""

    def __init__(self, build: FakeBuild, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.build, self.folder, self.artifacts = build, folder, dict(build.artifacts)
        monkeypatch.setattr(command, "finished_build", lambda _: Build(build.recipe, self.artifacts))

    def answer(self, version: str, **options: Any) -> Answer:
        project = Project(self.build.recipe, self.folder, self.folder / "work", self.folder)
        return release_recipe(project, version, Options(**options), lambda _: None)

    def __call__(self, version: str, **options: Any) -> str:
        answer = self.answer(version, **options)
        answered("release", answer.value)
        return answer.text()

    def change_a_row(self) -> None:
        """From now on one candidate has another instruction; it has no score, so it was never selected."""
        artifact = self.build.artifacts["augment"]
        rows = [row | {"instruction": "Else?"} if n == 7 else row for n, row in enumerate(self.build.candidates)]
        copy = self.folder / artifact.path.name
        shutil.copytree(artifact.path, copy)
        write_rows(copy / "data" / "rows.parquet", rows, candidate_schema())
        self.artifacts["augment"] = replace(artifact, path=copy)


@pytest.fixture
def release(build: FakeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Releases:
    return Releases(build, tmp_path, monkeypatch)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    monkeypatch.setattr(verify, "loading_problems", lambda *_, **__: [])
    running = HubServer(tmp_path / "server")
    with clients_reach(running, tmp_path / "home"):
        yield running
    running.close()


def test_a_dry_run_shows_the_difference_without_token_network_or_files(
    release: Releases, build: FakeBuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    first = release("1.0.0", dry_run=True, push=Push())
    assert "There is no release before it beside " in first
    assert not (tmp_path / "releases").exists() or not list((tmp_path / "releases").iterdir())
    release("1.0.0")
    release.change_a_row()
    shown = release("1.1.0", dry_run=True, push=Push())
    assert "- `augmented`: 40 rows, 1 changed (`instruction` in 1)" in shown
    assert "- `curated`: " in shown
    assert "\n  + augmented/train-00000-of-00001.parquet\n" in shown
    assert "\n  + curated/" not in shown
    assert "models/final: 2 files to send" in shown
    answer = answered("release", release.answer("1.1.0", dry_run=True).value)
    assert (answer["previous"], answer["level"]) == ("1.0.0", "minor")
    assert "augmented/train-00000-of-00001.parquet" in answer["files"]["dataset"]["send"]
    assert [path.name for path in (tmp_path / "releases").iterdir()] == ["1.0.0"]
    with pytest.raises(ReleaseError, match=r"it must be at least 1\.1\.0"):
        release("1.0.1", dry_run=True)
    with pytest.raises(ReleaseError, match=r"version 0\.9\.0 is lower than 1\.0\.0"):
        release("0.9.0")


def test_versions_follow_the_tags_of_the_hub(
    release: Releases, build: FakeBuild, server: HubServer, tmp_path: Path
) -> None:
    said = release("1.0.0", push=Push())
    assert f"{server.address}/datasets/{REPOSITORY} v1.0.0" in said
    assert sorted(name for _, name in server.hub.repositories) == [
        REPOSITORY,
        f"{REPOSITORY}-base",
        f"{REPOSITORY}-final",
    ]
    card = (server.repository(REPOSITORY).head.tree["README.md"].data or b"").decode()
    assert f"[`{REPOSITORY}-final`](https://huggingface.co/{REPOSITORY}-final)" in card
    commit = server.repository(REPOSITORY).tags["v1.0.0"]
    model = (server.repository(f"{REPOSITORY}-final", "models").head.tree["README.md"].data or b"").decode()
    assert f"datasets/{REPOSITORY}) at `v1.0.0` (commit `{commit}`)" in model
    shutil.rmtree(tmp_path / "releases")  # another machine goes on from what the Hub has
    release.change_a_row()
    with pytest.raises(ReleaseError, match=r"augmented: 1 row is changed: that is a minor release"):
        release("1.0.1", push=Push())
    assert len(server.repository(REPOSITORY).commits) == 2
    answer = answered("release", release.answer("1.1.0", push=Push()).value)
    assert [entry["tag"] for entry in answer["repositories"]] == ["v1.1.0"] * 3
    log = (tmp_path / "releases" / "1.1.0" / "dataset" / "CHANGELOG.md").read_text()
    assert "Compared with 1.0.0" in log
    with pytest.raises(ReleaseError, match=r"version 1\.0\.2 is lower than 1\.1\.0"):
        release("1.0.2", push=Push())
    assert set(server.repository(REPOSITORY).tags) == {"v1.0.0", "v1.1.0"}


def test_links_name_tag_and_commit_and_the_manifest_fits(release: Releases, tmp_path: Path) -> None:
    import hashlib

    release("1.0.0")
    models = tmp_path / "releases" / "1.0.0" / "models"
    links = linked(models / "final", "v1.0.0", "a" * 40)
    manifest = json.loads(links["manifest.json"])
    assert manifest["dataset_revision"] == {"tag": "v1.0.0", "commit": "a" * 40}
    (entry,) = (entry for entry in manifest["files"] if entry["path"] == "README.md")
    assert entry["sha256"] == hashlib.sha256(links["README.md"]).hexdigest()
    assert links["README.md"].count(b"a" * 40) == 1
    assert linked(models / "base", "v1.0.0", "a" * 40) == {}


def test_a_published_recipe_trains_from_the_published_base(release: Releases, tmp_path: Path) -> None:
    import yaml

    release("1.0.0", all_models=True)
    folder = tmp_path / "releases" / "1.0.0"
    recipe = yaml.safe_load((folder / "dataset" / "training" / "sft.yaml").read_text())
    assert (recipe["model_name_or_path"], recipe["model_revision"]) == (f"{REPOSITORY}-base", "v1.0.0")
    names = [path.name for path in sorted((folder / "models").iterdir())]
    assert names == ["backward", "base", "final", "model-0", "model-1"]
    assert read_json(folder / "dataset" / "manifest.json")["previous"] is None


def test_a_grave_warning_needs_the_option_also_in_a_dry_run(release: Releases, tmp_path: Path) -> None:
    artifact = release.build.artifacts["augment"]
    copy = tmp_path / artifact.path.name
    shutil.copytree(artifact.path, copy)
    said = '64% of 961 instructions begin with "what is"; the backward model has fallen back on one form: read some'
    write_json(copy / "stage.json", read_json(copy / "stage.json") | {"warnings": [said]})
    release.artifacts["augment"] = replace(artifact, path=copy)
    for options in ({}, {"dry_run": True}):
        with pytest.raises(ReleaseError, match=r"fallen back on one form(.|\n)*--accept-warnings"):
            release("1.0.0", **options)
    assert "would be assembled" in release("1.0.0", dry_run=True, accept_warnings=True)


def test_a_named_release_before_is_used(release: Releases, tmp_path: Path) -> None:
    release("1.0.0", out=tmp_path / "elsewhere" / "1.0.0")
    release("2.0.0", previous=tmp_path / "elsewhere" / "1.0.0")
    assert "Compared with 1.0.0" in (tmp_path / "releases" / "2.0.0" / "dataset" / "CHANGELOG.md").read_text()
    with pytest.raises(RecipeError, match="holds no release"):
        release("2.0.1", previous=tmp_path)
