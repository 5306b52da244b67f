"""What is wrong with a YAML or JSON text that somebody wrote by hand: the line, and what to do about it."""

import json

import yaml

_CURES = (
    ("found character '\\t'", "indent with spaces, not with tabs"),
    ("that cannot start any token", "put quotes around the value"),
    ("mapping values are not allowed here", "put quotes around a value with a colon in it, or mend the indentation"),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    ("expected <block end>", "let all keys of a section, and all dashes of a list, begin in the same column"),
    ("expected ',' or", "put a comma between the values, or close the bracket"),
    ("<stream end>", "close the bracket"),
    ("unexpected end of stream", "close the quotes"),
    ("is written twice", "keep one of them"),
    ("undefined alias", "put quotes around a value that begins with *"),
    ("constructor for the tag", "write the value without its tag, or in quotes if it begins with !"),
    ("another document", "take out the line of dashes"),
    ("unacceptable character", "take that character out; the file must be UTF-8"),
    ("special characters are not allowed", "take that character out; the file must be UTF-8"),
)
_ELSE = "mend it there"


def yaml_fault(error: Exception, text: str) -> str:
    """The fault that PyYAML found, with its line and what to do.

    Args:
        error: What was raised.
        text: What was read.
    """
    if isinstance(error, yaml.reader.ReaderError):
        what, where = f"unacceptable character #x{int(error.character):04x}", f" in line {_line(text, error.position)}"
    elif isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context).split())
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        begun = error.context_mark
        if error.context and begun and mark and begun.line < mark.line:
            where += f" ({error.context} that begins in line {begun.line + 1})"
    else:
        what, where = " ".join(str(error).split()), ""
    return f"{what}{where}; {next((cure for sign, cure in _CURES if sign in what), _ELSE)}"


def json_fault(error: ValueError) -> str:
    """The fault that a reader of JSON found, with its line and what to do."""
    if not isinstance(error, json.JSONDecodeError):
        return f"{error}; {next((cure for sign, cure in _CURES if sign in str(error)), _ELSE)}"
    where = f"{error.msg} in line {error.lineno}, column {error.colno}"
    return f"{where}; JSON takes double quotes, no comma after the last value and no comments"


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
