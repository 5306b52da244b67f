"""Random pieces of pages, and the text that a reader sees of them by a reference of few lines."""

from typing import NamedTuple

from hypothesis import strategies as st


class Node(NamedTuple):
    """An element with its attributes and content, or a piece of text where the tag is empty."""

    tag: str
    attributes: str = ""
    inside: "tuple[Node, ...]" = ()
    text: str = ""


HIDING = ("hidden", "style='display:none'", "style='display: none !important'", "class=gone")
"""Nothing of it is laid out; `RULES` has the class."""
BLANK, AGAIN = "style='visibility:hidden'", "style='visibility:visible'"
LINE = "style='display:block'"
SHOWING = ("", "", "", "aria-hidden=true", "class=card", "style='color:#222'")
UNREAD = frozenset({"del", "s", "rt", "script", "template", "noscript", "textarea"})
"""No text here by intent, though browsers show some of it; `RULES` hide those there."""
RULES = "<style>.gone, del, s, rt, textarea { display: none }</style>"
INLINE = ("a", "abbr", "b", "bdi", "cite", "code", "em", "i", "ins", "kbd", "mark", "small", "span", "strong", "u")
LINES = ("p", "h3", "pre", "dt")
BLOCKS = (
    "div",
    "section",
    "article",
    "blockquote",
    "ul",
    "ol",
    "dl",
    "table",
    "details",
    "figure",
    "main",
    "menu",
    "hgroup",
    "search",
)
ITEMS = {"ul": "li", "menu": "li", "ol": "li", "dl": "dd", "table": "td", "details": "summary", "figure": "figcaption"}
PIECES = {
    "river": "river", "Apfel": "Apfel", "мост": "мост", "水車": "水車", " ": " ", "&nbsp;": " ", "\t": " ", ", ": ", ",
    "&shy;": "", "<wbr>": "", "<!-- ford -->": "", "<br>": "\n", "&#8203;": "", "&lt;lock&gt;": "<lock>",
    " m<sup>2</sup> ": " m2 ", " H<sub>2</sub>O ": " H2O ", " <q>weir</q> ": " weir ", "<img alt=boat src=b.png>": "",
    "<ruby>川<rp>(</rp><rt>かわ</rt><rp>)</rp></ruby>": "川", "<script>var mill</script>": "", "<hr>": "\n",
}  # fmt: skip
RULE = "<hr>"
_pieces = st.sampled_from(sorted(PIECES.keys() - {RULE})).map(lambda piece: Node("", text=piece))


def _of(
    tags: tuple[str, ...], inside: st.SearchStrategy[Node], most: int, more: tuple[str, ...] = (BLANK, AGAIN)
) -> st.SearchStrategy[Node]:
    attributes = st.sampled_from((*SHOWING, *SHOWING, *HIDING, *more))
    return st.builds(Node, st.sampled_from(tags), attributes, st.lists(inside, min_size=1, max_size=most).map(tuple))


# Blanks beside a blank inline element are one for innerText, and it leaves that out: those are in test_visible_words.
_inline = st.recursive(_pieces, lambda inner: _of((*INLINE, "del", "s"), inner, 3, more=()), max_leaves=5)
_lines = _of(LINES, _inline, 4) | st.just(Node("", text=RULE))
_styled = _of(("b", "em", "span"), _pieces, 3, more=(LINE,) * 8)
TREES = st.recursive(
    _lines | _styled | _inline,
    lambda inner: _of(BLOCKS, inner, 4) | _of(("ins", "span"), inner, 3, more=()),
    max_leaves=8,
)


def html_of(node: Node, *, linked: bool = False) -> str:
    """Its markup; a link within a link is none."""
    if not node.tag:
        return node.text
    tag = "span" if linked and node.tag == "a" else node.tag
    parts = [html_of(child, linked=linked or tag == "a") for child in node.inside]
    item = ITEMS.get(tag)
    if item:
        parts = [f"<{item}>{part}</{item}>" for part in (parts if item != "summary" else parts[:1])]
        parts += [html_of(child, linked=linked) for child in (node.inside[1:] if item == "summary" else ())]
    inside = "".join(parts)
    inside = f"<tr>{inside}</tr>" if tag == "table" else inside
    return f"<{tag} {node.attributes}{' open' if tag == 'details' else ''}>{inside}</{tag}>"


def seen(node: Node, *, shown: bool = True) -> str:
    """What a reader sees: hidden text is not there, and blocks, lines and entries begin and end a line."""
    if not node.tag:
        return PIECES[node.text] if shown else " " * PIECES[node.text].isspace()
    if node.attributes in HIDING or node.tag in UNREAD:
        return ""
    shown = node.attributes == AGAIN or (shown and node.attributes != BLANK)
    parts = [seen(child, shown=shown) for child in node.inside]
    if node.tag in ITEMS:
        parts = [f"\n{part}\n" for part in parts]
    inside = "".join(parts)
    return f"\n{inside}\n" if node.tag in (*BLOCKS, *LINES) or node.attributes == LINE else inside
