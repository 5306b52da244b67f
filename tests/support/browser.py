"""Headless Chromium, the oracle of what browsers make of a page; tests that ask it are skipped where it is missing."""

import base64
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_DECODE = """([label, data]) => {
    const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
    let decoder;
    try { decoder = new TextDecoder(label, {ignoreBOM: true}); } catch (error) { return null; }
    return [decoder.encoding, Array.from(decoder.decode(bytes), c => c.codePointAt(0))];
}"""


def program() -> str | None:
    """The path of an installed Chromium."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator["Page"]:
    """A tab of a fresh Chromium, from which no request goes out."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        try:
            yield browser.new_page()
        finally:
            browser.close()


def text_decoder(tab: "Page", label: str, data: bytes) -> tuple[str, str] | None:
    """The encoding of a label and the text of bytes by `TextDecoder`; None if it knows no such label."""
    found: Any = tab.evaluate(_DECODE, [label, base64.b64encode(data).decode()])
    return (found[0], "".join(map(chr, found[1]))) if found else None


def shown(tab: "Page", body: bytes, content_type: str = "text/html") -> tuple[str, str]:
    """The encoding in which the browser reads a page, and the text of its body."""
    tab.unroute_all()
    tab.route("**/*", lambda route: route.fulfill(status=200, headers={"content-type": content_type}, body=body))
    tab.goto("http://page.example/")
    encoding, points = tab.evaluate(
        "[document.characterSet, Array.from(document.body.textContent, c => c.codePointAt(0))]"
    )
    return str(encoding).lower(), "".join(map(chr, points))
