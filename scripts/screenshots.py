"""Pictures of a build's page and of the terminal, for README and docs.

    make screenshots [DIR=quickstart]

Writes docs/images/ anew from a finished build that was evaluated (make evaluate-demo). It needs an installed Chromium.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGES = Path("docs/images")
PROGRAM = "/usr/bin/chromium"
WIDTH = 96
"""Columns of the terminal."""


def humpback(*words: object) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "builder", *map(str, words)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def terminal(name: str, *words: object) -> None:
    """A picture of a command and what it prints."""
    console = Console(record=True, width=WIDTH, file=Path("/dev/null").open("w"), force_terminal=True)  # noqa: SIM115
    console.print(Text(f"$ humpback {' '.join(map(str, words))}", style="bold"))
    console.print(Text(humpback(*words)))
    picture = console.export_svg(title="humpback", unique_id="humpback")
    # rich's picture asks another site for its letters; the reader's own do as well.
    (IMAGES / name).write_text(re.sub(r"@font-face \{[^}]*\}\s*", "", picture), encoding="utf-8")


def page(tab: "Page", address: str, name: str, size: tuple[int, int], scheme: str, at: str = "") -> None:
    """A picture of the page, from one of its sections on."""
    tab.set_viewport_size({"width": size[0], "height": size[1]})
    tab.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    tab.goto(address + (f"#{at}" if at else ""))
    tab.wait_for_selector("html[data-ready=yes]")
    tab.screenshot(path=IMAGES / name)


def main() -> None:
    """Write all pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of a finished build")
    folder = parser.parse_args().folder
    from playwright.sync_api import sync_playwright

    IMAGES.mkdir(exist_ok=True)
    humpback("report", folder)
    address = (folder / "report.html").resolve().as_uri()
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        tab = browser.new_page()
        page(tab, address, "report-wide.png", (1200, 900), "light")
        page(tab, address, "report-scores.png", (1200, 900), "light", "scores")
        page(tab, address, "report-rows.png", (1200, 900), "light", "rows")
        page(tab, address, "report-dark.png", (1200, 900), "dark", "explorer")
        page(tab, address, "report-narrow.png", (390, 844), "light")
        browser.close()
    terminal("watch.svg", "watch", folder, "--once")


if __name__ == "__main__":
    main()
