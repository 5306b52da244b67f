"""What is in a listing beside its code, and the code without it."""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.listings.gutters import (
    CONTROL,
    GUTTER,
    LINE,
    PROMPT,
    holds_numbers,
    is_drawn_as_line,
    is_prompt,
    is_unselectable,
    may_number,
    role_of,
    text_of,
)
from builder.method.corpus.cutting.markup.listings.lines import LINE_TAGS, Line, lines_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BUTTONS = frozenset({"button", "clipboard-copy"})
_SPECIAL = LINE_TAGS | {"del", "ins", "s", "strike", "td", "th"}
_WHOLE = frozenset({"table", "tbody", "ol", "ul", "code"})
"""Named after the numbers that are in it with the code."""
_LONGEST_CONTROL = 60


@dataclass
class Inside:
    """What `look` has found in a listing.

    Attributes:
        unread: Elements that are no code.
        prompts: Elements that are prompts.
        spans: Inline elements that are drawn as lines.
        headings: Whether there is a heading: then it is a document, and no listing.
        listings: Whether there is a listing in it.
        special: Whether it takes more than its text to read it.
    """

    unread: set["HtmlElement"] = field(default_factory=set)
    prompts: set["HtmlElement"] = field(default_factory=set)
    spans: set["HtmlElement"] = field(default_factory=set)
    headings: bool = False
    listings: bool = False
    special: bool = False


def look(listing: "HtmlElement") -> Inside:
    """Find what is no code in a listing."""
    seen = Inside()
    candidates: list[HtmlElement] = []
    lines: set[HtmlElement] = set()
    first = next(filter(None, map(str.strip, listing.itertext())), "")
    counted = first[:1].isdecimal()  # else no line has its number before it
    for element in listing.iterdescendants():
        tag, names = element.tag, element.get("class")
        role = role_of(names) if names else 0
        if tag == "span":
            if not (role or counted) and len(element.keys()) < (2 if names else 1):  # most of what highlighters write
                continue
        elif tag in _HEADINGS:
            seen.headings = True
            return seen
        else:
            seen.listings = seen.listings or tag == "pre"
            seen.special = seen.special or tag in _SPECIAL
        if _is_unread(element, role):
            seen.unread.add(element)
        elif (role & PROMPT or is_unselectable(element)) and is_prompt(element):
            seen.prompts.add(element)
        elif tag in ("span", "code") and (role & LINE or is_drawn_as_line(element)):
            lines.add(element)
        elif counted and tag in ("a", "span", "i", "b", "em", "code") and may_number(element):
            candidates.append(element)
    if len(lines) > 1 and listing.find(".//br") is None and "\n" not in text_of(listing).strip():
        seen.spans = lines
    if candidates and not any(map(_numbered, seen.unread)):
        seen.unread |= _line_numbers(listing, candidates, seen)
    _close_gap([element for element in seen.unread if _numbered(element)])
    seen.special = seen.special or bool(seen.unread or seen.prompts or seen.spans)
    return seen


def code_of(listing: "HtmlElement", seen: Inside, *, preserved: bool = True) -> str:
    """The code of a listing."""
    lines = lines_of(listing, seen.unread, seen.prompts, seen.spans, preserved=preserved)
    typed = any(line.code.strip() for line in lines) and all(
        line.prompt or not line.code.strip() or before.code.rstrip().endswith("\\")
        for before, line in pairwise([Line("", ""), *lines])
    )
    return "\n".join(_without_prompt(line) if typed else line.prompt + line.code for line in lines)


def _without_prompt(line: Line) -> str:
    return line.code.removeprefix(" ") if line.prompt and not line.prompt[-1:].isspace() else line.code


def _is_unread(element: "HtmlElement", role: int) -> bool:
    if element.tag in _BUTTONS or element.get("role") == "button":
        return len(text_of(element, _LONGEST_CONTROL)) != 1 or element.tag in _BUTTONS
    if (role & GUTTER and element.tag not in _WHOLE) or element.get("data-nosnippet") is not None:
        return holds_numbers(element)
    if (number := element.get("data-line-number")) is not None and "code" not in (element.get("class") or ""):
        return text_of(element, _LONGEST_CONTROL).strip() in ("", number)
    if role & CONTROL:
        return text_of(element, _LONGEST_CONTROL) != "x"
    if element.tag == "a" and (element.get("class") or "").startswith("viewcode-"):
        return True
    return is_unselectable(element) and holds_numbers(element)


def _close_gap(numbers: "list[HtmlElement]") -> None:
    """Take out the one space that parts each number from its line, if all lines have it, blank ones too."""
    if numbers and all((number.tail or "")[:1] in (" ", "\xa0") and number.tail for number in numbers):
        for number in numbers:
            if not text_of(number, _LONGEST_CONTROL)[-1:].isspace():
                number.tail = (number.tail or "")[1:]


def _numbered(element: "HtmlElement") -> bool:
    return text_of(element, _LONGEST_CONTROL).strip().isdecimal()


def _line_numbers(listing: "HtmlElement", candidates: "list[HtmlElement]", seen: Inside) -> set["HtmlElement"]:
    """Elements that hold the number of their line: one begins each line, they count by one, and code follows."""
    lines = [line.code for line in lines_of(listing, seen.unread, (), seen.spans)]
    while lines and not lines[-1].strip():
        lines.pop()
    begins = [line.split(maxsplit=1) or [""] for line in lines]
    first = _number(text_of(candidates[0], _LONGEST_CONTROL))
    chosen: list[HtmlElement] = []
    for element in candidates:
        if _number(text_of(element, _LONGEST_CONTROL)) == first + len(chosen):
            chosen.append(element)
    if apart := _numbers_apart(lines, candidates):
        return apart
    if len(lines) < 2 or len(chosen) != len(lines) or not any(len(begin) > 1 for begin in begins):
        return set()
    alike = all(line.lstrip().startswith(str(first + place)) for place, line in enumerate(lines))
    return set(chosen) if alike else set()


def _numbers_apart(lines: list[str], candidates: "list[HtmlElement]") -> set["HtmlElement"]:
    """Elements that hold the numbers of lines whose code is in a block of its own behind each."""
    before = [element for element in candidates if _precedes_line(element)]
    numbers = [_number(text_of(element, _LONGEST_CONTROL)) for element in before]
    counted = len(numbers) > 1 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    alike = counted and [_number(line) for line in lines[::2]] == numbers and any(map(str.strip, lines[1::2]))
    return set(before) if alike else set()


def _precedes_line(element: "HtmlElement") -> bool:
    after = element.getnext()
    return after is not None and after.tag in LINE_TAGS and not (element.tail or "").strip()


def _number(text: str) -> int:
    digits = text.strip().rstrip(".:|")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 8 else -1
