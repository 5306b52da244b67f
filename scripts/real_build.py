"""The whole loop on real pages, real pairs and a real model: recipe, check, time, build, release and figures.

    make real-build MODEL=FOLDER CORPUS="FILE ..." SEED="FILE ..." [DIR=real] [SEGMENTS=N] [WRITE=PAGE]

MODEL is what `scripts/small_model.sh` makes, CORPUS are WARC files or folders of them, SEED files of human-written
pairs of one licence. Without a GPU the recipe's settings for a CPU are taken. Killed or stopped, the same command goes
on where it was. The commands that are run are printed; a reader can type them.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from page_block import write_block
from real_figures import figures_of

from builder.workspace.environment import visible_gpus

RECIPE = "smollm2-135m"
VERSION = "0.1.0"
SEGMENTS = 400
OF_CPU: dict[str, dict[str, Any]] = {
    "training": {"backward": "sft_backward_cpu.yaml", "forward": "sft_forward_cpu.yaml"},
    "runtime": {"threads": 2, "chunk_rows": 128, "kv_cache_mb": 2048},
}
"""What a build without a GPU has in the place of the recipe's; whatever else differs is in its two TRL recipes."""


def sections(
    model: Path, corpus: Sequence[Path], seed: Sequence[Path], licence: str, segments: int, *, gpu: bool
) -> dict[str, dict[str, Any]]:
    """Sections of the recipe for what is at hand.

    Args:
        model: Folder of the base model.
        corpus: WARC files, or folders of them.
        seed: Files of pairs.
        licence: That of the pairs.
        segments: How many distinct segments are used.
        gpu: Whether there is a GPU.
    """
    pairs = [{"name": path.name.partition(".")[0], "path": str(path), "license": licence} for path in seed]
    return {
        "base": {"path": str(model), "license": "apache-2.0"},
        "seed": {"sources": pairs, "language": "en"},
        "segments": {"sources": [{"path": str(path), "format": "warc"} for path in corpus], "languages": ["en"]},
        "dedup": {"sample": segments},
        "release": {
            "title": "A first real build",
            "license": "other",
            "license_name": "terms-of-each-page",
            "license_link": "README.md",
            "models": ["backward", "final"],
        },
        **({} if gpu else OF_CPU),
    }


def with_section(text: str, key: str, value: dict[str, Any]) -> str:
    """A recipe in which a top-level section is another one; the comments between the sections stay."""
    line = f"{key}: {yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000)}"
    found, count = re.subn(rf"^{key}:.*\n(?:[ \t].*\n|\n(?=[ \t]))*", lambda _: line, text, flags=re.MULTILINE)
    if count != 1:
        raise ValueError(f"the recipe has {count} sections {key}")
    return found


def write_recipe(folder: Path, given: dict[str, dict[str, Any]]) -> None:
    """Put sections into the recipe of a folder."""
    file = folder / "build.yaml"
    text = file.read_text(encoding="utf-8")
    for key, value in given.items():
        text = with_section(text, key, value)
    file.write_text(text, encoding="utf-8")


def run(*words: object) -> None:
    """Print a command as it is typed, and run it; what it shows is shown."""
    typed = [str(word) for word in words]
    print(f"\n$ humpback {shlex.join(typed)}", flush=True)
    if code := subprocess.run([sys.executable, "-m", "builder", *typed], check=False).returncode:
        sys.exit(code)


def main() -> None:
    """Build, release, and write the figures beside the recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, nargs="+", required=True)
    parser.add_argument("--seed", type=Path, nargs="+", required=True)
    parser.add_argument("--licence", default="apache-2.0", help="of the pairs")
    parser.add_argument("--segments", type=int, default=SEGMENTS)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the figures in their place on this page too")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder = given.folder
    if not (folder / "build.yaml").is_file():
        run("init", folder, "--recipe", RECIPE)
        (model,), corpus, seed = (
            [path.resolve() for path in paths] for paths in ([given.model], given.corpus, given.seed)
        )
        write_recipe(folder, sections(model, corpus, seed, given.licence, given.segments, gpu=bool(visible_gpus())))
        run("check", folder)
        run("plan", folder, "--calibrate", "--seconds", 30)
    run("build", folder)
    if not (folder / "releases" / VERSION).is_dir():
        run("release", folder, "--version", VERSION, "--accept-warnings")
    figures, text = folder / "figures.md", figures_of(folder)
    figures.write_text(text, encoding="utf-8")
    if given.write is not None:
        write_block(given.write, "make real-build", text)
    print(f"\n{figures}")


if __name__ == "__main__":
    main()
