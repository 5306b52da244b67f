"""Listings become plain `pre` elements that hold their code and nothing else.

Highlighters and editors write a listing as tables, lists, an element a line, with numbers, prompts and buttons in it.
Here each of them becomes a `pre` with the code alone. Every `pre` that is code gets an attribute `fence` with the
language that the page names, or nothing.

A prompt that stands in an element of its own, by its name or because it cannot be selected, is left out where all
lines of a listing have been typed. Where some are output it stays, as do prompts that are part of the text: there they
tell what was typed.
"""

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.furniture import LINKED, clear_edit_links
from builder.method.corpus.cutting.markup.listings.beside import clear_beside
from builder.method.corpus.cutting.markup.listings.gutters import GUTTER, holds_numbers, numbers_in, role_of, text_of
from builder.method.corpus.cutting.markup.listings.inside import code_of, look
from builder.method.corpus.cutting.markup.listings.languages import is_language, language_of
from builder.method.corpus.cutting.markup.listings.typed import without_counts

if TYPE_CHECKING:
    from lxml.html import HtmlElement

FENCE = "fence"
_EDITORS = {
    "syntaxhighlighter": "", "dp-highlighter": "", "crayon-syntax": "crayon-pre", "enlighter-default": "enlighter",
    "enlighterjswrapper": "enlighterjs", "enlighter": "", "codemirror": "codemirror-code", "cm-editor": "cm-content",
    "monaco-editor": "view-lines", "ace_editor": "ace_text-layer", "geshi": "", "mw-geshi": "", "fragment": "",
    "react-code-lines": "",
}  # fmt: skip
"""Class of an element that holds a listing, and that of the element in it with the code, if it is not all of it."""
_LIST = re.compile(r"(?:^|\s)(?:linenums|line-?numbers|dp-\w+|enlighterjs|geshi|hljs-ln|code-?lines?)(?:\s|$)", re.I)
_BOXES = _EDITORS.keys() | {
    "CodeMirror", "SyntaxHighlighter", "EnlighterJSWrapper", "sourceCode",
    "w3-code", "code", "codeblock", "code-block", "codebox", "code-box", "codesample", "code-sample", "codesnippet",
    "code-snippet", "codeexample", "code-example", "codecontent", "code-content", "source", "sourcecode", "source-code",
    "bbcode_code", "programlisting", "listing", "console", "terminal", "screen", "codehilite", "highlight",
}  # fmt: skip
_CODE_NAME = re.compile(
    r"code|highlight|hljs|listing|screen(?!-)|synopsis|source|literal|console|terminal|prettyprint|brush|syntax|shell"
    r"|verbatim|example|language-|lang-",
    re.IGNORECASE,
)
_PRESERVED = re.compile(r"white-space(?:-collapse)?\s*:\s*(?:pre|break-spaces)", re.IGNORECASE)
_TYPEWRITER = re.compile(r"monospace|courier|consolas|menlo|monaco", re.IGNORECASE)
_WANTED = ("div", "pre", "code", "ol", "td", "th", *LINKED)
_HOLDERS = ("p", "div", "td", "li", "blockquote", "section")
_BLOCKS = ("p", "div", "pre", "ul", "ol", "dl", "table", "h1", "h2", "h3", "h4", "h5", "h6", "form", "blockquote")
_CODE_TAGS = ("code", "samp", "kbd", "tt")
_SENTENCE = re.compile(r"[^\W\d_]{2}[.,;!?]+[\"'”’)]*(?:\s|$)")
_SIGN = re.compile(r"[{}=<>|$\\_/#*\[\]@&%+~^`\d()]")


