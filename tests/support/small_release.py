"""A release folder of a few kilobytes, in the form that a push reads, and a push of it in this process."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from builder.data.storage import write_json, write_rows
from builder.recipe.sections.release import Release
from builder.results.release.hub.files import local_files
from builder.results.release.hub.push import Push, push_release
from builder.results.release.hub.receipt import Entry
from builder.results.release.manifest import describe_files
from builder.results.release.versions import version_of
from support.hub_server import HubServer
from support.hub_server.repositories import Entry as Blob
from support.pushing_child import reach

DATASET, MODEL = "org/tiny", "org/tiny-final"
RELEASE = Release(title="Tiny", license="mit", dataset=DATASET)


def write_release(folder: Path, version: str = "1.0.0", rows: int = 4, extra: int = 0) -> Path:
    """A dataset with the config `curated` in `1 + extra` shards, and one model."""
    import pyarrow as pa

    dataset, model = folder / "dataset", folder / "models" / "final"
    shards = 1 + extra
    for shard in range(shards):
        data = [{"id": f"{shard}-{number}", "text": "word " * number} for number in range(rows)]
        path = dataset / "curated" / f"train-{shard:05d}-of-{shards:05d}.parquet"
        write_rows(path, data, pa.schema([("id", pa.string()), ("text", pa.string())]))
    front = "configs:\n- config_name: curated\n  data_files:\n  - {split: train, path: curated/train-*.parquet}\n"
    (dataset / "README.md").write_text(f"---\nlicense: mit\n{front}---\n\n# Tiny {version}\n")
    model.mkdir(parents=True)
    (model / "model.safetensors").write_bytes(b"weights")
    (model / "config.json").write_text("{}")
    (model / "README.md").write_text(f"---\nlicense: mit\n---\n\nTrained on datasets/{DATASET} at `v{version}`.\n")
    for part, kind in ((dataset, "dataset"), (model, "model")):
        value = {"name": "tiny", "version": version, "kind": kind, "dataset": DATASET, "files": describe_files(part)}
        write_json(part / "manifest.json", value)
    return folder


def push(folder: Path, version: str = "1.0.0", **options: Any) -> list[Entry]:
    return push_release(folder, RELEASE, version_of(version), Push(**options), lambda line: None)


@contextmanager
def clients_reach(server: HubServer, home: Path) -> Iterator[None]:
    """Let the clients in this process and its children talk to the server, without waiting between attempts."""
    from huggingface_hub.utils import _http

    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment(home).items():
            patch.setenv(name, value)
        reach(server.address, home, patch.setattr)
        yield
    _http.close_session()


def assert_released(server: HubServer, folder: Path, version: str = "1.0.0", commits: int = 1) -> None:
    """Both repositories hold this release under its tag, on main, by exactly so many commits of ours."""
    from builder.results.release.hub.files import linked

    data = server.repository(DATASET)
    for kind, name, part in (("datasets", DATASET, "dataset"), ("models", MODEL, "models/final")):
        repository = server.repository(name, kind)
        links = linked(folder / part, f"v{version}", data.tags[f"v{version}"]) if kind == "models" else {}
        wanted = {file.path: file for file in local_files(folder / part, links)}
        tagged = repository.at(f"v{version}")
        assert tagged.tree.keys() - {".gitattributes"} == wanted.keys()
        for path, file in wanted.items():
            entry = tagged.tree[path]
            content = file.source.read_bytes() if isinstance(file.source, Path) else file.source
            assert entry.oid in (file.sha256, Blob.regular(content).oid)
        assert repository.head is tagged
        assert [commit.title for commit in repository.commits[1:]].count(f"Release v{version}") == 1
        assert len(repository.commits) == 1 + commits
        assert repository.private
    receipt = json.loads((folder / "receipt.json").read_text())
    assert [entry["commit"] for entry in receipt["repositories"]] == [
        server.repository(DATASET).tags[f"v{version}"], server.repository(MODEL, "models").tags[f"v{version}"],
    ]  # fmt: skip


def assert_never_half(server: HubServer, folder: Path, before: int = 1) -> None:
    """Main is as it was before this push or holds all of it; a tag, if there is one, is on the whole."""
    for (kind, _), repository in server.hub.repositories.items():
        assert len(repository.commits) <= before + 1
        part = folder / ("dataset" if kind == "datasets" else "models/final")
        whole = {file.path for file in local_files(part)} | {".gitattributes"}
        for commit in repository.commits[before:]:
            assert commit.tree.keys() == whole
        earlier = {commit.oid for commit in repository.commits[1:before]}
        for oid in repository.tags.values():
            assert oid in earlier or repository.at(oid).tree.keys() == whole
