import pytest
from support.corpus_pages import page

from builder.method.corpus.cutting.language import by_vote, decide, declared_language
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.page import page_language
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.reading.readers import Page
from builder.text.language import detect

GERMAN = "Der Fluss fließt langsam durch die Stadt, und die Leute gehen am Abend gern am Ufer spazieren. " * 12
ENGLISH = "The river flows slowly through the town, and in the evening people like to walk along its banks. " * 12
ODD = "The zorbly vint of a quenter is brallow, and its mirk should be fendled before the ostrel is glimmed. " * 10


def html(text: str, lang: str = "") -> str:
    return f"<html{f' lang={lang}' if lang else ''}><body><main><p>{text}</p></main></body></html>"


def language(text: str, hint: str = "") -> str:
    return page_language(Page("p", "", text, "file", 0, hint, ""), walk(parse_html(text)), ["en"])


@pytest.mark.parametrize(
    ("markup", "hint", "code"),
    [
        ("<html lang='de-AT'>", "", "de"),
        ('<html xmlns="x" xml:lang="fr" class=a>', "", "fr"),
        ('<html><meta http-equiv="content-language" content="it">', "", "it"),
        ("<html>", "", ""),
        ("<html lang='de'>", "en", "en"),
        ("<html lang='de'>", "zh_chs", "zh"),
        ("<html lang='pl'>", "other", "pl"),
    ],
)
def test_declarations_are_read(markup: str, hint: str, code: str) -> None:
    assert declared_language(markup, hint) == code


def test_the_detector_knows_languages() -> None:
    assert detect(ENGLISH)[0] == "en"
    assert detect(GERMAN)[0] == "de"
    assert detect("12 34 !!") == ("", 0.0)


def test_a_false_declaration_does_not_help() -> None:
    assert language(html(GERMAN, "en"), "en") == "de"
    assert language(html(ENGLISH, "de")) == "en"


def test_odd_words_and_short_texts_do_not_cost_a_declared_page_its_place() -> None:
    assert language(html(ODD, "en")) == "en"
    assert language(html("Vint brallow zorbly.", "en")) == "en"
    assert language(page(3)) == "en"


SENTENCES = [
    f"The {word} river flows slowly through the old town in the evening." for word in ["red", "green", "old", "new"]
]


@pytest.mark.parametrize(
    "odd",
    [
        "Book Now *" * 120,
        "1990 1991 1992 " * 80,
        "Zdeněk Dvořák, Łukasz Wójcik, Jürgen Müller, Søren Kierkegaard, " * 12,
        "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor. " * 9,
        "SKU-8841-XL/22 " * 70,
    ],
)
@pytest.mark.parametrize("declared", ["en", ""])
def test_one_long_odd_text_does_not_decide_for_a_page(odd: str, declared: str) -> None:
    body = "".join(f"<p>{text}</p>" for text in SENTENCES * 3 + [f"{text} Again." for text in SENTENCES])
    assert language(f"<html lang='{declared}'><body><h1>On rivers</h1>{body}<div>{odd}</div></body></html>") == "en"


@pytest.mark.parametrize("declared", ["en", "de", ""])
def test_a_page_in_another_language_is_not_saved_by_labels(declared: str) -> None:
    labels = "".join(f"<li>Read more of item {index}</li>" for index in range(60))
    german = "".join(f"<p>{index}. {GERMAN[:96]}</p>" for index in range(8))
    assert language(f"<html lang='{declared}'><ul>{labels}</ul><h1>Fluss</h1>{german}</html>") == "de"


def test_each_text_has_one_vote_however_often_it_stands_there() -> None:
    said = {
        "The river flows through the town, slowly and wide.": ("en", 0.9),
        "Der Fluss fließt langsam durch die Stadt.": ("de", 0.9),
    }
    found = by_vote([*list(said) * 3, list(said)[1], "short"], lambda text: said[text])
    assert found[0] == "en"
    assert by_vote(["short", "again and again " * 9], lambda text: ("xx", 1.0)) == ("", 0.0, 0)


@pytest.mark.parametrize(
    ("declared", "detected", "confidence", "letters", "taken"),
    [
        ("en", "en", 0.1, 10, "en"),
        ("en", "la", 0.3, 2_000, "en"),
        ("en", "fr", 0.95, 2_000, "fr"),
        ("en", "fr", 0.95, 50, "en"),
        ("", "fr", 0.2, 50, "fr"),
        ("de", "en", 0.9, 50, "en"),
        ("de", "en", 0.3, 2_000, "de"),
        ("de", "", 0.0, 0, "de"),
        ("", "", 0.0, 0, ""),
    ],
)
def test_who_is_believed(declared: str, detected: str, confidence: float, letters: int, taken: str) -> None:
    assert decide(declared, detected, confidence, letters, ["en"]) == taken