def unwrap_listings(tree: "HtmlElement") -> None:
    """Make each listing of a page a `pre` with its code, and clear links from its headings; changes the tree in place.

    The tree is gone through once for all of them: that costs more than what is done with the few that are found.
    """
    listings: list[HtmlElement] = []
    cells: list[HtmlElement] = []
    pres: list[HtmlElement] = []
    links: list[HtmlElement] = []
    for element in tree.iter(*_WANTED):
        tag = element.tag
        if tag == "div":
            if names := element.get("class"):
                if not _BOXES.isdisjoint(names.split()):
                    listings.append(element)
            elif (style := element.get("style")) and _is_typed(style):
                listings.append(element)
        elif tag == "pre":
            element.attrib.pop(FENCE, None)
            pres.append(element)
        elif tag == "code":
            if len(element) or element.get("style") or element.getnext() is not None:
                listings.append(element)
        elif tag == "ol":
            if (names := element.get("class")) and _LIST.search(names):
                listings.append(element)
        elif tag in ("td", "th"):
            if (names := element.get("class")) and (role_of(names) & GUTTER or element.get("data-line-number")):
                cells.append(element)
        else:
            links.append(element)
    for listing in listings:
        pres += _unwrap(listing)
    pres += _unwrap_tables(cells)
    for pre in pres:
        _finish(pre)
    clear_edit_links(links)


def _unwrap(listing: "HtmlElement") -> "list[HtmlElement]":
    """Unwrap what may be a listing; the `pre` elements that have come of it."""
    if listing.tag == "div":
        return _unwrap_box(listing, listing.get("class") or "")
    return _unwrap_code(listing) if listing.tag == "code" else _replace(listing, listing)


def _is_typed(style: str) -> bool:
    return "pre" in style and bool(_PRESERVED.search(style) and _TYPEWRITER.search(style))


def _within(element: "HtmlElement") -> bool:
    """Whether an element is part of a listing that is unwrapped as a whole."""
    return next(element.iterancestors("pre"), None) is not None


def _unwrap_box(box: "HtmlElement", names: str) -> "list[HtmlElement]":
    """Unwrap an editor, or a box of lines."""
    editor = next((name for name in names.lower().split() if name in _EDITORS), None)
    if _within(box):
        return []
    if editor is None:
        typed = _is_typed(box.get("style") or "")
        if typed or (box.find(".//br") is not None and next(box.iterdescendants(*_BLOCKS), None) is None):
            return _replace(box, box, preserved=typed, no_prose=True)
        return []
    if editor == "fragment" and box.find("div[@class='line']") is None:
        return []
    if box.find(".//pre") is not None and editor not in ("codemirror", "syntaxhighlighter"):
        return []
    content = box
    if wanted := _EDITORS[editor]:
        content = next((e for e in box.iter() if wanted in (e.get("class") or "").lower().split()), box)
    if editor == "monaco-editor":
        _sort_by_top(content)
    return _replace(box, content)


def _sort_by_top(lines: "HtmlElement") -> None:
    """Put lines that are placed by style in the order in which a reader sees them."""
    tops = [re.search(r"top:\s*(\d{1,7})", line.get("style") or "") for line in lines]
    if len(tops) > 1 and all(tops):
        lines[:] = [line for _, line in sorted(zip(tops, lines, strict=True), key=lambda pair: int(pair[0][1]))]  # type: ignore[index]


def _unwrap_code(code: "HtmlElement") -> "list[HtmlElement]":
    """Unwrap code of several lines that is in no `pre`: by style, by `br`, or an element a line."""
    style = code.get("style")
    preserved = style is not None and _PRESERVED.search(style) is not None
    if preserved or (len(code) and code.find("br") is not None):
        if _within(code) or next(code.iterdescendants(*_BLOCKS), None) is not None:
            return []
        return _replace(code, code, preserved=preserved)
    parent, after = code.getparent(), code.getnext()
    if parent is None or after is None or after.tag != "br" or parent.tag not in _HOLDERS:
        return []
    if code.getprevious() is None and _holds_code_alone(parent) and not _within(code):
        return _replace(parent, parent, preserved=False, inner=True)
    return []


def _holds_code_alone(parent: "HtmlElement") -> bool:
    """Whether an element is made of lines of code, with a line break between each."""
    if (parent.text or "").strip():
        return False
    codes = 0
    for child in parent:
        if child.tag not in ("code", "br") or (child.tail or "").strip():
            return False
        codes += child.tag == "code"
    return codes > 1


