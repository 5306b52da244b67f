"""Two releases of the sample from build to user: pushed to a Hub on this machine, then loaded and trained on by tag.

    make release-demo [DIR=quickstart]

Builds the quickstart in DIR unless it is there, releases it as 1.0.0, builds it again with another share selected,
releases that as 1.1.0, and then does what a user would, each time in a fresh process with an empty cache. The Hub is
the stand-in of the tests (`tests/support/hub_server`); the clients are the real ones.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from support.hub_server import HubServer  # noqa: E402

from builder.cli.project import open_project  # noqa: E402
from builder.data.storage import parquet_files, read_rows  # noqa: E402

REPOSITORY = "demo/mini-web"
VERSIONS = {"1.0.0": (), "1.1.0": ("curate.share=0.3",)}
LOAD = """
import json, sys
from datasets import load_dataset
loaded = load_dataset(sys.argv[1], "curated", revision=sys.argv[2])
print(json.dumps({split: rows["id"][:] for split, rows in loaded.items()}))
"""
WEIGHTS = """
import hashlib, json, sys
from transformers import AutoModelForCausalLM
options = {"revision": sys.argv[2]} if len(sys.argv) > 2 else {}
state = AutoModelForCausalLM.from_pretrained(sys.argv[1], **options).state_dict()
digest = hashlib.sha256()
for name in sorted(state):
    digest.update(name.encode() + state[name].float().numpy().tobytes())
print(json.dumps(digest.hexdigest()))
"""


class Demo:
    """The steps; every one prints what it has seen, and a step that sees something else ends the program."""

    def __init__(self, project: Path, folder: Path) -> None:
        self.project, self.folder = project, folder
        self.server = HubServer(folder / "server")
        self.homes = 0

    def environment(self) -> dict[str, str]:
        """That of a user who has an account and nothing in a cache."""
        self.homes += 1
        return self.server.environment(self.folder / f"home-{self.homes}")

    def run(self, *command: object, cwd: Path | None = None) -> str:
        """Run a command as that user; its output."""
        started = time.monotonic()
        result = subprocess.run(
            [str(word) for word in command],
            env=self.environment(),
            cwd=cwd,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            sys.exit(f"{' '.join(map(str, command))[:200]}\nended with {result.returncode}:\n{result.stderr[-3_000:]}")
        self.seconds = time.monotonic() - started
        return result.stdout

    def humpback(self, *arguments: object) -> str:
        """Run the command line."""
        return self.run(sys.executable, "-m", "builder", *arguments)

    def fresh(self, script: str, *arguments: object) -> Any:
        """What a fresh process with an empty cache finds."""
        return json.loads(self.run(sys.executable, "-c", script, *arguments).splitlines()[-1])

    def release(self, version: str) -> None:
        """Build and push one version."""
        settings = [word for setting in VERSIONS[version] for word in ("--set", setting)]
        self.humpback("build", self.project, "--as-written", *settings)
        print(f"{version}: built in {self.seconds:.0f} s", *VERSIONS[version])
        repository = ("--set", f"release.dataset={REPOSITORY}")
        out = ("--version", version, "--out", self.folder / "releases" / version)
        print(self.humpback("release", self.project, *settings, *repository, *out, "--push"), end="")
        print(f"{version}: assembled, checked, pushed and verified in {self.seconds:.0f} s")
        self.humpback("release", self.project, *settings, *repository, *out, "--push")
        titles = [commit.title for commit in self.server.repository(REPOSITORY).commits]
        hold(titles.count(f"Release v{version}") == 1, f"{version}: the same command again commits nothing")

    def load(self, version: str) -> None:
        """`load_dataset` at the tag gives the rows of that release and no others."""
        loaded = self.fresh(LOAD, REPOSITORY, f"v{version}")
        curated = self.folder / "releases" / version / "dataset" / "curated"
        wanted: dict[str, list[str]] = {}
        for path in parquet_files(curated):
            wanted.setdefault(path.name.partition("-")[0], []).extend(row["id"] for row in read_rows(path, ["id"]))
        rows = {split: len(ids) for split, ids in loaded.items()}
        hold(loaded == wanted, f'load_dataset("{REPOSITORY}", "curated", revision="v{version}"): {rows}')

    def weights(self, version: str) -> None:
        """`from_pretrained` at the tag gives the weights that the build has trained."""
        project = open_project(self.project, overrides=VERSIONS[version], as_written=True)
        trained = self.fresh(WEIGHTS, project.look_at_build().final.model)
        loaded = self.fresh(WEIGHTS, f"{REPOSITORY}-final", f"v{version}")
        hold(
            loaded == trained,
            f'from_pretrained("{REPOSITORY}-final", revision="v{version}"): {loaded[:12]}, as trained',
        )

    def train(self, version: str, steps: int) -> None:
        """`trl sft` trains with the published recipe on the published rows, from the published base."""
        here, bin_ = self.folder / f"training-{version}", Path(sys.executable).parent
        files = ("--repo-type", "dataset", "--revision", f"v{version}", "--include", "training/*", "--local-dir", here)
        self.run(bin_ / "hf", "download", REPOSITORY, *files)
        options = ("--max_steps", steps, "--output_dir", here / "out")
        self.run(bin_ / "trl", "sft", "--config", "training/sft.yaml", *options, cwd=here)
        state = json.loads(next((here / "out").rglob("trainer_state.json")).read_text()) if steps else {}
        saved = (here / "out" / "model.safetensors").is_file()
        hold(saved, f"trl sft --config training/sft.yaml at v{version}: {state.get('global_step', steps)} steps")


def hold(right: bool, claim: str) -> None:
    """Say what was seen; end if it is wrong."""
    print(f"{'ok ' if right else 'NOT'}  {claim}", flush=True)
    if not right:
        sys.exit(1)


def main() -> None:
    """All steps, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path, nargs="?", default=Path("quickstart"))
    parser.add_argument("--steps", type=int, default=3, help="of the training on the published tag")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="release-demo-") as folder:
        demo = Demo(arguments.project.resolve(), Path(folder))
        if not (demo.project / "build.yaml").is_file():
            demo.humpback("quickstart", demo.project)
            print(f"quickstart built in {demo.seconds:.0f} s", flush=True)
        for version in VERSIONS:
            demo.release(version)
        for version in VERSIONS:
            demo.load(version)
            demo.weights(version)
        demo.train("1.0.0", arguments.steps)
        demo.server.close()


if __name__ == "__main__":
    main()
