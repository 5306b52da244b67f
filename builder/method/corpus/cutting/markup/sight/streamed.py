"""Parts of a page sent late and hidden at its end, with a call that puts them in their place (React does that)."""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_CALL = re.compile(rb"""\$R([CRS])\(\s?["']([^"'\\<>]{1,80})["']\s?,\s?["']([^"'\\<>]{1,80})["']""")


def place_streamed(source: bytes, elements: "list[HtmlElement]") -> None:
    """Put each such part in the place of its placeholder, as browsers do; both and the call must be in the page.

    Args:
        source: The page as it was parsed.
        elements: All elements of its tree, which is changed.
    """
    calls = _CALL.findall(source)
    if not calls:
        return
    named: dict[str, HtmlElement] = {}
    for element in elements:
        if name := element.get("id"):
            named.setdefault(name, element)
    for kind, one, other in calls:
        # `$RS` puts a segment in a place; `$RC` and `$RR` fill a boundary with a segment.
        place, part = (other, one) if kind == b"S" else (one, other)
        placeholder = named.get(place.decode("utf-8", "replace"))
        content = named.get(part.decode("utf-8", "replace"))
        if placeholder is not None and content is not None and "hidden" in content.attrib:
            _put(placeholder, content)


def _put(placeholder: "HtmlElement", content: "HtmlElement") -> None:
    around = placeholder.getparent()
    if placeholder.tag not in ("template", "span", "div") or len(placeholder) or around is None:
        return
    if content is placeholder or any(up is content for up in placeholder.iterancestors()):
        return
    content.attrib.pop("hidden")
    tail, content.tail = content.tail, None
    before = content.getprevious()
    parent = content.getparent()
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail and parent is not None:
        parent.text = (parent.text or "") + tail
    content.tail, placeholder.tail = placeholder.tail, None
    around.replace(placeholder, content)
