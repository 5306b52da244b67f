"""Pages of the mini-web as HTML: sections and furniture poured into a layout."""

import random
import re
from dataclasses import dataclass
from html import escape

from builder.sample.layouts import LAYOUTS, SHARES, UNTIDY, Layout

SITES = (
    ("Attic and Cellar", "attic-and-cellar"),
    ("The Tidy House", "tidy-house"),
    ("Village Notes", "village-notes"),
    ("Sunday Workshop", "sunday-workshop"),
    ("Handy Almanac", "handy-almanac"),
    ("Plain Answers", "plain-answers"),
    ("Market Lane", "market-lane"),
    ("Old and Useful", "old-and-useful"),
    ("Paper Lantern Review", "paper-lantern"),
    ("Household Wiki", "household-wiki"),
)
NAVIGATION = ("Home", "Guides", "Garden", "Making", "Kitchen", "Travel", "Letters", "About us", "Contact", "Search")
RELATED = (
    "Ten doors and what is behind them",
    "Our garden in winter",
    "Why the kettle sings",
    "Letters from our readers",
    "A walk along the canal",
    "How we painted the fence",
    "The shortest recipe of the year",
    "What the postman told us",
)
FOOTER = ("Imprint", "Privacy", "Terms of use", "Jobs", "Press", "Site map")
LEGAL = (
    "All texts on this site may be printed for private use.",
    "No part of this site may be copied without asking us first.",
    "Texts by the members of our club.",
)
COOKIES = (
    "This site stores small files on your computer so that it can recognise you.",
    "We and our partners use cookies. You may change your choice at any time.",
)
AUTHORS = ("Ada Brook", "Tom Fields", "Mira Stone", "Jon Hale", "Ines Park", "Carl Weaver")
AREAS = ("home", "guides", "hobby", "questions")
MONTHS = ("January", "March", "April", "June", "September", "November")


@dataclass(frozen=True)
class Block:
    """A header with the HTML below it; `level` None leaves the heading level to the layout."""

    header: str
    body: str
    level: int | None = None


@dataclass(frozen=True)
class Page:
    """A page as it goes into the archive."""

    url: str
    language: str
    payload: bytes


def slug(text: str) -> str:
    """A text as part of a URL: lower case, words joined by hyphens."""
    return "-".join(re.findall(r"[a-z0-9]+", text.lower()))


def paragraph(rng: random.Random, text: str) -> str:
    """A text as one `<p>`; now and then a word of it is emphasised or is a link, as on real pages."""
    words = [escape(word, quote=False) for word in text.split(" ")]
    if rng.random() < 0.2:
        place = rng.randrange(len(words))
        words[place] = rng.choice(("<em>{}</em>", "<b>{}</b>", '<a href="/words">{}</a>')).format(words[place])
    return f"<p>{' '.join(words)}</p>"


def page(rng: random.Random, title: str, blocks: list[Block], *, language: str = "en") -> Page:
    """Render one page in a layout, with a site and with furniture that are chosen at random.

    Args:
        rng: Where the choices come from.
        title: The page's title; most layouts show it as h1.
        blocks: The sections, in order.
        language: For `<html lang>` and the archive's Language header.
    """
    layout = rng.choices(LAYOUTS, SHARES)[0]
    name, host = rng.choice(SITES)
    year = rng.randint(2015, 2021)
    url = f"https://www.{host}.example/{year}/{slug(title)}-{rng.randrange(10_000):04d}.html"
    level = rng.choice(layout.levels)
    text = layout.page.substitute(
        language=language,
        title=escape(title),
        site=name,
        url=url,
        area=rng.choice(AREAS),
        author=rng.choice(AUTHORS),
        year=year,
        date=f"{rng.randint(1, 28)} {rng.choice(MONTHS)} {year}",
        heading="" if level == 1 else f"<h1>{escape(title)}</h1>",
        navigation=_links(rng, NAVIGATION, rng.randint(4, 7)),
        related=_links(rng, RELATED, 4),
        footer=_links(rng, FOOTER, 3),
        legal=rng.choice(LEGAL),
        cookies=rng.choice(COOKIES),
        sections="\n".join(_section(layout, block, block.level or level) for block in blocks),
    )
    if layout is UNTIDY:
        text = re.sub(r"</(p|li)>", "", text)
    return Page(url, language, text.encode("utf-8"))


def _section(layout: Layout, block: Block, level: int) -> str:
    header = escape(block.header, quote=False)
    return layout.section.substitute(level=level, header=header, slug=slug(block.header), body=block.body)


def _links(rng: random.Random, labels: tuple[str, ...], count: int) -> str:
    return "".join(f'<li><a href="/{slug(label)}">{escape(label)}</a></li>' for label in rng.sample(labels, count))
