"""One walk over a page's DOM: the blocks of text in it, numbered.

`kept_blocks` of a segment are numbers of this walk, so a reader who has the page can rebuild the text without any
extractor: `render([walk(parse_html(html))[number] for number in kept_blocks])`. `WALK_VERSION` names the rules; change
it with them.
"""

from typing import TYPE_CHECKING

from builder.method.corpus.cutting.blocks import Block, lines_as_items, plain_rows
from builder.method.corpus.cutting.cleaning import HOLE, clean_heading, code_lines, one_line
from builder.method.corpus.cutting.markup.custom import read_as
from builder.method.corpus.cutting.markup.furniture import EDIT_BEGINNINGS, is_edit_button, is_edit_link
from builder.method.corpus.cutting.markup.listings.listings import FENCE
from builder.method.corpus.cutting.regions import Region, marks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

WALK_VERSION = "dom-4"
HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6}
_BLOCKS = frozenset(
    {
        "address", "article", "aside", "blockquote", "button", "caption", "center", "dd", "details", "dialog", "dir",
        "div", "dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "label",
        "legend", "li", "main", "menu", "nav", "ol", "p", "pre", "search", "section", "summary", "table", "tbody",
        "td", "tfoot", "th", "thead", "tr", "ul",
    }
)  # fmt: skip
_KINDS = {"li": "item", "td": "cell", "th": "cell", "dd": "term", "dt": "term", "pre": "code"}
_LEAVES = frozenset({"p", "li", "dt", "dd", "pre", "tr", "tbody", "thead", "tfoot", "hr", "caption", "summary"})
_LISTS = frozenset({"ul", "ol", "dl", "table", "menu", "dir"})
_SPECIAL = _LISTS | _KINDS.keys() | {"tr"}
_PERMALINKS = frozenset({"#", "¶", "§", "🔗", "⚓", "[#]", "[¶]", "\uf0c1"})


def walk(tree: "HtmlElement") -> list[Block]:
    """The blocks of a parsed page in document order."""
    body = tree.find("body")
    root = tree if body is None else body
    state = _Walk()
    enter, read, leave = state.open, state.read, state.close
    read(root.text or "")
    element, children = root, iter(root)
    outer: list[tuple[HtmlElement, Iterator[HtmlElement]]] = []
    while True:
        for child in children:
            tag = child.tag
            if "-" in tag:
                tag = read_as(child)
            if tag == "title" or (tag in ("a", "button") and not state.codes and _is_furniture(child)):
                read(child.tail or "")
                continue
            enter(tag, child)
            if text := child.text:
                read(text)
            if len(child):
                outer.append((element, children))
                element, children = child, iter(child)
                break
            leave(tag)
            if text := child.tail:
                read(text)
        else:  # all children are read
            if element is root:
                break
            leave(element.tag)
            if element.tail:
                read(element.tail)
            element, children = outer.pop()
    state.flush()  # noqa: V201  # the loop ends in the `else` above
    blocks = plain_rows(state.blocks, state.cells_of, state.mixed, state.lines)
    lines_as_items(blocks, state.lines)
    return blocks


def _is_furniture(anchor: "HtmlElement") -> bool:
    if anchor.tag == "button":
        return is_edit_button(anchor)
    text = anchor.text or ""
    if text.lstrip()[:4].lower() in EDIT_BEGINNINGS:
        return is_edit_link(anchor)
    if len(text) > 8 or len(anchor) > 2:
        return False
    return "".join(anchor.itertext()).strip() in _PERMALINKS


