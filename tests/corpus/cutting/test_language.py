import pytest
from support.corpus_pages import page

from builder.method.corpus.cutting.language import decide, declared_language
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
