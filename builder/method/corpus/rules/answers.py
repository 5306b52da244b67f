"""Which segments answer nothing: posts, prompts, notices, lists, praise, and leads without their sections.

Departure: the paper leaves this to its scores; these rules are ours, each with a key that turns it off.
"""

import re
from typing import TYPE_CHECKING

from builder.method.corpus.rules.adverts import advertises
from builder.method.corpus.rules.phrases import load_phrases, words_of
from builder.method.corpus.rules.walls import wall_fault
from builder.text.scripts import size
from builder.text.words import units
from builder.text.words import words as words_of_any

if TYPE_CHECKING:
    from builder.method.corpus.cutting.composition import Composition
    from builder.method.corpus.cutting.segmenter import Segment
    from builder.method.corpus.rules.phrases import Phrases
    from builder.recipe.sections.corpus import Segments

    Found = dict[str, list[str]]

LISTED_LINES = 4
"""So many lines with a date or a price make a listing, where they are `LISTED_SHARE` of all lines."""
LISTED_SHARE = 0.3
QUESTION_SHARE = 0.6
LEGAL_PHRASES = 5
"""So many different phrases of a contract or a notice make a text one of those, where they are dense."""
LEGAL_DENSITY = 3.0
DEFINED_WORDS, DEFINED_AT = 5, 25
"""A lead that says its whole header, of so many words at most, among its first words is taken for a definition."""
SHOP_PHRASES, COURSE_PHRASES, PRAISE_PHRASES, PODCAST_PHRASES = 2, 3, 3, 2
ATTRIBUTED = 3
"""So many lines that name a person and an office are those below quotations in praise."""
FRONT_PAGE = 0.25
"""Of `max_marketing`, what the front page of a site may have."""
SITE_PAGE = 0.5
"""What a page may have that declares itself a page of a site and no article."""
QUOTED_SHARE = 0.7
"""A text that is quotations for so much of it is a collection of praise, or nobody's answer."""
LINKED_LINES = 0.6
"""A text is a list of links where so many of its lines are links for a good part."""
CHANGE_LINES = 5
CHANGE_SHARE = 0.5
_SHORT, _LABEL = 120, 40
"""By `scripts.size`."""
_BEGINNING, _GREETED = 1_000, 300
_VERSION = re.compile(
    r"(?:.{0,40}\b(?:version|release|v|ver\.)\s?)?\[?v?\d{1,4}(?:\.\d{1,5}){1,3}(?:[-.]?(?:alpha|beta|rc|dev|post)[.\d]*)?\]?"
    r"(?:\W{1,3}(?:\w{3,9}\W{1,2})?\d[\d\W]{1,12})?(?:\W*(?:latest|unreleased|current|lts|stable))?\W{0,3}",
    re.IGNORECASE,
)
_GARBLED = re.compile(
    r"â€|â¦|â(?=\s)|\wâs\b|Ã[\x80-\xbf]|Â[ \u00a0»«°·]|\b(?:at|by|of|to|was|worth|about) \.\d{1,3} (?:tr|b|m)illion\b"
)
"""Characters that were decoded twice; amounts whose beginning was lost with their currency."""
_GREETING = re.compile(r"(?:^|\n)\W{0,3}(?:hi|hello|hey)\b[^.?\n]{0,40}\b(?:i['’]?m|i am|my name is)\b", re.IGNORECASE)
_ASKING = ("?", "？", "؟")
_QUOTES = ("“", "„", "«", "「", '"')
_CHAPTER = re.compile(r"\d+(?:\.\d+)?\.?")
_OFFICE = re.compile(
    r"\W{0,3}[A-Z][^.!?:;]{2,50}[,|–—-] ?[^.!?:;]{0,40}\b(?:C[A-Z]O|[SE]?VP|President|Director|Manager|Founder"
    r"|Co-?founder|Officer|Owner|Head of|Lead|Engineer|Developer|Designer|Partner|Chair|Principal)\b[^.!?]{0,60}"
)
_PRICE = re.compile(r"[$€£¥₹₩₽]\s?\d|\d\s?(?:€|£|zł|kr\b|USD\b|EUR\b|GBP\b|CHF\b)")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)"
)
"""Whole words: "Marinate 20 minutes" and "5 decades" are no dates."""
_DATE = re.compile(
    rf"\b{_MONTH}\.?\s\d{{1,2}}\b|\b\d{{1,2}}(?:st|nd|rd|th)?\s{_MONTH}\b"
    r"|\b\d{1,2}[:.]\d\d\s?(?:am|pm|uhr|h)\b|\b\d{1,2}\s?(?:am|pm)\b"
    r"|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{4}-\d\d-\d\d\b|\d{1,2}月\d{1,2}日",
    re.IGNORECASE,
)


