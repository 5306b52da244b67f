"""The blocks of a page beside what Chromium shows of the same elements."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from builder.method.corpus.cutting.markup.furniture import is_edit_button, is_edit_link
from builder.method.corpus.cutting.walk import walk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from lxml.html import HtmlElement
    from playwright.sync_api import Page

    from builder.method.corpus.cutting.blocks import Block

READ = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
STAMPS = "Array.from(document.querySelectorAll('[data-z]'), element => Number(element.getAttribute('data-z')))"
OFFLINE = "default-src 'none'; style-src 'unsafe-inline'"
"""Nothing is asked of any host and no script runs, but the page is read as where they do: <noscript> is not shown."""
FOR_SPEECH = (
    "a-offscreen", "aok-offscreen", "hide-visually", "screen-reader-text", "screenreader", "sr-only", "u-srOnly",
    "u-visually-hidden", "visually-hidden", "visuallyhidden",
)  # fmt: skip
LEFT_OUT = {
    "struck out": "del, s, strike",
    "reading of ruby": "rt, rp, rtc",
    "form field": "select, textarea, datalist",
    "drawing or player": "svg, canvas, object, video, audio, iframe",
    "for screen readers by its class": ", ".join(f"[class~='{name}' i]" for name in FOR_SPEECH),
}
"""Shown (the last where the sheet is elsewhere), and no text here by intent: taken out on both sides."""
APART = {
    "raised or lowered": "sup, sub",
    "formula": "math, .katex, mjx-container, .MathJax, .MathJax_Display, script[type^='math/'], .mwe-math-element",
}
"""Written in another way here by intent: blocks with them are compared apart."""
_SIGN = 0xF0000
_SIGNS = re.compile("[\U000f0000-\U0010ffff]")
_UNSEEN = re.compile("[\x7f-\x84\x86-\x9f\u00ad\u200b-\u200f\u2060\ufeff\ufe0f]")
_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d(?![\d.)])")


def words(text: str) -> list[str]:
    """The words of a text, however they are written."""
    return _WORD.findall(unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold())


class Score(NamedTuple):
    """How many words two texts share, and how many each has."""

    shared: int = 0
    ours: int = 0
    shown: int = 0

    @property
    def f1(self) -> float:
        return 2 * self.shared / (self.ours + self.shown) if self.ours + self.shown else 1.0


def total(scores: "Iterable[Score]") -> Score:
    """The scores of many texts as one."""
    return Score(*map(sum, zip(Score(), *scores, strict=True)))


@dataclass
class Pair:
    """Some blocks and what Chromium shows of their runs; most often it is one block.

    Attributes:
        blocks: In their order.
        shown: The text of their runs in Chromium.
        apart: Which of `APART` is in them.
        missing: How many of their runs Chromium does not have.
    """

    blocks: "list[Block]"
    shown: str = ""
    apart: set[str] = field(default_factory=set)
    missing: int = 0

    def score(self) -> Score:
        """A number that was typed before an item is its mark here; one that browsers write is not in their text."""
        shown = Counter(words(self.shown))
        ours = Counter(word for block in self.blocks for word in words(block.text))
        typed = Counter(word for block in self.blocks for word in words(block.mark))
        ours += typed & (shown - ours)
        return Score((ours & shown).total(), ours.total(), shown.total())


class _Stamper(HTMLParser):
    """Finds where the names of start tags end."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self._lines = [0, *(match.end() for match in re.finditer("\n", html))]
        self.places: list[int] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, column = self.getpos()
        if (self.get_starttag_text() or "")[1 : 1 + len(tag)].lower() == tag:
            self.places.append(self._lines[line - 1] + column + 1 + len(tag))


def stamp(html: str) -> str:
    """The page as it is written, but each start tag has a number."""
    html = _SIGNS.sub("", html)
    stamper = _Stamper(html)
    stamper.feed(html)
    stamper.close()
    parts, last = [], 0
    for number, place in enumerate(stamper.places, start=1):
        parts += [html[last:place], f' data-z="{number}" ']
        last = place
    return "".join((*parts, html[last:]))


