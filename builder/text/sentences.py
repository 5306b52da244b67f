"""Sentences of a text in any script, for every rule that counts or compares them."""

import re
from collections.abc import Iterator

from builder.text.scripts import UNSPACED, is_latin

_SPACED_ENDS = ".!?…"
"""A sentence ends here where white space follows; elsewhere they stand in numbers and names."""
_OTHER_ENDS = "。｡！？؟۔؞।॥။።፧፨។៕։׃།༎᠃᙮߹‼‽⁇⁈⁉"
"""A sentence ends here whatever follows."""
_FULL_STOP = "．"
"""That of Japanese; also the point of its numbers."""
ENDS = _SPACED_ENDS + _OTHER_ENDS + _FULL_STOP
_ALL_MARKS = ENDS + "\u037e"
CLOSING = "\"'”’)]」』）］】》〉»“‘«‹›״"
"""What may close a quotation or a bracket; of the same mark some languages make the one that opens."""
_BEHIND = CLOSING + "}*_ \t\n\u00a0\u202f\u200b\u200d"
"""What may follow the mark of a sentence."""
_ALL_CLOSING, _ALL_ENDS = re.escape(CLOSING), re.escape(ENDS)
_THAI = "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ece"
_LATIN_BREAK = re.compile(r"(?<=[.!?…])[\"'”’“‘»«›‹)\]]*\s+|\n+")
_BREAK = re.compile(
    rf"{_LATIN_BREAK.pattern}"
    rf"|(?<=[{_OTHER_ENDS}])[{_ALL_CLOSING}]*(?![{_ALL_CLOSING}{_ALL_ENDS}])\s*"
    rf"|(?<={_FULL_STOP})(?![\d{_ALL_ENDS}])[{_ALL_CLOSING}]*\s*"
    rf"|(?<=[!?])(?=[{UNSPACED}])"
    r"|(?<=[\u0370-\u03ff\u1f00-\u1fff][;\u037e])\s+"  # the question mark of Greek
    rf"|(?<=[{_THAI}])[ \u00a0]+(?=[{_THAI}])"  # Thai and Lao end sentences by a space
)
_SENTENCE = re.compile(
    rf"\S.*?(?:[{re.escape(_SPACED_ENDS)}][\"'”’)\]]*(?=\s|$)|[{_OTHER_ENDS}][{_ALL_CLOSING}{_ALL_ENDS}]*|$)", re.DOTALL
)
_GREEK_QUESTION = re.compile(r"[\u0370-\u03ff\u1f00-\u1fff][;\u037e]$")
_ENDS_THAI = re.compile(f"[{_THAI}]$")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text and what is none: lines end them too. White space between them is left out."""
    return (_LATIN_BREAK if is_latin(text) else _BREAK).split(text)


def ends_sentence(piece: str) -> bool:
    """Whether a piece of a text ends as sentences do; in Thai and Lao, without a full stop, any letter will do."""
    return ends_with_mark(piece) or ends_unmarked(piece)


def ends_with_mark(piece: str) -> bool:
    """Whether a piece of a text ends with the mark of a sentence, of any script."""
    end = piece.rstrip(_BEHIND)
    last = end[-1:]
    if last == ";":
        return _GREEK_QUESTION.search(end) is not None
    return last != "" and last in _ALL_MARKS


def ends_unmarked(piece: str) -> bool:
    """Whether a piece ends with a letter of Thai or Lao, which put no mark behind a sentence."""
    end = piece.rstrip(_BEHIND)
    return not end[-1:].isascii() and _ENDS_THAI.search(end) is not None


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text are; a line's end ends none."""
    return (sentence.span() for sentence in _SENTENCE.finditer(text))
