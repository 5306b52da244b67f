import pytest
from support.hang_guard import must_end

from builder.method.corpus.rules.site import abridges, mentions, sells, site_name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://www.millers.com/bread", "millers"),
        ("https://shop.old-mill.co.uk/rye?x=1", "oldmill"),
        ("https://rye7.bakery", "rye7"),
        ("https://docs.millers.com/bread", ""),
        ("https://millers.com/docs/bread", ""),
        ("https://bread.gov/rye", ""),
        ("https://www.bread.edu.au/rye", ""),
        ("https://de.bakers.org/wiki/Rye", ""),
        ("https://hr.example2/rye", ""),
        ("https://localhost/rye", ""),
        ("https://[broken/rye", ""),
        ("no address", ""),
    ],
)
def test_the_name_of_a_site_comes_from_its_address_and_manuals_have_none(url: str, name: str) -> None:
    assert site_name(url) == name


def test_shops_and_services_are_told_by_their_address() -> None:
    selling = (
        "https://a.example/services/oven-repair/", "https://a.example/our-baking-services", "https://a.example/shop/rye",
        "https://a.example/browse/ovens?x=1", "https://a.example/c/ovens", "https://a.example/oven-solutions/rye",
    )  # fmt: skip
    assert all(map(sells, selling))
    others = (
        "https://a.example/blog/how-services-work", "https://a.example/docs/services/rye", "https://services.example/rye",
        "https://a.example/shopping-for-rye", "https://a.example/concepts/services-networking", "https://a.gov/services/",
        "https://a.example/best-rye-bread-products/",
    )  # fmt: skip
    assert not any(map(sells, others))


def test_a_name_is_found_in_one_word_or_several_but_not_inside_small_ones() -> None:
    assert mentions("Old Mill bakes. OldMill's ovens, OLD-MILL flour", "oldmill") == 3
    assert mentions("They removed it, and the move was slow", "move") == 0
    assert mentions("İzmir bakes with Old Mill", "oldmill") == 1
    assert mentions("Old Mill", "") == 0


def test_a_name_may_be_abridged_to_its_beginning() -> None:
    assert abridges("Bake with Millers today", "millersflour")
    for header in ("Bake with millers", "Bake with Millersflour", "Bake with Mill", "Bake with Flour", ""):
        assert not abridges(header, "millersflour")
    assert not abridges("Bake with Millers", "")


def test_long_texts_are_searched_for_a_name_in_linear_time() -> None:
    with must_end():
        assert mentions("A" * 400_000, "aaaa") == 100_000
        assert sells("https://a.example/" + "a-" * 50_000) is False
        assert site_name("https://" + "mill." * 50_000 + "com.") == "mill"
