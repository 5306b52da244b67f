"""Links beside and in headings that lead to an editor, to the source or back to the heading itself."""

import re
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.listings.gutters import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

LINKED = ("h1", "h2", "h3", "h4", "h5", "h6", "dt")
"""Headings, and the terms of manuals."""
_LINKS = frozenset({"a", "button", "span"})
_BESIDE = frozenset({"a", "button", "span", "div", "p", "small", "sup"})
_NEAR = 3
"""So many elements after a heading are looked at."""
_SHORT = 80
_LABEL = 60
_EDIT_CLASS = re.compile(
    r"(?:^|[\s_-])(?:editsection|edit-?(?:link|section|page|this-page|on-github)|viewcode-link|src-?link|source-?link)"
    r"(?![a-z])",
    re.IGNORECASE,
)
_ANCHOR_CLASS = re.compile(
    r"header-?link|hash-?link|header-?anchor|heading-?(?:anchor|link)|anchor-?(?:link|js-link)|perma-?link|section-?link"
    r"|self-?link|direct-?link|deep-?link|(?:^|\s)(?:anchor|octicon-link|doc-anchor)(?:\s|$)",
    re.IGNORECASE,
)
_EDIT_TARGET = re.compile(r"[?&;](?:ve)?action=(?:edit|submit)\b|[?&]do=edit\b|/edit/|[?&]section=\d+&", re.IGNORECASE)
_LABELS = frozenset(
    label.strip()
    for label in """
    edit|edit source|edit section|edit code|view source|view page source|show source|show page source|page source
    modifier|modifier le code|modifier le wikicode|modifier cette page|bearbeiten|quelltext bearbeiten|seite bearbeiten
    abschnitt bearbeiten|diese seite bearbeiten|editar|editar código|editar a fonte|editar la fuente|editar el código
    editar código-fonte|editar esta página|editar sección|редактировать|редактировать код|править|править код
    править вики-текст|редагувати|редагувати код|рэдагаваць|редактиране|уреди|уреди извор|modifica|modifica wikitesto
    modifica questa pagina|bewerken|brontekst bewerken|deze pagina bewerken|edytuj|edytuj kod|redigera
    redigera wikitext|rediger|rediger kilde|rediger kildetekst|rediger wikiteksten|muokkaa|muokkaa wikitekstiä
    szerkesztés|forrásszöveg szerkesztése|upraviť|upravit|upraviť zdroj|editovat|editovat zdroj|editare|modificare
    modificare sursă|uredi|uredi izvorni kod|düzenle|kaynağı değiştir|değiştir|bu sayfayı düzenle|sunting
    sunting sumber|sửa|sửa mã nguồn|sửa đổi|編集|ソースを編集|このページを編集|编辑|編輯|编辑源代码|编辑本页|編輯原始碼
    编辑此页|편집|원본 편집|이 페이지 편집|עריכה|עריכת קוד מקור|تعديل|عدل|عدل المصدر|تعديل المصدر|ویرایش|ویرایش مبدأ
    แก้ไข|แก้ไขต้นฉบับ|सम्पादित करें|संपादित करें|επεξεργασία|επεξεργασία κώδικα|edita
    modifica el codi|redakti|toimeta|labot|redaguoti|aldatu|golygu|breyta|wysig
    """.replace("\n", "|").split("|")
    if label.strip()
)
"""What links say that lead to an editor or to the source of a page."""
_OF_PAGE = re.compile(
    r"edit (?:this |the )?(?:page|section|article|file|docs?|document|wiki)(?: on [\w.]+| in [\w.]+)?"
    r"|(?:edit|view|improve|open|fix|see)(?: (?:this|the))?(?: (?:page|section|file|docs?|source|code))*"
    r" (?:on|in|at) (?:github|gitlab|bitbucket|gitea|codeberg)"
    r"|(?:suggest|propose) (?:an )?(?:edits?|changes?)(?: (?:to|for) this page)?|improve this (?:page|docs?|document)"
)
_SOURCE_TEXT = re.compile(
    r"source|src|source code|code source|quelle|quelltext|docs|ソース|исходный код", re.IGNORECASE
)
_SOURCE_TARGET = re.compile(r"/src/|_modules/|/blob/|\.html#L?\d|[ .-](?:src|source|viewcode)", re.IGNORECASE)
_PAGE_LABEL = re.compile(
    r"\s*\[?(?:edit|view|show|page|improve|suggest|propose|open|fix|modifier cette|diese seite|seite|editar esta"
    r"|modifica questa|quelltext|brontekst)\s",
    re.IGNORECASE,
)
EDIT_BEGINNINGS = frozenset(
    {
        "edit", "view", "show", "page", "impr", "sugg", "prop", "open", "fix ", "see ", "modi", "dies", "seit", "quel",
        "bron", "[edi", "[vie",
    }
)  # fmt: skip
"""How links begin that are looked at wherever they are on a page."""
_PERMALINK_TEXT = re.compile(
    r"(?:permanent ?link|permalink|anchor|copy link|direct link|link)(?:(?: to|:) .{1,80})?|section titled .{1,80}"
    r"|(?:copy )?link to (?:this )?(?:section|heading|clipboard)|copy (?:section )?link",
    re.IGNORECASE,
)
_BRACKETS = " \t\r\n\xa0[](){}✎✏️🖉🔗|"


