"""The lines of a listing, whatever its markup makes a line of: line ends, `br`, an element a line, rows of a table."""

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from lxml.html import HtmlElement

LINE_TAGS = frozenset({"div", "p", "li", "tr"})
_FRAMES = LINE_TAGS | {"table", "tbody", "thead", "tfoot", "ol", "ul", "td", "th", "pre", "colgroup"}
"""Elements between which white space is that of the source."""
_UNREAD = frozenset({"script", "style", "template", "textarea", "svg", "select", "iframe", "button", "input"})
_SPACES = re.compile(r"[ \t\r\n\f]+")
_PLACEHOLDERS = "\xa0\u200b\ufeff \t"


class Line(NamedTuple):
    """A line of a listing.

    Attributes:
        prompt: What stands in an element of its own before what is typed.
        code: The rest of it.
    """

    prompt: str
    code: str


def lines_of(
    listing: "HtmlElement",
    unread: "Container[HtmlElement]" = (),
    prompts: "Container[HtmlElement]" = (),
    spans: "Container[HtmlElement]" = (),
    *,
    preserved: bool = True,
) -> list[Line]:
    """The lines of a listing.

    Args:
        listing: The element that holds it.
        unread: Elements in it that are no code, such as numbers of lines.
        prompts: Elements in it that are prompts.
        spans: Inline elements that are drawn as lines.
        preserved: Whether white space counts, as in `pre`; else only `br` and non-breaking spaces do.
    """
    state = _Lines(prompts, spans, preserved=preserved)
    state.between = state.holds_lines(listing)
    state.read(listing.text)
    element, children = listing, iter(listing)
    outer: list[tuple[HtmlElement, Iterator[HtmlElement]]] = []
    while True:
        for child in children:
            if child.tag in _UNREAD or child in unread:
                state.read(child.tail)
                continue
            state.enter(child)
            state.read(child.text)
            if len(child):
                outer.append((element, children))
                element, children = child, iter(child)
                break
            state.leave(child)
        else:
            if element is listing:
                break
            state.leave(element)
            element, children = outer.pop()
    return state.lines()  # noqa: V201


class _Lines:
    """What has been read of a listing so far."""

    def __init__(self, prompts: "Container[HtmlElement]", spans: "Container[HtmlElement]", *, preserved: bool) -> None:
        self.prompts, self.spans, self.preserved = prompts, spans, preserved
        self.done: list[Line] = []
        self.prompt, self.text = "", ""
        self.parts: list[str] = []
        self.empty = True  # nothing of the present line was read
        self.between = False  # an element that is a line has ended, or will begin
        self.own: list[int] = []  # of each element around that is a line: how many lines were done when it began
        self.in_prompt = 0

    def read(self, text: str | None) -> None:
        if not text or (self.between and not text.strip(" \t\r\n")):
            return
        text = text.replace("\r\n", "\n") if self.preserved else _SPACES.sub(" ", text)
        head, *rest = text.split("\n")
        self._put(head)
        for line in rest:
            self._end()
            self._put(line)
        self.between = False

    def enter(self, element: "HtmlElement") -> None:
        if element.tag == "br":
            self._end()
            self.between = False
        elif element.tag in LINE_TAGS or element in self.spans:
            if not self.empty:
                self._end()
            self.own.append(len(self.done))
            self.between = self.holds_lines(element)
        elif element.tag in _FRAMES:
            self.between = self.holds_lines(element)
        elif element in self.prompts:
            self.in_prompt += 1

    def leave(self, element: "HtmlElement") -> None:
        if element.tag in LINE_TAGS or element in self.spans:
            if not self.empty or self.own[-1] == len(self.done):  # an empty one is a blank line
                self._end()
            self.own.pop()
            self.between = True
        elif element.tag in _FRAMES:
            self.between = True
        elif element in self.prompts:
            self.in_prompt -= 1
        self.read(element.tail)

    def holds_lines(self, element: "HtmlElement") -> bool:
        """Whether an element is a frame around lines; its first children say so."""
        return any(child.tag in _FRAMES or child in self.spans for child in element[:3])

    def lines(self) -> list[Line]:
        if not self.empty:
            self._end()
        return self.done

    def _put(self, text: str) -> None:
        if not text:
            return
        if self.in_prompt and not "".join(self.parts).strip():
            self.prompt += "".join(self.parts) + text
            self.parts = []
        else:
            self.parts.append(text)
        self.empty = False

    def _end(self) -> None:
        code = "".join(self.parts)
        if not self.preserved:
            code = code.strip(" ")
        self.done.append(Line(self.prompt, "" if not code.strip(_PLACEHOLDERS) else code))
        self.prompt, self.parts, self.empty = "", [], True