def _unwrap_tables(cells: "list[HtmlElement]") -> "list[HtmlElement]":
    """Unwrap tables with a row for each line, where the first cell has its number."""
    tables: dict[HtmlElement, list[HtmlElement]] = {}
    for cell in cells:
        table = next(cell.iterancestors("table"), None)
        if table is not None and not _within(table):
            tables.setdefault(table, []).append(cell)
    done: list[HtmlElement] = []
    for table, gutters in tables.items():
        numbers = [_line_numbers(cell) for cell in gutters]
        single = [found[0] for found in numbers if found]
        if any(len(found) > 1 for found in numbers) or not single:
            continue
        named = any(cell.get("data-line-number") for cell in gutters)
        rising = all(one < other for one, other in pairwise(single))
        if (named or (rising and len(single) > 1)) and all(map(holds_numbers, gutters)):
            done += _replace(table, table)
    return done


def _line_numbers(cell: "HtmlElement") -> list[int]:
    said = cell.get("data-line-number") or ""
    return [int(said)] if said.isdecimal() and len(said) < 8 else numbers_in(cell)


def _replace(
    listing: "HtmlElement",
    content: "HtmlElement",
    *,
    preserved: bool = True,
    inner: bool = False,
    no_prose: bool = False,
) -> "list[HtmlElement]":
    """Put a `pre` with the code of a listing in its place, or into it (`inner`), unless it is none after all."""
    seen, parent = look(content), listing.getparent()
    if seen.headings or parent is None:
        return []
    text = code_of(content, seen, preserved=preserved)
    lines = sum(not line.isspace() for line in text.split("\n") if line)
    enough = 1 if preserved and listing.tag != "code" else 2
    if lines < enough or (no_prose and reads_as_prose(text)):
        return []
    pre = listing.makeelement("pre")
    if names := listing.get("class"):
        pre.set("class", names)
    pre.set(FENCE, language_of(listing, content.find(".//code")) or _label(listing))
    pre.text = text
    if inner:
        listing[:] = [pre]
        listing.text = None
    else:
        pre.tail, listing.tail = listing.tail, None
        parent.replace(listing, pre)
    return [pre]


def _label(listing: "HtmlElement") -> str:
    """The language that an editor shows in its bar."""
    named = listing.find(".//*[@class='crayon-language']")
    label = text_of(named).strip().lower() if named is not None else ""
    return label if is_language(label) else ""


def _finish(pre: "HtmlElement") -> None:
    """Take from a `pre` what is no code, clear what stands beside it, and say whether it is code, in which language."""
    fence = pre.attrib.pop(FENCE, None) if len(pre) else pre.get(FENCE)
    code = next(pre.iter(*_CODE_TAGS), None)
    seen = look(pre) if len(pre) else None
    if seen is not None and (seen.headings or seen.listings):
        return
    if seen is not None and seen.special:
        text = code_of(pre, seen)
        label = language_of(pre, code)
        for child in list(pre):
            pre.remove(child)
        pre.text = text
        code_named = code is not None
    else:
        label, code_named = (fence or language_of(pre, code)), code is not None
    if counted := without_counts(text_of(pre)):
        for child in list(pre):
            pre.remove(child)
        pre.text = counted
    beside = clear_beside(pre)
    label = label or beside
    if label or code_named or fence is not None or _is_named(pre) or not reads_as_prose(text_of(pre)):
        pre.set(FENCE, label)


def _is_named(pre: "HtmlElement") -> bool:
    parent = pre.getparent()
    names = f"{pre.get('class') or ''} {parent.get('class') or '' if parent is not None else ''}"
    return _CODE_NAME.search(names) is not None


def reads_as_prose(text: str) -> bool:
    """Whether preformatted text is a poem, a letter, a notice: sentences, and few signs that code is made of."""
    size = len(text)
    return 200 * len(_SENTENCE.findall(text)) >= size and 25 * len(_SIGN.findall(text)) <= size
