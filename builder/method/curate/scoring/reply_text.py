"""From a judge's reply to its first answer: as plain characters, without reasoning, without what it runs on into.

Each character becomes one other, so that places stay what they are.
"""

import re

from builder.text.control_tokens import find_control_token

_PLAIN: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},  # full-width forms of ASCII
    **dict.fromkeys(map(ord, "\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), "\n"),
    **dict.fromkeys(map(ord, "*`＊｀\t\u3000\xa0\u200b\u2060\ufeff"), " "),  # Markdown, blanks and what has no width
    **dict.fromkeys([*range(0x2600, 0x2776), 0x2B50, 0xFE0F, *range(0x1F300, 0x1FB00)], " "),  # stars, ticks, emoji
    **dict.fromkeys(map(ord, "“”„«»"), '"'),
    **dict.fromkeys(map(ord, "‘’"), "'"),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    **dict.fromkeys(map(ord, "。｡"), ";"),  # it ends a sentence, and is never the point of a fraction
    **dict.fromkeys(map(ord, "、､"), ","),
}
_HTML = re.compile(r"<(?:/?(?:b|strong|i|em|u|code|span)|(?P<line>/?(?:p|li|div|h[1-6]|tr)|br */?))>", re.IGNORECASE)

_KINDS = r"(?:seed:)?(?:think|thinking|thoughts?|reasoning|analysis|scratchpad|reflection)"
_REASONING_MARK = re.compile(
    rf"(?P<open><{_KINDS}>|\[THINK\]|◁think▷|<\|(?:begin_of_thought|START_THINKING)\|>"
    r"|<\|channel\|>(?:analysis|commentary))"
    rf"|(?:</{_KINDS}>|\[/THINK\]|◁/think▷|<\|(?:end_of_thought|END_THINKING)\|>|<\|channel\|>final(?:<\|message\|>)?)",
    re.IGNORECASE,
)

_ASKED = "instruction|input|user|human|question|prompt|task|system"
_RUBRIC = re.compile(r"[^\w\n]*Below are a user's instruction\b", re.IGNORECASE)
_NEXT_PAIR = re.compile(
    rf"""^{_RUBRIC.pattern.replace(" ", chr(92) + " ")}
    |^[ >#_-]*(?:
        (?:(?:the|next|new|second|another|user's)\ +){{0,2}}(?:{_ASKED}|example|pair|q)(?:\ *\#?\d{{1,3}})?\ *:
        |(?:next|new|second|another)\ +(?:instruction|question|example|pair|prompt|task)\b
        |(?:example|pair)\ *\#?\d{{1,3}}\ *$
        |(?:user|human|assistant|system)\ *$  # a turn without its marks
    )
    |\#{{2,6}}\ *(?:{_ASKED}|assistant|response|answer|output)\b""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)


def is_reasoning_mark(token: str) -> bool:
    """Whether a token opens or closes a reasoning block, rather than a turn."""
    return _REASONING_MARK.fullmatch(token.strip()) is not None


def first_answer(reply: str) -> str | None:
    """The reply in plain characters up to where another pair or another turn begins, with blanks for its reasoning.

    None if a block of reasoning is still open at its end.
    """
    text = _without_reasoning(reply.translate(_PLAIN))
    if text is None:
        return None
    text, token = _HTML.sub(_blank, text), find_control_token(text)
    # A judge may restate the question before it rates; the whole rubric again is no beginning of a rating.
    pairs = (
        pair.start() for pair in _NEXT_PAIR.finditer(text) if text[: pair.start()].strip() or _RUBRIC.match(pair[0])
    )
    return text[: min(next(pairs, len(text)), text.index(token) if token else len(text))]


def _blank(tag: re.Match[str]) -> str:
    return ("\n" if tag["line"] else " ") + " " * (len(tag.group()) - 1)


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
