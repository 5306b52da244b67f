"""Headings of comments and other furniture, and which blocks are comments."""

import pytest
from support.corpus_pages import paragraphs

from builder.method.corpus.cutting.content.headings import COMMENTS, PLAIN, kind_of, threads
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

TEXTS = paragraphs(3, count=20, words=40)


@pytest.mark.parametrize(
    "heading",
    [
        "34 responses to “On rivers”",
        "Leave a Reply",
        "Leave a comment",
        "12 Comments",
        "1,204 comments",
        "Comments (7)",
        "Comments: 7",
        "One thought on “On rivers”",
        "5 thoughts on rivers",
        "Post a Comment",
        "Add your comment",
        "Recent comments",
        "Join the conversation",
        "Comments are closed",
        "What do you think?",
        "No comments yet",
    ],
)
def test_headings_of_comments_are_known(heading: str) -> None:
    assert kind_of(heading) == COMMENTS


@pytest.mark.parametrize(
    "heading",
    [
        "Discussion",
        "Thoughts on rivers",
        "Responses to criticism",
        "3.2 Comments",
        "Comments in shell scripts",
        "Replying to a message",
        "Commenting out code",
    ],
)
def test_sections_about_comments_are_none(heading: str) -> None:
    assert kind_of(heading) != COMMENTS


def test_an_ordinary_heading_is_plain() -> None:
    assert kind_of("How rivers bend") == PLAIN


def in_threads(html: str) -> set[str]:
    blocks = walk(parse_html(html))
    return {blocks[number].text for number in threads(blocks)}


@pytest.mark.parametrize("heading", ["34 responses to “On rivers”", "Leave a Reply", "6 Comments"])
def test_comments_longer_than_the_article_are_comments(heading: str) -> None:
    article = "".join(f"<p>{text}</p>" for text in TEXTS[:4])
    comments = "".join(f"<div><b>jo</b><p>{text}</p></div>" for text in TEXTS[4:])
    under = f"<body><h1>On rivers</h1>{article}<div><h2>{heading}</h2>{comments}</div></body>"
    assert set(TEXTS[4:]) <= in_threads(under)
    assert not in_threads(under) & set(TEXTS[:4])
    named = f"<body><h1>On rivers</h1>{article}<div id=comments>{comments}</div></body>"
    assert set(TEXTS[4:]) <= in_threads(named)


def test_what_follows_the_comments_is_none() -> None:
    article = "".join(f"<p>{text}</p>" for text in TEXTS[:4])
    html = f"<h1>A</h1>{article}<div><h3>3 comments</h3><p>{TEXTS[4]}</p></div><h2>Mouths</h2><p>{TEXTS[5]}</p>"
    assert TEXTS[4] in in_threads(html)
    assert TEXTS[5] not in in_threads(html)


def test_a_page_of_nothing_but_comments_has_none() -> None:
    assert in_threads(f"<h1>A</h1><div class=comments><p>{TEXTS[1]}</p><p>{TEXTS[2]}</p></div>") == set()
