"""Of any tree of hiding and showing elements, the words that a reader sees come out, in their order, and no others."""

from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

GONE = (
    "hidden", 'style="display:none"', 'style="DISPLAY : none !important"', 'class="sr-only"', 'style="opacity:0"',
    'style="position:absolute;left:-9999px"', 'aria-hidden="true" hidden', 'class="gone"', 'popover',
    'style="width:0;height:0;overflow:hidden"', 'style="clip-path:inset(50%)"', 'style="transform:scale(0)"',
)  # fmt: skip
"""With all that is in them."""
SHOWN = ("", 'style="display:block"', 'aria-hidden="true"', 'style="opacity:1"', 'class="card"', 'style="color:#333"')
BLANK, AGAIN = 'style="visibility:hidden"', 'style="visibility:visible"'
Tree = tuple[str, str, list["Tree"]]

TREES: st.SearchStrategy[Tree] = st.recursive(
    st.tuples(st.sampled_from(("p", "span", "b")), st.sampled_from((*SHOWN, *GONE, BLANK, AGAIN)), st.just([])),
    lambda inner: st.tuples(
        st.sampled_from(("div", "section", "noscript", "template", "blockquote")),
        st.sampled_from((*SHOWN, *SHOWN, *GONE, BLANK, AGAIN)),
        st.lists(inner, max_size=4),
    ),
    max_leaves=12,
)


def write(tree: Tree, words: "count[int]", seen: bool, gone: bool, visible: list[str]) -> str:
    """The markup of a tree; the words in it that are seen are added to `visible`."""
    tag, attribute, children = tree
    gone = gone or attribute in GONE or tag in ("noscript", "template")
    seen = attribute == AGAIN or (seen and attribute != BLANK)
    word = f"w{next(words)}"
    if seen and not gone:
        visible.append(word)
    inside = "".join(write(child, words, seen, gone, visible) for child in children)
    return f"<{tag} {attribute}> {word} {inside}</{tag}>"


@settings(max_examples=60, deadline=None)
@given(st.lists(TREES, max_size=4))
def test_the_words_that_are_seen_come_out_and_no_others(trees: list[Tree]) -> None:
    words, visible = count(), list[str]()
    body = " ".join(write(tree, words, True, False, visible) for tree in trees)
    page = f"<html><head><style>.gone {{display: none}}</style></head><body><h1>Bread</h1>{body}</body></html>"
    read = " ".join(block.text for block in walk(parse_html(page))).split()
    assert read == ["Bread", *visible]
