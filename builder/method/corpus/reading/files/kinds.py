"""What is HTML: by the type that a record is said to have, and by its first bytes."""

import re

SNIFFED_BYTES = 4_096
"""So much of the start of a file or record is looked at."""
_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_NO_TYPES = ("", "application/octet-stream", "application/unknown", "unknown", "unknown/unknown", "*/*")
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_NOTHING = re.compile(rb"\s*(?:<!--.*?-->|<\?xml(?=[\s-])[^>]*>)\s*", re.DOTALL)
_START = re.compile(
    rb"\s*<(?:!doctype\s+html|(?:html|head|body|title|meta|h[1-6]|div|p|table|center|font|iframe|br|b|a)(?=[\s/>]))",
    re.IGNORECASE,
)
_UNCERTAIN = re.compile(rb"\s*<(?:!--|script|style|link|base|noscript)", re.IGNORECASE)
_CERTAIN = re.compile(rb"<(?:!doctype\s+html|(?:html|head|body)(?=[\s/>]))", re.IGNORECASE)


def media_type(content_type: str) -> str:
    """A Content-Type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def says_html(content_type: str) -> bool:
    """Whether a Content-Type is that of HTML."""
    return media_type(content_type) in _HTML_TYPES


def says_nothing(content_type: str) -> bool:
    """Whether a Content-Type leaves open what the content is."""
    return media_type(content_type) in _NO_TYPES


def starts_as_html(head: bytes) -> bool:
    """Whether a file or record with these first bytes is an HTML document.

    The rule is that of browsers (WHATWG, MIME sniffing): behind a byte order mark, white space and comments comes a tag
    that HTML documents start with. Behind an XML declaration, and where a script or style comes first, the start of an
    HTML document has to follow: programs and feeds begin like that too.
    """
    head = head[:SNIFFED_BYTES]
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            head = head[len(mark) :].decode(encoding, "replace").encode("utf-8", "replace")
            break
    position, xml = 0, False
    while nothing := _NOTHING.match(head, position):
        xml = xml or b"<?xml" in nothing.group().lower()
        position = nothing.end()
    if xml or _UNCERTAIN.match(head, position):
        return _CERTAIN.search(head, position) is not None
    return _START.match(head, position) is not None
