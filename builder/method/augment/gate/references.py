"""English phrases that point at a text, looked for in folded text (`words.fold`).

Every quantifier has a bound, so that no text takes quadratic time.
"""

import re
from itertools import islice

from builder.text.words import words

_TEXT = r"(?:text|passage|article|paragraph|excerpt|extract|snippet|essay|transcript|blog ?post|write-?up)"
_PLACE = (
    rf"(?:{_TEXT}|document|segment|post|blog|(?:web ?)?(?:page|site)|section|chapter|image|picture|photo|video|figure"
    r"|table|graph|chart|diagram|story|poem|review|recipe|interview|book|product|company)"
)
_SHOWN = (
    rf"(?:{_TEXT}|document|information|statement|sentence|question|code|table|image|picture|figure|conversation|list|section"
    r"|story|dialogue|email|letter|review|poem)"
)
_PERSON = r"(?:author|writer|narrator|speaker|interviewee|blogger)"
_SAYS = (
    r"(?:say|state|mention|describe|argue|claim|discuss|explain|suggest|recommend|believe|think|feel|conclude|imply"
    r"|present|refer|emphasi[sz]e|address|talk|tell|mean)(?:s|d|es|ed|ing)?"
)
_TOLD = (
    r"(?:mentioned|described|discussed|stated|outlined|listed|presented|explained|provided|given|shown|covered|used"
    r"|reported|referred to|cited|quoted)"
)
_VIEW = r"(?:opinion|view|point|argument|thesis|tone|purpose|intent|perspective|attitude|message)s?"
_GIST = (
    r"(?:idea|topic|subject|theme|purpose|message|tone|title|summary|overview|point|moral|gist|meaning|author|focus)s?"
)
_TASK = r"(?:summari[sz]e|paraphrase|proofread|rephrase|rewrite|shorten|read|analy[sz]e|translate)"
_THE, _WORD = r"(?:the|this|that)", r"(?:\w{1,20} )"
_NEXT = r"(?! (?:the|an?|my|your|our|his|her|their|it|its|this|that|\d{1,9})\b)"
"""What stands above or below something named is no reference."""
REFERENCES = (
    rf"(?:following|above|below|preceding|foregoing|aforementioned){_NEXT} {_WORD}{{0,2}}({_SHOWN})",
    rf"(?:{_THE}|these|those) (?:given|provided|previous|quoted|attached) {_WORD}?"
    rf"({_TEXT}|document|dataset|conversation)",
    rf"({_SHOWN})s? (?:above|below|provided)\b{_NEXT}",
    rf"this {_WORD}?({_PLACE})",
    rf"according to {_THE} {_WORD}?({_PLACE}|{_PERSON}|study)",
    rf"{_THE} ({_TEXT}|{_PERSON})s? (?:(?:is|are|was) (?:trying to )?|does |also |may |might |\w{{1,20}}ly )?{_SAYS}",
    rf"{_THE} ({_PERSON})s?'s? {_WORD}?{_VIEW}",
    rf"(?:{_VIEW}|claim) of the ({_PERSON})",
    r"(?:do|does|did) the (author|writer|narrator)",
    rf"{_TOLD} (?:in|by|on) {_THE} (?:given |original )?({_TEXT}|{_PERSON})",
    r"(?:mentioned|described|discussed|stated|outlined|listed|shown) (above|below|here)",
    rf"{_TASK} the ({_TEXT})",
    rf"{_GIST} (?:of|for) the ({_TEXT})",
    rf"(?:is|was) the ({_TEXT}) (?:mainly |mostly |all )?about",
    rf"based on (?:{_THE}|these) {_WORD}?({_SHOWN}|{_PERSON})",
    rf"(?:in|from) the (passage|article|excerpt|extract)|information (?:in|from) the ({_TEXT})",
    rf"us(?:e|ing) the ({_TEXT}) to (?:answer|find|explain|describe)",
    r"what(?: is|'s| was) (this|it) (?:all )?about",
    r"(?:which|what|one|any|all|none) of the (following)",
)
"""Each with the noun it points at as its group."""
_REFERENCE = re.compile(rf"\b(?:{'|'.join(REFERENCES)})\b(?!-)")
_GIVEN = re.compile(r'[:\n"`«<[(]')
_MIN_GIVEN, _MIN_LONG, _MIN_BEFORE = 3, 8, 8
"""Words behind a reference, or on lines before it, that may be the text it means; an article has more of them."""
_LONG = frozenset({"article", "document", "essay", "transcript", "excerpt", "extract", "dataset", "conversation"})
_MAX_REFERENCES = 8
"""Each one looks at the whole text, so many would take quadratic time."""


def points_elsewhere(folded: str) -> bool:
    """Whether a text points at another ("the passage above", "according to the author") that it does not hold.

    It holds one if words follow the reference after a colon, a quote or a line's end, if a quotation or lines stand
    before it, or if it has spoken of such a text before ("Write an article ... The article should say ...").
    """
    return any(not _is_given(folded, reference) for reference in islice(_REFERENCE.finditer(folded), _MAX_REFERENCES))


def _is_given(text: str, reference: re.Match[str]) -> bool:
    behind = _GIVEN.search(text, reference.end())
    noun = reference.group(reference.lastindex) if reference.lastindex else ""
    if behind and len(words(text[behind.start() :])) >= (_MIN_LONG if noun in _LONG else _MIN_GIVEN):
        return True
    before = text[: reference.start()]
    if before.count('"') > 1 or (noun and noun in before):
        return True
    return len(words(before[: before.rfind("\n") + 1])) >= _MIN_BEFORE
