"""What a page's own sheets hide, as far as one plain selector says it: a tag, classes, an id of the element itself."""

import re
from functools import lru_cache
from itertools import islice
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
_NOT_SHOWN = re.compile(r"display\s*:\s*none")
_FAINT = re.compile(r"opacity\s*[:(]\s*(?:\+?(?:0(?!\.[1-9])|\.0)|-|\d*\.?\d+(?:%|e-))")
_SMALL = re.compile(r"(?:width|height)\s*:\s*\+?(?:0|1(?!\d)|\.|-|calc)")
_FAR = re.compile(r"-\s*(?:[\d.]{3}|[\d.]+(?!px)[a-z%])")
_WIDE = re.compile(
    r"(?<![#\da-f.])(?<!index:)(?<!index: )\d{4}|[2-9]\d\d%|calc|\d\s*[dsl]?v"
    r"|(?<![\d.])(?:\d{3}\d*(?:\.\d+)?(?:r?em|ex|ch|p[tc]|mm|q)|\d\d\d?(?:\.\d+)?(?:in|cm))"
)
"""What is in an offset that may be far to the left or above, or far to the right."""
_NO_SIZE = re.compile(r"font[^;:]{0,9}:[^;]{0,60}?(?<![\d.])0?\.?0")
_PLAIN = re.compile(r"([a-zA-Z][\w-]*|\*?)((?:[.#][a-zA-Z_-][\w-]*)*)")
_NAME = re.compile(r"[.#]?[\w-]+")
_NAMELESS = re.compile(r"[*:\[](?<![\w\]).#-].)")
"""A selector, or a part of one, that asks for no tag, class or id."""
_SCREEN = re.compile(r"@(?:media\s+(?:only\s+)?(?:screen|all)\s*$|supports\b|layer\b)", re.IGNORECASE)
_MAY_HIDE = re.compile(r"none|hidden|collapse|opacity|clip|indent|absolute|fixed|scale|font", re.IGNORECASE)
_Parts = tuple[str, frozenset[str]]
ByClass = dict[str, "list[HtmlElement]"]
"""Elements of a page by their attribute `class`, as it is written."""
_Rule = tuple[_Parts, Look, bool, bool]
_ROOTS = frozenset({"html", "body", "main", "article", "*", ""})


def looks_of_sheets(
    tree: "HtmlElement", small: bytes, by_class: "ByClass", own: "list[HtmlElement]"
) -> "dict[HtmlElement, Look]":
    """Elements that rules of the page's sheets hide, with all that plain rules say of them.

    Rules for other media than screens hide nothing. A rule that shows an element again counts where it is plain and
    fits it, and, in doubt, where it is not plain and names it: it may hold on a reader's screen.

    Args:
        tree: The page.
        small: Its source in small letters, to see at once which ids are only in its sheets.
        by_class: Its elements by their attribute `class`.
        own: Its elements `style`.
    """
    sheets = "\n".join(sheet.text or "" for sheet in own if _is_for_screens(sheet.get("media") or ""))
    sheets = sheets[:_MOST]
    hiding = _hiding(sheets)
    if not hiding:
        return {}
    names = {f".{name}" for value in by_class for name in value.split()}
    plain = [parts for parts in hiding if _is_met(parts, names)]
    written = sheets.lower().encode("utf-8", "replace") if any(parts[1] - names for parts in plain) else b""
    wanted = {
        parts
        for parts in plain
        if all(
            small.count(name[1:].lower().encode()) > written.count(name[1:].lower().encode())
            for name in parts[1] - names
        )
    }
    found = list(_found(tree, by_class, wanted)) if wanted else []
    return _looks_of(found, wanted, sheets) if found else {}


