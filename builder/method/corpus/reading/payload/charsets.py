"""What a page says about its encoding, found as browsers find it.

The byte order mark goes before the label of the HTTP header, that before the one in the page. Labels and tables are
those of the WHATWG's Encoding Standard, so `iso-8859-1` is windows-1252 and `gb2312` is GBK. In a page a browser looks
at the first kilobyte, and on while the head goes on, for the first `<meta>` with a label that it knows.
"""

import re
from collections.abc import Iterator

BYTE_ORDER_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16le"), (b"\xfe\xff", "utf-16be"))
PRESCAN_BYTES = 1_024
"""So far a browser looks in any case."""
MAX_PRESCAN_BYTES = 1 << 16
"""So far the head of a page is looked through; a browser knows no end."""
UTF16_LE = frozenset(
    ("csunicode", "iso-10646-ucs-2", "ucs-2", "unicode", "unicodefeff", "utf-16", "utf-16le"),
)
UTF16_BE = frozenset(("unicodefffe", "utf-16be"))
_SPACE = "\t\n\f\r "
_SPACES = _SPACE.encode()
_XML_DECLARATION = re.compile(
    rb"<\?xml[\t\n\r ][^>]{0,200}?encoding[\t\n\r ]*=[\t\n\r ]*(?:\"([^\"<>]*)\"|'([^'<>]*)')"
)
_XML_IN_UTF16 = ((b"<\x00?\x00x\x00", "utf-16le"), (b"\x00<\x00?\x00x", "utf-16be"))
_TAG = re.compile(rb"<(/?)([A-Za-z][^\t\n\f\r />]*+)")
_ATTRIBUTE = re.compile(
    rb"[\t\n\f\r /]*+([^\t\n\f\r />][^\t\n\f\r />=]*+)"
    rb"(?:[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\t\n\f\r >\"'][^\t\n\f\r >]*+)?))?+"
)
_TAG_END = re.compile(rb"[\t\n\f\r /]*+>")
_IN_CONTENT = re.compile(
    rb"charset[\t\n\f\r ]*+=[\t\n\f\r ]*+(?:\"([^\"]*)\"|'([^']*)'|([^\t\n\f\r ;\"']+))", re.IGNORECASE
)
_HEAD_TAGS = frozenset(
    (b"script", b"noscript", b"style", b"link", b"meta", b"object", b"title", b"base", b"html", b"head")
)
_TEXT_TAGS = frozenset(
    (b"script", b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes", b"plaintext")
)


def resolve(label: str | None) -> str | None:
    """A label as it can be decoded by, or None if the Encoding Standard has no such label."""
    import endec

    label = (label or "").strip(_SPACE).lower()
    if not label or not label.isascii():
        return None
    try:
        endec.decode(b"", label, "replace", bom="ignore")
    except LookupError:
        return None
    return label


def by_mark(body: bytes) -> tuple[str, int] | None:
    """The encoding that a byte order mark tells, and how long the mark is."""
    return next(((name, len(mark)) for mark, name in BYTE_ORDER_MARKS if body.startswith(mark)), None)


def declared(body: bytes) -> str | None:
    """The label that a page gives itself in `<meta>` or in its XML declaration."""
    for start, utf16 in _XML_IN_UTF16:
        if body.startswith(start):
            return utf16
    for label in _labels(body[:MAX_PRESCAN_BYTES]):
        if encoding := _in_page(label):
            return encoding
    return declared_as_xml(body)


def declared_as_xml(body: bytes) -> str | None:
    """The label of the XML declaration; pages that are served as XML have no other."""
    xml = _XML_DECLARATION.match(body)
    return _in_page(next((label for label in xml.groups() if label), b"")) if xml else None


def _in_page(label: bytes) -> str | None:
    """What a label means that stands in the page, which has been read as ASCII up to there."""
    name = resolve(label.decode("latin-1"))
    if name in UTF16_LE or name in UTF16_BE:
        return "utf-8"
    return "windows-1252" if name == "x-user-defined" else name


def _labels(head: bytes) -> Iterator[bytes]:
    """The labels of the `<meta>` elements in sight; comments, scripts and styles hold none."""
    position, in_head = 0, True
    while (position := head.find(b"<", position)) >= 0 and (in_head or position < PRESCAN_BYTES):
        tag = _TAG.match(head, position)
        if tag is None:
            position = _behind_markup(head, position)
            continue
        name = tag.group(2).lower()
        attributes, position = _attributes(head, tag.end())
        in_head = in_head and name in _HEAD_TAGS and not (tag.group(1) and name == b"head")
        if tag.group(1):
            continue
        if name == b"meta" and (label := _label(attributes)):
            yield label
        elif name in _TEXT_TAGS:
            end = re.compile(rb"</" + name + rb"[\t\n\f\r />]", re.IGNORECASE).search(head, position)
            position = end.start() if end else len(head)


def _behind_markup(head: bytes, position: int) -> int:
    """Behind a comment, declaration, or a `<` that begins nothing."""
    if head.startswith(b"<!--", position):
        end = head.find(b"-->", position + 2)
        return end + 3 if end >= 0 else len(head)
    if head[position + 1 : position + 2] in (b"!", b"?", b"/"):
        end = head.find(b">", position)
        return end + 1 if end >= 0 else len(head)
    return position + 1


def _attributes(head: bytes, position: int) -> tuple[dict[bytes, bytes], int]:
    """The attributes of a tag, the first of each name, and where the tag ends."""
    found: dict[bytes, bytes] = {}
    while not (end := _TAG_END.match(head, position)):
        attribute = _ATTRIBUTE.match(head, position)
        if attribute is None or attribute.end() == len(head):
            return {}, len(head)
        value = next((value for value in attribute.groups()[1:] if value is not None), b"")
        found.setdefault(attribute.group(1).lower(), value)
        position = attribute.end()
    return found, end.end()


def _label(meta: dict[bytes, bytes]) -> bytes:
    if b"charset" in meta:
        return meta[b"charset"]
    if meta.get(b"http-equiv", b"").strip(_SPACES).lower() == b"content-type":
        label = _IN_CONTENT.search(meta.get(b"content", b""))
        return next((value for value in label.groups() if value), b"") if label else b""
    return b""
