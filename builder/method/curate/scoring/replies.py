"""From what a judge wrote to its rating, or to the reason why there is none.

A reply is text that a model, and through it a page, has made. So every doubt ends in no rating: one that nobody gave
may select a pair, one that is lost only leaves a pair out.

Departure: the paper asks for a last line "Score: " and a rating, and does not say what became of other replies.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from builder.method.curate.scoring.reply_numbers import REMARK, rating_of
from builder.method.curate.scoring.reply_text import first_answer

NEAR = 300
"""Characters around a label that are looked at."""
SHORT = 14
"""Characters in which no second verdict begins."""


class Reading(NamedTuple):
    """What a reply says.

    Attributes:
        rating: From 1 to 5, or None.
        reason: Why there is none: `unfinished` or `no_verdict`.
        start: Where the verdict begins in the reply, its label included; None without a rating.
        place: Where its number begins.
    """

    rating: float | None
    reason: Literal["unfinished", "no_verdict"] | None
    start: int | None = None
    place: int | None = None


class _Verdict(NamedTuple):
    """What looks like a verdict.

    Attributes:
        start: Where it begins, its label included.
        place: Where its number begins.
        rating: None where the number is none, a range, or not from 1 to 5.
        opens: Whether it opens its line, and does not follow a sentence.
    """

    start: int
    place: int
    rating: float | None
    opens: bool


def read_reply(reply: str, *, ended: bool) -> Reading:
    """The rating in a judge's reply: the last verdict of its first answer.

    Not read are reasoning blocks (`<think>`), what follows the answer (another pair, another turn), remarks on other
    scores ("a score of 5 would need ...", "previous score: 2"), ranges, sums, and numbers that are not from 1 to 5. A
    last verdict that cannot be read is not passed over for an earlier one, and one that is quoted does not overrule it.

    Args:
        reply: As the model wrote it, control tokens visible.
        ended: Whether the model ended it; what was cut may have named a score on its way to another.
    """
    answer = first_answer(reply) if ended else None
    if answer is None:
        return Reading(None, "unfinished")
    found = [*_totals(answer), *_unlabelled(answer), *_labelled(answer)]
    verdicts = sorted({verdict.place: verdict for verdict in found}.values(), key=lambda verdict: verdict.place)
    if not verdicts or verdicts[-1].rating is None or _contradicted(verdicts, answer):
        return Reading(None, "no_verdict")
    return Reading(verdicts[-1].rating, None, verdicts[-1].start, verdicts[-1].place)


# Which of several verdicts counts.

_BREAK = re.compile(
    r"^ *(?:\#{1,6} [^\n]*|[-=_]{3,} *$|\{|(?:[a-z']+ +){0,5}(?:assistant|response|answer|output|version) *:)"
    r"|[:,] *\{",
    re.IGNORECASE | re.MULTILINE,
)
_ON_THE_SCORE = re.compile(r"scor|rating|verdict|final|overall|conclu|summary|total|judg|assess|evaluat", re.IGNORECASE)
_OF_A_POINT = re.compile(r"[0-9./ ]+\([^\W\d]")
_QUOTES = re.compile(r"""[>"'(]""")
_ANNOUNCED = re.compile(r":[^\w\n]*\n\s*$")


def _contradicted(verdicts: list[_Verdict], answer: str) -> bool:
    """Whether an earlier verdict differs from the last one, and might be the one that counts.

    One that follows a sentence does not overrule another, nor does one that is quoted. Two that say in brackets what
    they are for ("2 (relevance)") may each be for a point of its own. And what stands
    between them may be where another pair begins: a rule, a new object of JSON, or a heading that is not about the
    score. Where hardly anything parts it from one that cannot be read, both may be one number.
    """
    last = verdicts[-1]
    others = [verdict for verdict in verdicts[:-1] if verdict.rating != last.rating]
    if others and (not last.opens or (any(verdict.opens for verdict in others) and _quoted(last, answer))):
        return True
    if any(_OF_A_POINT.match(answer, verdict.place) and _OF_A_POINT.match(answer, last.place) for verdict in others):
        return True
    unread = [
        verdict.place
        for verdict in others
        if verdict.rating is None and re.match("-?[0-9]", answer[verdict.place :][:2])
    ]
    if any(last.start - at < SHORT or not re.search(r"[^\W\d_]", answer[at : last.start]) for at in unread):
        return True
    breaks = [line.start() for line in _BREAK.finditer(answer) if not _ON_THE_SCORE.search(line.group())]
    return any(verdict.start < at <= last.start for verdict in others for at in breaks)


def _quoted(verdict: _Verdict, answer: str) -> bool:
    """Whether a verdict may be a line of the text that is judged: it stands in quotes, or a colon announces it."""
    lead = _lead(answer, verdict.start)
    line = verdict.start - len(lead)
    inside = re.match("[ >]*", answer[verdict.start : verdict.place])
    return bool(
        _QUOTES.search(lead + (inside[0] if inside else "")) or _ANNOUNCED.search(answer[max(line - NEAR, 0) : line])
    )


# Verdicts.