def _looks_of(found: "list[HtmlElement]", wanted: "set[_Parts]", sheets: str) -> "dict[HtmlElement, Look]":
    """What rules say of elements that some of them hide, if that is so on screens."""
    own = {name for element in found for name in _names_of(element)} | {element.tag for element in found}
    rules = list(islice(_read(sheets, own), _MOST_RULES))
    certain = wanted & {parts for parts, _, sure, hiding in rules if sure and hiding}
    looks: dict[HtmlElement, Look] = {}
    seen: dict[tuple[str, str | None, str | None], Look | None] = {}
    by_name = _by_name(rules)
    for element in found:
        key = element.tag, element.get("class"), element.get("id")
        if key not in seen:
            if len(seen) > _MOST_KINDS:
                break
            fits = any(_fits(element, *parts) for parts in certain)
            seen[key] = _together(element, rules, by_name) if fits else None
        look = seen[key]
        if look is not None:
            looks[element] = look
    return looks


def _names_of(element: "HtmlElement") -> set[str]:
    """Its classes, each with a dot, and its id with a "#"."""
    return {f".{name}" for name in element.get("class", "").split()} | {f"#{element.get('id', '')}"}


def _is_met(parts: _Parts, names: set[str]) -> bool:
    return all(name in names or name[0] == "#" for name in parts[1])


