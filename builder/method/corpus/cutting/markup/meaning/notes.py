"""Marks of footnotes and references: they say nothing without the note, and glue to numbers where they stand."""

import re
from itertools import islice
from typing import TYPE_CHECKING

from builder.method.corpus.cutting.markup.meaning.edits import after, before, take_out, words_in
from builder.method.corpus.cutting.markup.meaning.found import Found
from builder.method.corpus.cutting.markup.meaning.raised import is_mark, is_note

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_BETWEEN = re.compile(r"[\s,;–-]*")
_MARK_CHARS = 24
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ROLES = frozenset({"doc-noteref", "doc-backlink"})
_NAMES = frozenset(
    {
        "footnote-ref", "footnote-reference", "footnote-backref", "footnote-back", "footnote-anchor", "reversefootnote",
        "noteref", "fn-backref", "data-footnote-backref", "footnote_backlink", "footnote-link",
        "citation-reference", "fnref", "fn-ref", "footnoteref", "footnotelink", "easy-footnote",
    }
)  # fmt: skip
"""Classes that generators give to marks and to the way back; what is in them is a mark, however it is written."""
_RAISED_NAMES = frozenset({"reference", "footnote", "fn", "cite", "citation", "noprint", "cite_ref", "footnote-marker"})
"""Classes of raised text that is no power."""
_TARGET = re.compile(
    r"#_*(?:user-content-)?(?:(?:cite|foot|end|side)[-_.]?(?:note|ref)?|f?note?s?|fn|ftn|edn|sdfootnote|refs?|bib|cit|"
    r"reference|cr|ref-cr|b|r|en)[-_.:]*(?:ref|anc|sym|note|text|back)?[-_.:]*(?:[a-z]*[-_.:])*\d+|"
    r"#(?:cite|ref|bib|fn|ftn|footnote|note|citation)",
    re.IGNORECASE,
)
_BACK = re.compile(r"[↩↵⏎↑^⤴↖⬆\ufe0e\ufe0f\s]+")
_PAGE = re.compile(r":\s?\S")
"""The page of a reference, as Wikipedia raises it behind the mark."""
_SPEAKS_OF_IT = frozenset(
    {
        "in", "see", "of", "by", "from", "to", "and", "with", "also", "as", "ref", "refs", "reference",
        "references", "using", "on", "cf", "than",
    }
)  # fmt: skip
"""Words after which a mark that is not raised belongs to its sentence: "as shown in [3]"."""


def leave_out_notes(found: Found) -> None:
    """Take out the marks among the raised texts and the links of a page."""
    for element in found.levels:
        if element.tag == "sup" and (note := _note_around(element)) is not None:
            take_out(note)
        elif element.tag == "sup" and _is_raised_mark(element):
            take_out(element)
    for link in found.links:
        if link.tag == "a" and _is_mark(link):
            _take_run(link)


def _note_around(mark: "HtmlElement") -> "HtmlElement | None":
    """What holds a mark with its note: LaTeXML writes a note where its mark is, and shows it on demand."""
    if "ltx_note_mark" not in (mark.get("class") or ""):
        return None
    around = (outer for outer in islice(mark.iterancestors("span"), 4))
    return next((outer for outer in around if "ltx_note" in (outer.get("class") or "").split()), mark)


def _take_run(link: "HtmlElement") -> None:
    """Take out a mark; of several in common brackets, as in "[3, 5]", all, with the brackets and what parts them."""
    around = link.getparent()
    if around is not None and "mw-cite-backlink" in around.get("class", ""):
        return take_out(around)
    run = [link]
    while _BETWEEN.fullmatch(run[-1].tail or "") and (beside := run[-1].getnext()) is not None:
        if beside.tag != "a" or not (_is_mark(beside) or _is_numbered(beside)):
            break
        run.append(beside)
    ending, opening = (run[-1].tail or "").lstrip(), before(link).rstrip()
    if opening.endswith("[") and ending.startswith("]") and _cut_before(link, ending[1:2]):
        run[-1].tail = ending[1:]
        for mark in run[:-1]:
            mark.tail = None
        for mark in reversed(run):
            take_out(mark)
    else:
        take_out(link)


