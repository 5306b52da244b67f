"""Pages and sections of the crawl that a segmenter must leave out: other languages, shouting, menus, broken pages."""

import random

from builder.sample.pages import Block, Page, page
from builder.sample.phrases import TOPICS

FILLER = (
    "Our office is open from Monday to Friday, and a member of the club will be glad to show you around.",
    "The next meeting takes place in the back room of the mill, where coffee and cake will be waiting for you.",
    "Pictures for this page were taken by our readers, who have kindly agreed to let everyone look at them.",
    "A printed copy of these notes can be had at the counter as long as there are any left in the box.",
)
NAVIGATION_HEADERS = ("Related articles", "Newsletter", "Share this", "Most popular", "Leave a reply", "Follow us")
SHOUTED_HEADERS = ("READ THIS FIRST", "IMPORTANT NEWS FOR MEMBERS", "GREAT OFFERS INSIDE", "PLEASE NOTE OUR NEW HOURS")

# Title, headers and sentences of pages in other languages; `{}` takes one of the nouns.
FOREIGN_PAGES = {
    "de": (
        ("Rund um {}", ("{} aufbewahren", "{} reinigen", "Was {} kosten")),
        ("Äpfel", "Glocken", "Lampen", "Spiegel", "Trommeln", "Vasen"),
        (
            "Viele Leute wissen nicht, wie man {} über den Winter bringt.",
            "Am besten fragt man jemanden, der sich damit seit Jahren beschäftigt.",
            "Wer {} auf dem Markt kauft, sollte sie vorher in die Hand nehmen.",
            "Mit etwas Geduld und einem weichen Tuch werden {} wieder schön.",
            "In unserem Dorf gibt es einen kleinen Laden, der {} verkauft.",
            "Zu viel Wasser schadet mehr, als es nützt, und kostet außerdem Zeit.",
        ),
    ),
    "fr": (
        ("Tout sur les {}", ("Ranger les {}", "Nettoyer les {}", "Le prix des {}")),
        ("pommes", "cloches", "lampes", "miroirs", "tambours", "vases"),
        (
            "Il ne faut jamais laisser les {} dans une pièce trop humide.",
            "Beaucoup de gens achètent des {} au marché du samedi matin.",
            "Avec un peu de patience, les {} retrouvent leur couleur d'origine.",
            "Demandez conseil à une personne qui connaît bien le métier.",
            "Dans notre village, une petite boutique vend encore des {} anciennes.",
            "On les range dans une boîte fermée jusqu'au retour du printemps.",
        ),
    ),
    "es": (
        ("Todo sobre las {}", ("Guardar las {}", "Limpiar las {}", "El precio de las {}")),
        ("manzanas", "campanas", "mantas", "botas", "flautas", "linternas"),
        (
            "Nunca hay que dejar las {} en una habitación demasiado húmeda.",
            "Mucha gente compra las {} en el mercado de los sábados.",
            "Con un poco de paciencia, las {} recuperan su color original.",
            "Lo mejor es preguntar a una persona que conozca bien el oficio.",
            "En nuestro pueblo todavía hay una tienda que vende {} antiguas.",
            "Se guardan en una caja cerrada hasta que vuelve la primavera.",
        ),
    ),
}


def foreign_page(rng: random.Random, language: str, label: str) -> Page:
    """A page in another language.

    Args:
        rng: Where the choices come from.
        language: Its real language, `de`, `fr` or `es`.
        label: The language that the page and the archive claim.
    """
    (title, headers), nouns, sentences = FOREIGN_PAGES[language]
    noun = rng.choice(nouns)
    blocks = [
        Block(header.format(noun), f"<p>{' '.join(rng.sample(sentences, 4)).format(*[noun] * 4)}</p>")
        for header in rng.sample(headers, 2)
    ]
    return page(rng, title.format(noun), blocks, language=label)


def side_block(rng: random.Random) -> Block:
    """A section whose header gives it away: all in capitals, or a name that stands over menus."""
    header = rng.choice(rng.choice((NAVIGATION_HEADERS, SHOUTED_HEADERS)))
    return Block(header, f"<p>{' '.join(rng.sample(FILLER, 2))}</p>")


def unprosaic_block(rng: random.Random) -> Block:
    """A section that is a list, a table or code."""
    topics = rng.sample(TOPICS, 4)
    items = "".join(f"<li>two {topic}</li>" for topic in topics)
    rows = "".join(f"<tr><td>{topic}</td><td>{rng.randint(1, 40)}</td></tr>" for topic in topics)
    code = "\n".join(f'    add("{topic}", {rng.randint(1, 40)})' for topic in topics)
    return rng.choice(
        (
            Block("What to bring", f"<ul>{items}</ul>"),
            Block("In numbers", f"<table><tr><th>What</th><th>How many</th></tr>{rows}</table>"),
            Block("For the club's computer", f"<pre><code>def fill_list():\n{code}</code></pre>"),
        )
    )


def broken_pages(rng: random.Random) -> list[Page]:
    """Pages that are empty, not HTML, without headings or cut off; none has a section to find."""
    prose = " ".join(FILLER)
    noise = bytes(rng.randrange(256) for _ in range(2_000))
    payloads = {
        "empty": b"",
        "blank": b" \r\n\t\r\n ",
        "picture": b"\x89PNG\r\n\x1a\n" + noise,
        "document": b"%PDF-1.4\n" + noise + b"\n%%EOF",
        "no-headings": f"<html lang=en><title>Hello</title><body><p>{prose}</p><p>{FILLER[0]}</p></body>".encode(),
        "plain": prose.encode(),
        "json": b'{"items": [{"name": "apples", "count": 3}], "next": null}',
        "frames": b'<html><frameset cols="20%,80%"><frame src="menu.html"><frame src="main.html"></frameset></html>',
        "moved": b'<html><head><meta http-equiv="refresh" content="0; url=/new.html"></head><body></body></html>',
        "only-headings": b"<html lang=en><body><h1>One</h1><h2>Two</h2><h3>Three</h3><h2>Four</h2></body></html>",
        "cut": b'<html lang=en><head><title>Cut</title></head><body><div class="main"><h2>Cut h',
        "nested": b"<html lang=en><body>" + b"<div>" * 3_000 + b"<h2>Deep</h2>" + b"</div>" * 3_000 + b"</body></html>",
        "menu": b"<html lang=en><body><nav><h2>Menu</h2>"
        + b'<a href="/a">One of our pages</a>' * 40
        + b"</nav></body>",
        "control": b"<html lang=en><body><h2>\x00\x01\x02</h2><p>\x03\x04\x0b\x0c\x1b[31m</p></body></html>",
    }
    return [Page(f"https://broken.example/{name}", "en", payload) for name, payload in payloads.items()]
