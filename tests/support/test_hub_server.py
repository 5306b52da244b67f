"""The stand-in for the Hub serves the unmodified clients; the script below is what a user's process would run."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.hub_server import TOKEN, Fault, HubServer

SCRIPT = """
import io, json, sys
from pathlib import Path
from huggingface_hub import CommitOperationAdd, HfApi, snapshot_download
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

api, folder, seen = HfApi(), Path(sys.argv[1]), {}
def status(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except HfHubHTTPError as error:
        return f"{type(error).__name__} {error.response.status_code}"
seen["user"] = api.whoami()["name"]
api.create_repo("org/data", repo_type="dataset", private=True)
api.create_repo("org/data", repo_type="dataset", private=True, exist_ok=True)
first = api.upload_folder(folder_path=folder, repo_id="org/data", repo_type="dataset").oid
api.create_tag("org/data", tag="v1.0.0", revision=first, repo_type="dataset")
seen["tag twice"] = status(api.create_tag, "org/data", tag="v1.0.0", revision=first, repo_type="dataset")
(folder / "more").mkdir()
for number in range(7):
    (folder / "more" / f"{number}.txt").write_text(str(number))
second = api.upload_folder(folder_path=folder, repo_id="org/data", repo_type="dataset").oid
add = [CommitOperationAdd("late.txt", io.BytesIO(b"late"))]
stale = {"repo_id": "org/data", "repo_type": "dataset", "commit_message": "late", "parent_commit": first}
seen["stale parent"] = status(api.create_commit, operations=add, **stale)
add = [CommitOperationAdd("README.md", b"---\\na: [\\n---\\n")]
try:
    api.create_commit(operations=add, **stale)
except ValueError as error:
    seen["bad yaml"] = "Invalid metadata" in str(error)
data = {"repo_id": "org/data", "repo_type": "dataset"}
seen["refs"] = {ref.name: ref.target_commit == first for ref in api.list_repo_refs(**data).tags}
tree = [item for item in api.list_repo_tree(**data, recursive=True) if hasattr(item, "size") and hasattr(item, "lfs")]
seen["tree"] = sorted(item.path for item in tree)
seen["paths"] = [bool(item.lfs) for item in api.get_paths_info(paths=["data/train.parquet", "README.md"], **data)]
seen["commits"] = [commit.commit_id for commit in api.list_repo_commits(**data)][:2] == [second, first]
seen["unknown revision"] = status(api.repo_info, **data, revision="v9")
seen["private"] = status(HfApi(token=False).repo_info, **data)
snapshot = Path(snapshot_download(**data, revision="v1.0.0"))
seen["snapshot"] = sorted(path.relative_to(snapshot).as_posix() for path in snapshot.rglob("*") if path.is_file())

from datasets import load_dataset, load_dataset_builder
seen["rows"] = load_dataset("org/data", revision="v1.0.0")["train"].to_list()
seen["builder"] = load_dataset_builder("org/data", revision="v1.0.0").hash == first
seen["streamed"] = list(load_dataset("org/data", revision="main", split="train", streaming=True))

from transformers import AutoModelForCausalLM
import torch
model = AutoModelForCausalLM.from_pretrained(sys.argv[2])
model.push_to_hub("org/model", private=True)
again = AutoModelForCausalLM.from_pretrained("org/model", revision="main")
seen["weights"] = all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
print(json.dumps(seen))
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[HubServer]:
    running = HubServer(tmp_path / "server", page=3)
    yield running
    running.close()


def test_unmodified_clients_push_and_load(server: HubServer, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from builder.sample.generate import BASE

    rows = [{"id": str(number), "text": "x" * number} for number in range(3)]
    folder = tmp_path / "folder"
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), folder / "data" / "train.parquet")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n# Data\n")
    command = [sys.executable, "-c", SCRIPT, str(folder), str(BASE)]
    environment = server.environment(tmp_path / "home")
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    seen: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    first = [".gitattributes", "README.md", "data/train.parquet"]
    assert seen == {
        "user": "somebody",
        "tag twice": "HfHubHTTPError 409",
        "stale parent": "HfHubHTTPError 412",
        "bad yaml": True,
        "refs": {"v1.0.0": True},
        "tree": [*first, *(f"more/{number}.txt" for number in range(7))],
        "paths": [False, True] if seen["paths"][1] else [True, False],
        "commits": True,
        "unknown revision": "RevisionNotFoundError 404",
        "private": "RepositoryNotFoundError 401",
        "snapshot": first,
        "rows": rows,
        "builder": True,
        "streamed": rows,
        "weights": True,
    }
    assert any("cursor=3" in request for request in server.requests)
    assert TOKEN not in result.stderr + result.stdout


def test_faults_strike_once_and_where_they_are_told(server: HubServer, tmp_path: Path) -> None:
    import httpx2

    refused = [
        Fault(429, "POST /api/repos/create", headers={"Retry-After": "7"}),
        Fault("cut", "POST /api/repos/create", nth=1, when="after"),
    ]
    server.faults.extend(refused)
    with httpx2.Client(base_url=server.address, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        create = {"name": "data", "organization": "org", "type": "dataset"}
        answer = client.post("/api/repos/create", json=create)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
        assert not server.hub.repositories
        with pytest.raises(httpx2.TransportError):
            client.post("/api/repos/create", json=create)
        assert ("datasets", "org/data") in server.hub.repositories
        assert client.post("/api/repos/create", json=create).status_code == 409
