"""`docs/work-directory.md` is what its program writes, and the program misses no column."""

from pathlib import Path

import describe_work_directory
import pyarrow as pa
import pytest
import work_directory_files as inside
import work_directory_texts as texts
from support.described_files import undescribed
from support.small_project import humpback, write_small_project

from builder.data.accounting import Counts
from builder.data.records import score_schema, seed_schema
from builder.data.storage import write_json, write_rows
from builder.llm.contract import CONTRACT_FILE, TEMPLATE_FILE
from builder.method.train.checkpoints import MARK
from builder.method.train.output import FINISHED, METRICS
from builder.method.train.sft import FAILED, PREFLIGHT
from builder.workspace.cluster.remote import ENDED
from builder.workspace.layout import CHECKPOINT, LOG, REQUEST, RESULT, STAGE_FILE, STOP_AT
from builder.workspace.progress import NOTICES, PROGRESS_FILE


def test_the_page_is_what_the_program_writes() -> None:
    assert describe_work_directory.PAGE.read_text(encoding="utf-8") == describe_work_directory.page(), "run `make docs`"


def test_every_judge_has_its_columns_on_the_page() -> None:
    assert set(describe_work_directory.schemas()["scores"]) == {
        "likelihood", "expected", "verdict", "reasoned", "reverse"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("described", "says"),
    [
        (texts.COLUMNS["segments"], "table segments: url has no text"),
        (texts.SCORES["reverse"], "table scores reverse: tokens has no text"),
        (inside.COUNTS, "counts: failed has no text"),
        (inside.KEYS["chat_contract.json"], "chat contract: role has no text"),
        (texts.STAGES, "stages: dedup has no text"),
    ],
)
def test_a_column_without_a_text_ends_the_program(
    described: dict[str, object], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(described, says.split(": ")[1].split()[0])
    with pytest.raises(SystemExit, match=says):
        describe_work_directory.page()


def test_a_text_of_no_column_ends_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(texts.COLUMNS["seed"], "licence", "Another name.")
    with pytest.raises(SystemExit, match="table seed: there is a text for licence, which is not there"):
        describe_work_directory.page()


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        *(("seed", path) for path in (STAGE_FILE, REQUEST, RESULT, LOG, NOTICES, STOP_AT, f"logs/{PROGRESS_FILE}")),
        *(
            ("model", path)
            for path in (METRICS, CHECKPOINT, FAILED, PREFLIGHT, CONTRACT_FILE, TEMPLATE_FILE, f"model/{FINISHED}")
        ),
        ("model", f"training/checkpoint-8/{MARK}"),
        ("score", f"logs/engines/00001/{ENDED}"),
    ],
)
def test_files_have_the_names_that_the_code_gives_them(kind: str, path: str) -> None:
    places = [place for place in describe_work_directory.files_of(kind) if not place.endswith("/")]
    assert any(describe_work_directory.fits(place, path) for place in places)


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """The folder of a seed stage in the form that the page has."""
    folder = tmp_path / "work" / "seed-0123456789ab"
    record = {"stage": "seed", "status": "done", "details": {"sources": []}, "counts": {"pairs": Counts().as_dict()}}
    write_json(folder / STAGE_FILE, record)
    write_rows(folder / "data" / "seed.parquet", [], seed_schema())
    return folder


def test_a_work_directory_in_that_form_is_described(stage: Path) -> None:
    assert list(undescribed(stage.parent)) == []


def test_what_the_page_does_not_have_is_found(stage: Path) -> None:
    write_rows(stage / "data" / "seed.parquet", [], seed_schema().append(pa.field("topic", pa.string())))
    write_json(stage / "logs" / "other.json", {})
    write_json(stage / RESULT, {"counts": {}, "figures": {}})
    assert list(undescribed(stage.parent)) == [
        "seed: seed.parquet has other columns than table seed",
        "seed: logs/other.json",
        "seed: logs/result.json: figures",
    ]


def test_scores_have_the_columns_of_their_judge(stage: Path) -> None:
    record = {"stage": "score-1-expected", "details": {}, "counts": {}}
    write_json(stage / STAGE_FILE, record)
    (stage / "data" / "seed.parquet").unlink()
    write_rows(stage / "data" / "part-00000.parquet", [], score_schema("expected"))
    assert list(undescribed(stage.parent)) == []
    write_rows(stage / "data" / "part-00000.parquet", [], score_schema("verdict"))
    assert list(undescribed(stage.parent)) == [
        "score-1-expected: part-00000.parquet has other columns than table scores"
    ]


def test_the_first_stages_of_a_small_build_are_as_described(tmp_path: Path) -> None:
    project = write_small_project(tmp_path / "project")
    assert humpback("build", project, "--until", "dedup").returncode == 0
    assert len(list(project.glob("work/*/stage.json"))) == 3
    assert list(undescribed(project / "work")) == []
