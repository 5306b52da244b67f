"""What a page's own sheets hide, as far as one plain selector says it: a tag, classes, an id of the element itself."""

import re
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.sight.styles import Look, concealed, hides_words, read_style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

_MOST = 1_000_000
"""Characters of sheets that are read, of one page."""
_MOST_RULES = 2_000
_MOST_KINDS = 500
"""Elements of other tags, classes or ids that are compared with all rules."""
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_PIECE = re.compile(r"([^{}]*)([{}])")
_PLAIN = re.compile(r"([a-zA-Z][\w-]*|\*?)((?:[.#][a-zA-Z_-][\w-]*)*)")
_SCREEN = re.compile(r"@(?:media\s+(?:only\s+)?(?:screen|all)\s*$|supports\b|layer\b)", re.IGNORECASE)
_MAY_HIDE = re.compile(r"none|hidden|collapse|opacity|clip|indent|absolute|fixed|scale|font", re.IGNORECASE)
_ROOTS = frozenset({"html", "body", "main", "article", "*", ""})


def looks_of_sheets(tree: "HtmlElement", small: bytes) -> "dict[HtmlElement, Look]":
    """Elements that rules of the page's sheets hide, with all that plain rules say of them.

    Rules for other media than screens hide nothing. A rule that shows an element again counts where it is plain and
    fits it, and, in doubt, where it is not plain and names it: it may hold on a reader's screen.

    Args:
        tree: The page.
        small: Its source in small letters, to see at once which names are only in its sheets.
    """
    sheets = "\n".join(sheet.text or "" for sheet in tree.iter("style") if _is_for_screens(sheet.get("media") or ""))
    if not _MAY_HIDE.search(sheets):
        return {}
    rules = list(_rules(sheets[:_MOST]))[:_MOST_RULES]
    written = sheets.lower().encode("utf-8", "replace")
    wanted = {
        (tag, names)
        for parts, look, sure in rules
        if sure and parts and not parts[0].startswith("?") and (concealed(look) or hides_words(look))
        for tag, names in [parts]
        if all(small.count(name[1:].lower().encode()) > written.count(name[1:].lower().encode()) for name in names)
    }
    looks: dict[HtmlElement, Look] = {}
    seen: dict[tuple[str, str | None, str | None], Look] = {}
    for element in _found(tree, wanted):
        key = element.tag, element.get("class"), element.get("id")
        if key not in seen:
            if len(seen) > _MOST_KINDS:
                break
            seen[key] = _together(element, rules)
        looks[element] = seen[key]
    return looks


def _is_for_screens(media: str) -> bool:
    return media.strip().lower() in ("", "all", "screen")


_Parts = tuple[str, frozenset[str]]


def _rules(sheets: str) -> "Iterator[tuple[_Parts | None, Look, bool]]":
    """Each selector as its tag and names, what it gives, and whether it holds on screens for sure and is plain."""
    heads: list[str] = []
    for piece in _PIECE.finditer(_COMMENT.sub(" ", sheets)):
        text, mark = piece.groups()
        if mark == "{":
            heads.append(text.rpartition(";")[2].strip())
        elif heads:
            head = heads.pop()
            look = read_style(text) if _MAY_HIDE.search(text) or "display" in text or "visib" in text else {}
            if look and not head.startswith("@"):
                sure = all(_SCREEN.match(around) for around in heads)
                for selector in head.split(",")[:100]:
                    yield _parts(selector.strip()), look, sure


def _parts(selector: str) -> _Parts | None:
    plain = _PLAIN.fullmatch(selector)
    if plain is None or selector in _ROOTS:
        last = re.split(r"[\s>+~]", re.sub(r":[^\s>+~]*|\[[^\]]*\]", "", selector).strip())[-1]
        end = _PLAIN.fullmatch(last)
        return None if end is None else ("?" + end.group(1).lower(), frozenset(re.findall(r"[.#][\w-]+", end.group(2))))
    return plain.group(1).lower().strip("*"), frozenset(re.findall(r"[.#][\w-]+", plain.group(2)))


def _found(tree: "HtmlElement", wanted: "set[_Parts]") -> "Iterator[HtmlElement]":
    """Elements with all that one of the selectors asks for, found by one of their names in a single pass."""
    tags = [tag for tag, names in wanted if not names]
    if tags:
        yield from tree.iter(*tags)
    by_name: dict[str, list[_Parts]] = {}
    for parts in wanted:
        if parts[1]:
            by_name.setdefault(max(parts[1]), []).append(parts)
    for key, mark in (("class", "."), ("id", "#")):
        if any(name.startswith(mark) for name in by_name):
            for value in tree.xpath(f"descendant::*/@{key}"):
                for name in value.split():
                    for tag, names in by_name.get(mark + name, ()):
                        if _fits(value.getparent(), tag, names):
                            yield value.getparent()


def _fits(element: "HtmlElement", tag: str, names: frozenset[str]) -> bool:
    own = {f".{name}" for name in element.get("class", "").split()} | {f"#{element.get('id', '')}"}
    return tag in ("", element.tag) and names <= own


def _together(element: "HtmlElement", rules: "list[tuple[_Parts | None, Look, bool]]") -> Look:
    """What plain rules say of an element, the more special ones last; what others may say takes the place of hiding."""
    fitting: list[tuple[tuple[int, int, int], int, Look]] = []
    for order, (parts, look, sure) in enumerate(rules):
        if parts is None or not _fits(element, parts[0].lstrip("?"), parts[1]):
            continue
        doubtful = not sure or parts[0].startswith("?")
        if doubtful and (concealed(look) or hides_words(look)):
            continue
        ids = sum(name.startswith("#") for name in parts[1])
        weight = (1 if doubtful else 0, ids, 10 * (len(parts[1]) - ids) + bool(parts[0].lstrip("?")))
        fitting.append((weight, order, look))
    together: dict[str, str] = {}
    for _, _, look in sorted(fitting, key=lambda rule: rule[:2]):
        together.update(look)
    return together
