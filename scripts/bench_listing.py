"""How long `humpback plan` takes for a crawl of many files: here, on the web, in S3 (`make bench-scale`).

    python scripts/bench_listing.py [--files N]

Each file is a small archive. The web is Python's own server, which lists names alone; S3 is moto's server, where that
is installed (pip install 'moto[server,s3]' s3fs). It exits with 1 where a plan takes more than half a minute.
"""

import argparse
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from builder.cli.init import write_recipe_folder

LIMIT_SECONDS = 30.0
_KEYS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "us-east-1"}


def write_files(project: Path, files: int) -> Path:
    """The quickstart's recipe, and a folder of so many archives."""
    write_recipe_folder(project)
    (given,) = (project / "corpus" / "warc").rglob("*.warc.gz")
    crawl = project.parent / "crawl"
    crawl.mkdir()
    first = crawl / "00000.warc.gz"
    shutil.copyfile(given, first)
    for number in range(1, files):
        os.link(first, crawl / f"{number:05}.warc.gz")
    return crawl


def planned(project: Path, source: str, **environment: str) -> float:
    """Seconds of `humpback plan`.

    Raises:
        SystemExit: If it fails.
    """
    given = f"segments.sources=[{{path: '{source}', format: warc}}]"
    command = [sys.executable, "-P", "-m", "builder", "plan", str(project), "--set", given]
    began = time.monotonic()
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stderr[-2_000:]}")
    return time.monotonic() - began


@contextmanager
def serving(port: int, *command: str) -> Iterator[str]:
    """A server of this machine as long as the block runs: its address."""
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([sys.executable, "-m", *command], **quiet)  # type: ignore[call-overload]
    try:
        while server.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def in_s3(crawl: Path, address: str) -> str:
    """Store the files, and say where."""
    import s3fs

    system = s3fs.S3FileSystem(key="testing", secret="testing", endpoint_url=address)
    system.mkdir("bench")
    system.put(f"{crawl}/", "bench/crawl", recursive=True)
    return "s3://bench/crawl"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=10_000)
    given = parser.parse_args()
    took = {}
    with tempfile.TemporaryDirectory() as place:
        project = Path(place) / "project"
        crawl = write_files(project, given.files)
        took["here"] = planned(project, str(crawl))
        port = free_port()
        with serving(port, "http.server", str(port), "--bind", "127.0.0.1", "--directory", place) as address:
            took["on the web"] = planned(project, f"{address}/crawl/")
        if importlib.util.find_spec("moto") and importlib.util.find_spec("s3fs"):
            port = free_port()
            with serving(port, "moto.server", "-H", "127.0.0.1", "-p", str(port)) as address:
                took["in S3"] = planned(project, in_s3(crawl, address), AWS_ENDPOINT_URL=address, **_KEYS)
    for name, seconds in took.items():
        print(f"  plan of {given.files:,} archives {name}: {seconds:.1f} s")
    if max(took.values()) > LIMIT_SECONDS:
        sys.exit(f"more than {LIMIT_SECONDS:g} s")


if __name__ == "__main__":
    main()
