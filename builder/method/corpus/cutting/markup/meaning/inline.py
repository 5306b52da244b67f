"""What inline elements mean, told in the text itself: their tags are taken off afterwards."""

import re
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.meaning.edits import after, before, replace, take_out, unwrap, words_in
from builder.method.corpus.cutting.markup.meaning.found import Found
from builder.method.corpus.cutting.markup.meaning.notes import leave_out_notes
from builder.method.corpus.cutting.markup.meaning.raised import LONGEST, lowered, raised

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_READINGS = frozenset({"rt", "rp", "rtc"})
_QUOTED_MARKS = "\"'“”„‟‘’‚«»‹›「『"
_QUOTES = {
    "bg": "„ “ ‚ ‘", "cs": "„ “ ‚ ‘", "de": "„ “ ‚ ‘", "el": "« » “ ”", "es": "« » “ ”", "fi": "” ” ’ ’",
    "fr": "«\xa0 \xa0» “ ”", "he": "” ” ’ ’", "hu": "„ ” » «", "it": "« » “ ”", "ja": "「 」 『 』", "nb": "« » ‘ ’",
    "nl": "‘ ’ “ ”", "nn": "« » ‘ ’", "no": "« » ‘ ’", "pl": "„ ” « »", "ro": "„ ” « »", "ru": "« » „ “",
    "sk": "„ “ ‚ ‘", "sl": "„ “ ‚ ‘", "sv": "” ” ’ ’", "uk": "« » „ “",
}  # fmt: skip
"""Outer and inner marks by language, as Unicode's CLDR has them; all others have those of English."""
_ENGLISH = "“ ” ‘ ’"
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_EMOJI = re.compile(r"[\u200d\ufe0f\u20e3\u2190-\u2bff\u3030-\u3299\U0001f000-\U0001faff]{1,12}")


def keep_meaning(tree: "HtmlElement", found: Found) -> None:
    """Say in the text what inline elements mean: raised and lowered text, notes, struck text, readings, quotations.

    Args:
        tree: The page; changed in place.
        found: What was found in it.
    """
    language = (tree.get("lang") or tree.get("xml:lang") or "").strip().lower()[:2]
    for element in found.struck:  # one with a heading in it was left open by accident
        if next(element.iter(*_HEADINGS), None) is None:
            take_out(element)
    _leave_out_readings(found.rubies)
    leave_out_notes(found)
    for element in reversed(found.levels):  # inner ones first
        _set_level(element, language)
    depths = [sum(1 for _ in element.iterancestors("q")) for element in found.quotes]
    for element, depth in zip(reversed(found.quotes), reversed(depths), strict=True):
        _quote(element, depth, language)
    for image in found.emoji:
        if _EMOJI.fullmatch(image.get("alt", "")):
            replace(image, image.get("alt", ""))


def _leave_out_readings(rubies: "list[HtmlElement]") -> None:
    """Take the readings out of ruby text.

    Their end tags are often left out, and the parser then takes what follows, base text too, for a part of them.
    """
    done: set[HtmlElement] = set()
    for ruby in rubies:
        if ruby in done:
            continue
        reading = {ruby: False}
        for element in ruby.iterdescendants():
            around = reading[element.getparent()]
            inside = element.tag in _READINGS or (around and element.tag not in ("rb", "ruby"))
            reading[element] = inside
            if inside:
                element.text = None
            if around:
                element.tail = None
        done.update(element for element in reading if element.tag == "ruby")
        for element in reading:
            if element.tag in _READINGS or element.tag in ("rb", "ruby"):
                element.tag = "span"


def _set_level(element: "HtmlElement", language: str) -> None:
    content = words_in(element, LONGEST)
    if not content:
        return
    if element.tag == "sup":
        text = raised(before(element), content, after(element), language)
    else:
        text = lowered(before(element), content, after(element))
    if text == "":
        take_out(element)
    elif text is not None:
        replace(element, text)


def _quote(element: "HtmlElement", depth: int, language: str) -> None:
    """Put the marks of a quotation around it, unless its author has."""
    own = (element.get("lang") or language).lower()[:2]
    marks = _QUOTES.get(own, _ENGLISH).split(" ")
    opening, closing = marks[2:] if depth % 2 else marks[:2]
    text = (element.text or "").lstrip()
    if (text[:1] and text[0] in _QUOTED_MARKS) or (not text and not len(element)):
        return
    if before(element)[-1:] in tuple(_QUOTED_MARKS) and after(element)[:1] in tuple(_QUOTED_MARKS):
        return
    unwrap(element, opening, closing)
