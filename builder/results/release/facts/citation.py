"""The entry of a bibliography for a dataset."""

import re
from typing import TYPE_CHECKING

from builder.text.escape import escape

if TYPE_CHECKING:
    from builder.results.release.content.material import Material

_SPECIAL = re.compile(r"[&%$#_]")


def bibtex(material: "Material") -> str:
    """The dataset in BibTeX: who, what, when, which version, and where."""
    release, key = material.recipe.release, re.sub(r"[^a-z0-9]+", "-", material.recipe.name)
    who = release.authors or ([release.dataset.partition("/")[0]] if release.dataset else [])
    place = f"https://huggingface.co/datasets/{release.dataset}" if release.dataset else None
    year, month = (material.date.split("-")[:2]) if material.date else (None, None)
    entries = {
        "title": _plain(release.title),
        "author": " and ".join(f"{{{_plain(name)}}}" for name in who) or None,
        "year": year,
        "month": month and str(int(month)),
        "version": material.version,
        "publisher": "Hugging Face" if place else None,
        "url": place,
        "doi": release.doi,
    }
    lines = [f"  {name} = {{{value}}}" for name, value in entries.items() if value]
    return "\n".join([f"@misc{{{key}-{material.version},", ",\n".join(lines), "}"])


def _plain(text: str) -> str:
    """A text in which nothing is a command of TeX."""
    seen = " ".join(escape(text, "terminal").split())
    return _SPECIAL.sub(r"\\\g<0>", re.sub(r"[{}\\~^]", " ", seen))