def answer_fault(segment: "Segment", config: "Segments") -> str | None:
    """The first rule by which a segment is no answer, or None; cheap rules come first."""
    phrases = load_phrases(config.phrases)
    if config.drop_posts and segment.post:
        return "forum_post"
    if config.drop_prices and segment.declared == "goods":
        return "shop_page"
    if config.drop_holes and _is_garbled(segment.text):
        return "garbled"
    if fault := _header_fault(segment.header, phrases, config) or _make_up_fault(segment.made_of, config):
        return fault
    found = phrases.words.found(words_of(segment.text))
    return (
        wall_fault(segment, found, phrases, config)
        or _lead_fault(segment, found, phrases, config)
        or _words_fault(segment, found, phrases, config)
        or _lines_fault(segment, phrases, config)
    )


def _is_garbled(text: str) -> bool:
    return ("â" in text or "Ã" in text or "Â" in text or "illion" in text) and _GARBLED.search(text) is not None


def _header_fault(header: str, phrases: "Phrases", config: "Segments") -> str | None:
    words = words_of(header)
    asked = {
        "prompt": (config.drop_prompts, "header_prompt"),
        "label": (config.drop_prompts, "header_label"),
        "legal": (config.drop_legal, "legal_notice"),
        "changelog": (config.drop_changelogs, "changelog"),
        "praise": (config.drop_praise, "praise"),
        "team": (config.drop_teams, "team"),
        "events": (config.drop_events, "events"),
    }
    for name, (drop, reason) in asked.items():
        if drop and phrases.headers[name].match(words):
            return reason
    version = config.drop_changelogs and _VERSION.fullmatch(header[:100]) and not _CHAPTER.fullmatch(header)
    return "changelog" if version else None


def _make_up_fault(made_of: "Composition", config: "Segments") -> str | None:
    if made_of.loose * 2 < made_of.chars:  # code and tables have rules of their own
        return None
    if made_of.prose < config.min_prose_share * made_of.loose:
        return "no_prose"
    if config.drop_holes and made_of.holes:
        return "hole"
    if made_of.lines >= LISTED_LINES and made_of.links >= LINKED_LINES * made_of.lines:
        return "links"
    return "fragments" if made_of.fragments > config.max_fragment_share * made_of.lines else None


def _lead_fault(segment: "Segment", found: "Found", phrases: "Phrases", config: "Segments") -> str | None:
    if config.leads == "keep":
        return None
    if "announcement" in found and (segment.lead or phrases.headers["opening"].match(words_of(segment.header))):
        return "lead"
    if segment.level == 1 and config.leads == "drop" and _GREETING.search(segment.text[:_GREETED]):
        return "lead"
    opens = segment.lead and config.leads == "drop" and segment.level == 1
    first = opens and not _defines(words_of_any(segment.header), segment.text)
    return "lead" if first else None


