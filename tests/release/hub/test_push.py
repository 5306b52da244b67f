"""Pushing to the stand-in: one commit, one tag, verified from an empty cache; and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from support.hub_server import TOKEN, Entry, Fault, HubServer
from support.small_release import DATASET, MODEL, RELEASE, assert_released, clients_reach, push, write_release

from builder.data.storage import read_json, write_json
from builder.errors import RecipeError, ReleaseError
from builder.results.release.hub import verify
from builder.results.release.hub.files import local_files
from builder.results.release.hub.push import Push, push_release
from builder.results.release.manifest import describe_files
from builder.results.release.versions import version_of


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    running = HubServer(tmp_path_factory.mktemp("server"), page=2)
    yield running
    running.close()


@pytest.fixture
def server(shared: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """An empty Hub; loading in a child process is left to the tests that are about it."""
    shared.hub.repositories.clear()
    shared.faults.clear()
    monkeypatch.setattr(verify, "loading_problems", lambda *_, **__: [])
    with clients_reach(shared, tmp_path / "home"):
        yield shared


def test_one_commit_and_one_tag_in_each_repository_and_a_receipt(server: HubServer, tmp_path: Path) -> None:
    folder = write_release(tmp_path / "r", extra=2)
    entries = push(folder)
    assert_released(server, folder)
    assert [(entry.kind, entry.repository, entry.tag) for entry in entries] == [
        ("dataset", DATASET, "v1.0.0"), ("model", MODEL, "v1.0.0"),
    ]  # fmt: skip
    card = server.repository(MODEL, "models").head.tree["README.md"].data or b""
    assert f"datasets/{DATASET} at `v1.0.0` (commit `{entries[0].commit}`)".encode() in card


def test_the_same_folder_again_changes_nothing(server: HubServer, tmp_path: Path) -> None:
    folder = write_release(tmp_path / "r")
    first = push(folder)
    server.requests.clear()
    assert push(folder) == first
    assert not [request for request in server.requests if not request.startswith("GET")]
    (folder / "receipt.json").unlink()
    assert push(folder) == first
    assert_released(server, folder)


def test_unchanged_files_are_not_sent_again_and_undeclared_ones_go(server: HubServer, tmp_path: Path) -> None:
    push(write_release(tmp_path / "1", extra=3))
    server.requests.clear()
    later = write_release(tmp_path / "2", "1.1.0", extra=3)
    (later / "dataset" / "README.md").write_text("---\nlicense: mit\n---\nOther\n")
    only = later / "dataset" / "curated" / "train-00003-of-00004.parquet"
    only.unlink()
    manifest = read_json(later / "dataset" / "manifest.json")
    write_json(later / "dataset" / "manifest.json", manifest | {"files": describe_files(later / "dataset")})
    push(later, "1.1.0")
    assert not [request for request in server.requests if request.startswith("PUT")]
    assert_released(server, later, "1.1.0", commits=2)
    repository = server.repository(DATASET)
    assert "curated/train-00003-of-00004.parquet" in repository.at("v1.0.0").tree


def test_a_tag_with_other_content_is_never_moved(server: HubServer, tmp_path: Path) -> None:
    push(write_release(tmp_path / "1"))
    tagged = dict(server.repository(DATASET).tags)
    with pytest.raises(ReleaseError) as caught:
        push(write_release(tmp_path / "2", rows=5))
    assert "v1.0.0 is released already" in str(caught.value)
    assert "changed or missing: curated/train-00000-of-00001.parquet" in str(caught.value)
    assert server.repository(DATASET).tags == tagged
    assert len(server.repository(DATASET).commits) == 2


@pytest.mark.parametrize("when", ["before", "beside"])
def test_a_tag_that_somebody_puts_elsewhere_meanwhile_stays_and_is_refused(
    server: HubServer, tmp_path: Path, when: Literal["before", "beside"]
) -> None:
    def theirs() -> None:
        repository = server.repository(DATASET)
        repository.tags["v1.0.0"] = repository.commits[0].oid

    server.faults.append(Fault(theirs, "POST .*/tag/", when=when))
    with pytest.raises(ReleaseError, match="a tag is never moved"):
        push(write_release(tmp_path / "1"))
    assert server.repository(DATASET).tags == {"v1.0.0": server.repository(DATASET).commits[0].oid}


def test_a_version_that_goes_down_is_refused(server: HubServer, tmp_path: Path) -> None:
    push(write_release(tmp_path / "2", "1.1.0"), "1.1.0")
    with pytest.raises(ReleaseError, match=r"version 1.0.5 is lower than 1.1.0, which is released already"):
        push(write_release(tmp_path / "1", "1.0.5", rows=3), "1.0.5")
    assert len(server.repository(DATASET).commits) == 2


@pytest.mark.parametrize("when", ["before", "beside"])
def test_a_commit_that_comes_in_between_is_refused_and_kept(
    server: HubServer, tmp_path: Path, when: Literal["before", "beside"]
) -> None:

    def theirs() -> None:
        repository = server.repository(DATASET)
        repository.add({**repository.head.tree, "notes.md": Entry.regular(b"mine")}, "Add notes", "other")

    server.faults.append(Fault(theirs, "POST /api/datasets/.*/commit/", when=when))
    folder = write_release(tmp_path / "r")
    with pytest.raises(ReleaseError, match="somebody else has committed while this release was pushed"):
        push(folder)
    repository = server.repository(DATASET)
    assert [commit.title for commit in repository.commits] == ["initial commit", "Add notes"]
    assert not repository.tags
    with pytest.raises(ReleaseError) as caught:
        push(folder)
    assert "('Add notes'), which is no release" in str(caught.value)
    push(folder, onto=[repository.head.oid])
    assert [commit.title for commit in repository.commits] == ["initial commit", "Add notes", "Release v1.0.0"]
    assert "notes.md" not in repository.head.tree


def test_a_commit_of_ours_below_theirs_gets_the_tag(server: HubServer, tmp_path: Path) -> None:
    folder = write_release(tmp_path / "r")
    push(folder)
    repository = server.repository(DATASET)
    ours = repository.tags.pop("v1.0.0")
    repository.add({**repository.head.tree, "notes.md": Entry.regular(b"mine")}, "Add notes", "other")
    push(folder)
    assert repository.tags == {"v1.0.0": ours}
    assert len(repository.commits) == 3


def test_a_repository_with_something_else_in_it_is_not_overwritten(server: HubServer, tmp_path: Path) -> None:
    from huggingface_hub import HfApi

    HfApi().create_repo(DATASET, repo_type="dataset", private=True)
    HfApi().upload_file(path_or_fileobj=b"x", path_in_repo="data.csv", repo_id=DATASET, repo_type="dataset")
    with pytest.raises(ReleaseError, match="this release would replace its 1 files"):
        push(write_release(tmp_path / "r"))


def test_a_model_that_would_be_refused_stops_the_dataset_too(server: HubServer, tmp_path: Path) -> None:
    model = server.add(MODEL, "models")
    model.add({**model.head.tree, "theirs.bin": Entry.regular(b"x")}, "Add weights", "other")
    with pytest.raises(ReleaseError, match=f"model {MODEL}: main is at commit {model.head.oid}"):
        push(write_release(tmp_path / "r"))
    assert list(server.hub.repositories) == [("models", MODEL)]
    push(tmp_path / "r", onto=[model.head.oid])
    assert "theirs.bin" not in model.head.tree


def test_making_public_and_gating_are_asked_for(server: HubServer, tmp_path: Path) -> None:
    folder = write_release(tmp_path / "r")
    push(folder)
    assert all(repository.private for repository in server.hub.repositories.values())
    push(folder, public=True, gated="manual")
    assert [(found.private, found.gated) for found in server.hub.repositories.values()] == [(False, "manual")] * 2


def test_without_a_token_or_a_repository_nothing_is_asked(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_release(tmp_path / "r")
    server.requests.clear()
    with pytest.raises(RecipeError, match=r"release\.dataset is missing"):
        push_release(folder, RELEASE.model_copy(update={"dataset": None}), version_of("1.0.0"), Push(), print)
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(ReleaseError, match="--push needs a token that may write"):
        push(folder)
    assert not server.requests


def test_a_hub_that_must_not_be_asked_is_not_waited_for(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("builder.results.release.hub.retry.time.sleep", None)
    with pytest.raises(ReleaseError, match="HF_HUB_OFFLINE is set; unset it"):
        push(write_release(tmp_path / "r"))


def test_a_token_that_may_not_write_is_named_without_being_shown(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_" + "Wrong" * 8)
    with pytest.raises(ReleaseError) as caught:
        push(write_release(tmp_path / "r"))
    assert "the Hub answers 401; log in with `hf auth login`" in str(caught.value)
    assert "Wrong" not in str(caught.value)


def test_the_token_is_in_no_file_and_no_message(server: HubServer, tmp_path: Path) -> None:
    said: list[str] = []
    folder = write_release(tmp_path / "r")
    push_release(folder, RELEASE, version_of("1.0.0"), Push(), said.append)
    assert any("released as v1.0.0" in line for line in said)
    assert TOKEN not in "".join(said)
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or TOKEN.encode() not in path.read_bytes(), path


def test_verification_loads_by_commit_in_a_fresh_process(
    shared: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared.hub.repositories.clear()
    folder = write_release(tmp_path / "r", extra=1)
    with clients_reach(shared, tmp_path / "home"):
        monkeypatch.delenv("HF_TOKEN")  # the stored login is found as well, with the caches elsewhere
        (tmp_path / "home").mkdir()
        (tmp_path / "home" / "token").write_text(TOKEN)
        assert [entry.verified for entry in push(folder)] == ["full", "full"]
        (folder / "receipt.json").unlink()
        monkeypatch.setattr(verify, "FULL_BYTES", 100)
        assert [entry.verified for entry in push(folder)] == ["sampled", "sampled"]
        repository = shared.repository(DATASET)
        lost = repository.head.tree["curated/train-00000-of-00002.parquet"].oid
        stored = shared.hub.objects / lost
        stored.rename(tmp_path / "kept")
        (folder / "receipt.json").unlink()
        with pytest.raises(ReleaseError, match="does not verify"):
            push(folder)
        (tmp_path / "kept").rename(stored)


def test_a_server_without_xet_gets_the_files_by_lfs(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", False)
    folder = write_release(tmp_path / "r")
    push(folder)
    assert [request for request in server.requests if "xet" in request] == [
        f"GET /api/datasets/{DATASET}/xet-write-token/main"
    ]
    assert_released(server, folder)


def test_large_releases_are_sampled(server: HubServer, tmp_path: Path) -> None:
    files = local_files(write_release(tmp_path / "r", extra=4) / "dataset")
    assert [file.path for file in verify.sample(files)] == [
        "README.md", "curated/train-00000-of-00005.parquet", "manifest.json",
    ]  # fmt: skip