def _leads_away(anchor: "HtmlElement") -> bool:
    target = (anchor.get("href") or "#").lstrip()
    return not target.startswith(("#", "javascript:")) and target != ""


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
        self.lines: list[int] = []  # blocks that only breaks part from the one before
        self.fences: list[str | None] = []  # of each listing around the present place
        self.anchors: list[bool] = []  # of each link around the present place, whether it leads to another page
        self.links = self.linked = 0  # how many of them do; characters read inside of those
        self.boundary = True
        self.heading = ""
        self.holes = 0  # formulas without a text behind a heading, or before all else
        self.nested = 0  # headings open inside a heading, in broken pages

    def read(self, text: str) -> None:
        """Take text of the present block; white space at its start is left out."""
        if self.text or self.codes or not text.isspace():
            self.text.append(text)
            if self.links:
                self.linked += len(text)

    def open(self, tag: str, element: "HtmlElement") -> None:
        """Enter an element."""
        if tag in _BLOCKS and not self.heading:
            if self.text or self.codes:
                self._boundary(tag)
            else:
                self.boundary = True
            own = marks_of(element, tag)
            region = own > 0 or tag not in _LEAVES
            if region:
                self.region = Region(self.region, own, tag, element.get("class") or "")
            self.regions.append(region)
            if tag in _SPECIAL:
                self._enter(tag, element)
        elif tag == "a":
            self.anchors.append(_leads_away(element))
            self.links += self.anchors[-1]
        elif self.heading:
            self.nested += tag == self.heading
            if tag in _BLOCKS or tag == "br":
                self.text.append(" ")
        elif tag in HEADINGS:
            self.flush()
            self.heading, self.nested = tag, 1
        elif tag == "br":
            self._break()
        elif tag == "body":  # a second one, in broken pages
            self._boundary(tag)

    def close(self, tag: str) -> None:
        """Leave an element."""
        if tag in _BLOCKS and not self.heading:
            if self.text or self.codes:
                self._boundary(tag)
            else:
                self.boundary = True
            region = self.region
            if self.regions.pop() and region.parent is not None:
                self.region = region.parent
                self.region.chars += region.chars
            if tag in _SPECIAL:
                self._leave(tag)
        elif tag == "a":
            self.links -= self.anchors.pop()
        elif self.heading:
            self.nested -= tag == self.heading
            if self.nested == 0:
                self._end_heading()
            elif tag in _BLOCKS:
                self.text.append(" ")
        elif tag == "body":
            self._boundary(tag)

    def flush(self) -> None:
        """End the block that is being read."""
        if self.text:
            raw = self.text[0] if len(self.text) == 1 else "".join(self.text)
            self.text = []
            text = code_lines(raw) if self.codes else one_line(raw)
            if text:
                block = self._add(self.kinds[-1], text)
                if self.breaks and not self.boundary:
                    self.lines.append(block.number)
                    block.glued = self.breaks == 1
                if block.kind == "item":
                    block.mark = self.marks[-1]
                if self.codes:
                    block.fence = self.fences[-1]
                else:
                    self.kinds[-1] = "text"
                self.breaks, self.boundary = 0, False
            if HOLE in raw:
                self._miss(raw.count(HOLE), self.blocks[-1] if text else None)
        self.linked = 0

    def _add(self, kind: str, text: str) -> Block:
        linked = min(self.linked, len(text))
        block = Block(len(self.blocks), kind, text, self.region, 0, -1, False, "", self.units[-1], -1, 0, linked)
        cell = -1
        if self.rows and self.cells:
            block.row, (cell, block.column) = self.rows[-1], self.cells[-1]
        if self.holes:
            block.formulas, self.holes = self.holes, 0
        self.cells_of.append(cell)
        self.blocks.append(block)
        if kind != "heading":
            self.region.chars += len(text)
        return block

    def _miss(self, holes: int, block: Block | None) -> None:
        """Count formulas without a text: of their block, of the one before where they stand alone, or of the next."""
        if block is None and self.blocks and self.blocks[-1].kind != "heading":
            block = self.blocks[-1]
        if block is None:
            self.holes += holes
        else:
            block.formulas += holes

    def _end_heading(self) -> None:
        raw, self.text = "".join(self.text), []
        text = clean_heading(raw)
        if text:
            block = self._add("heading", text)
            block.level, block.ordinal = HEADINGS[self.heading], self.heading_count
        if HOLE in raw:
            self._miss(raw.count(HOLE), self.blocks[-1] if text else None)
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
        if self.text:
            if self.codes and tag != "pre":
                if not self.text[-1].endswith("\n"):
                    self.text.append("\n")
                return
            self.flush()
        if not self.codes or tag == "pre":
            self.boundary = True

    def _enter(self, tag: str, element: "HtmlElement") -> None:
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
            self.fences.append(element.get(FENCE))

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
            self.fences.pop()


def _number(value: str | None, otherwise: int) -> int:
    """A number as authors write them in attributes; `otherwise` where it is none, is negative or absurd."""
    digits = (value or "").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else otherwise
