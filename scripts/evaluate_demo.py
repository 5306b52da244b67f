"""An evaluation from labels to card: the quickstart's models, or a build with a real model, judged by their own.

    make evaluate-demo [DIR=quickstart] [MODEL=FOLDER]

Builds the quickstart in DIR unless it is there. Labels come from the truth that was planted in its pages: a pair is
good if its section is whole and M_yx found its instruction. Then answers, a judge of pairs in both orders, the paper's
tables, a release whose card has the figures of the labels, and the commands for other programs. With a MODEL it also
lets that model answer some of the prompts and judge them, through the same commands.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

from builder.cli.project import open_project
from builder.data.storage import read_json, read_rows
from builder.sample.report import read_truth

VERSION = "9.0.0"
"""Of a release that is made in a folder of its own."""
LABELS = 120


def run(*words: object) -> None:
    """Print a command as it is typed, run it, and end with it if it fails."""
    print(f"\n$ humpback {' '.join(map(str, words))}", flush=True)
    if code := subprocess.run([sys.executable, "-m", "builder", *map(str, words)], check=False).returncode:
        sys.exit(code)


def label_by_truth(project: Path) -> None:
    """Answer the form of the sheet by what was planted."""
    build = open_project(project).look_at_build()
    truth = read_truth(project / "truth.jsonl")
    good = {}
    for pair in read_rows(build.candidates.data):
        planted = truth.get((pair["page_id"], pair["header"]), {})
        good[pair["id"]] = planted.get("kind") == "clean" and planted["instruction"] == pair["instruction"]
    rater = ("--rater", "the planted truth")
    for _ in ("the pilot", "what follows it"):
        run("label", project, "--form", "--labels", LABELS, *rater)
        items = read_json(project / "labels" / "sheet.json")["items"]
        answers = [{"id": key, "answer": "good" if good[key] else "bad"} for key, _ in items]
        saved = project / "labels" / "answers-of-the-truth.json"
        saved.write_text(json.dumps({"kind": "labels", "answers": answers}), encoding="utf-8")
        run("label", project, "--answers", saved, *rater)
    selected = {row["id"] for row in read_rows(build.curated[-1].data)}
    right = sum(good[key] for key in selected)
    print(
        f"\nin truth: precision {right / len(selected):.3f}, recall {right / sum(good.values()):.3f}, "
        f"good of all {sum(good.values()) / len(good):.3f}"
    )


def with_labels_in_card(project: Path, folder: Path) -> None:
    """Release with the labels, and show what the card says of them."""
    out = folder / "release"
    shutil.rmtree(out, ignore_errors=True)
    labels = "labels/labels.jsonl"  # as the recipe takes it, from its folder
    run(
        "release", project, "--version", VERSION, "--out", out, "--set", f"release.labels={labels}", "--accept-warnings"
    )
    card = (out / "dataset" / "README.md").read_text(encoding="utf-8")
    begin = card.index("People labelled")
    print("\n" + card[begin : card.index("\n\n", card.index("| 2 |", begin))])


def with_real_model(project: Path, model: Path, folder: Path) -> None:
    """The same with a model that has read English, as contestant and as judge."""
    plan = yaml.safe_load((project / "evaluate.yaml").read_text(encoding="utf-8"))
    source = plan["prompts"]["sources"][0] | {"path": str((project / plan["prompts"]["sources"][0]["path"]).resolve())}
    plan |= {
        "prompts": {"sources": [source], "limit": 8},
        "models": [{"name": "real", "path": str(model.resolve())}],
        "judge": {"path": str(model.resolve())},
        "engine": {"kind": "vllm", "dtype": "bfloat16", "max_model_len": 2048},
    }
    file = folder / "evaluate-real.yaml"
    file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    run("evaluate", project, "--plan", file, "--set", "runtime.kv_cache_mb=512")


def main() -> None:
    """Run every step and say how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of a real model")
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    project = given.folder
    if not (project / "truth.jsonl").is_file():
        run("quickstart", project)
    began = time.monotonic()
    folder = project / "evaluation"
    folder.mkdir(exist_ok=True)
    label_by_truth(project)
    run("evaluate", project, "--statistics")
    run("evaluate", project)
    run("evaluate", project, "--commands")
    run("evaluate", project, "--packets", folder / "packet")
    run("evaluate", project, "--conformance", folder / "conformance.md")
    with_labels_in_card(project, folder)
    if given.model is not None:
        with_real_model(project, given.model, folder)
    print(f"\nevaluate-demo: {time.monotonic() - began:.0f} s after the build")


if __name__ == "__main__":
    main()
