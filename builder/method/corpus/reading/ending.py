"""Whether a page is whole: what the crawl says about its end, and what its own source says.

A crawler that stops at a size or a time leaves a page that ends anywhere, often in the middle of a word. Its last
section is no answer. What is asked, in this order:

1. `WARC-Truncated`, or a record that is the first segment of several, say it of a record.
2. A source whose body or document is closed behind its last heading is whole, whatever HTTP says about its length:
   headers may be those of another form of the page. So is one without any heading, which gives no segment anyway.
3. A body that is shorter than its Content-Length is cut, and one without its last chunk or the end of its packing.
4. Else the source is looked at. Many good pages do not close their body, and HTML allows that, so this alone says
   nothing. A source is cut that ends inside a tag, a comment, a character or its reference, a script, style or title;
   inside a sentence, where an element is open whose end tag may not be left out, or behind a long run of text; or
   inside such an element where its size is a round number, as limits of crawlers are.

Of 1,160 pages of the corpus for tests no whole one is called cut, and 3 are when the end tags that HTML lets one leave
out are taken away. Cut anywhere behind the first heading 1,008 of 1,137 are found; the others end between two
sentences.
"""

import re
import unicodedata
from collections import Counter, deque
from html.entities import html5

from builder.method.corpus.reading.decode import Payload

_HEADING = re.compile(r"<h[1-6][\s/>]", re.IGNORECASE)
_CLOSED = re.compile(r"</(?:body|html)\b", re.IGNORECASE)
_TAG_NAME = re.compile(r"[A-Za-z/!?]")
_RAW = re.compile(r"<(/?)(script|style|title|textarea)(?=[\s/>])", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[xX]?[0-9A-Fa-f]{0,6}|([A-Za-z][A-Za-z0-9]{1,30}))\Z")
_CONTAINER = re.compile(
    r"<(/?)(article|main|section|div|table|ul|ol|dl|pre|blockquote|figure)(?=[\s/>])", re.IGNORECASE
)
_LOOKED_AT = 20_000
_PROSE_CHARS = 80
"""A longer run of text without any tag is a paragraph, and no line such as a date, a name or a copyright."""
_SMALLEST_LIMIT = 4_000
_GOES_ON = frozenset(",-\u2013\u2014(/&")
_WITHOUT_STOPS = ("\u0e00", "\u0eff"), ("\u1780", "\u17ff")
"""Thai, Lao and Khmer end no sentence with a mark."""


def is_cut(html: str, payload: Payload, truncated: bool) -> bool:
    """Whether a page lacks its end.

    Args:
        html: Its source as text.
        payload: Its source as bytes, and what HTTP says about it.
        truncated: Whether the crawl says so.
    """
    if truncated:
        return True
    if _is_closed(html):
        return False
    return payload.cut or is_short(payload) or ends_inside(html, len(payload.body))


def is_short(payload: Payload) -> bool:
    """Whether a body is shorter than its Content-Length says.

    Not asked of packed and chunked bodies, whose own form says where they end. ClueWeb09 has lost the carriage returns
    of its pages, so a body without any may be shorter by its number of lines.
    """
    headers, body = payload.headers, payload.body
    said = headers.get("content-length", "")
    packed = headers.get("content-encoding", "").strip().lower() not in ("", "identity", "none")
    if packed or headers.get("transfer-encoding") or re.fullmatch(r"[0-9]{1,12}", said) is None:
        return False
    taken_out = 0 if b"\r" in body else body.count(b"\n")
    return len(body) + taken_out < int(said)


def _is_closed(html: str) -> bool:
    """Whether the body or the document ends behind the last heading; true of a page without headings."""
    closed = _last(_CLOSED, html, max(0, len(html) - _LOOKED_AT)) or _CLOSED.search(html)
    return _HEADING.search(html, closed.end() if closed else 0) is None


def ends_inside(html: str, size: int) -> bool:
    """Whether a source that does not close its body ends where no page ends.

    Args:
        html: The source.
        size: How many bytes it has.
    """
    if html.endswith("\ufffd") or _in_tag(html) or _in_comment(html) or _in_raw_text(html) or _in_reference(html):
        return True
    run = html[html.rfind(">") + 1 :].strip()
    in_sentence = _in_sentence(run)
    if in_sentence and len(run) >= _PROSE_CHARS:
        return True
    return (in_sentence or _is_round(size) or _is_round(len(html))) and _in_container(html)


def _in_tag(text: str) -> bool:
    begun = text.rfind("<")
    return begun > text.rfind(">") and (begun == len(text) - 1 or _TAG_NAME.match(text, begun + 1) is not None)


def _in_comment(text: str) -> bool:
    begun = text.rfind("<!--")
    return begun >= 0 and text.find("-->", begun + 2) < 0


def _in_raw_text(text: str) -> bool:
    """Whether a script, style, title or text area is still open at the end."""
    last = _last(_RAW, text, max(0, len(text) - _LOOKED_AT))
    return last is not None and not last.group(1)


def _last(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text, start), maxlen=1)), None)


def _in_reference(text: str) -> bool:
    reference = _REFERENCE.search(text, max(0, len(text) - 40))
    if reference is None:
        return False
    name = reference.group(1)
    return name is None or any(known.startswith(name) for known in html5)


def _in_sentence(run: str) -> bool:
    """Whether a run of text ends with a letter, or a mark that something follows."""
    if not run or any(first <= run[-1] <= last for first, last in _WITHOUT_STOPS):
        return False
    return run[-1] in _GOES_ON or unicodedata.category(run[-1])[0] in "LMN"


def _in_container(text: str) -> bool:
    """Whether elements that need an end tag have more starts than ends."""
    counts: Counter[str] = Counter()
    for tag in _CONTAINER.finditer(text):
        counts[tag.group(2).lower()] += -1 if tag.group(1) else 1
    return any(count > 0 for count in counts.values())


def _is_round(size: int) -> bool:
    """Whether a size is one that limits have: whole kilobytes, or thousands."""
    return size >= _SMALLEST_LIMIT and (size % 1_000 == 0 or size % 1_024 == 0)
