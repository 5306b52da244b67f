"""Declarative shadow trees: a template that browsers show in its element's place, with what it has slots for."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_HOSTS = frozenset(
    {
        "article", "aside", "blockquote", "body", "div", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "main",
        "nav", "p", "section", "span",
    }
)  # fmt: skip


def open_shadows(templates: "list[HtmlElement]") -> None:
    """Put what is in shadow trees where browsers show it. Content that no slot takes is left out, as they do.

    Args:
        templates: Those of a page, in document order; its tree is changed.
    """
    opened = [template for template in templates if _is_opened(template)]
    for template in reversed(opened):  # the innermost first
        host = template.getparent()
        if host is not None and next(filter(_is_opened, host.iterchildren("template")), None) is template:
            _open(host, template)


def _is_opened(template: "HtmlElement") -> bool:
    host = template.getparent()
    mode = (template.get("shadowrootmode") or "").strip().lower()
    return mode in ("open", "closed") and host is not None and (host.tag in _HOSTS or "-" in host.tag)


def _open(host: "HtmlElement", template: "HtmlElement") -> None:
    """Move the content of a host into the slots of its shadow tree, and leave that as its only content."""
    slots: dict[str, HtmlElement] = {}
    every = [slot for slot in template.iter("slot") if next(slot.iterancestors("template")) is template]
    for slot in every:
        slots.setdefault(slot.get("name", ""), slot)
    taken: dict[str, list[HtmlElement]] = {}
    loose = [host.text, template.tail]
    for child in host:
        if child is template:
            continue
        name = child.get("slot", "")
        taken.setdefault(name, []).append(child)
        if name:
            loose.append(child.tail)
            child.tail = None
    if any(text and not text.isspace() for text in loose):
        words = host.makeelement("span")
        words.text = " ".join(text for text in loose if text)
        taken.setdefault("", []).insert(0, words)
    for name, slot in slots.items():
        if name in taken:
            _fill(slot, taken[name])
    for slot in every:
        slot.tag = "span"
    tail = host.tail
    for child in list(host):
        host.remove(child)
    host.text, host.tail, template.tail = None, tail, None
    template.tag = "span"
    host.append(template)


def _fill(slot: "HtmlElement", content: "list[HtmlElement]") -> None:
    for fallback in list(slot):
        slot.remove(fallback)
    slot.text = None
    for child in content:
        slot.append(child)
