"""The page in a real browser: readable by everybody, alone with itself. `make bench-report` times it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import chromium, program
from support.large_build import LargeBuild

from builder.results.report.content import content_of
from builder.results.report.page import write_page
from builder.results.report.rows import of_build, pairs_of

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = [pytest.mark.full, pytest.mark.skipif(program() is None, reason="Chromium is not installed")]
ROWS = 5_000
READY = "html[data-ready=yes]"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    build = LargeBuild(folder, ROWS).build
    path = folder / "report.html"
    write_page(
        path,
        content_of(build, of_build(build), folder, lambda stage, reason: [f"{stage.kind}.{reason}"]),
        pairs_of(of_build(build)),
    )
    return path


@pytest.fixture(scope="module")
def tab() -> Iterator["Page"]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def shown(tab: "Page", page: Path) -> "Page":
    tab.set_viewport_size({"width": 1280, "height": 900})
    tab.emulate_media(color_scheme="light", media="screen")
    tab.goto(page.as_uri())
    tab.wait_for_selector(READY)
    return tab


def test_the_search_finds_what_is_searched(shown: "Page") -> None:
    shown.locator("#search").fill("dne")
    assert 1 <= shown.locator("#page article").count() <= 20
    text = shown.locator("#page h3").first.inner_text()
    assert text.startswith("\\u202edne\\u202c \\u001b[31mred")
    assert "<script>" in text
    assert text.endswith("more characters)")
    assert shown.title() != "mine"
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_threshold_keeps_what_its_share_keeps(shown: "Page") -> None:
    shown.locator("#share").evaluate("(box) => { box.value = '400'; box.dispatchEvent(new Event('input')); }")
    kept = shown.locator("#explored").inner_text()
    threshold = shown.locator("#cut").input_value()
    shown.locator("#share").evaluate("(box) => { box.value = '10'; box.dispatchEvent(new Event('input')); }")
    assert shown.locator("#explored").inner_text() != kept
    shown.locator("#cut").fill(threshold)
    # Scores of this build are few and tied, so that a threshold keeps all of those that are equal to it.
    rows = dict(line.split("\t") for line in shown.locator("#explored tbody").inner_text().splitlines())
    share = float(shown.locator("#kept").inner_text().split(" %")[0])
    assert float(rows["threshold"]) == float(threshold)
    assert 40 <= share < 45
    assert int(rows["steps of a training, about"].replace(",", "")) > 0


def test_rows_are_chosen_by_their_score(shown: "Page") -> None:
    shown.locator("#judge").select_option("score-1-likelihood")
    shown.locator("#least").fill("1")
    shown.locator("#most").fill("1.5")
    shown.evaluate("document.querySelectorAll('article details').forEach((box) => { box.open = true; })")
    said = shown.locator("article p", has_text="score of iteration 1-likelihood").all_inner_texts()
    assert said
    assert all(1 <= float(text.split(": ")[1]) <= 1.5 for text in said)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(shown: "Page", scheme: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    shown.emulate_media(color_scheme=scheme)
    shown.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    found = axe.run(shown)
    assert [(item["id"], item["nodes"][0]["html"]) for item in found.response["violations"]] == []


def test_it_asks_for_nothing_and_says_nothing_in_the_console(tab: "Page", page: Path) -> None:
    asked: list[str] = []
    told: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: told.append(message.text))
    tab.on("pageerror", lambda error: told.append(str(error)))
    tab.goto(page.as_uri())
    tab.wait_for_selector(READY)
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert told == []


def test_it_fits_a_telephone(shown: "Page") -> None:
    shown.set_viewport_size({"width": 390, "height": 844})
    shown.wait_for_timeout(300)
    wide = shown.evaluate(
        "[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1"
        " && !e.closest('.wide') && !e.closest('svg') && !e.closest('.skip')).map((e) => e.tagName + '#' + e.id)"
    )
    assert wide == []
    assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_keys_alone_reach_everything_that_answers(shown: "Page") -> None:
    reached = set()
    for _ in range(400):
        shown.keyboard.press("Tab")
        reached.add(shown.evaluate("document.activeElement.id || document.activeElement.tagName"))
        if {"by", "share", "cut", "judge", "least", "most", "search", "reason", "host", "moved", "sort"} <= reached:
            return
    raise AssertionError(sorted(reached))


def test_it_prints_on_few_pages(shown: "Page", tmp_path: Path) -> None:
    shown.emulate_media(media="print")
    data = shown.pdf(format="A4")
    assert 1 <= data.count(b"/Type /Page\n") + data.count(b"/Type /Page ") <= 12
