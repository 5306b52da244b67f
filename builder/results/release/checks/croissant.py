"""Check of `croissant.json`, by the library of MLCommons where it is installed."""

import importlib.util
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.data.paths import inside
from builder.results.release.cards.croissant import CONTEXT, CROISSANT
from builder.results.release.manifest import sha256
from builder.results.release.outside import outside_json

_LIBRARY = "mlcroissant"


def check_croissant(dataset: Path) -> Iterator[str]:
    """The description is valid Croissant, and the digests in it are those of the files."""
    value = outside_json(dataset, CROISSANT)
    if value["@context"] != CONTEXT:
        yield f"{CROISSANT}: has another @context than Croissant's, which may name any address; write it again"
        return
    for item in value["distribution"]:
        if item["@type"] == "cr:FileObject":
            file = inside(dataset, item["contentUrl"], CROISSANT)
            if not file.is_file():
                yield f"{CROISSANT}: describes {item['contentUrl']}, which is missing"
            elif sha256(file) != item["sha256"]:
                yield f"{CROISSANT}: the sha256 of {item['contentUrl']} is another one"
    if importlib.util.find_spec(_LIBRARY):
        yield from _invalid(dataset / CROISSANT)


def croissant_unchecked(dataset: Path) -> Iterator[str]:
    """A note that nothing has validated the description, if that is so."""
    if not importlib.util.find_spec(_LIBRARY):
        yield f"{CROISSANT}: was not validated, since mlcroissant is not installed (humpback-builder[release])"


def _invalid(path: Path) -> Iterator[str]:
    import mlcroissant

    with _quiet():
        try:
            mlcroissant.Dataset(jsonld=str(path))
        except mlcroissant.ValidationError as error:
            yield f"{CROISSANT}: {' '.join(str(error).split())}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Without its warnings, which name fields that nobody has to give, such as a date."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
