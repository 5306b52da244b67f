"""What in or beside a listing is no code: numbers of lines, prompts, buttons to copy it."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lxml.html import HtmlElement

GUTTER, PROMPT, CONTROL, LINE = 1, 2, 4, 8
_GUTTER = re.compile(
    r"lin(?:e|ea)?[-_]?(?:nos?|nums?|numbers?|nrs?|nbr|index|count)(?![a-z])|linenodiv"
    r"|(?:^|[\s_-])(?:lnt|lnr|ln|lno|lnum|gutters?|gl|blob-num|nu0|crayon-nums?)(?![a-z])",
    re.IGNORECASE,
)
_CODE = re.compile(r"code(?:\s|$)", re.IGNORECASE)
_PROMPT = re.compile(r"(?:^|\s)gp(?:\s|$)|prompt", re.IGNORECASE)
_CONTROL = re.compile(r"copy|clipboard|toolbar|(?:^|[\s_-])btn(?![a-z])|code-?button", re.IGNORECASE)
_LINE = re.compile(r"(?:^|[\s_-])(?:line|row|ec-line|view-line|cl)(?:\s|$)|code-?line|token-line", re.IGNORECASE)
_NUMBERS = re.compile(r"[\s\dL.:|+\-−*#()\[\]>›⌄▾▸▶▼\u200b]*")
"""What a gutter may hold: numbers, the signs of changed lines, marks to fold."""
_PROMPT_TEXT = re.compile(r"[^\n]{0,60}(?:[$#%>❯➜λ»:]|\.\.\.)\s*")
_CELL_PROMPT = re.compile(r"\s*(?:In|Out)\s?\[[\s\d*]*\]\s?:?\s*")
_SYNTAX = re.compile(r"number|literal|integer|(?:^|\s)m[ibfhox]?l?(?:\s|$)", re.IGNORECASE)
_UNSELECTABLE = re.compile(r"user-select\s*:\s*none", re.IGNORECASE)
_AS_LINE = re.compile(r"display\s*:\s*(?:block|flex|grid|table-row)", re.IGNORECASE)
_MANY = 100_000
_CONTROLS = frozenset(
    text.strip()
    for text in
    """
    copy|copied|copied!|copy code|copy to clipboard|copy snippet|copy text|click to copy|copy link|copy command
    copy this code|copy page|expand|collapse|expand code|collapse code|show more|show less|select all|code: select all
    code: [select]|code:|raw|view raw|download|print|wrap|wrap lines|wrap text|toggle wrap|word wrap|toggle word wrap
    toggle line numbers|toggle code|show code|hide code|view code|view plain|play|run|run code|try it|try it yourself
    try it yourself »|run this code|open in playground|copy view|full screen|fullscreen|enter fullscreen mode
    exit fullscreen mode|explain|copy markdown|edit & run
    kopieren|kopiert|kopiert!|code kopieren|in die zwischenablage kopieren|copier|copié|copié !|copier le code
    copiar|copiado|copiado!|copiar código|copia|copiato|copia codice|kopiëren|gekopieerd|kopiera|kopierad|kopier
    kopieret|kopiert|kopioi|kopiuj|skopiowano|kopírovat|zkopírováno|másolás|kopyala|kopyalandı|копировать|скопировано
    скопировать|копіювати|скопійовано|αντιγραφή|复制|复制代码|已复制|複製|複製程式碼|已複製|コピー|コードをコピー|コピーしました
    복사|복사하기|복사됨|코드 복사|sao chép|salin|คัดลอก|نسخ|העתק|कॉपी करें
    """.replace("\n", "|").split("|")
    if text.strip()
)  # fmt: skip


@lru_cache(maxsize=20_000)
def role_of(names: str | None) -> int:
    """What the class of an element says it may be; its text has to agree."""
    if not names:
        return 0
    role = GUTTER if _GUTTER.search(names) and not _CODE.search(names) else 0
    role |= PROMPT if _PROMPT.search(names) else 0
    role |= CONTROL if _CONTROL.search(names) else 0
    return role | (LINE if _LINE.search(names) else 0)


def text_of(element: "HtmlElement", limit: int = _MANY) -> str:
    """The text of an element, or "x" where it is longer than `limit`."""
    text = element.text or ""
    if len(text) > limit:
        return "x"
    if not len(element):
        return text
    parts: list[str] = []
    size = 0
    for part in element.itertext():
        size += len(part)
        if size > limit:
            return "x"
        parts.append(part)
    return "".join(parts)


def holds_numbers(element: "HtmlElement") -> bool:
    """Whether an element that is named a gutter holds one, or nothing at all."""
    first = element.text
    if first and not _NUMBERS.fullmatch(first):
        return False
    return _NUMBERS.fullmatch(text_of(element)) is not None


def numbers_in(element: "HtmlElement") -> list[int]:
    """The numbers of lines in a gutter, one a line or an element."""
    return [int(number) for number in re.findall(r"\d{1,7}", "\n".join(element.itertext()))]


def is_unselectable(element: "HtmlElement") -> bool:
    """Whether a page keeps an element from being copied."""
    style = element.get("style")
    return bool(style and _UNSELECTABLE.search(style)) or element.get("unselectable") == "on"


def is_drawn_as_line(element: "HtmlElement") -> bool:
    """Whether the style of an inline element gives it a line of its own."""
    style = element.get("style")
    return bool(style) and "display" in style and _AS_LINE.search(style) is not None


def is_prompt(element: "HtmlElement") -> bool:
    """Whether the text of an element that is named or drawn as a prompt is one."""
    text = text_of(element, 80)
    return bool(_PROMPT_TEXT.fullmatch(text) or _CELL_PROMPT.fullmatch(text))


def is_cell_prompt(element: "HtmlElement") -> bool:
    """Whether an element beside a listing says "In [1]:", as notebooks do."""
    return _CELL_PROMPT.fullmatch(text_of(element, 80)) is not None


def may_number(element: "HtmlElement") -> bool:
    """Whether an element without a telling class may hold the number of its line: it is a number that no code is."""
    if len(element) > 1 or not (element.text or text_of(element, 12)).strip().rstrip(".:|").isdecimal():
        return False
    return not _SYNTAX.search(element.get("class") or "")


def is_control_text(text: str) -> bool:
    """Whether a short text beside a listing is what a button says."""
    return " ".join(text.split()).lower() in _CONTROLS