def _is_numbered(link: "HtmlElement") -> bool:
    """Whether a link beside a mark is a further one of the same brackets."""
    content = words_in(link, _MARK_CHARS)
    return bool(content and is_mark(content) and _TARGET.search(link.get("href", "")))


def _cut_before(link: "HtmlElement", following: str) -> bool:
    """Take the bracket before a link away, where it stands right before it; a full stop moves up to its word."""
    beside = link.getprevious()
    holder = beside if beside is not None else link.getparent()
    text = (holder.tail if beside is not None else holder.text) or ""
    if not text.rstrip().endswith("["):
        return False
    text = text.rstrip()[:-1]
    text = text.rstrip() if following and following in ".,;:!?)" else text
    if beside is not None:
        holder.tail = text
    else:
        holder.text = text
    return True


def _is_raised_mark(element: "HtmlElement") -> bool:
    """Whether raised text is a mark by its class or because all of it is a link."""
    content = words_in(element, 60)
    if content is None:
        return False
    names = set((element.get("class") or "").lower().split())
    named = bool(names & (_NAMES | _RAISED_NAMES)) or any("footnote" in name for name in names)
    if named and (is_mark(content) or "[" in content or names & _NAMES or _PAGE.match(content)):
        return True
    links = list(element.iterchildren("a"))
    if not links or len(content) > _MARK_CHARS or not is_mark(content):
        around = element.getparent()
        return content[:1] == "[" and content[-1:] == "]" and around is not None
    outside = (element.text or "") + "".join(link.tail or "" for link in links)
    if outside.strip("[](), ;–-\xa0\n\t"):
        return False
    # A power may link to a page about it.
    away = all("#" not in (link.get("href") or "#") for link in links)
    return not away or "[" in content or is_note(before(element), content)


def _is_mark(link: "HtmlElement") -> bool:
    attributes = link.attrib
    if attributes.get("role") == "doc-backlink" and _is_heading(link):
        return False
    if (
        attributes.get("role") in _ROLES
        or attributes.get("epub:type") == "noteref"
        or "data-footnote-ref" in attributes
    ):
        return True
    names = (attributes.get("class") or "").lower().split()
    if any(name in _NAMES or name.startswith("footnote-ref") for name in names) or attributes.get("rel") == "footnote":
        content = words_in(link, 80)
        return content is not None and (len(content) <= _MARK_CHARS or bool(_BACK.match(content)))
    target = attributes.get("href") or ""
    if "#" not in target:
        return False
    content = words_in(link, _MARK_CHARS)
    if content is None:
        return False
    if content and _BACK.fullmatch(content):
        return True
    if not content or not is_mark(content):
        return False
    around = link.getparent()
    raised = next(link.iterchildren("sup"), None) is not None and not (link.text or "").strip()
    if raised or (around is not None and around.tag == "sup"):
        return True
    if not _TARGET.search(target) or not before(link).strip():
        return False  # an entry of a list that begins with its number
    bracketed = content[0] == "[" or before(link).endswith("[")
    signs = not any(map(str.isalnum, content))
    return signs or (bracketed and not _is_part_of_sentence(link))


def _is_heading(link: "HtmlElement") -> bool:
    """Whether a way back is the text of a heading: that of docutils leads to the table of contents."""
    if next(link.iterancestors(*_HEADINGS), None) is None:
        return False
    content = words_in(link, _MARK_CHARS)
    return content is None or any(map(str.isalpha, content))


def _is_part_of_sentence(link: "HtmlElement") -> bool:
    words = before(link)[-40:].rstrip(" [\xa0").split()
    starts = not words or words[-1][-1] in ".:;"
    goes_on = after(link).lstrip("] ")[:1].isalpha()
    return bool(words and words[-1].lower() in _SPEAKS_OF_IT) or (starts and goes_on)
