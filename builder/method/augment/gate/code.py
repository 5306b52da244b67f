"""English phrases that ask for code, looked for in folded text (`words.fold`), and whether a segment has such code.

Every quantifier has a bound, so that no text takes quadratic time.
"""

import re

_LANGUAGES = (
    (
        "python",
        r"(?:def|class|import|from) \w|>>> |@\w|print\(|(?:for|if|while) .{1,80}:$"
        r"|[\w., ]{1,60} = [\w.]{1,60}\(.{0,200}\)$|\w{1,40}\.[\w.]{1,60}\(.{0,200}\)$",
    ),
    (r"javascript|typescript|node\.?js|react", r"(?:var|let|const|function|import|export) |.{0,200}=>|[\w.]{1,60}\("),
    ("java|kotlin|swift", r"(?:public|private|static|final|class|interface|import|fun|func|let|val) |.{1,200};$"),
    (r"c\+\+|c#|rust|golang", r"#include|using |.{0,200}[;{]$|[\w<>*&: ]{1,80}\("),
    ("php", r"<\?php|\$\w{1,40} ?(?:=|->)"),
    ("perl|ruby", r"(?:my|our|def|end|require|use|puts) |[$@%]\w{1,40} ?="),
    ("bash|shell|powershell", r"\$ |#!/|[\w./-]{1,60} (?:-|<|\[|\w)"),
    (
        r"(?:my|postgre)?sql|postgres",
        r"(?:select|create|insert|update|delete|alter|drop|grant|with|explain|copy|begin|set|show) "
        r"|[\w=-]{0,40}[#>] ?\w",
    ),
    ("html|css", r"<[a-z!/]|[\w .#:>-]{1,80}\{"),
)
"""Names of languages, and how lines of them look; a page may show one that it does not name."""
_NAMES = "|".join(names for names, _ in _LANGUAGES)
_MADE = r"(?:script|function|program|code|snippet|macro|quer(?:y|ies)|method|class|statement|app|application|module)s?"
_ANY = r"(?:[a-z][\w-]{0,20} )"
_CODE = (
    rf"{_ANY}{{0,2}}(?:{_NAMES})3? {_ANY}{{0,2}}{_MADE}|{_ANY}{{0,2}}function"
    r"|(?:code snippet|source code|regular expression|regex)"
    rf"|{_ANY}{{0,2}}(?:script|program) (?:that|which|in|using|with)|code (?:that|which|to|for|in|using)"
)
_ASKED = re.compile(
    r"(?:^|[.?!:\n]\s{0,4}|,? (?:and|then) )(?:please |now |can you |could you )?"
    r"(?:write|create|generate|implement|build|develop|design|provide|give|make|code)(?: me| us)? "
    rf"(?:(?:an?|the|some) )?(?:{_CODE})\b"
)
_SHOWN = [
    (re.compile(rf"(?<![\w+#])(?:{names})(?![a-z+#])"), re.compile(rf"^[ \t]{{0,40}}(?:{lines})", re.MULTILINE))
    for names, lines in _LANGUAGES
]
_CODE_LINE = re.compile(
    r"^[ \t]{0,40}(?:```|~~~|def \w|class \w{1,60}[:({ ]|import \w|from [\w.]{1,60} import|function\b.{0,80}[({]"
    r"|(?:var|let|const|public|private|static|return) \w|#include|#!/"
    r"|(?:select|create|insert|update|delete|alter|drop)\b.{0,200};|\$ \w|>>> |<[a-z!/][^>\n]{0,200}>"
    r"|[}\])]{1,4};?$)|[;{][ \t]{0,8}$",
    re.MULTILINE,
)


def asks_for_code(folded: str) -> bool:
    """Whether a text asks for a program, a function or a query to be written."""
    return _ASKED.search(folded) is not None


def has_such_code(folded: str, asked: str) -> bool:
    """Whether a text has code, and names or shows a language that an instruction names, if it names one.

    Args:
        folded: The text.
        asked: The instruction, folded.
    """
    if not _CODE_LINE.search(folded):
        return False
    named = [(name, lines) for name, lines in _SHOWN if name.search(asked)]
    return not named or any(name.search(folded) or lines.search(folded) for name, lines in named)
