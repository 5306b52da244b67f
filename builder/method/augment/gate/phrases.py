"""Phrases of refusals (English) and markers of further turns, looked for in folded text (`words.fold`).

Every quantifier has a bound, so that no text takes quadratic time.
"""

import re

_CANNOT = r"i(?: can(?: ?not|'t)|(?: am|'m) (?:not able|unable|not allowed) to| won't| will not)"
_MAKE = r"(?:provide|generate|create|write|give)"
_NOUN = r"(?:answer|instruction|question|prompt|response|content|information)s?"
_SELF = r"(?:ai|artificial intelligence|language model|large language model)"
_REFUSALS = (
    rf"(?:(?:i am|i'm|we are|we're) )?(?:very |so )?(?:sorry|afraid),? (?:but |that )?(?:as an ai\b|{_CANNOT}\b)",
    rf"(?:i |my )?apologi(?:[sz]e|es),? (?:but )?(?:as an ai\b|{_CANNOT}\b)",
    rf"as an? {_SELF}\b[^.?!\n]{{0,40}}, (?:i|my)\b(?! (?:want|would like|need))",
    rf"{_CANNOT} (?:assist|comply|fulfill?)\b",
    rf"{_CANNOT} (?:help|answer) (?:you )?(?:with )?(?:that|this)\b",
    rf"{_CANNOT} {_MAKE} (?:you with )?(?:an?|any|the|this|that) (?:\w{{1,20}} )?{_NOUN}\b",
    rf"(?:i am|i'm) (?:just |only )?an? {_SELF}\b[^?]{{0,300}}$",
)
_REFUSAL = re.compile(rf"\W{{0,9}}(?:(?:no|oh|hello|hi|well|unfortunately),? )?(?:{'|'.join(_REFUSALS)})")

_LINE = r"^[ \t>*_]{0,8}"
_ROLES = r"(?:user|human|assistant|system|ai|bot|chatbot|chatgpt)"
_REPLIES = r"(?:answer|response|reply|output|completion|solution)"
_ASKS = r"(?:instruction|prompt|question|input|query)"
_COLON = r"[ \t]?[*_]{0,3}:[*_]{0,3}"
_TURN = re.compile(
    rf"{_LINE}#{{1,6}}[ \t]{{0,4}}[*_]{{0,3}}(?:{_ROLES}|{_REPLIES}|{_ASKS})s?(?:{_COLON}|[*_ \t]{{0,8}}$)"
    rf"|{_LINE}{_ROLES}{_COLON}",
    re.MULTILINE,
)
_REPLY = re.compile(
    rf"{_LINE}(?:the |sample |model |expected |final )?{_REPLIES}{_COLON}[ \t]{{0,8}}\n?[^\s:]", re.MULTILINE
)
_LETTER = re.compile(rf"{_LINE}([qa]){_COLON}[ \t]{{0,8}}[^\s:]", re.MULTILINE)


def is_refusal(folded: str) -> bool:
    """Whether a text begins as a refusal does ("I'm sorry, but I cannot ...", "As an AI language model, I ...")."""
    return _REFUSAL.match(folded.lstrip()) is not None


def has_turn(folded: str) -> bool:
    """Whether a text holds the marker of a turn of a conversation at the beginning of a line.

    A role ("User:") or a heading ("### Response") counts anywhere, a label of a reply ("Answer:") where text follows
    it; "Output:" as the last line is a cue that people write too. "Q:" and "A:" count together only.
    """
    return bool(_TURN.search(folded) or _REPLY.search(folded) or set(_LETTER.findall(folded)) == {"q", "a"})