_LABEL = re.compile(
    r"\[result\]|(?<![a-z])(?:(?:so|thus|therefore|hence),? +)?(?:(?:the|my|your|its) +)?"
    r"(?:(?:final|overall|total|revised|updated|adjusted|corrected|new)[ _]+){0,2}"
    r"(?:score|rating|verdict)(?![a-z])",
    re.IGNORECASE,
)
_TOTAL = re.compile(
    r"^[^\w\n]*(?:(?:the|grand|final) +)?(?:total|overall|sum|final)[^\w\n]*[:=][^\w\n]*(?=[0-9])", re.I | re.M
)
_OPENS_LINE = re.compile(r"""[ >#+|(\["'{_•-]*(?:\d{1,2}[.)] +)?["'(\[_ ]*""")
_AFTER_A_SENTENCE = re.compile(
    r"""(?:[.!?;:,)\]"']|[^ ] +-) +["'\[_]{0,2}$|[{,] *["']$|<(?:[a-z_]+>)?$""", re.IGNORECASE
)
_SIGN = re.compile(
    r"""["'_ ]*(?:[(\[]? *(?:out of 5|(?:from )?1 *(?:-|to) *5) *[)\]]?["'_ ]*(?=[:=|]|-|$|\n|[0-9]|is))?"""
    r"""(?P<sign>[:=|]+>?|-+>|-(?= )|>)?(?:is\b:? *)?"""
)
_ODD_SIGN = re.compile(r" *[<>≤≥≈~]| *[(\[][^\n]{0,40}[)\]] *[:=]| *out of ")
_NO_WORD = re.compile(r"^[\W_]*+")
_OPENING = r"""(?:[ <\[({"'_$]|\\boxed(?=\{))*+"""
_NUMBER = re.compile(rf"{_OPENING}(?:\n[ \n]*+)?+{_OPENING}(-?[0-9]+(?:\.[0-9]+)?)")
_UNLABELLED = re.compile(
    r"\[\[ {0,9}(?P<two>[^\[\]\n]{0,40})\]\]|\\boxed\{ {0,9}(?P<box>[^{}\n]{0,40})\}"
    r"|^[ >]*(?:<(?P<one>-?[0-9]+(?:\.[0-9]+)?)>|(?P<of>[0-9][0-9. to-]{0,9}(?:/ *5| +out +of +5))) *\.?$",
    re.MULTILINE,
)
_CONTINUES = re.compile(
    r"(?:[-~,/+=]|\b(?:or|to|and|between|than))[^a-z0-9]*\n\W*$|[0-9][^a-z0-9\n]*\n\W*$", re.IGNORECASE
)


def _labelled(answer: str) -> Iterator[_Verdict]:
    """Verdicts that say what they are: `Score: 4`, `**Rating**: 4/5`, `{"score": 4}`, `<score>4</score>`."""
    for label in _LABEL.finditer(answer):
        lead = _lead(answer, label.start())
        opens = _OPENS_LINE.fullmatch(lead) is not None
        if not (opens or _AFTER_A_SENTENCE.search(lead)):
            continue  # "previous score", "a score", "</score>"
        after = answer[label.end() : label.end() + NEAR]
        sign = _SIGN.match(after)
        begin = sign.end() if sign else 0
        mark = "[" if label[0].startswith("[") else sign["sign"] if sign else None
        number = None if mark == ">" and not lead.endswith("<") else _NUMBER.match(after, begin)
        if number is None:
            title = _LABEL.match(answer, label.end() + len(after) - len(_NO_WORD.sub("", after)))  # of the next label
            if opens and not title and (mark or _ODD_SIGN.match(after)):
                yield _Verdict(label.start(), label.end(), None, opens)
            continue
        rest = after[number.end() :]
        rating = rating_of(number[1], rest, signed=mark is not None)
        if rating is not None and "<" in after[begin : number.start(1)] and ">" not in rest.partition("\n")[0]:
            rating = None  # "less than"
        if rating is not REMARK:
            field = lead.endswith(("<", '"', "'")) and mark is not None
            yield _Verdict(label.start(), label.end() + number.start(1), rating, opens or field)


def _unlabelled(answer: str) -> Iterator[_Verdict]:
    """Verdicts by their form alone: `[[4]]`, and `<4>`, `4/5` or `4 out of 5` with a line of their own."""
    for form in _UNLABELLED.finditer(answer):
        kind = next(name for name, value in form.groupdict().items() if value is not None)
        lead = _lead(answer, form.start())
        if not (_OPENS_LINE.fullmatch(lead) or re.search(r"[.!?)] +$", lead)):
            continue
        if kind in ("one", "of") and _CONTINUES.search(answer[max(form.start() - NEAR, 0) : form.start()]):
            continue  # "between 3 and", and in the next line "4/5"
        number = re.match(r"-?[0-9]+(?:\.[0-9]+)?", form[kind])
        rest = form[kind][number.end() if number else 0 :] + answer[form.end() :][:NEAR]
        rating = rating_of(number[0], rest, signed=True) if number else None
        if rating is not REMARK:
            yield _Verdict(form.start(), form.start(kind), rating, opens=True)


def _totals(answer: str) -> Iterator[_Verdict]:
    """Lines like `Total: 5`, which were not asked for: whatever was rated before, it may be a part of that."""
    for total in _TOTAL.finditer(answer):
        yield _Verdict(total.start(), total.end() - 1, None, opens=True)


def _lead(answer: str, at: int) -> str:
    return answer[max(answer.rfind("\n", 0, at) + 1, at - NEAR) : at]
