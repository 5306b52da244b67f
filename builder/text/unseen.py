"""Characters that nobody sees: which they are, and texts without them.

They steer terminals, turn the direction of writing, and carry what a reader does not see but a model reads: words in
tag characters, bytes in variation selectors. Texts that a build publishes are without them; what is shown elsewhere
goes through `builder.text.escape`, which makes a picture of each.
"""

import re
from typing import NamedTuple

# Unicode's controls but tab and line feed, line separators, "default ignorable" characters, surrogates and
# non-characters. U+FE0E and U+FE0F are none: they choose between two looks of the character before them.
UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0x110000, 0x10000))
)
"""The inside of a class of a regular expression."""
# Scripts whose letters take another form, or part from each other, by a joiner or non-joiner behind them: Arabic,
# Syriac, N'Ko, Mandaic, Indic scripts, Myanmar, Khmer, Mongolian and their kin.
_JOINING = (
    "\u0620-\u06ff\u0710-\u077f\u07ca-\u07fa\u0840-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17d3\u1820-\u18aa"
    "\u1b00-\u1bff\ua8e0-\ua8ff\ua980-\ua9df\uaae0-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc\U00011000-\U00011fff"
)
_PICTURES = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u2460-\u24ff\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
_FLAGS = frozenset(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
"""The regions that Unicode recommends flags of, spelled in tag characters behind a black flag."""
_LINE_ENDS = "\r\x0b\x0c\x85\u2028\u2029"
_RUN = re.compile(f"[{UNSEEN}\ufe0e\ufe0f]+")
_PRINTABLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0" + "".join(
    map(chr, range(0xFE00, 0xFE10))
)
"""Those of the basic plane that Python calls printable."""
_PICTURE, _CHOOSES, _JOINS, _MONGOLIAN = (
    re.compile(f"[{inside}]") for inside in (_PICTURES, f"{_PICTURES}0-9#*", _JOINING, "\u1820-\u18aa")
)


class Plain(NamedTuple):
    """A text without unseen characters, and how many were taken out of it or made a line feed."""

    text: str
    taken: int


def plain(text: str) -> Plain:
    """Take out of a text what nobody sees; in most texts that is nothing. Twice changes nothing more.

    Line ends of every kind become line feeds. What changes a character that is seen stays: a joiner behind letters of
    scripts that need it and between emoji, one variation selector behind a picture or a digit, whose look it
    chooses, and three flags.
    """
    if _is_simple(text):
        return Plain(text, 0)
    taken = 0

    def without(run: re.Match[str]) -> str:
        nonlocal taken
        end = run.end()
        kept = _kept(run.group(), text[run.start() - 1 : run.start()], text[end : end + 1])
        taken += 0 if kept == run.group() else max(1, len(run.group()) - len(kept))
        return kept

    return Plain(_RUN.sub(without, text), taken)


def _is_simple(text: str) -> bool:
    """Whether a text has nothing to take out, in a tenth of the time of a search; False for some without."""
    if not text.replace("\n", " ").replace("\t", " ").replace("\xa0", " ").isprintable():
        return False
    if text.isascii():
        return True
    in_basic_plane = len(text.encode("utf-16-le")) == 2 * len(text)
    return in_basic_plane and not any(character in text for character in _PRINTABLE)


def _kept(run: str, before: str, after: str) -> str:
    """What is needed of a run of unseen characters between two that are seen, or at an end of the text."""
    if before == "\U0001f3f4" and run in _FLAGS:
        return run
    lines = sum(character in _LINE_ENDS for character in run)
    if lines:
        return "\n" * (lines - (run[-1] == "\r" and after == "\n"))
    kept, rest = "", run
    of_mongolian = "\u180b" <= rest[0] <= "\u180f" and _MONGOLIAN.match(before)
    if of_mongolian or (rest[0] in "\ufe0e\ufe0f" and _CHOOSES.match(before)):
        kept, rest = rest[0], rest[1:]
    if rest == "\u200d" and _PICTURE.match(before) and _PICTURE.match(after):
        return kept + rest
    return kept + rest if rest in ("\u200c", "\u200d") and _JOINS.match(before) else kept


def find_unseen(text: str) -> str | None:
    """The first character of a text that nobody sees and no other one needs, as `U+202E`; None if there is none."""
    shown = plain(text)
    if not shown.taken:
        return None
    at = next((at for at, (old, new) in enumerate(zip(text, shown.text, strict=False)) if old != new), len(shown.text))
    return f"U+{ord(text[at]):04X}"
