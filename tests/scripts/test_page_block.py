"""What a program writes on a page stays as it was written, and all else on the page is left alone."""

from pathlib import Path

import pytest
from page_block import END, NOT_YET, begin, is_as_written, write_block

from builder.errors import StageError

ROOT = Path(__file__).parents[2]
NAME = "make tea"
TEXT = "| cup | AUC |\n| --- | --- |\n| 1 | .71 |\n"
EMPTY = f"# A page\n\n{begin(NAME)}\n{NOT_YET}\n{END}\n\nMore.\n"
PAGES = [
    ("docs/method.md", "make real-check"),
    ("recipes/smollm2-135m/README.md", "make real-build"),
    ("recipes/smollm2-135m/README.md", "make real-speed"),
]


def test_the_writer_changes_what_is_between_the_marks_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(EMPTY)
    for _ in range(2):
        write_block(page, NAME, TEXT)
        text = page.read_text()
        assert text.startswith(f"# A page\n\n{begin(NAME)}\n")
        assert text.endswith(f"{END}\n\nMore.\n")
        assert TEXT in text
        assert NOT_YET not in text
        assert is_as_written(text, NAME)


def test_a_page_whose_figures_were_changed_by_hand_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(EMPTY)
    assert is_as_written(EMPTY, NAME)
    write_block(page, NAME, TEXT)
    text = page.read_text()
    assert not is_as_written(text.replace(".71", ".91"), NAME)
    assert not is_as_written(text.replace("<!-- sha256", "<!-- sum"), NAME)
    assert not is_as_written(EMPTY.replace(NOT_YET, "Green is best."), NAME)
    assert not is_as_written("# A page\n", NAME)


def test_two_programs_write_on_one_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(EMPTY + f"{begin('make coffee')}\n{NOT_YET}\n{END}\n")
    write_block(page, NAME, TEXT)
    write_block(page, "make coffee", TEXT + "more\n")
    assert is_as_written(page.read_text(), NAME)
    assert is_as_written(page.read_text(), "make coffee")


def test_a_page_without_the_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("# A page\n")
    with pytest.raises(StageError, match="between which the table could stand"):
        write_block(tmp_path / "page.md", NAME, TEXT)


@pytest.mark.parametrize(("page", "command"), PAGES)
def test_a_page_has_the_figures_as_they_were_written_or_says_that_there_are_none(page: str, command: str) -> None:
    assert is_as_written((ROOT / page).read_text(encoding="utf-8"), command)
