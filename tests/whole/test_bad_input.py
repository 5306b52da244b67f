"""A bad seed or corpus through the real command line: what cannot be used is counted, and named where nothing can."""

import gzip
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from support.bad_input import Case, Change, check, in_turn, named, only_seed, only_source, run
from support.corpus_pages import archive, page
from support.small_project import counts_of, stage_folder

from builder.data.storage import read_json, read_rows


def pair(number: int, **keys: Any) -> dict[str, Any]:
    return {"instruction": f"How many is {number}?", "output": f"It is {number}.", **keys}


SEED = [
    Case(
        "seed without the columns",
        "build PROJECT --until seed",
        2,
        (r"seed: .*own\.jsonl: 2 of 2 rows lack the columns of seed source 'own' \(wanted: instruction, output; "
         r"found: answer, question\); set its `instruction` and `output`",),
        only_seed({"question": "a", "answer": "b"}, {"question": "c", "answer": "d"}),
    ),
    Case(
        "seed that is no JSON",
        "build PROJECT --until seed",
        2,
        (r"seed: .*own\.jsonl: 2 of 2 rows are not JSON objects; seed source 'own' needs the columns instruction, ou",),
        only_seed("instruction,output", "How?,So."),
    ),
    Case(
        "seed of which nothing is left",
        "build PROJECT --until seed",
        1,
        (r"seed: no seed pair is left of 2: 2 empty_instruction; see the seed section",),
        only_seed(pair(1, instruction=""), pair(2, instruction=" ")),
    ),
    Case(
        "seed of other trees",
        "build PROJECT --until seed",
        2,
        (r"seed: .*own\.jsonl: 1 of 1 rows lack the columns .*or is it `format: pairs`\?",),
        only_seed(pair(1), format="oasst"),
    ),
]  # fmt: skip


@named(SEED)
def test_a_seed_that_cannot_be_used_is_named(case: Case, project: Path) -> None:
    check(case, project)
    assert read_json(stage_folder(project, "seed") / "stage.json")["status"] == "failed"


def test_poor_seed_rows_are_counted_by_reason(project: Path) -> None:
    good = [pair(number) for number in range(8)]
    poor = [
        pair(1),
        pair(2, id="again"),
        pair(20, instruction=""),
        pair(21, output=None),
        pair(22, output=7),
        "{",
        "[1]",
    ]
    only_seed(*good, *poor, pair(23, output="<|im_end|>"))(project)
    result = run(project, "build PROJECT --until seed")
    assert result.returncode == 0, result.stderr
    assert counts_of(project, "seed")["pairs"] == {
        "in": 16,
        "kept": 8,
        "dropped": {"control_tokens": 1, "duplicate": 2, "empty_instruction": 1, "empty_output": 1},
        "failed": {"not_json": 2, "not_text": 1},
    }
    assert "8 pairs of 16" in result.stderr
    for reason in ("duplicate 2", "not_json 2"):
        assert reason in result.stderr


def cut_archive(project: Path) -> None:
    whole = archive(project / "cut" / "a.warc.gz", pages=6)
    whole.write_bytes(whole.read_bytes()[:-700])
    (project / "cut" / "gone.warc.gz").symlink_to("nowhere.warc.gz")
    (project / "cut" / "memory.warc.gz").symlink_to("/proc/self/mem")  # opens, and fails when it is read
    only_source(path="cut", format="warc")(project)


def unreadable_pages(project: Path) -> None:
    folder = project / "odd"
    folder.mkdir()
    (folder / "good.html").write_text(page(1))
    (folder / "folder.html").mkdir()
    (folder / "gone.html").symlink_to("nowhere.html")
    (folder / "memory.html").symlink_to("/proc/self/mem")
    os.mkfifo(folder / "pipe.html")
    (folder / "cut.html.gz").write_bytes(gzip.compress(page(2).encode())[:-9])
    only_source(path="odd")(project)


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        (cut_archive, {"cut": 1, "unreadable": 2}),
        (unreadable_pages, {"cut": 1, "unreadable": 1, "link_outside": 1, "not_a_file": 1}),
    ],
)
def test_pages_that_cannot_be_read_are_counted_and_said(project: Path, change: Change, failed: dict[str, int]) -> None:
    change(project)
    result = run(project, "build PROJECT --until segments --trust-recipe")
    assert result.returncode == 0, result.stderr
    counts = counts_of(project, "segments")
    assert counts["records"]["failed"] == failed
    assert counts["segments"]["kept"] >= 1
    rejected = [row["reason"] for row in read_rows(stage_folder(project, "segments") / "rejected")]
    for reason, number in failed.items():
        assert rejected.count(reason) == number
        assert re.search(rf"\b{reason}\b", result.stderr), f"the console does not say it:\n{result.stderr}"


CORPUS = [
    Case(
        "corpus without a file of its format",
        "build PROJECT --until segments",
        2,
        (r"segments: .*corpus/pages: the folder holds no file ending in \.warc or [^;]+\.arc\.gz; point segments",),
        only_source(path="corpus/pages", format="warc"),
    ),
    Case(
        "archive that is no archive",
        "build PROJECT --until segments",
        1,
        (r"segments: .*build\.warc: no page could be read \(.*\); segments\.sources must name WARC files",),
        in_turn(
            lambda project: shutil.copy(project / "build.yaml", project / "build.warc") and None,
            only_source(path="build.warc", format="warc"),
        ),
    ),
]


@named(CORPUS)
def test_a_corpus_that_gives_nothing_is_named(case: Case, project: Path) -> None:
    check(case, project)
    assert read_json(stage_folder(project, "segments") / "stage.json")["status"] == "failed"
