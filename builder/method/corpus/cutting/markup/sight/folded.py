"""Panels that a page has folded behind a control: readers see them, one click away.

A way of hiding says nothing about that, and neither does a class alone. A panel is folded where something that is seen
unfolds it: a control that names it, or, where it calls itself a panel, a control beside it or one of its kind that is
unfolded.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lxml.html import HtmlElement

_PANEL = re.compile(
    r"(?<![a-z])(?:accordion|acc|collaps\w*|fold\w*|tab|tabs|pane|panel|tabcontent|toggle\w*|expand\w*|spoiler\w*|"
    r"faq\w*|answer\w*|slide|slides|mySlides|carousel|swiper|details?|more\w*|read-?more|full|rest|content)(?![a-z])",
    re.IGNORECASE,
)
_TURN = re.compile(r"(?<=[a-z])(?=[A-Z])")
_SLIDE = re.compile(
    r"(?<![a-z])(?:tab|tabs|tabcontent|pane|panel|slide|slides|carousel|swiper|item)(?![a-z])", re.IGNORECASE
)
_CONTROL_NAME = re.compile(
    r"accordion|collaps|toggle|trigger|expand|spoiler|question|read-?more|show-?more|btn|button|tab|fold|open",
    re.IGNORECASE,
)
_POPUP = re.compile(r"(?<![a-z])(?:modal|popup|pop-up|dialog|tooltip|lightbox|cookie|consent|overlay)", re.IGNORECASE)
_QUOTED = re.compile(r"""["'#]([^"'#\s()]{1,100})["']""")
_CONTROLS = frozenset({"button", "summary", "label", "input"})
_NAMING = ("aria-controls", "data-target", "data-bs-target", "popovertarget", "data-tab", "onclick")
_FROM_CONTROL = ("aria-labelledby", "aria-describedby")


class Controls:
    """The controls of a page and what they unfold."""

    def __init__(
        self,
        tree: "HtmlElement",
        small: bytes,
        links: "list[HtmlElement]",
        panels: "list[HtmlElement]",
        is_seen: "Callable[[HtmlElement], bool]",
    ) -> None:
        """Look for everything in a page that names a panel.

        Args:
            tree: The page.
            small: Its source in small letters, to see at once what is not in it.
            links: Those of its links that have a "#".
            panels: The hidden elements that may be unfolded.
            is_seen: Whether readers see an element, as far as this is known yet.
        """
        self._tree, self._is_seen = tree, is_seen
        self._named: dict[str, list[HtmlElement]] = {}
        names = {name for panel in panels if (name := panel.get("id"))}
        if not any(small.count(name.lower().encode()) > 1 for name in names):
            return
        for key in _NAMING:
            if key.encode() in small:
                for value in tree.xpath(f"descendant::*/@{key}"):
                    parts = _quoted(value) if key == "onclick" else value.split()[:20]
                    self._add(value.getparent(), names.intersection(part.lstrip("#") for part in parts))
        for link in links:
            if (target := link.get("href", ""))[:1] == "#":
                self._add(link, names.intersection([target[1:]]))
        if b"javascript:" in small:
            for value in tree.xpath("descendant::a/@href[starts-with(.,'javascript:')]"):
                self._add(value.getparent(), names.intersection(_quoted(value)))

    def _add(self, control: "HtmlElement", names: set[str]) -> None:
        for name in names:
            self._named.setdefault(name, []).append(control)

    def unfold(self, panel: "HtmlElement") -> bool:
        """Whether readers can unfold a hidden element."""
        name = f"{panel.get('class', '')} {panel.get('id', '')}"
        if panel.get("role") in ("dialog", "alertdialog", "tooltip") or _POPUP.search(_TURN.sub("-", name)):
            return False
        is_panel = panel.get("role") == "tabpanel" or _PANEL.search(_TURN.sub("-", name)) is not None
        if any(self._works(control, is_panel) for control in self._named.get(panel.get("id", ""), ())):
            return True
        if panel.get("role") == "tabpanel" and self._is_labelled(panel):
            return True
        return is_panel and (self._has_control_beside(panel) or self._has_open_kin(panel))

    def _works(self, control: "HtmlElement", is_panel: bool) -> bool:
        """Whether a control that names a panel is seen; a plain link to a place in the page is none."""
        leads = control.tag == "a" and control.get("href", "").startswith("#") and not is_panel
        if leads and not _is_control(control):
            return False
        return self._is_seen(control) and _has_face(control)

    def _is_labelled(self, panel: "HtmlElement") -> bool:
        for name in " ".join(panel.get(key, "") for key in _FROM_CONTROL).split()[:4]:
            found = self._tree.xpath("//*[@id=$name]", name=name)
            if found and self._is_seen(found[0]) and _has_face(found[0]):
                return True
        return False

    def _has_control_beside(self, panel: "HtmlElement") -> bool:
        around = [panel.getprevious(), panel.getnext()]
        parent = panel.getparent()
        if parent is not None and around == [None, None]:
            around = [parent.getprevious()]
        elif parent is not None and panel.tag == "span" and around[1] is None:
            around.append(parent.getnext())  # the rest of a paragraph, and "Read more" below it
        return any(
            beside is not None and isinstance(beside.tag, str) and self._is_seen(beside) and _has_face(beside)
            and any(_is_control(part) for part in _first(beside))
            for beside in around
        )  # fmt: skip

    def _has_open_kin(self, panel: "HtmlElement") -> bool:
        """Whether a tab or slide beside it, with its role or a class of the same name, is seen."""
        names = {name for name in panel.get("class", "").split() if _SLIDE.search(_TURN.sub("-", name))}
        is_tab = panel.get("role") == "tabpanel"
        if not (names or is_tab):
            return False
        for beside in (*_few(panel.itersiblings(preceding=True)), *_few(panel.itersiblings())):
            if (
                beside.tag == panel.tag
                and (
                    names.intersection(beside.get("class", "").split()) or (is_tab and beside.get("role") == "tabpanel")
                )
                and self._is_seen(beside)
            ):
                return True
        return False


def _few(elements: "Iterator[HtmlElement]") -> "list[HtmlElement]":
    return [element for _, element in zip(range(20), elements, strict=False)]


def _first(element: "HtmlElement") -> "Iterator[HtmlElement]":
    for _, part in zip(range(8), element.iter("*"), strict=False):
        yield part


def _quoted(script: str) -> list[str]:
    return [name.lstrip("#") for name in _QUOTED.findall(script[:1000])]


def _is_control(element: "HtmlElement") -> bool:
    if element.tag in _CONTROLS or element.get("role") in ("button", "tab"):
        return True
    if any(
        key in element.attrib for key in ("aria-expanded", "aria-controls", "onclick", "data-toggle", "data-bs-toggle")
    ):
        return True
    return _CONTROL_NAME.search(element.get("class", "")) is not None


def _has_face(control: "HtmlElement") -> bool:
    """Whether there is something of a control to be seen and clicked."""
    if control.tag == "input" or control.get("aria-label") or control.get("title"):
        return True
    if any(text.strip() for text in _texts(control)):
        return True
    return next(control.iter("img", "svg", "i", "input"), None) is not None


def _texts(element: "HtmlElement") -> "Iterator[str]":
    for _, text in zip(range(20), element.itertext(), strict=False):
        yield text