def clear_edit_links(elements: "list[HtmlElement]") -> None:
    """Take them out of headings and terms, and from beside headings; their tree is changed in place.

    A heading that only says what a person is, as forums have one below the name of each writer, becomes a paragraph.
    """
    for element in elements:
        if _is_rank(element):
            element.tag = "p"
            continue
        if len(element):
            _clear_inside(element)
        if element.tag == "dt":
            continue
        after, before = element.getnext(), element.getprevious()
        if after is not None and after.tag in _BESIDE:
            _clear_beside(element.itersiblings())
        if before is not None and before.tag in ("a", "span"):
            _clear_beside(element.itersiblings(preceding=True))


def is_edit_link(anchor: "HtmlElement") -> bool:
    """Whether a link says "Edit this page" or "View source on GitHub" and stands alone, wherever on a page."""
    text = anchor.text
    if not text or len(text) > _LABEL or not _PAGE_LABEL.match(text) or len(anchor):
        return False
    parent, before = anchor.getparent(), anchor.getprevious()
    if parent is None or not _is_edit_label(text.strip(_BRACKETS)):
        return False
    around = ((before.tail if before is not None else parent.text) or "") + (anchor.tail or "")
    return not around.strip(_BRACKETS)


def is_edit_button(button: "HtmlElement") -> bool:
    """Whether a button says "Edit" and no more, as wikis have one behind each section."""
    label = text_of(button, _LABEL)
    return label != "x" and label.strip(_BRACKETS).lower() in _LABELS


def _is_edit_label(label: str) -> bool:
    small = label.lower()
    if small in _LABELS:
        return True
    if "|" in small or "/" in small or "·" in small:
        return all(part.strip(_BRACKETS) in _LABELS for part in re.split(r"[|/·]", small))
    return _OF_PAGE.fullmatch(small) is not None


@lru_cache(maxsize=20_000)
def _marks(names: str) -> int:
    return (1 if _EDIT_CLASS.search(names) else 0) | (2 if _ANCHOR_CLASS.search(names) else 0)


def _is_rank(element: "HtmlElement") -> bool:
    if element.tag == "dt":
        return False
    return element.get("itemprop") == "jobTitle" or "userTitle" in (element.get("class") or "").split()


def _clear_inside(heading: "HtmlElement") -> None:
    links = [
        link
        for link in heading.iterdescendants()
        if link.tag in _LINKS and (link.get("class") or link.tag != "span") and _is_furniture(link, inside=True)
    ]
    if not links:
        return
    rest = _letters("".join(heading.itertext()))
    for link in links:
        own = _letters(text_of(link))
        if rest > own:  # a heading that is all link is a heading
            rest -= own
            link.drop_tree()


def _clear_beside(siblings: "Iterator[HtmlElement]") -> None:
    for element in list(islice(siblings, _NEAR)):
        if element.tag not in _BESIDE or (element.tail or "").strip(_BRACKETS):
            return
        if not _is_furniture(element, inside=False):
            return
        element.drop_tree()


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def _is_furniture(element: "HtmlElement", *, inside: bool) -> bool:
    """Whether an element in a heading (or beside it) is such a link."""
    if element.tag == "div" and element.find(".//a") is None:
        return False
    text = text_of(element, _SHORT)
    if text == "x":
        return False
    label = " ".join(text.split()).strip(_BRACKETS)
    names = element.get("class")
    marks = _marks(names) if names else 0
    if marks & 1:
        return True
    if not label or not _letters(label):
        return element.tag == "a" and bool(text.strip()) and len(label) <= 3
    if _PERMALINK_TEXT.fullmatch(label):
        return bool(marks & 2) or element.tag in ("a", "button")
    if element.tag in ("div", "p", "small", "sup"):
        return bool(_is_edit_label(label)) and element.find(".//a") is not None
    return _says_edit(element, label, bracketed=_is_bracketed(element, text), inside=inside)


def _says_edit(element: "HtmlElement", label: str, *, bracketed: bool, inside: bool) -> bool:
    target = element.get("href") or ""
    if _is_edit_label(label):
        sure = bracketed or _PAGE_LABEL.match(label) or _EDIT_TARGET.search(target)
        return bool(sure) or (not inside and element.tag in ("a", "button"))
    if _SOURCE_TEXT.fullmatch(label) and element.tag == "a":
        return bracketed or _SOURCE_TARGET.search(f"{target} .{element.get('class') or ''}") is not None
    return bracketed and _EDIT_TARGET.search(target) is not None


def _is_bracketed(element: "HtmlElement", text: str) -> bool:
    before, parent = element.getprevious(), element.getparent()
    outer = before.tail if before is not None else parent.text if parent is not None else ""
    return text.strip()[:1] in ("[", "✎") or (outer or "").rstrip().endswith("[")
