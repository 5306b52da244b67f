from pathlib import Path

import pytest
from support.corpus_pages import settings

from builder.method.corpus.cutting.composition import composition
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.rules.heuristics import why_reject_segment
from builder.recipe.sections.corpus import Segments

PROSE = "Dough needs time, since yeast makes gas slowly and gluten has to stretch without tearing. "
OTHER = "Salt slows the yeast down, which is why bakers add it late."


@pytest.fixture
def config(tmp_path: Path) -> Segments:
    return settings(tmp_path, min_chars=50, max_chars=3_000)


def why(config: Segments, *paragraphs: str, header: str = "How bread rises", tag: str = "p") -> str | None:
    html = "".join(f"<{tag}>{paragraph}</{tag}>" for paragraph in paragraphs)
    blocks = walk(parse_html(f"<html><body>{html}</body></html>"))
    text = "\n\n".join(block.text for block in blocks)
    return why_reject_segment(Segment(header, 2, (), 0, text, (0,), composition(blocks)), config)


@pytest.mark.parametrize(
    "text",
    [
        "We use cookies to improve your experience. You can accept all cookies or manage preferences at any time.",
        "We and our partners store and/or access information on a device. Accept all. Reject all.",
        "This website uses cookies. By clicking Accept all you agree. Cookie settings let you choose.",
        "We value your privacy. With your consent we show personalised ads; you can withdraw your consent.",
        "Wir verwenden Cookies, auch unsere Partner. Alle akzeptieren oder Cookie-Einstellungen ändern.",
        "Nous utilisons des cookies avec nos partenaires. Tout accepter, tout refuser ou choisir plus tard.",
        "Utilizamos cookies propias y de nuestros socios. Aceptar todo, rechazar todo o configurar cookies.",
    ],
)
def test_consent_walls_have_their_reason(config: Segments, text: str) -> None:
    assert why(config, text) == "consent_wall"
    assert why(config, PROSE, OTHER, text) == "consent_wall"


@pytest.mark.parametrize(
    "text",
    [
        "A consent dialog needs a button to accept all cookies and one to reject all cookies, equally easy to find.",
        "Add two spoons of cocoa, and bake the cookies for ten minutes until their edges are brown.",
        "HTTP cookies are small pieces of data that a server sends; the browser stores them and sends them back.",
    ],
)
def test_texts_about_consent_and_cookies_pass(config: Segments, text: str) -> None:
    assert why(config, text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Please enable JavaScript in your browser to view this page as it was meant to be viewed by all.",
        "It looks as if you are using an ad blocker. This site lives on what advertisements bring in.",
        "Sign in to continue. This content is for subscribers, who also find twelve years of archives here.",
    ],
)
def test_other_walls_have_theirs(config: Segments, text: str) -> None:
    assert why(config, text) == "access_wall"


@pytest.mark.parametrize(
    "field",
    [
        "{{ item.title }}",
        "{{user.firstName | upper}}",
        "${name}",
        "${order.total}",
        "<%= product.name %>",
        "<% title %>",
        "[[placeholder]]",
        "{% block body %}",
        "*|FNAME|*",
    ],
)
def test_unfilled_fields_of_templates_have_theirs(config: Segments, field: str) -> None:
    shown = field.replace("<", "&lt;").replace(">", "&gt;")
    assert why(config, f"Dear {shown}, {PROSE}") == "template_braces"
    assert why(config, PROSE, header=f"All about {field}") == "template_braces"


def test_fields_in_code_and_in_texts_about_templates_pass(config: Segments) -> None:
    code = "<pre>print(`${name}`)\n{{ item.title }}</pre>"
    blocks = walk(parse_html(f"<html><body><p>{PROSE}</p>{code}<p>Here ${{name}} is filled in.</p></body></html>"))
    text = "\n\n".join(block.text for block in blocks)
    assert why_reject_segment(Segment("Strings", 2, (), 0, text, (0,), composition(blocks)), config) is None
    assert why(config, f"In a Jinja template, {{{{ item.title }}}} prints the title of the item. {PROSE}") is None
    assert (
        why(config, f"Write {{{{ name }}}} where the name belongs. {PROSE}", header="Placeholders in letters") is None
    )
    assert why(config, f"The set {{1, 2}} and the list [[1, 2], [3]] and ${{5}} are no fields. {PROSE}") is None


@pytest.mark.parametrize(
    "line",
    [
        "Advertisement",
        "ADVERTISEMENT - CONTINUE READING BELOW",
        "Advertisement — Continue Reading Below",
        "Story continues below advertisement",
        "Article continues below this ad",
        "Anzeige",
        "Реклама",
        "إعلان",
        "โฆษณา",
        "広告",
    ],
)
def test_places_of_advertisements_have_theirs(config: Segments, line: str) -> None:
    assert why(config, PROSE, line, OTHER) == "ad_placeholder"


def test_texts_on_advertising_pass(config: Segments) -> None:
    assert (
        why(config, PROSE, "An advertisement has to be told from the text around it, by a line or by a word.") is None
    )


def test_each_rule_can_be_turned_off(tmp_path: Path) -> None:
    config = settings(tmp_path, min_chars=50, drop_walls=False, drop_placeholders=False)
    assert why(config, PROSE, "Please enable JavaScript in your browser to view this page as it was meant.") is None
    assert why(config, f"Dear {{{{ name }}}}, {PROSE}", "Advertisement", OTHER) is None
