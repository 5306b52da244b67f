"""One walk over a page's DOM: the blocks of text in it, numbered, and how a choice of them reads as text.

`kept_blocks` of a segment are numbers of this walk, so a reader who has the page can rebuild the text without any
extractor: `render([walk(parse(html))[number] for number in kept_blocks])`. `WALK_VERSION` names the rules; change
it with them.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from builder.corpus.cutting.regions import Region, marks_of
from builder.corpus.cutting.text import clean_heading, code_lines, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lxml.html import HtmlElement

WALK_VERSION = "dom-2"
HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_INVISIBLE = (
    "script", "style", "noscript", "template", "svg", "math", "iframe", "canvas", "video", "audio", "object", "embed",
    "select", "textarea", "option", "input", "link", "meta",
)  # fmt: skip
_INLINE = (
    "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "mark", "nobr", "picture", "q", "s", "samp", "small", "source", "span", "strike", "strong", "sub", "sup",
    "time", "tt", "u", "var", "wbr",
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "body", "button", "caption", "center", "dd", "details", "dialog",
        "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hr", "label", "legend",
        "li", "main", "nav", "ol", "p", "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead",
        "tr", "ul",
    }
)  # fmt: skip
_KINDS = {"li": "item", "td": "cell", "th": "cell", "dd": "term", "dt": "term", "pre": "code"}
_LEAVES = frozenset({"p", "li", "dt", "dd", "pre", "tr", "tbody", "thead", "tfoot", "hr", "caption", "summary"})
_LISTS = frozenset({"ul", "ol", "dl", "table"})
_SPECIAL = _LISTS | _KINDS.keys() | {"tr"}
_PERMALINKS = frozenset({"#", "¶", "§", "🔗", "⚓", "[#]", "[¶]", "\uf0c1"})


class TooDeepError(ValueError):
    """Elements are nested so deeply, or a text is so long, that the parser has left some out."""


@dataclass(slots=True, eq=False)
class Block:
    """A run of text between two block boundaries of the page.

    Attributes:
        number: Its place among all blocks of the page.
        kind: `heading`, `text`, `code`, or `item`, `cell`, `term` for the first block of a list item, table cell,
            definition.
        text: One line, or several for code.
        region: The container it is in.
        level: 1 to 6 for headings, else 0.
        ordinal: For headings, the how-many-th heading element of the page (from 0), empty ones counted.
        glued: Whether only a line break parts it from the block before.
        mark: What stands before a list item: "- ", or its number in a numbered list.
        unit: Number of the innermost list or table around it, 0 if there is none.
        row: Number of its table row where the row is one of plain cells, else -1.
        column: Place of its table cell in the row, from 0.
        linked: How many of its characters are in links that lead to other pages.
    """

    number: int
    kind: str
    text: str
    region: Region = field(default_factory=lambda: Region(None), repr=False)
    level: int = 0
    ordinal: int = -1
    glued: bool = False
    mark: str = ""
    unit: int = 0
    row: int = -1
    column: int = 0
    linked: int = 0


def parse(html: str) -> "HtmlElement":
    """Parse a page, take out what is never read (scripts, form fields, comments) and unwrap inline elements.

    Raises:
        lxml.etree.ParserError: If there is no element in it.
        TooDeepError: If the parser has met one of its limits, beyond which it loses text without a word.
    """
    from lxml import etree
    from lxml.html import HtmlElement

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
    tree = etree.fromstring(html.encode("utf-8", "replace"), parser)
    if tree is None:
        raise etree.ParserError("the page is empty")
    error = parser.error_log.last_error
    if error is not None and error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        raise TooDeepError(error.message)
    etree.strip_elements(tree, *_INVISIBLE, with_tail=False)
    etree.strip_tags(tree, *_INLINE)
    return tree


def walk(tree: "HtmlElement") -> list[Block]:
    """The blocks of a parsed page in document order."""
    body = tree.find("body")
    root = tree if body is None else body
    state = _Walk()
    state.read(root.text or "")
    element, children = root, iter(root)
    outer: list[tuple[HtmlElement, Iterator[HtmlElement]]] = []
    while True:
        for child in children:
            tag = child.tag
            if tag == "title" or (tag == "a" and not state.codes and _is_permalink(child)):
                state.read(child.tail or "")
                continue
            state.open(tag, child)
            if child.text:
                state.read(child.text)
            if len(child):
                outer.append((element, children))
                element, children = child, iter(child)
                break
            state.close(tag)
            if child.tail:
                state.read(child.tail)
        else:  # all children are read
            if element is root:
                break
            state.close(element.tag)
            if element.tail:
                state.read(element.tail)
            element, children = outer.pop()
    state.flush()
    return _plain_rows(state.blocks, state.cells_of, state.mixed)


def _is_permalink(anchor: "HtmlElement") -> bool:
    if len(anchor) > 2 or len(anchor.text or "") > 8:
        return False
    return "".join(anchor.itertext()).strip() in _PERMALINKS


def _leads_away(anchor: "HtmlElement") -> bool:
    return (anchor.get("href") or "#").lstrip()[:1] not in ("#", "")


class _Walk:
    """What the walk has seen so far."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.text: list[str] = []
        self.region = Region(None)
        self.regions: list[bool] = []  # of each container around the present place, whether it is a region
        self.kinds = ["text"]  # of the containers around the present place
        self.units = [0]  # lists and tables around the present place
        self.counters: list[int] = []  # of each list: the number of its next item, or -1
        self.marks: list[str] = []  # of each list item around the present place
        self.rows: list[int] = []
        self.columns: list[int] = []  # of each row: the place of its next cell
        self.cells: list[tuple[int, int]] = []  # number and column of each cell around the present place
        self.cells_of: list[int] = []  # of each block, the number of its cell
        self.mixed: set[int] = set()  # rows with another table inside
        self.unit_count = self.row_count = self.cell_count = self.heading_count = 0
        self.breaks = self.codes = 0
        self.anchors: list[bool] = []  # of each link around the present place, whether it leads to another page
        self.links = self.linked = 0  # how many of them do; characters read inside of those
        self.boundary = True
        self.heading = ""
        self.nested = 0  # headings open inside a heading, in broken pages

    def read(self, text: str) -> None:
        """Take text of the present block; white space at its start is left out."""
        if not self.text and not self.codes and text.isspace():
            return
        self.text.append(text)
        if self.links:
            self.linked += len(text)

    def open(self, tag: str, element: "HtmlElement") -> None:
        """Enter an element."""
        if tag == "a":
            self.anchors.append(_leads_away(element))
            self.links += self.anchors[-1]
        elif self.heading:
            self.nested += tag == self.heading
            self.text.append(" " if tag in _BLOCKS or tag == "br" else "")
        elif tag in _BLOCKS:
            self._boundary(tag)
            if tag != "body":
                self._enter(tag, element)
        elif tag in HEADINGS:
            self.flush()
            self.heading, self.nested = tag, 1
        elif tag == "br":
            self._break()

    def close(self, tag: str) -> None:
        """Leave an element."""
        if tag == "a":
            self.links -= self.anchors.pop()
        elif self.heading:
            self.nested -= tag == self.heading
            if self.nested == 0:
                self._end_heading()
        elif tag in _BLOCKS:
            self._boundary(tag)
            if tag != "body":
                self._leave(tag)

    def flush(self) -> None:
        """End the block that is being read."""
        if self.text:
            raw, self.text = "".join(self.text), []
            text = code_lines(raw) if self.codes else one_line(raw)
            if text:
                block = self._add(self.kinds[-1], text)
                block.glued = self.breaks == 1 and not self.boundary
                if block.kind == "item":
                    block.mark = self.marks[-1]
                if not self.codes:
                    self.kinds[-1] = "text"
                self.breaks, self.boundary = 0, False
        self.linked = 0

    def _add(self, kind: str, text: str) -> Block:
        linked = min(self.linked, len(text))
        block = Block(len(self.blocks), kind, text, self.region, unit=self.units[-1], linked=linked)
        cell = -1
        if self.rows and self.cells:
            block.row, (cell, block.column) = self.rows[-1], self.cells[-1]
        self.cells_of.append(cell)
        self.blocks.append(block)
        if kind != "heading":
            self.region.chars += len(text)
        return block

    def _end_heading(self) -> None:
        raw, self.text = "".join(self.text), []
        text = clean_heading(raw)
        if text:
            block = self._add("heading", text)
            block.level, block.ordinal = HEADINGS[self.heading], self.heading_count
        self.heading_count += 1
        self.linked = 0
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
            return
        if self.text:
            self.flush()
        self.boundary = True

    def _enter(self, tag: str, element: "HtmlElement") -> None:
        own = marks_of(element, tag)
        region = bool(own) or tag not in _LEAVES
        if region:
            self.region = Region(self.region, own)
        self.regions.append(region)
        if tag not in _SPECIAL:
            return
        if tag in _KINDS:
            self.kinds.append(_KINDS[tag])
        if tag in _LISTS:
            self.unit_count += 1
            self.units.append(self.unit_count)
            self.counters.append(_number(element.get("start"), 1) if tag == "ol" else -1)
        elif tag == "li":
            self._enter_item(element)
        elif tag == "tr":
            self.mixed.update(self.rows)
            self.rows.append(self.row_count)
            self.columns.append(0)
            self.row_count += 1
        elif tag in ("td", "th"):
            self._enter_cell(element)
        elif tag == "pre":
            self.codes += 1

    def _enter_item(self, element: "HtmlElement") -> None:
        number = self.counters[-1] if self.counters else -1
        if number >= 0:
            number = _number(element.get("value"), number)
            self.counters[-1] = number + 1
        self.marks.append(f"{number}. " if number >= 0 else "- ")

    def _enter_cell(self, element: "HtmlElement") -> None:
        column = 0
        if self.columns:
            column = self.columns[-1]
            self.columns[-1] += min(max(_number(element.get("colspan"), 1), 1), 100)
        self.cells.append((self.cell_count, column))
        self.cell_count += 1

    def _leave(self, tag: str) -> None:
        region = self.region
        if self.regions.pop() and region.parent is not None:
            self.region = region.parent
            self.region.chars += region.chars
        if tag not in _SPECIAL:
            return
        if tag in _KINDS:
            self.kinds.pop()
        if tag in _LISTS:
            self.units.pop()
            self.counters.pop()
        elif tag == "li":
            self.marks.pop()
        elif tag == "tr":
            self.rows.pop()
            self.columns.pop()
        elif tag in ("td", "th"):
            self.cells.pop()
        elif tag == "pre":
            self.codes -= 1


