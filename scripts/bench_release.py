"""Time, memory and passes of `humpback release`, beside those of an earlier commit (`make bench-release`).

Both programs release the same finished work directory, in turn, each in a process of its own. Their folders are then
compared file by file; only the version of the tool may differ. The earlier program runs from a worktree of its commit,
with the libraries that are installed here.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from builder import __version__

ROOT = Path(__file__).parents[1]
BASE = "c48cb7d"
"""The last commit whose release read every stage again for every table and number."""
TEXTS = (".md", ".json", ".yaml")


class Run(NamedTuple):
    """What one release took: seconds on the clock and of the processor, megabytes of memory at most."""

    seconds: float
    processor: float
    megabytes: float


@contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """A checkout of a commit, for as long as it is needed."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "--quiet", str(folder), commit], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def release(code: Path, project: Path, out: Path) -> Run:
    """Release the project with the program of a checkout."""
    shutil.rmtree(out, ignore_errors=True)
    started = time.monotonic()
    child = subprocess.Popen([sys.executable, "-P", "-m", "builder", *_release(project, out)], **_settings(code))
    _, status, used = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{code}: the release failed with status {os.waitstatus_to_exitcode(status)}")
    child.returncode = 0
    return Run(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def passes(code: Path, project: Path, out: Path) -> dict[str, float]:
    """How often a release reads the rows of each stage."""
    shutil.rmtree(out, ignore_errors=True)
    counts = out.with_suffix(".json")
    command = [
        sys.executable,
        "-P",
        str(ROOT / "scripts" / "count_passes.py"),
        str(counts),
        str(project / "work"),
        "--",
    ]
    subprocess.run([*command, *_release(project, out)], check=True, **_settings(code))
    by_stage = json.loads(counts.read_text())
    return {_stage(name): number for name, number in by_stage.items()}


def _release(project: Path, out: Path) -> list[str]:
    return ["release", str(project), "--version", "1.0.0", "--out", str(out)]


def _settings(code: Path) -> dict[str, Any]:
    return {"cwd": code, "env": os.environ | {"PYTHONPATH": str(code)}, "stdout": subprocess.DEVNULL}


def _stage(folder: str) -> str:
    """`augment` of `augment-0123456789ab/data`."""
    return folder.partition("/")[0].rpartition("-")[0]


def differences(one: Path, other: Path) -> list[str]:
    """Files that differ between two releases, but for the version of the tool that wrote them."""
    names = sorted({path.relative_to(root) for root in (one, other) for path in root.rglob("*") if path.is_file()})
    return [str(name) for name in names if _content(one / name) != _content(other / name)]


def _content(path: Path) -> Any:
    if not path.is_file() or path.suffix not in TEXTS:
        return path.read_bytes() if path.is_file() else None
    if path.name != "manifest.json":
        return path.read_text().replace(_version(path), "VERSION")
    value = json.loads(path.read_text().replace(_version(path), "VERSION"))
    # The version stands in texts, and so their digests and sizes tell nothing more than their content does.
    value["files"] = [file for file in value["files"] if Path(file["path"]).suffix not in TEXTS]
    return value


def _version(path: Path) -> str:
    """The version of the tool that wrote a release, by the manifest beside or above a file."""
    folder = next(folder for folder in path.parents if (folder / "manifest.json").is_file())
    return str(json.loads((folder / "manifest.json").read_text())["tool"]["version"])


def main() -> None:
    """Print both programs side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--candidates", type=int, default=300_000)
    parser.add_argument("--base", default=BASE, help="the earlier commit")
    parser.add_argument("--rounds", type=int, default=2, help="releases by each program; the best counts")
    parser.add_argument("--text", choices=("full", "standoff"), default="full")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, worktree(options.base, Path(name) / "before") as before:
        folder, codes = Path(name), {options.base: before, "here": ROOT}
        # In a process of its own: the memory of a child is said to be at least that of the one that started it.
        size = [str(options.candidates), "--text", options.text]
        subprocess.run(
            [sys.executable, str(ROOT / "scripts" / "finished_build.py"), folder / "project", *size], check=True
        )
        out = {code: folder / "releases" / f"by-{code}" / "1.0.0" for code in codes}
        read = {code: passes(path, folder / "project", out[code]) for code, path in codes.items()}
        runs: dict[str, list[Run]] = {code: [] for code in codes}
        for _ in range(options.rounds):
            for code, path in codes.items():
                runs[code].append(release(path, folder / "project", out[code]))
        _print(options, runs, read)
        changed = differences(*out.values())
    print(
        f"{len(changed)} files differ: {', '.join(changed)}" if changed else "both releases are the same, byte by byte"
    )
    sys.exit(bool(changed))


def _print(options: Any, runs: dict[str, list[Run]], read: dict[str, dict[str, float]]) -> None:
    before, here = runs
    print(f"{options.candidates:,} candidates, release.text {options.text}, best of {options.rounds}; {__version__}")
    print(f"{'':<22}{before:>10}{here:>10}{'ratio':>8}")
    for field in Run._fields:
        old, new = (min(getattr(run, field) for run in runs[code]) for code in (before, here))
        print(f"{field:<22}{old:>10,.1f}{new:>10,.1f}{new / old:>8.2f}")
    for stage in read[before] | read[here]:
        old, new = (read[code].get(stage, 0.0) for code in (before, here))
        print(f"passes over {stage:<20}{old:>6,.1f}{new:>10,.1f}")


if __name__ == "__main__":
    main()
