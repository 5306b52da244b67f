"""Licence identifiers that the Hub knows: a card with another one is refused when it is pushed.

The list is that of https://huggingface.co/docs/hub/repositories-licenses. It grows; until an identifier is here, a
release names it as `other`, with `license_name` and `license_link`.
"""

import difflib
from collections.abc import Iterator, Mapping
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
