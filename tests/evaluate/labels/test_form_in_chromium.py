"""The form in a real browser: keys and buttons answer, a reload loses nothing, what is saved is taken."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import chromium, program

from builder.results.evaluate.labels.forms import form_page, read_answers, write_forms
from builder.results.evaluate.labels.sheet import Sheet

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.full, pytest.mark.skipif(program() is None, reason="Chromium is not installed")]
SHEET = Sheet("f", 0, 10, {"left-1": 40}, [(key, "left-1") for key in "abc"], 3)
HOSTILE = "</script><script>document.title = 'mine'</script><img src=x onerror=\"document.title = 'mine'\">"
PAIRS = {
    key: {"id": key, "instruction": f"{HOSTILE} {key}", "output": "text", "header": "h", "url": "https://example.org/"}
    for key in "abc"
}


def place(tab: "Page") -> str:
    return tab.locator("#place").inner_text()


def saved(tab: "Page", folder: Path) -> Path:
    with tab.expect_download() as waited:
        tab.get_by_text("Save answers as a file").click()
    path = folder / waited.value.suggested_filename
    waited.value.save_as(path)
    return path


def test_answers_by_key_and_button_outlive_a_reload_and_are_saved_as_they_were_given(tmp_path: Path) -> None:
    form = write_forms(tmp_path, SHEET, PAIRS)[0]
    asked: list[str] = []
    told: list[str] = []
    with chromium() as tab:
        tab.on("request", lambda request: asked.append(request.url))
        tab.on("console", lambda message: told.append(message.text))
        tab.goto(form.as_uri())
        assert place(tab) == "1 of 3, 0 answered"
        assert tab.locator("#row").inner_text().count("</script>") == 2
        assert tab.title() == "humpback: rating"
        tab.keyboard.press("g")
        tab.get_by_role("button", name="Bad (b)").click()
        assert place(tab) == "3 of 3, 2 answered"
        tab.reload()
        assert place(tab) == "3 of 3, 2 answered"
        tab.keyboard.press("ArrowLeft")
        assert tab.get_by_role("button", name="Bad (b)").get_attribute("aria-pressed") == "true"
        assert read_answers(saved(tab, tmp_path)) == [("a", True), ("b", False)]
    assert [url for url in asked if not url.startswith(("file:", "blob:"))] == []
    assert told == []


def test_a_packet_shows_two_answers_side_by_side_and_takes_a_draw(tmp_path: Path) -> None:
    page = tmp_path / "form.html"
    row = {"id": "1", "instruction": "Which?", "first": "This one.", "second": "That one."}
    page.write_text(form_page([row], "packets"), encoding="utf-8")
    with chromium() as tab:
        tab.goto(page.as_uri())
        first, second = (tab.locator(".pair section").nth(at).bounding_box() for at in (0, 1))
        assert first is not None
        assert second is not None
        assert first["y"] == second["y"]
        tab.keyboard.press("0")
        assert '"neither"' in saved(tab, tmp_path).read_text(encoding="utf-8")
        tab.set_viewport_size({"width": 360, "height": 740})
        assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