@lru_cache(maxsize=32)
def rules_of(sheets: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """The rules of sheets: the selectors of each, what it says, and the heads of the rules that it is in."""
    rules: list[tuple[str, str, tuple[str, ...]]] = []
    heads: list[str] = []
    for piece in (_COMMENT.sub(" ", sheets) if "/*" in sheets else sheets).split("}"):
        head, opened, text = piece.rpartition("{")
        if not opened or "{" in head:
            heads += [around.rpartition(";")[2].strip() for around in (head.split("{") if opened else ())]
            if not heads:
                continue
            head = heads.pop()
        else:
            head = head.rpartition(";")[2].strip()
        rules.append((head, text, tuple(heads)))
    return rules


@lru_cache(maxsize=32)
def _hiding(sheets: str) -> frozenset[_Parts]:
    """Plain selectors of rules that hide, for screens or not: soon seen, and few pages have what they name."""
    found: set[_Parts] = set()
    for head, text, _ in rules_of(sheets):
        if hides(text) and not head.startswith("@"):
            parts = (_plain(selector.strip()) for selector in head.split(",")[:100])
            found.update(each for each in parts if each is not None)
    return frozenset(found)


@lru_cache(maxsize=50_000)
def hides(body: str) -> bool:
    """Whether the body of a rule hides an element, or its words."""
    if not _may_hide(body.lower()):
        return False
    look = read_style(body)
    return bool(concealed(look) or hides_words(look))


def _may_hide(body: str) -> bool:
    """Whether it holds what all rules hold that hide; words one by one are quicker than a pattern or a loop."""
    if "none" in body and _NOT_SHOWN.search(body):
        return True
    if "clip" in body or "visib" in body or "scale" in body or "rotate" in body or "matrix" in body or "\\" in body:
        return True
    if "opacity" in body and _FAINT.search(body):
        return True
    if "overflow" in body and _SMALL.search(body):
        return True
    if "font" in body and _NO_SIZE.search(body):
        return True
    if "position" in body or "margin" in body or "indent" in body or "transl" in body:
        return (_FAR.search(body) or _WIDE.search(body)) is not None
    return False


def _is_for_screens(media: str) -> bool:
    return media.strip().lower() in ("", "all", "screen")


def _read(sheets: str, own: set[str]) -> "Iterator[_Rule]":
    """Each selector as its tag and names, what it gives, whether it holds on screens for sure, whether it hides.

    Args:
        sheets: The sheets.
        own: Classes, ids and tags of elements, each class with its dot: rules that fit none of them are left out.
    """
    for head, text, around in rules_of(sheets):
        if head.startswith("@") or not _may_fit(head, own):
            continue
        every = (_parts(selector.strip()) for selector in head.split(",")[:100])
        fitting = [parts for parts in every if parts is not None and _fits_any(parts, own)]
        if not fitting:
            continue
        look = read_style(text) if _MAY_HIDE.search(text) or "display" in text or "visib" in text else {}
        if look:
            sure = all(_SCREEN.match(outer) for outer in around)
            for parts in fitting:
                yield parts, look, sure, hides(text)


def _may_fit(head: str, own: set[str]) -> bool:
    """Whether the selectors of a rule name anything of these, or nothing at all: most are soon left out."""
    if not own.isdisjoint(_NAME.findall(head)) or _NAMELESS.search(head):
        return True
    small = head.lower()
    return small != head and not own.isdisjoint(_NAME.findall(small))


def _fits_any(parts: _Parts, own: set[str]) -> bool:
    """Whether an element with all of these names may have what a selector asks for."""
    tag = parts[0].lstrip("?")
    return parts[1] <= own and (not tag or tag in own)


@lru_cache(maxsize=50_000)
def _parts(selector: str) -> _Parts | None:
    """What a selector asks of the element itself; where it asks for more than that, there is a "?" before the tag."""
    if plain := _plain(selector):
        return plain
    last = re.split(r"[\s>+~]", re.sub(r":[^\s>+~]*|\[[^\]]*\]", "", selector).strip())[-1]
    end = _PLAIN.fullmatch(last)
    return None if end is None else ("?" + end.group(1).lower(), frozenset(re.findall(r"[.#][\w-]+", end.group(2))))


def _plain(selector: str) -> _Parts | None:
    plain = _PLAIN.fullmatch(selector)
    if plain is None or selector in _ROOTS:
        return None
    return plain.group(1).lower().strip("*"), frozenset(re.findall(r"[.#][\w-]+", plain.group(2)))


def _found(tree: "HtmlElement", by_class: "ByClass", wanted: "set[_Parts]") -> "Iterator[HtmlElement]":
    """Elements with all that one of the selectors asks for, found by one of their names."""
    tags = [tag for tag, names in wanted if not names]
    if tags:
        yield from tree.iter(*tags)
    by_name: dict[str, list[_Parts]] = {}
    for parts in wanted:
        if parts[1]:
            by_name.setdefault(max(parts[1]), []).append(parts)
    for value, elements in by_class.items():
        asked = [parts for name in value.split() for parts in by_name.get(f".{name}", ())]
        if asked:
            yield from (element for element in elements if any(_fits(element, *parts) for parts in asked))
    if any(name.startswith("#") for name in by_name):
        for element in tree.iter():
            asked = by_name.get(f"#{element.get('id')}", [])
            if asked and any(_fits(element, *parts) for parts in asked):
                yield element


def _fits(element: "HtmlElement", tag: str, names: frozenset[str]) -> bool:
    return tag in ("", element.tag) and names <= _names_of(element)


def _by_name(rules: "list[_Rule]") -> dict[str, list[int]]:
    """Places of rules by one name, or the tag, of all that they are for."""
    places: dict[str, list[int]] = {}
    for place, (parts, _, _, _) in enumerate(rules):
        places.setdefault(max(parts[1]) if parts[1] else parts[0].lstrip("?"), []).append(place)
    return places


def _together(element: "HtmlElement", rules: "list[_Rule]", by_name: dict[str, list[int]]) -> Look:
    """What plain rules say of an element, the more special ones last; what others may say takes the place of hiding."""
    fitting: list[tuple[tuple[int, int, int], int, Look]] = []
    own = _names_of(element)
    for order in {place for name in (*own, element.tag, "") for place in by_name.get(name, ())}:
        parts, look, sure, hiding = rules[order]
        if not (parts[1] <= own and parts[0].lstrip("?") in ("", element.tag)):
            continue
        doubtful = not sure or parts[0].startswith("?")
        if doubtful and hiding:
            continue
        ids = sum(name.startswith("#") for name in parts[1])
        weight = (1 if doubtful else 0, ids, 10 * (len(parts[1]) - ids) + bool(parts[0].lstrip("?")))
        fitting.append((weight, order, look))
    together: dict[str, str] = {}
    for _, _, look in sorted(fitting, key=lambda rule: rule[:2]):
        together.update(look)
    return together
