"""Numbers of lines that are part of a listing's own text, as whoever copied it from an editor has left them."""

import re

_LEAST = 3
_FIRST = re.compile(r"\s*0{0,5}1(?!\d)")
_NUMBERED = re.compile(r"([ \t]{0,6}(\d{1,5})[.:|)]?)(?:[ \t]|$)")


def without_counts(text: str) -> str:
    """The code of a listing all of whose lines begin with their number; empty where it is none.

    The numbers count by one from one and end at one column or begin at one. Lists and tables of data look like that
    too, but have no blank line and none that is set in beyond the others.
    """
    if not _FIRST.match(text[:80]):
        return ""
    lines = text.strip("\n").split("\n")
    found = [_NUMBERED.match(line) for line in lines]
    if len(lines) < _LEAST or not all(one and int(one[2]) == at for at, one in enumerate(found, start=1)):
        return ""
    marks = [one for one in found if one]
    if min(len({one.end(1) for one in marks}), len({one.start(2) for one in marks})) > 1:
        return ""
    column = max(one.end(1) for one in marks)
    padded = all(not line[one.end(1) : column + 1].strip() for line, one in zip(lines, marks, strict=True))
    rest = [line[column if padded else one.end(1) :] for line, one in zip(lines, marks, strict=True)]
    depths = {len(line) - len(line.lstrip()) for line in rest if line.strip()}
    if not depths or (len(depths) == 1 and all(line.strip() for line in rest)):
        return ""
    return "\n".join(line[min(depths) :] if line.strip() else "" for line in rest)
