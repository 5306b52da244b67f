"""Whether a number in a judge's reply is a rating, a range, or only spoken about: by what follows it."""

import re

LOWEST, HIGHEST = 1, 5
REMARK = -1.0
"""Stands for a number that is nobody's rating: it is spoken about."""

_SCALE = r"(?:out +of|on +(?:a|the) +scale +(?:of|from)) +(?:1 *(?:-|to) *)?5(?![.,]?[0-9])(?: +points?)?"
_OF_FIVE = (
    rf"(?: */ *5(?:\.0+)?(?![.,]?[0-9])| +(?:out +)?of +(?:a +possible +)?5(?![.,]?[0-9])| *,? +\(? *{_SCALE} *\)?)?"
)
_UNIT = re.compile(
    rf"""{_OF_FIVE}[ >\])}}"'_|$]*{_OF_FIVE}(?: *(?:points?|stars?)\b)?{_OF_FIVE}[ >\])}}"'_|$]*""", re.I
)
_SPOKEN_ABOUT = re.compile(
    r"[ ,()-]*(?:(?:would|could|should|might|may|means?|requires?|needs?|is|was|were|has|had|can|must|will|if|only|when"
    r"|unless|stands|goes)\b|=)",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r".{0,7}?[0-9]"  # a second number so near
    r"|[^\w\n]*(?:or|to|and|up|through|till|until|maybe|perhaps|possibly|even|but|not|almost|nearly|plus|minus|less)\b"
    r"[^.]*?(?:[0-9]|half|quarter|one|two|three|four|five)"
    r"|[^.!?]{0,60}?\b(?:to|or) +(?:a +)?[1-5]\b"
    r"|[^\w\n]*(?:or|to|maybe|perhaps|possibly|no|actually|rather)\b.{0,20}?[0-9]"
    r"|-(?=\S)|\.\.| *(?:…|~|/|\+|%|±|→|½|¼|¾)"
    r"""|\.(?!["'\])}>|_]*(?:[ ,<]|$))"""  # the point of a fraction that is broken
    r"|.{0,200}?(?:[+=]|\) *(?:[,;&]|and\b)) *[0-9]"  # a sum, or one number for each point
    r"|.{0,200}?[^\"'] *(?:[:>→]) *[0-9](?: */ *5)?[ .]*$"  # "minus one for style: 4"
    r"|.{0,200}?\b(?:deduct|penal|revis|lower|rais|adjust|correct)(?:s|ed|es|ing|ion|ions|ty|i[sz]ed?)?\b.{0,20}?[0-9]"
    r"|[ ,.]*\(? *(?:out +of|of|on +(?:a|the) +scale)\b"  # of another scale than 5
    r"|[ ,.]*\([^()\n]{0,40}?\b(?:scale|max\w*|of|from|range)\b[^()\n]{0,20}?[0-9]",
    re.IGNORECASE,
)
_NEXT_LINE = re.compile(
    r"[^\w\n]*\n(?!\s*[-#(]? *1[.)] |\[\[)[^a-z0-9]{0,9}[0-9]"
    r"|[^a-z0-9]{0,12}(?:t\W{0,3}o|o\W{0,3}r)\W{1,6}[0-9]",
    re.IGNORECASE,
)
"""A number goes on in the next line, which is no item of a list."""
_GOES_ON = re.compile(r"[.,;:!?()\[-]|because\b|since\b|due to\b|</", re.IGNORECASE)


def rating_of(number: str, after: str, *, signed: bool) -> float | None:
    """The rating that a number is; None if it is none, `REMARK` if it is only spoken about.

    Args:
        number: The number.
        after: What follows it.
        signed: Whether a sign stands before it, and not a blank only, as in "Score 5 is for ...".
    """
    rest = after.partition("\n")[0]
    unit = _UNIT.match(rest)
    rest = rest[unit.end() if unit else 0 :]
    if _SPOKEN_ABOUT.match(rest):
        return REMARK
    if rest and not signed and not re.match(r"[.,;!](?: |$)", rest):
        return REMARK
    if _NEXT_LINE.match(after) or _RANGE.match(rest) or (rest and not _GOES_ON.match(rest)):
        return None
    value = float(number)
    return value if LOWEST <= value <= HIGHEST and number[0] != "0" else None
