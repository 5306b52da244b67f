import pytest
from support.hang_guard import must_end

from builder.method.corpus.cutting.declared import declared

GRAPH = '<meta property="og:type" content="{}">'
LD = '<script type="application/ld+json">{{"@context":"https://schema.org","@graph":[{}]}}</script>'


def ld(*types: str) -> str:
    return LD.format(",".join(f'{{"@type":"{name}"}}' for name in types))


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("", ""),
        (GRAPH.format("article"), "article"),
        ('<meta content="article" property="og:type"/>', "article"),
        (GRAPH.format("website"), "site"),
        (GRAPH.format("blog"), "site"),
        (GRAPH.format("product"), "goods"),
        (GRAPH.format("product.group"), "goods"),
        (ld("WebPage", "BreadcrumbList"), ""),
        (ld("WebPage", "Product", "Offer"), "goods"),
        (ld("SoftwareApplication"), "goods"),
        (LD.format('{"@type" : ["Product", "Car"]}'), "goods"),
        (GRAPH.format("article") + ld("Product"), "goods"),
        (ld("BlogPosting", "Product", "Offer"), "article"),
        (GRAPH.format("website") + ld("NewsArticle"), "article"),
        (GRAPH.format("product") + ld("HowTo"), "article"),
        ("<p>og:type", ""),
        ('<script type="application/ld+json">{"@type": "Product"', "goods"),
    ],
)
def test_pages_say_what_they_are(head: str, expected: str) -> None:
    assert declared(f"<html><head>{head}</head><body><h1>Bread</h1></body></html>") == expected


@pytest.mark.parametrize("part", ["ld+json", '<script type="application/ld+json">"@type":[', "og:type", '"@type" '])
def test_pages_of_declarations_alone_are_read_in_linear_time(part: str) -> None:
    with must_end():
        assert declared(part * 100_000) == ""
        assert declared('<script type="application/ld+json">' + part * 100_000) == ""
