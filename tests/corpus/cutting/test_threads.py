import pytest

from builder.method.corpus.cutting.around.threads import is_front_page, posts
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

TEXT = "<p>I have baked rye for ten years and it never rises as high as wheat does.</p>"


def posted(url: str, *headings: str, level: int = 3) -> list[str]:
    html = "".join(f"<h{level}>{heading}</h{level}>{TEXT}" for heading in headings)
    blocks = walk(parse_html(f"<html><body><h1>Why is my loaf flat?</h1>{html}</body></html>"))
    found = posts(blocks, url)
    return [block.text for block in blocks if block.kind == "heading" and block.ordinal in found]


@pytest.mark.parametrize(
    ("url", "headings"),
    [
        ("https://bread.example/page", ("rye_fan", "Crusty77", "rye_fan", "oldMiller")),
        ("https://bread.example/page", ("Ada Senior Member", "Bob New Member", "Crusty77 Moderator")),
        ("https://bread.example/page", ("Re: Why is my loaf flat?", "Re: Why is my loaf flat?")),
        ("https://bread.example/page", ("#2 2024-08-03 10:59", "#3 2024-08-03 14:22")),
        ("https://forum.bread.example/rye", ("Ada", "Bob", "Carla M")),
    ],
)
def test_headings_that_name_who_wrote_are_found(url: str, headings: tuple[str, ...]) -> None:
    assert posted(url, *headings) == list(headings)


@pytest.mark.parametrize(
    ("url", "headings"),
    [
        ("https://bread.example/page", ("Pros", "Cons", "Pros", "Cons")),
        ("https://bread.example/api", ("forEach", "map", "find_all", "useState")),
        ("https://bread.example/api", ("Example", "Parameters", "Returns", "Example", "Parameters")),
        ("https://bread.example/page", ("Rye", "Spelt", "Wheat")),
        ("https://bread.example/topics/rye", ("Rye", "Spelt", "Wheat")),
        ("https://bread.example/page", ("Members of the guild", "How to join")),
        ("https://bread.example/page", ("ステップ1", "ステップ2", "ステップ1", "ステップ2")),
        ("https://bread.example/page", ("方法1", "方法2", "方法1", "方法2")),
        ("https://bread.example/page", ("방법1", "방법2", "방법1", "방법2")),
        ("https://bread.example/page", ("ขั้นตอนที่1", "ขั้นตอนที่2", "ขั้นตอนที่1", "ขั้นตอนที่2")),
        ("https://forum.bread.example/rye", ("怎样在家里烤一个酥脆的面包", "为什么面包放一天就会变硬呢")),
        ("https://forum.bread.example/rye", ("วิธีอบขนมปังให้กรอบนานที่บ้าน", "ทำไมขนมปังแข็งเร็วเมื่อทิ้งไว้")),
    ],
)
def test_other_short_headings_are_not(url: str, headings: tuple[str, ...]) -> None:
    assert posted(url, *headings) == []


def test_the_question_of_a_thread_is_one() -> None:
    assert posted("https://bread.example/threads/flat-loaf.12/", "Ada", "Bob") == ["Why is my loaf flat?", "Ada", "Bob"]
    assert posted("https://bread.example/t/flat-loaf/12") == ["Why is my loaf flat?"]
    assert posted("https://bread.example/flat-loaf") == []


@pytest.mark.parametrize(
    "url",
    [
        "https://bread.example/threads/flat-loaf.12/",
        "https://bread.example/forum/flat-loaf",
        "https://bread.example/forums/ovens/why-flat?x=1",
        "https://bread.example/viewtopic.php?t=12",
        "https://bread.example/showthread.php?t=12",
    ],
)
def test_all_headings_of_a_thread_are_of_its_posts(url: str) -> None:
    headings = ("How long does rye keep in a cool and dry cellar?", "Second thoughts on tins")
    assert posted(url, *headings) == ["Why is my loaf flat?", *headings]


@pytest.mark.parametrize(
    "url",
    [
        "https://bread.example/guide/threads/locks",
        "https://bread.example/topic/rye",
        "https://bread.example/how-forums-work",
        "https://bread.example/forum",
        "https://forum.bread.example/rules-of-rye",
    ],
)
def test_pages_with_the_words_of_a_forum_in_their_address_keep_other_headings(url: str) -> None:
    headings = ("How long does rye keep in a cool and dry cellar?", "Second thoughts on tins that burn at once")
    assert not set(posted(url, *headings)) & set(headings)


def test_front_pages_are_told_by_their_address() -> None:
    fronts = ("https://a.example", "http://a.example/", "https://a.example/en/", "https://a.example/us/en/")
    assert all(map(is_front_page, (*fronts, "https://a.example/index.html")))
    others = ("https://a.example/bread", "https://a.example/?p=3", "file:///pages/index.html", "pages/a.html")
    assert not any(map(is_front_page, others))
