"""The table says the figures as they are; what stands on the page is what the program wrote, or that there is none."""

from pathlib import Path

import pytest
from planted.figures import Estimate
from planted.kinds import KINDS
from planted.measures import Measured
from planted.plant import Planting
from planted.table import BEGIN, END, NOT_YET, cell, is_as_written, report, write_block

from builder.errors import StageError

PAGE = Path(__file__).parents[3] / "docs" / "method.md"
EMPTY = f"# A page\n\n{BEGIN}\n{NOT_YET}\n{END}\n\nMore.\n"
TRUTH = [
    {"id": "1", "page_id": "p", "half": "a", "kind": "good", "origin": "heading", "good": True},
    {"id": "2", "page_id": "p", "half": "a", "kind": "cut off", "origin": "heading", "good": False},
]


def table() -> str:
    figure = Estimate(0.714, 0.6, 1.0)
    kinds = dict.fromkeys(KINDS) | {"cut off": figure}
    measured = [
        Measured("likelihood, w 1", "M_1", 420, 400, figure, figure, Estimate(-0.1, -0.204, 0.051), None, kinds)
    ]
    return report("tried", Planting(code=""), TRUTH, measured, 0.1)


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (Estimate(0.714, 0.6, 1.0), ".71 [.60, 1.00]"),
        (Estimate(-0.001, -0.5, 0.002), ".00 [-.50, .00]"),
        (Estimate(0.0, -1.0, 0.999), ".00 [-1.00, 1.00]"),
        (None, "-"),
    ],
)
def test_a_figure_has_two_digits_and_its_interval(figure: Estimate | None, shown: str) -> None:
    assert cell(figure) == shown


def test_the_table_has_a_row_for_each_judge_and_a_column_for_each_kind() -> None:
    lines = table().splitlines()
    assert "2 pairs of 1 texts on 1 pages" in lines[0]
    assert "| likelihood, w 1 | M_1 | 420 | 400 | .71 [.60, 1.00] | .71 [.60, 1.00] | -.10 [-.20, .05] | - |" in lines
    (kinds,) = [line for line in lines if line.startswith("| judge | scored by | same page")]
    assert "cut off (1)" in kinds
    assert f"| likelihood, w 1 | M_1 | - | - | .71 [.60, 1.00] |{' - |' * 5}" in lines
    tables = [line for line in lines if line.startswith("|")]
    assert {line.count("|") for line in tables} == {9, 3 + len(KINDS)}


def test_the_writer_changes_what_is_between_the_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(EMPTY)
    for _ in range(2):
        write_block(page, table())
        text = page.read_text()
        assert text.startswith(f"# A page\n\n{BEGIN}\n")
        assert text.endswith(f"{END}\n\nMore.\n")
        assert table() in text
        assert NOT_YET not in text
        assert is_as_written(text)


def test_a_page_whose_figures_were_changed_by_hand_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(EMPTY)
    assert is_as_written(EMPTY)
    write_block(page, table())
    text = page.read_text()
    assert not is_as_written(text.replace(".71", ".91"))
    assert not is_as_written(text.replace("<!-- sha256", "<!-- sum"))
    assert not is_as_written(EMPTY.replace(NOT_YET, "Likelihood is best."))
    assert not is_as_written("# A page\n")


def test_a_page_without_the_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# A page\n")
    with pytest.raises(StageError, match="between which the table could stand"):
        write_block(tmp_path / "page.md", table())


def test_the_page_on_the_method_has_the_table_as_it_was_written_or_says_that_there_is_none() -> None:
    assert is_as_written(PAGE.read_text(encoding="utf-8"))
