"""One walk over a page's DOM: the blocks of text in it, numbered, and how a choice of them reads as text.

`kept_blocks` of a segment are numbers of this walk, so a reader who has the page can rebuild the text without any
extractor: `render([walk(parse(html))[number] for number in kept_blocks])`. `WALK_VERSION` names the rules; change
it with them.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from builder.corpus.text import clean_heading, code_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.html import HtmlElement

WALK_VERSION = "dom-1"
HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
PARSER_DEPTH = 256
_INVISIBLE = (
    "script", "style", "noscript", "template", "svg", "math", "iframe", "canvas", "video", "audio", "object", "embed",
    "select", "textarea", "option", "input", "link", "meta",
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd", "details", "div",
        "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "label", "legend", "li",
        "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr",
        "ul",
    }
)  # fmt: skip
_KINDS = {"li": "item", "td": "cell", "th": "cell", "dd": "term", "dt": "term", "pre": "code"}
_MARGINS = frozenset({"nav", "footer", "aside"})
_PERMALINKS = frozenset({"#", "¶", "§", "🔗", "⚓", "[#]", "[¶]", "\uf0c1"})


class TooDeepError(ValueError):
    """Elements are nested so deeply that the parser has left some out."""


@dataclass(frozen=True, slots=True)
class Block:
    """A run of text between two block boundaries of the page.

    Attributes:
        number: Its place among all blocks of the page.
        kind: `heading`, `text`, `code`, or `item`, `cell`, `term` for the first block of a list item, table cell,
            definition.
        text: One line, or several for code.
        level: 1 to 6 for headings, else 0.
        ordinal: For headings, the how-many-th heading element of the page (from 0), empty ones counted.
        margin: Whether it lies in nav, footer or aside.
        glued: Whether only a line break parts it from the block before.
        row: Number of its table row where the row is one of plain cells, else -1.
        cell: Number of its table cell, else -1.
    """

    number: int
    kind: str
    text: str
    level: int = 0
    ordinal: int = -1
    margin: bool = False
    glued: bool = False
    row: int = -1
    cell: int = -1


def parse(html: str) -> "HtmlElement":
    """Parse a page and take out what is never read (scripts, styles, form fields, comments).

    Raises:
        lxml.etree.ParserError: If there is no element in it.
    """
    import lxml.html
    from lxml import etree

    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    tree = lxml.html.document_fromstring(html.encode("utf-8", "replace"), parser=parser)
    etree.strip_elements(tree, *_INVISIBLE, with_tail=False)
    return tree


def walk(tree: "HtmlElement") -> list[Block]:
    """The blocks of a parsed page in document order.

    Raises:
        TooDeepError: If the parser has met its limit of depth, beyond which it loses text without a word.
    """
    from lxml import etree

    body = tree.find("body")
    root = tree if body is None else body
    state, depth = _Walk(), 1
    steps = etree.iterwalk(root, events=("start", "end"))
    for event, element in steps:
        tag = element.tag
        if event == "end":
            depth -= 1
            state.close(tag)
            if element is not root and element.tail:
                state.text.append(element.tail)
            continue
        depth += 1
        if depth >= PARSER_DEPTH:
            raise TooDeepError
        if tag == "title" or (tag == "a" and not state.codes and _is_permalink(element)):
            steps.skip_subtree()
        else:
            state.open(tag)
            if element.text:
                state.text.append(element.text)
    state.flush()
    return _plain_rows(state.blocks, state.mixed)


def _is_permalink(anchor: "HtmlElement") -> bool:
    return len(anchor) < 3 and "".join(anchor.itertext()).strip() in _PERMALINKS


class _Walk:
    """What the walk has seen so far."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.text: list[str] = []
        self.kinds = ["text"]  # of the containers around the present place
        self.rows: list[int] = []
        self.cells: list[int] = []
        self.mixed: set[int] = set()  # rows with another table inside
        self.row_count = self.cell_count = self.heading_count = 0
        self.margins = self.breaks = self.codes = 0
        self.boundary = True
        self.heading = ""
        self.nested = 0  # headings open inside a heading, in broken pages

    def open(self, tag: object) -> None:
        """Enter an element."""
        if self.heading:
            self.nested += tag == self.heading
            self.text.append(" " if tag in _BLOCKS or tag == "br" else "")
        elif tag in HEADINGS:
            self.flush()
            self.heading, self.nested = str(tag), 1
        elif tag == "br":
            self._break()
        elif tag in _BLOCKS:
            self._boundary(str(tag))
            self._enter(str(tag))

    def close(self, tag: object) -> None:
        """Leave an element."""
        if self.heading:
            self.nested -= tag == self.heading
            if self.nested == 0:
                self._end_heading()
        elif tag in _BLOCKS:
            self._boundary(str(tag))
            self._leave(str(tag))

    def flush(self) -> None:
        """End the block that is being read."""
        raw, self.text = "".join(self.text), []
        text = code_lines(raw) if self.codes else one_line(raw)
        if text:
            self._add(self.kinds[-1], text, glued=self.breaks == 1 and not self.boundary)
            if not self.codes:
                self.kinds[-1] = "text"
            self.breaks, self.boundary = 0, False

    def _add(self, kind: str, text: str, *, level: int = 0, ordinal: int = -1, glued: bool = False) -> None:
        row, cell = (self.rows[-1], self.cells[-1]) if self.rows and self.cells else (-1, -1)
        number, margin = len(self.blocks), self.margins > 0
        self.blocks.append(Block(number, kind, text, level, ordinal, margin, glued, row, cell))

    def _end_heading(self) -> None:
        raw, self.text = "".join(self.text), []
        text = clean_heading(raw)
        if text:
            self._add("heading", text, level=HEADINGS[self.heading], ordinal=self.heading_count)
        self.heading_count += 1
        self.heading, self.boundary = "", True

    def _break(self) -> None:
        if self.codes:
            self.text.append("\n")
        else:
            self.flush()
            self.breaks += 1

    def _boundary(self, tag: str) -> None:
        if self.codes and tag != "pre":
            if self.text and not self.text[-1].endswith("\n"):
                self.text.append("\n")
        else:
            self.flush()
            self.boundary = True

    def _enter(self, tag: str) -> None:
        self.margins += tag in _MARGINS
        self.codes += tag == "pre"
        if tag in _KINDS:
            self.kinds.append(_KINDS[tag])
        if tag == "tr":
            self.mixed.update(self.rows)
            self.rows.append(self.row_count)
            self.row_count += 1
        elif tag in ("td", "th"):
            self.cells.append(self.cell_count)
            self.cell_count += 1

    def _leave(self, tag: str) -> None:
        self.margins -= tag in _MARGINS
        self.codes -= tag == "pre"
        if tag in _KINDS:
            self.kinds.pop()
        if tag == "tr":
            self.rows.pop()
        elif tag in ("td", "th"):
            self.cells.pop()


def _plain_rows(blocks: list[Block], mixed: set[int]) -> list[Block]:
    """Take the row from blocks of layout tables: rows with headings, code, tables or several blocks in a cell."""
    cells: dict[int, int] = {}
    for block in blocks:
        if block.cell >= 0:
            cells[block.cell] = cells.get(block.cell, 0) + 1
    layout = mixed | {
        block.row for block in blocks if block.kind in ("heading", "code") or cells.get(block.cell, 0) > 1
    }
    return [replace(block, row=-1) if block.row in layout and block.row >= 0 else block for block in blocks]


def render(blocks: "Iterable[Block]") -> str:
    """The text of some blocks of a page: paragraphs, "- " items, table rows with " | ", code with its lines."""
    parts: list[str] = []
    last: Block | None = None
    for block in blocks:
        if last is not None:
            parts.append(_separator(last, block))
        parts.append(f"- {block.text}" if block.kind == "item" else block.text)
        last = block
    return "".join(parts)


def _separator(last: Block, block: Block) -> str:
    if block.row >= 0 and block.row == last.row:
        return " | "
    adjacent = block.glued and block.number == last.number + 1
    listed = block.kind == last.kind and block.kind in ("item", "term", "cell")
    return "\n" if adjacent or listed else "\n\n"
