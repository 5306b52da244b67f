"""Licence identifiers that the Hub knows: a card with another one is refused when it is pushed.

The list is that of https://huggingface.co/docs/hub/repositories-licenses. It grows; until an identifier is here, a
release names it as `other`, with `license_name` and `license_link`.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from builder.recipe.recipe import Recipe

OTHER = "other"
HUB_LICENCES = frozenset(
    """
    afl-3.0 agpl-3.0 apache-2.0 apple-amlr apple-ascl artistic-2.0 bigcode-openrail-m bigscience-bloom-rail-1.0
    bigscience-openrail-m bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc-by-2.0 cc-by-2.5
    cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0
    cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc0-1.0 cdla-permissive-1.0
    cdla-permissive-2.0 cdla-sharing-1.0 creativeml-openrail-m deepfloyd-if-license ecl-2.0 epl-1.0 epl-2.0
    etalab-2.0 eupl-1.1 eupl-1.2 gemma gfdl gpl gpl-2.0 gpl-3.0 h-research intel-research isc lgpl lgpl-2.1 lgpl-3.0
    lgpl-lr llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 lppl-1.3c mit mpl-2.0 ms-pl ncsa odbl odc-by ofl-1.1
    open-mdw openrail openrail++ osl-3.0 other pddl postgresql unknown unlicense wtfpl zlib
    """.split()  # noqa: SIM905 - words read better than a column of strings
)

UNKNOWN = (OTHER, "unknown", "cc")
"""Licences that say nothing by their name."""
_FOR_RESEARCH = ("apple-amlr", "h-research", "intel-research", "deepfloyd-if-license")
_SAME_AGAIN = ("odbl", "cdla-sharing", "gfdl", "gpl", "agpl", "osl")
_NO_CONDITION = ("cc0-1.0", "pddl", "unlicense", "wtfpl")
_OF_COLLECTIONS = ("odc-by", "odbl", "pddl")
"""Licences of databases, beside which each row keeps its own."""


def licence_notes(recipe: Recipe) -> Iterator[str]:
    """A line for every licence of a recipe that the Hub may not know; a release refuses the first two."""
    given = {"base.license": recipe.base.license, "release.license": recipe.release.license}
    given |= {f"seed.sources.{n}.license": source.license for n, source in enumerate(recipe.seed.sources)}
    for key, licence in given.items():
        if licence not in HUB_LICENCES:
            yield f"{key} is {licence!r}, not one of the Hub's licence identifiers; {_advice(licence)}"
    for name, section in (("base", recipe.base), ("release", recipe.release)):
        if section.license == OTHER and not (section.license_name and section.license_link):
            yield f"{name}.license is other; a release needs {name}.license_name and {name}.license_link beside it"


@dataclass(frozen=True)
class _Terms:
    """What a licence asks of who passes texts on."""

    no_trade: bool
    no_changes: bool
    same_again: bool
    names: bool


def _terms(licence: str) -> _Terms | None:
    """None for a licence of which nothing is known here."""
    if licence not in HUB_LICENCES or licence in UNKNOWN:
        return None
    parts = licence.split("-")
    return _Terms(
        no_trade="nc" in parts or licence in _FOR_RESEARCH,
        no_changes="nd" in parts,
        same_again="sa" in parts or licence.startswith(_SAME_AGAIN),
        names=licence not in _NO_CONDITION,
    )


def wider_lines(recipe: Recipe) -> tuple[list[str], list[str]]:
    """Where the licence of the release allows what that of a part of it does not.

    Whether a licence may be given is for people to say, and a recipe may say `other`; but a release under `mit` whose
    rows may not be sold is a false statement.

    Args:
        recipe: Its sources of human pairs, and those of pages that name a licence.

    Returns:
        What is wrong, and what to look at: a licence of a collection leaves its contents to their own licences.
    """
    given = recipe.release.license
    release = _terms(given)
    lines = [] if release is None else [
        f"release.license is {given!r}, and {key} is {licence!r}, which {why}; {what}"
        for key, licence in _parts(recipe)
        if (terms := _terms(licence)) and (found := _wider(given, release, licence, terms))
        for why, what in [found]
    ]  # fmt: skip
    lines = list(dict.fromkeys(lines))
    notes = [
        f"{key} is {licence!r}: whether the release may be under {given} is not known here"
        for key, licence in _parts(recipe)
        if licence == "unknown" and release is not None
    ]
    if given in _OF_COLLECTIONS:
        return [], [*lines, *notes]
    base = _terms(recipe.base.license)
    if base and base.no_trade and release and not release.no_trade:
        notes.append(
            f"base.license is {recipe.base.license!r}, for no commerce, and models of it write the instructions; "
            f"release.license is {given!r}: see whether its terms hold for what it writes"
        )
    return lines, notes


def _parts(recipe: Recipe) -> Iterator[tuple[str, str]]:
    for number, pairs in enumerate(recipe.seed.sources):
        yield f"seed.sources.{number}.license", pairs.license
    for number, pages in enumerate(recipe.segments.sources):
        if pages.license:
            yield f"segments.sources.{number}.license", pages.license


def _wider(given: str, release: _Terms, licence: str, terms: _Terms) -> tuple[str, str] | None:
    """What a part asks that the release does not, and what to write."""
    other = f"write {licence}, or other with license_name and license_link, or leave the source out"
    if terms.no_changes and given != licence:
        return "lets nobody pass on what is made of it", other
    if terms.no_trade and not release.no_trade:
        return "allows no commerce", other
    if terms.same_again and not _keeps(given, licence):
        return "asks that what is made of it stays under it", other
    if terms.names and not release.names:
        return "asks to be named", "write cc-by-4.0 or another that keeps names"
    return None


def _keeps(given: str, licence: str) -> bool:
    """Whether the release is under the same licence, or a later version of it."""
    (name, _, version), (own, _, before) = given.rpartition("-"), licence.rpartition("-")
    if (licence, given) == ("cc-by-sa-4.0", "gpl-3.0"):
        return True  # Creative Commons says so itself
    return given == licence or (name == own != "" and version >= before)


def licence_problems(front: Mapping[str, Any]) -> Iterator[str]:
    """What the Hub or a reader would miss in the licence of a card's front matter."""
    licence = front.get("license")
    if not licence:
        yield "the front matter lacks license; release.license gives that of a dataset, base.license that of the models"
    elif licence not in HUB_LICENCES:
        yield f"license is {licence!r}, not one of the Hub's licence identifiers; {_advice(str(licence))}"
    elif licence == OTHER:
        for key in ("license_name", "license_link"):
            if not front.get(key):
                yield f"license is other, so {key} is needed; give it beside license in the recipe"


def licence_entries(section: Any) -> dict[str, str]:
    """The licence of a section of the recipe (`release`, `base`) as entries of a front matter."""
    entries = {key: getattr(section, key) for key in ("license", "license_name", "license_link")}
    return {key: value for key, value in entries.items() if value is not None}


def _advice(licence: str) -> str:
    near = difflib.get_close_matches(licence.lower().replace(" ", "-"), HUB_LICENCES, n=1)
    return f"did you mean {near[0]}?" if near else "where the Hub has none for it, write other"
