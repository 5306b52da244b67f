"""Rules on the text of a segment: letters, endings, teasers, forum threads, sentences that say the same again."""

import re
import unicodedata
from collections import Counter

from builder.text.scripts import MARKS, UNSPACED_MARKS, is_latin
from builder.text.sentences import ENDS, ends_sentence, split_sentences
from builder.text.words import fold, runs, tokens, units, widened

NGRAM = 3
"""Sentences are compared by their sets of runs of so many words."""
MIN_WORDS = 6
"""Shorter sentences are not compared: they are alike by chance."""
_MORE = (
    r"(?:read|see|show|view|learn|find out|load) (?:\w+ ){0,2}more|continue reading|keep reading|read (?:the )?full \w+"
)
_MORE_IN_LATIN = (
    "devamını oku", "daha fazlası", "weiterlesen", "mehr lesen", "mehr erfahren", "lire la suite", "en savoir plus",
    "voir plus",
)  # fmt: skip
_LATIN_MARKS = ("lesen", "mehr erfahren", "lire la suite", " plus", "devamını oku", "daha fazla")
"""One of them is in each."""
_MORE_ELSEWHERE = (
    "阅读更多", "查看更多", "阅读全文", "查看全文", "了解更多", "展开全文", "閱讀更多", "繼續閱讀", "继续阅读",
    "続きを読む", "続きはこちら", "もっと見る", "もっと読む", "詳しくはこちら", "더 보기", "더보기",
    "자세히 보기", "계속 읽기", "อ่านต่อ", "อ่านเพิ่มเติม", "ดูเพิ่มเติม", "اقرأ المزيد", "قراءة المزيد",
    "عرض المزيد", "المزيد", "קרא עוד", "קראו עוד", "להמשך קריאה", "और पढ़ें", "आगे पढ़ें", "और देखें",
    "ဆက်ဖတ်ရန်", "ပိုမိုဖတ်ရှုရန်", "читать далее", "читать полностью", "подробнее", "показать ещё",
    "διαβάστε περισσότερα", "περισσότερα",
)  # fmt: skip
"""Invitations to read on in other languages, in small letters."""
_CUT_MARKS: tuple[str, ...] = (
    "...",
    "…",
    "more",
    "continue reading",
    "keep reading",
    "read full",
    "read the full",
    *_LATIN_MARKS,
)
_ALL_CUT_MARKS: tuple[str, ...] = (*_CUT_MARKS, "⋯", "。。。", "．．．", "・・・", "更多", *_MORE_ELSEWHERE)
_DOTS = "(?:\\.\\.\\.|…)"
_ALL_DOTS = "(?:\\.\\.\\.|…|⋯|。。。|．．．|・・・)"
_ARROW, _ALL_ARROW = r"[\s.…»›>→:)\]]*", r"[\s.…⋯»›>→:)\]）］】]*"
_LATIN_CUT = re.compile(
    rf"(?:\w{_DOTS}|\[{_DOTS}\]|\((?:more|{_DOTS})\)){_ARROW}$"
    rf"|(?:^|[.!?…\"”’)]\s*)(?:- )?(?:{_MORE}|{'|'.join(_MORE_IN_LATIN)}){_ARROW}$",
    re.IGNORECASE,
)
_CUT = re.compile(
    rf"(?:[\w{MARKS}{UNSPACED_MARKS}]{_ALL_DOTS}|[\[【［(（](?:更多|more|{_ALL_DOTS})[\]】］)）]){_ALL_ARROW}$"
    rf"|(?:^|[{ENDS}\"”’)」』）］】》]\s*|[\u0370-\u03ff\u1f00-\u1fff];\s*|[\u0e01-\u0ece]\s+)(?:- )?"
    rf"(?:{_MORE}|{'|'.join((*_MORE_IN_LATIN, *_MORE_ELSEWHERE))}){_ALL_ARROW}$",
    re.IGNORECASE,
)
_THREAD_LINE = re.compile(
    r"""(?mix)^(?:-\ )?(?:
    re:\ .{1,200}
    | (?:senior\ |junior\ |new\ |active\ |registered\ |full\ |well-known\ |super\ )?member
    | location:?
    | joined:?(?:\ .{4,20})?
    | (?:posts|messages|reputation|likes\ received|reaction\ score):?\s?[\d,.]*
    | (?:post\ )?\#\d{1,5}
    | (?:\S{1,30}\ ){1,4}(?:wrote|said|posted):
    | (?:quote|reply|reply\ with\ quote|report\ post|click\ to\ expand)[:.…]*
    | \d{1,5}\ (?:repl(?:y|ies)|answers?|upvotes?)
    | (?:asked|answered|posted|edited)\ .{1,60}\ ago
    | posted\ by:?\ .{1,60}
    | by\ .{1,40}\ »\ .{4,60}
    )\s*$"""
)


def letter_share(text: str) -> float:
    """Letters with their marks (accents, vowel signs) among the characters that are no white space, 0 to 1."""
    packed = "".join(text.split())
    letters = sum(map(str.isalpha, packed))
    if letters < len(packed) and not is_latin(packed):
        letters += sum(_is_mark(character) for character in packed if not character.isalpha())
    return letters / len(packed) if packed else 0.0


def _is_mark(character: str) -> bool:
    """Whether a character is a mark of a letter; what chooses the look of a picture is none."""
    return unicodedata.category(character) in ("Mn", "Mc") and not "\ufe00" <= character <= "\ufe0f"


def is_cut(text: str) -> bool:
    """Whether a text ends as teasers do: in the middle of a sentence, or with an invitation to read on elsewhere."""
    line = text[-400:].rstrip().rpartition("\n")[2]
    if is_latin(line):
        return _LATIN_CUT.search(line) is not None
    return _CUT.search(unicodedata.normalize("NFC", line)) is not None


def teasers(text: str) -> int:
    """How many lines of a text end as teasers do."""
    small = unicodedata.normalize("NFC", text.lower())
    marks = _CUT_MARKS if is_latin(small) else _ALL_CUT_MARKS
    if not any(mark in small for mark in marks):
        return 0
    return sum(is_cut(line) for line in small.splitlines() if any(mark in line for mark in marks))


def thread_lines(text: str) -> int:
    """How many lines of a text belong to the frame of a forum: "Senior Member", "Joined: 2009", "jane wrote:"."""
    return len(_THREAD_LINE.findall(text))


def repeated_sentences(text: str, similarity: float) -> float:
    """Share of sentences that are nearly equal to an earlier one (paper appendix), 0 to 1.

    Two sentences are when the Jaccard index of their sets of word n-grams is at least `similarity`. Only what ends
    like a sentence is compared: lines of code, of tables and of lists repeat each other rightly.

    Departure: the paper gives neither n nor the threshold.
    """
    sizes: list[int] = []
    holders: dict[tuple[str, ...], list[int]] = {}
    repeated = 0
    for sentence in split_sentences(text):
        if not ends_sentence(sentence):
            continue
        words = tokens(fold(sentence))
        if len(words) < units(MIN_WORDS, words):
            continue
        grams = runs(widened(words, NGRAM), NGRAM)
        shared: Counter[int] = Counter()
        for gram in grams:
            if gram in holders:
                shared.update(holders[gram])
                holders[gram].append(len(sizes))
            else:
                holders[gram] = [len(sizes)]
        repeated += any(common >= similarity * (len(grams) + sizes[other] - common) for other, common in shared.items())
        sizes.append(len(grams))
    return repeated / len(sizes) if sizes else 0.0
