"""How long a push takes beside `HfApi.upload_folder`: the same files to the same server, in turns.

    make bench-push [GB=1]

The server is the stand-in of the tests (`tests/support/hub_server`) in a process of its own, over LFS. Every push goes
to a fresh repository and a server without the objects. Verification, which upload_folder has not, is left out. Then a
card changes, and the bytes that the server gets for the next version are counted.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parents[1]
SHARDS = 4


def write_folder(folder: Path, size: int, version: str) -> None:
    """A dataset folder of `size` bytes in Parquet that does not compress."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from builder.data.storage import write_json
    from builder.results.release.manifest import describe_files

    (folder / "curated").mkdir(parents=True)
    random, width = np.random.default_rng(0), 64_000
    for shard in range(SHARDS):
        rows = size // SHARDS // width
        text = pa.array([random.bytes(width) for _ in range(rows)], pa.binary())
        table = pa.table({"id": pa.array([f"{shard}-{row}" for row in range(rows)]), "text": text})
        name = f"train-{shard:05d}-of-{SHARDS:05d}.parquet"
        pq.write_table(table, folder / "curated" / name, compression="none", use_dictionary=False)
    (folder / "README.md").write_text("---\nlicense: mit\n---\n\n# Random bytes\n")
    write_json(folder / "manifest.json", {"version": version, "kind": "dataset", "files": describe_files(folder)})


def change_card(folder: Path, version: str) -> None:
    """The next version: another card, the same rows."""
    from builder.data.storage import write_json
    from builder.results.release.manifest import describe_files

    (folder / "README.md").write_text(f"---\nlicense: mit\n---\n\n# Random bytes, {version}\n")
    write_json(folder / "manifest.json", {"version": version, "kind": "dataset", "files": describe_files(folder)})


def ours(folder: Path, repository: str, version: str = "1.0.0") -> None:
    """Everything `release --push` does for the dataset but to verify it."""
    from builder.results.release.hub.files import local_files
    from builder.results.release.hub.push import publish
    from builder.results.release.hub.repository import HubRepository
    from builder.results.release.versions import version_of

    publish(HubRepository("dataset", repository), local_files(folder), version_of(version), (), lambda line: None)


def theirs(folder: Path, repository: str) -> None:
    """The library's way: create, upload the folder, tag."""
    from huggingface_hub import HfApi

    HfApi().create_repo(repository, repo_type="dataset", private=True)
    commit = HfApi().upload_folder(folder_path=folder, repo_id=repository, repo_type="dataset").oid
    HfApi().create_tag(repository, tag="v1.0.0", revision=commit, repo_type="dataset")


def main() -> None:
    """Time both in turns, and say the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gb", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-push-") as scratch:
        folder, server = Path(scratch) / "dataset", Path(scratch) / "server"
        write_folder(folder, int(arguments.gb * 1e9), "1.0.0")
        command = [sys.executable, "-m", "support.hub_server", str(server)]
        with subprocess.Popen(command, cwd=ROOT / "tests", stdout=subprocess.PIPE, text=True) as process:
            try:
                address = process.stdout.readline().split()[0] if process.stdout else ""
                compare(folder, server / "objects", address, arguments.gb, arguments.rounds)
            finally:
                process.kill()


def compare(folder: Path, objects: Path, address: str, size: float, rounds: int) -> None:
    """The rounds, against a running server."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.hub_server import TOKEN

    # Before any import of the clients, which read them once.
    os.environ |= {"HF_ENDPOINT": address, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1", "HF_HUB_OFFLINE": "0"}
    os.environ |= {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
    theirs_took, ours_took = [], []
    for number in range(rounds + 1):  # the first is to warm up
        for way, took in ((ours, ours_took), (theirs, theirs_took))[:: 1 if number % 2 else -1]:
            shutil.rmtree(objects)
            objects.mkdir()
            started = time.perf_counter()
            way(folder, f"bench/{way.__name__}-{number}")
            took.append(time.perf_counter() - started)
    for name, took in (("release --push", ours_took[1:]), ("upload_folder", theirs_took[1:])):
        rate = size / statistics.median(took)
        print(f"{name:<15} {statistics.median(took):6.2f} s  ({min(took):.2f} to {max(took):.2f}; {rate:.2f} GB/s)")
    ratio = statistics.median(ours_took[1:]) / statistics.median(theirs_took[1:])
    print(f"ratio of medians {ratio:.2f} over {rounds} rounds of {size} GB (at most 1.1 is what must hold)")
    change_card(folder, "1.0.1")
    before = received(address)
    ours(folder, f"bench/ours-{rounds}", "1.0.1")
    print(f"the next version, with another card alone, sends {received(address) - before:,} bytes")
    sys.exit(ratio > 1.1)


def received(address: str) -> int:
    """Bytes of all request bodies that the server has got."""
    with urllib.request.urlopen(f"{address}/received") as answer:
        return int(answer.read())


if __name__ == "__main__":
    main()