def _defines(header: list[str], text: str) -> bool:
    """Whether a text begins as a definition of its header does: with the same words."""
    number = len(header)
    if not 0 < number <= units(DEFINED_WORDS, header):
        return False
    words = words_of_any(text[:_BEGINNING])
    at = min(units(DEFINED_AT, words), len(words))
    return any(words[start : start + number] == header for start in range(at))


def _words_fault(segment: "Segment", found: "Found", phrases: "Phrases", config: "Segments") -> str | None:
    thousands = max(size(segment.text), 500) / 1_000
    if config.drop_prompts and "interface" in found:
        return "interface"
    if config.drop_prompts and _lost_questions(segment, phrases):
        return "questions_lost"
    if config.drop_posts and "asking" in found:
        return "forum_post"
    if config.drop_prompts and len(set(found.get("podcast", ()))) >= PODCAST_PHRASES - segment.sells:
        return "podcast"
    if config.drop_prices and len(set(found.get("shop", ()))) >= SHOP_PHRASES:
        return "shop"
    if config.drop_prices and len(set(found.get("course", ()))) >= COURSE_PHRASES - segment.sells:
        return "course"
    if config.drop_praise and len(found.get("praise", ())) >= PRAISE_PHRASES:
        return "praise"
    if config.drop_legal:
        legal = found.get("legal", ())
        if len(set(legal)) >= LEGAL_PHRASES and len(legal) >= LEGAL_DENSITY * thousands:
            return "legal_notice"
    if advertises(segment, found, config.max_marketing):
        return "marketing"
    advertised = found.get("marketing", ())
    share = FRONT_PAGE if segment.front else SITE_PAGE if segment.declared == "site" else 1.0
    several = len(set(advertised)) > 1  # "our" alone is in many a text that sells nothing
    return "marketing" if several and len(advertised) > config.max_marketing * share * thousands else None


def _lost_questions(segment: "Segment", phrases: "Phrases") -> bool:
    """Whether several answers stand under a header of questions, and no question among them."""
    if "\n" not in segment.text or any(mark in segment.text for mark in _ASKING):
        return False
    return phrases.headers["questions"].match(words_of(segment.header))


def _lines_fault(segment: "Segment", phrases: "Phrases", config: "Segments") -> str | None:
    if segment.made_of.code * 4 > segment.made_of.chars:
        return None
    lines = [line for line in segment.text.splitlines() if line]
    if config.drop_praise and _quoted(lines) >= QUOTED_SHARE * len(segment.text):
        return "praise"
    short = [line for line in lines if size(line) <= _SHORT]
    enough = max(LISTED_LINES, LISTED_SHARE * len(lines))
    if len(short) < enough:
        return None
    loose = [line for line in short if " | " not in line]  # a table of prices or dates may well be an answer
    if config.drop_prices and sum(size(line) <= _LABEL and _PRICE.search(line) is not None for line in loose) >= enough:
        return "prices"
    if config.drop_events and sum(_DATE.search(line) is not None for line in loose) >= enough:
        return "events"
    if config.drop_praise and sum(_OFFICE.fullmatch(line) is not None for line in short) >= ATTRIBUTED:
        return "praise"
    questions = sum(line.rstrip().endswith(_ASKING) for line in lines)
    if config.drop_prompts and questions >= max(LISTED_LINES, QUESTION_SHARE * len(lines)):
        return "questions"
    if config.drop_changelogs and _changes(lines, phrases) >= max(CHANGE_LINES, CHANGE_SHARE * len(lines)):
        return "changelog"
    return None


def _quoted(lines: list[str]) -> int:
    """Characters of the lines that begin with a quotation mark, where several do."""
    quoted = [len(line) for line in lines if line.startswith(_QUOTES)]
    return sum(quoted) if len(quoted) > 1 else 0


def _changes(lines: list[str], phrases: "Phrases") -> int:
    """List items that begin as entries of a changelog do."""
    items = (words_of(line[:60])[:1] for line in lines if line.startswith("- "))
    return sum("change" in phrases.words.found(words) for words in items)
