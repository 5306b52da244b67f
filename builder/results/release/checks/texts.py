"""Checks of the texts we wrote: nothing of this machine or an account, no hole of a template, sound YAML and JSON."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from builder.errors import RecipeError
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.cards.markdown import own_text
from builder.text.secret_tokens import find_secret

OURS = (".md", ".json", ".yaml", ".yml", ".jinja")
NOT_OURS = ("tokenizer.json", "vocab.json", "added_tokens.json")
"""Vocabularies hold fragments of anything."""

_LOCAL_PATH = r"\bfile:/+[^\s\"']*|(?<![\w./:-])/(?:home|root|tmp|Users|private|mnt|scratch)/[^\s\"']*|\b[A-Z]:\\+\w+"
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}")
"""Stricter than what is looked for in text from the web: we have no reason to write anything that looks like one."""
_HOLE = re.compile(
    r"\[[^\]\n]{0,20}more information needed[^\]\n]{0,20}\]|\{\{|\{%|\{#|\b(?:TODO|FIXME|TBD|lorem ipsum)\b|<your[ _-]",
    re.IGNORECASE,
)
_SHOWN = 6
_MACHINE_PARTS = 3
"""So many parts of the path of a release, `/data/jane` of `/data/jane/releases/1.0.0`, are a place of this machine."""


def check_texts(folder: Path) -> Iterator[str]:
    """No local path, secret or template hole in the texts we wrote; what Markdown quotes in a fence is not ours."""
    places = {Path.cwd(), Path(*folder.resolve().parts[:_MACHINE_PARTS])}
    own = [rf"|(?<![\w./:-]){re.escape(str(place))}\b\S*" for place in sorted(places) if len(place.parts) > 2]
    local = re.compile(_LOCAL_PATH + "".join(own))
    for path in sorted(item for item in folder.rglob("*") if item.suffix in OURS and item.name not in NOT_OURS):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(folder).as_posix()
        yield from _syntax(path, text, name)
        if path.suffix == ".md":
            text = own_text(text)
            for match in _HOLE.findall(text):
                yield f"{name}: holds {match!r}, which a template has left over; fill it in or take it out"
        for match in local.findall(text):
            yield f"{name}: holds the local path {match!r}"
        for match in _TOKEN.findall(text):
            yield f"{name}: holds what looks like a secret, {match[:_SHOWN]}..."
        if (kind := find_secret(text)) and not _TOKEN.search(text):
            yield f"{name}: holds what looks like a secret ({kind})"


def _syntax(path: Path, text: str, name: str) -> Iterator[str]:
    """What is wrong with a YAML file, where a key must not stand twice, or a JSON file."""
    try:
        if path.suffix in (".yaml", ".yml"):
            parse_yaml(text, name)
        elif path.suffix == ".json":
            json.loads(text)
    except RecipeError as error:
        yield str(error)
    except ValueError as error:
        yield f"{name}: not valid JSON: {error}"