def load(tab: "Page", html: str) -> None:
    """Open a page."""
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": OFFLINE}
    body = html.encode("utf-8", "replace")
    tab.unroute_all()
    tab.route("**/*", lambda route: route.abort())
    tab.route("http://page.example/", lambda route: route.fulfill(status=200, headers=headers, body=body))
    tab.goto("http://page.example/", wait_until="domcontentloaded")


def pairs(
    tab: "Page", html: str, tree: "HtmlElement", blocks: "list[Block]", kept: "Collection[int]"
) -> tuple[list[Pair], Counter[str]]:
    """Kept blocks with their own text in Chromium, and how much was left out or unfolded there.

    Args:
        tab: Of a browser.
        html: A stamped page.
        tree: The same, parsed; changed in place.
        blocks: Its blocks.
        kept: Numbers of those that are compared.
    """
    load(tab, html)
    parting, places, names = _sign(tree, frozenset(tab.evaluate(STAMPS)))
    signed = walk(tree)
    assert [_SIGNS.sub("", block.text) for block in signed] == [block.text for block in blocks]
    found, counts = tab.evaluate(READ, [parting, LEFT_OUT, APART])
    order = {place: at for at, place in enumerate(places)}
    made: list[Pair] = []
    for numbers, runs in _groups(signed, [_known(places, order[name], found) for name in names]):
        if numbers.isdisjoint(kept):
            continue
        pair = Pair([blocks[number] for number in sorted(numbers)])
        for run in sorted(runs, key=order.__getitem__):
            shown, apart = found.get(run, ("", []))
            pair.missing += run not in found
            pair.shown += f" {shown}"
            pair.apart.update(apart)
        made.append(pair)
    return made, Counter(counts)


def _sign(tree: "HtmlElement", known: frozenset[int]) -> tuple[list[int], list[str], list[str]]:
    """Put a sign into the texts of a tree that says in which run they are.

    Returns:
        Stamps of what parts text, all places where a run may begin, and the run of each sign.
    """
    from lxml import etree

    parting: list[int] = []
    names: dict[str, int] = {}
    places = ["0"]

    def signed(text: str | None) -> str | None:
        letter = _LETTER.search(text or "") or _DIGIT.search(text or "")
        if not text or letter is None:
            return text
        number = names.setdefault(places[-1], len(names))
        return text[: letter.end()] + chr(_SIGN + number) + text[letter.end() :]

    for event, element in etree.iterwalk(tree, events=("start", "end")):
        number = int(element.get("data-z", 0)) if element.tag not in ("a", "span") else 0
        number = number if number in known else 0
        if event == "start":
            if number:
                parting.append(number)
                places.append(f"+{number}")
            if not (is_edit_link if element.tag == "a" else is_edit_button)(element):
                element.text = signed(element.text)
        else:
            if number:
                places.append(f"-{number}")
            element.tail = signed(element.tail)
    return parting, places, list(names)


def _known(places: list[str], at: int, found: "Collection[str]") -> str:
    """The run of a place; where Chromium has moved its beginning, one that begins shortly before."""
    return next((place for place in reversed(places[max(0, at - 3) : at + 1]) if place in found), places[at])


def _groups(signed: "list[Block]", names: list[str]) -> list[tuple[set[int], set[str]]]:
    """Blocks that share runs, with their runs."""
    of_run: dict[str, tuple[set[int], set[str]]] = {}
    for block in signed:
        own = {names[number] for sign in _SIGNS.findall(block.text) if (number := ord(sign) - _SIGN) < len(names)}
        numbers, runs = {block.number}, set(own)
        for run in own & of_run.keys():
            numbers |= of_run[run][0]
            runs |= of_run[run][1]
        of_run.update(dict.fromkeys(runs, (numbers, runs)))
    return list({id(group): group for group in of_run.values()}.values())