def _number(value: str | None, otherwise: int) -> int:
    """A number as authors write them in attributes; `otherwise` where it is none, is negative or absurd."""
    digits = (value or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else otherwise


def _plain_rows(blocks: list[Block], cells_of: list[int], mixed: set[int]) -> list[Block]:
    """Take the row from blocks of layout tables: rows with headings, code, tables or several blocks in a cell."""
    if not any(block.row >= 0 for block in blocks):
        return blocks
    in_cell: dict[int, int] = {}
    for cell in cells_of:
        in_cell[cell] = in_cell.get(cell, 0) + 1
    layout = mixed | {
        block.row
        for block, cell in zip(blocks, cells_of, strict=True)
        if cell >= 0 and (block.kind in ("heading", "code") or in_cell[cell] > 1)
    }
    for block in blocks:
        if block.row in layout:
            block.row = -1
    return blocks


def render(blocks: "Iterable[Block]") -> str:
    """The text of some blocks of a page: paragraphs, list items with marks, rows with " | ", code with its lines."""
    parts: list[str] = []
    last: Block | None = None
    for block in blocks:
        same_row = last is not None and block.row >= 0 and block.row == last.row
        if last is not None and not same_row:
            parts.append(_separator(last, block))
        if block.row >= 0:  # an empty cell keeps its place
            bars = " | " * (block.column - (last.column if same_row and last is not None else 0))
            parts.append(bars if same_row else bars.lstrip())
        parts.append(block.mark + block.text)
        last = block
    return "".join(parts)


def _separator(last: Block, block: Block) -> str:
    adjacent = block.glued and block.number == last.number + 1
    listed = block.kind == last.kind and block.kind in ("item", "term", "cell")
    return "\n" if adjacent or listed else "\n\n"
