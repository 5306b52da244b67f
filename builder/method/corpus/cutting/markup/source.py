"""From the source of a page to its tree, and which pages are not parsed: parsers would hang, or find no heading."""

import re
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.listings.listings import unwrap_listings
from builder.method.corpus.cutting.markup.meaning.dressed import name_dressed
from builder.method.corpus.cutting.markup.meaning.formulas import state_formulas
from builder.method.corpus.cutting.markup.meaning.found import find
from builder.method.corpus.cutting.markup.meaning.inline import keep_meaning
from builder.method.corpus.cutting.markup.sight.sight import drop_unseen
from builder.method.corpus.cutting.markup.slugs import forget_slugs

if TYPE_CHECKING:
    from lxml.html import HtmlElement

MAX_TAGS = 100_000
MAX_ATTRIBUTES = 1_000
"""Of one element. Parsers compare each with all others: 20,000 take seconds, ten times as many minutes."""
_LONG_TAG = 2 * MAX_ATTRIBUTES
_BLOCK_TAG = re.compile(
    r"<(?:p|div|li|t[dr]|br|h[1-6]|section|article|dd|dt|ul|ol|dl|table|blockquote)\b", re.IGNORECASE
)
_HEADING_TAG = re.compile(r"<h[1-6]\b", re.IGNORECASE)
# Possessive, so that both take linear time.
_TAG = re.compile(r"""<[a-zA-Z](?:[^"'>]++|"[^"]*+"|'[^']*+')*+""")
_ATTRIBUTE = re.compile(r"""[^\s"'>/=]++(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]*+))?+""")
_NOSCRIPT = re.compile(r"<noscript\b.*?(?:</noscript\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_NOSCRIPT_TAG = re.compile(r"<(/?)noscript\b", re.IGNORECASE)
_INVISIBLE = (
    "script", "style", "noscript", "template", "svg", "math", "iframe", "canvas", "video", "audio", "object", "embed",
    "select", "textarea", "option", "input", "link", "meta",
)  # fmt: skip
_INLINE = (
    "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img", "ins",
    "kbd", "mark", "nobr", "picture", "q", "s", "samp", "small", "source", "span", "strike", "strong", "sub", "sup",
    "time", "tt", "u", "var", "wbr",
)  # fmt: skip


_SPACES = bytes.maketrans(b"\x0b\x0c\x1c\x1d\x1e\x1f", b"      ")
_DROPPED = bytes([*range(9), *range(0x0E, 0x1C)])
_NO_LETTER = re.compile(b"\xef\xbf[\xbe\xbf]")
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,8}));?")


class TooDeepError(ValueError):
    """Elements are nested so deeply, or a text is so long, that the parser has left some out."""


def parse_html(html: str) -> "HtmlElement":
    """Parse a page, take out what is never read (scripts, form fields, comments) and unwrap inline elements.

    Raises:
        lxml.etree.ParserError: If there is no element in it.
        TooDeepError: If the parser has met one of its limits, beyond which it loses text without a word.
    """
    from lxml import etree
    from lxml.html import HtmlElement

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, collect_ids=False)
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=HtmlElement))
    source = without_controls(with_fallback(html).encode("utf-8", "replace"))
    tree = etree.fromstring(source, parser)
    if tree is None:
        raise etree.ParserError("the page is empty")
    error = parser.error_log.last_error
    if error is not None and error.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
        raise TooDeepError(error.message)
    small = source.lower()
    elements = list(tree.iter())  # while all are held, each further pass over them takes a fifth of its time
    name_dressed(tree, small)
    found = find(tree)
    state_formulas(tree, source, found)  # before anything is taken out: what renderers hide holds a formula's source
    drop_unseen(tree, source, small, elements, found)
    unwrap_listings(tree)
    keep_meaning(tree, found)
    del elements, found
    etree.strip_elements(tree, *_INVISIBLE, with_tail=False)
    etree.strip_tags(tree, *_INLINE)
    forget_slugs(tree)
    return tree


def without_controls(source: bytes) -> bytes:
    """UTF-8 without control characters, written as they are or by number: lxml reads them, and sets no such text."""
    source = source.translate(_SPACES, _DROPPED)
    if b"\xef" in source and (b"\xef\xbf\xbe" in source or b"\xef\xbf\xbf" in source):
        source = _NO_LETTER.sub(b"", source)
    if b"&#" in source and not all(map(_is_settable, set(_REFERENCE.findall(source)))):
        source = _REFERENCE.sub(lambda match: match[0] if _is_settable((match[1], match[2])) else b"", source)
    return source


def _is_settable(reference: tuple[bytes | None, bytes | None]) -> bool:
    """Whether lxml sets a text with the character that a reference gives by a number with base 16, or with base 10."""
    code = int(reference[0], 16) if reference[0] else int(reference[1] or b"0")
    return code in (9, 10, 13) or 32 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF


def with_fallback(html: str) -> str:
    """The page as it is without scripts, if that is the only form in which it has headings; else the page itself.

    Forums that are drawn by scripts give their posts in a <noscript>, for search engines. On other pages what is in
    one repeats pictures or asks for scripts, and `parse` takes it out.
    """
    at = html.find("<noscript")
    while at >= 0:
        end = html.find("</noscript", at)
        if _HEADING_TAG.search(html, at, end if end >= 0 else len(html)):
            return html if _HEADING_TAG.search(_NOSCRIPT.sub("", html)) else _NOSCRIPT_TAG.sub(r"<\1div", html)
        at = html.find("<noscript", end) if end >= 0 else -1
    return html


def refuse(html: str) -> str:
    """Why a page must not be parsed, or an empty string.

    How deep its elements are nested is not asked here: libxml2 stops at a depth of 256 without harm, and `parse`
    then refuses the page before any other parser sees it.
    """
    if not _HEADING_TAG.search(html):
        return "no_headings"
    # No block's tag is shorter than "<p>", and counting by pattern takes longer than parsing.
    many = len(html) > 3 * MAX_TAGS and html.count("<") > MAX_TAGS
    return "too_many_tags" if many and len(_BLOCK_TAG.findall(html)) > MAX_TAGS else ""


def has_too_many_attributes(html: str) -> bool:
    """Whether an element has more than `MAX_ATTRIBUTES`, for readers that have no limit of time for a page."""
    return any(
        len(tag.group()) > _LONG_TAG and len(_ATTRIBUTE.findall(tag.group())) > MAX_ATTRIBUTES
        for tag in _TAG.finditer(html)
    )
