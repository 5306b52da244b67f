"""From what a judge wrote to its rating, or to the reason why there is none.

A reply is text that a model, and through it a page, has made. So every doubt ends in no rating: one that nobody gave
may select a pair, one that is lost only leaves a pair out.

Departure: the paper asks for a last line "Score: " and a rating, and does not say what became of other replies.
"""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from builder.text.control_tokens import find_control_token

LOWEST, HIGHEST = 1, 5
NEAR = 300
"""Characters around a label that are looked at."""


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
    scores ("a score of 5 would need ...", "previous score: 2"), ranges, and numbers that are not from 1 to 5. A last
    verdict that cannot be read is not passed over for an earlier one.

    Args:
        reply: As the model wrote it, control tokens visible.
        ended: Whether the model ended it; what was cut may have named a score on its way to another.
    """
    answer = _without_reasoning(reply.translate(_PLAIN)) if ended else None
    if answer is None:
        return Reading(None, "unfinished")
    answer = _first_answer(answer)
    verdicts = sorted({verdict.place: verdict for verdict in [*_unlabelled(answer), *_labelled(answer)]}.values())
    if not verdicts or verdicts[-1].rating is None or _contradicted(verdicts, answer):
        return Reading(None, "no_verdict")
    return Reading(verdicts[-1].rating, None, verdicts[-1].start, verdicts[-1].place)


def is_reasoning_mark(token: str) -> bool:
    """Whether a token opens or closes a reasoning block, rather than a turn."""
    return _REASONING_MARK.fullmatch(token.strip()) is not None


# Characters: each becomes one other, so that places stay what they are.

_PLAIN: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width forms of ASCII
    **dict.fromkeys(map(ord, "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), "\n"),
    **dict.fromkeys(map(ord, "*`＊｀\t\u3000\xa0\u200b\u2060\ufeff"), " "),  # Markdown, blanks and what has no width
    **dict.fromkeys(map(ord, "“”„«»"), '"'),
    **dict.fromkeys(map(ord, "‘’"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
}

# Reasoning.

_KINDS = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|analysis|scratchpad|reflection)"
_REASONING_MARK = re.compile(
    rf"(?P<open><{_KINDS}>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING)\|>"
    r"|<\|channel\|>(?:analysis|commentary))"
    rf"|(?:</{_KINDS}>|\[/THINK\]|◁/think▷|<\|(?:end_of_thought|END_THINKING)\|>|<\|channel\|>final(?:<\|message\|>)?)",
    re.IGNORECASE,
)


def _without_reasoning(text: str) -> str | None:
    """The text with blanks in place of its reasoning; None if a block is still open at its end.

    A block that is closed and was not opened began in the prompt.
    """
    shown, done, opened = list[str](), 0, -1
    for mark in _REASONING_MARK.finditer(text):
        if mark["open"]:
            opened = mark.start() if opened < 0 else opened
            continue
        if opened < 0:
            shown, done, opened = [], 0, 0
        shown += [text[done:opened], " " * (mark.end() - opened)]
        done, opened = mark.end(), -1
    return None if opened >= 0 else "".join([*shown, text[done:]])


# Where the first answer ends.

_ASKED = "instruction|input|user|human|question|prompt|task|system"
_NEXT_PAIR = re.compile(
    rf"""^[^\w\n]*Below\ are\ a\ user's\ instruction\b
    |^[ >#_-]*(?:
        (?:(?:the|next|new|second|another|user's)\ +){{0,2}}(?:{_ASKED}|example|pair|q)(?:\ *\#?\d{{1,3}})?\ *:
        |(?:next|new|second|another)\ +(?:instruction|question|example|pair|prompt|task)\b
        |(?:example|pair)\ *\#?\d{{1,3}}\ *$
        |(?:user|human|assistant|system)\ *$  # a turn without its marks
    )
    |\#{{2,6}}\ *(?:{_ASKED}|assistant|response|answer|output)\b""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_BREAK = re.compile(
    r"^ *(?:\#{1,6} [^\n]*|[-=_]{3,} *$|\{|(?:assistant|response|answer|output) *:)", re.IGNORECASE | re.MULTILINE
)
_ON_THE_SCORE = re.compile(r"scor|rating|verdict|final|overall|conclu|summary|total|judg|assess|evaluat", re.IGNORECASE)


def _first_answer(text: str) -> str:
    """The text up to where another pair or another turn begins."""
    pair, token = _NEXT_PAIR.search(text), find_control_token(text)
    return text[: min(pair.start() if pair else len(text), text.index(token) if token else len(text))]


def _contradicted(verdicts: list[_Verdict], answer: str) -> bool:
    """Whether an earlier verdict differs from the last one, and might be the one that counts.

    One that follows a sentence does not overrule one that opens its line. And what stands between them may be where
    another pair begins: a rule, a new object of JSON, or a heading that is not about the score.
    """
    last = verdicts[-1]
    others = [verdict for verdict in verdicts[:-1] if verdict.rating != last.rating]
    if any(verdict.opens and not last.opens for verdict in others):
        return True
    breaks = [line.start() for line in _BREAK.finditer(answer) if not _ON_THE_SCORE.search(line.group())]
    return any(verdict.start < at <= last.start for verdict in others for at in breaks)


# Verdicts.

_LABEL = re.compile(
    r"(?<![a-z])(?:(?:so|thus|therefore|hence),? +)?(?:(?:the|my|your|its) +)?(?:(?:final|overall|total)[ _]+){0,2}"
    r"(?P<word>score|rating|verdict)(?![a-z])",
    re.IGNORECASE,
)
_OPENS_LINE = re.compile(r"""[ >#+|(\["'{_•-]*(?:\d{1,2}[.)] +)?["'(\[_ ]*""")
_AFTER_A_SENTENCE = re.compile(r"""[.!?;:,)\]"'] +["'\[_]{0,2}$|[{,] *["']$|<(?:[a-z_]+>)?$""", re.IGNORECASE)
_SIGN = re.compile(
    r"""["'_ ]*(?:\( *(?:out of 5|(?:from )?1 *(?:-|to) *5) *\)["'_ ]*)?(?P<sign>[:=|]+>?|-(?= )|>)?(?:is\b:? *)?"""
)
_OPENING = r"""(?:[ <\[({"'_$]|\\boxed(?=\{))*+"""
_NUMBER = re.compile(rf"{_OPENING}(?:\n[ \n]*+)?+{_OPENING}(-?[0-9]+(?:\.[0-9]+)?)")
_UNLABELLED = re.compile(
    r"\[\[ {0,9}(?P<two>[^\[\]\n]{0,40})\]\]|\\boxed\{ {0,9}(?P<box>[^{}\n]{0,40})\}"
    r"|^[ >]*(?:<(?P<one>-?[0-9]+(?:\.[0-9]+)?)>|(?P<of>[0-9][0-9. to-]{0,9}(?:/ *5| +out +of +5))) *\.?$",
    re.MULTILINE,
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
        number = _NUMBER.match(after, sign.end() if sign else 0)
        signed = sign is not None and sign["sign"] is not None
        if number is None:
            if opens and signed:
                yield _Verdict(label.start(), label.end(), None, opens)
            continue
        rest = after[number.end() :].partition("\n")[0]
        rating = _rating(number[1], rest, signed=signed)
        if rating is not _REMARK:
            field = lead.endswith(("<", '"', "'")) and signed
            yield _Verdict(label.start(), label.end() + number.start(1), rating, opens or field)


def _unlabelled(answer: str) -> Iterator[_Verdict]:
    """Verdicts by their form alone: `[[4]]`, and `<4>`, `4/5` or `4 out of 5` with a line of their own."""
    for form in _UNLABELLED.finditer(answer):
        kind = next(name for name, value in form.groupdict().items() if value is not None)
        lead = _lead(answer, form.start())
        if not (_OPENS_LINE.fullmatch(lead) or re.search(r"[.!?)] +$", lead)):
            continue
        number = re.match(r"-?[0-9]+(?:\.[0-9]+)?", form[kind])
        rest = form[kind][number.end() if number else 0 :] + answer[form.end() :][:NEAR].partition("\n")[0]
        rating = _rating(number[0], rest, signed=True) if number else None
        if rating is not _REMARK:
            yield _Verdict(form.start(), form.start(kind), rating, opens=True)


def _lead(answer: str, at: int) -> str:
    return answer[max(answer.rfind("\n", 0, at) + 1, at - NEAR) : at]


# Numbers.

_REMARK = -1.0
"""Stands for a number that is nobody's rating: it is spoken about."""
_OF_FIVE = r"(?: */ *5(?:\.0+)?(?![.,]?[0-9])| +(?:out +)?of +(?:a +possible +)?5(?![.,]?[0-9]))?"
_UNIT = re.compile(
    rf"""{_OF_FIVE}[ >\])}}"'_|$]*{_OF_FIVE}(?: *(?:points?|stars?)\b)?{_OF_FIVE}[ >\])}}"'_|$]*""", re.I
)
_SPOKEN_ABOUT = re.compile(
    r"[ ,()-]*(?:(?:would|could|should|might|may|means?|requires?|needs?|is|was|were|has|had|can|must|will|if|only|when"
    r"|unless|stands|goes)\b|=)",
    re.IGNORECASE,
)
_RANGE = re.compile(
    r"""[ .,;:()/-]*["<\[(~]*[-+]?[0-9]"""
    r"|[ ,;:()/-]*(?:or|to|and|up|through|till|until|maybe|perhaps|possibly|even|but|not|almost|nearly|plus)\b[^.]*?"
    r"(?:[0-9]|half|quarter|two|three|four|five)"
    r"|[^.!?]{0,60}?\b(?:to|or) +(?:a +)?[1-5]\b"
    r"|[ .,;:()/-]*(?:or|maybe|perhaps|possibly|no|actually|rather)\b.{0,20}?[0-9]"
    r"|-(?=\S)|\.\.| *(?:…|~|/|\+|%|±|→|½|¼|¾)",
    re.IGNORECASE,
)
_GOES_ON = re.compile(r"[.,;:!?()\[-]|because\b|since\b|due to\b|</", re.IGNORECASE)


def _rating(number: str, rest: str, *, signed: bool) -> float | None:
    """The rating that a number is, with what follows it on its line; None if it is none.

    Args:
        number: The number.
        rest: What follows.
        signed: Whether a sign stands before it, and not a blank only, as in "Score 5 is for ...".
    """
    unit = _UNIT.match(rest)
    rest = rest[unit.end() if unit else 0 :]
    if _SPOKEN_ABOUT.match(rest):
        return _REMARK
    if rest and not signed and not re.match(r"[.,;!](?: |$)", rest):
        return _REMARK
    if _RANGE.match(rest) or (rest and not _GOES_ON.match(rest)):
        return None
    value = float(number)
    return value if LOWEST <= value <= HIGHEST and number[0] != "0" else None
