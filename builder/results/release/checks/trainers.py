"""Check of what Axolotl and LLaMA-Factory are told: the rows of `chat`, and nothing that is not there."""

from collections.abc import Iterator
from pathlib import Path

from builder.data.storage import read_json
from builder.recipe.strict_yaml import parse_yaml
from builder.results.release.manifest import MANIFEST
from builder.results.release.outside import outside_json, outside_text
from builder.results.release.portable.chat import CHAT
from builder.results.release.portable.trainers import (
    AXOLOTL_FILE,
    LLAMA_FACTORY_FILE,
    axolotl_entry,
    llama_factory_entry,
)


def check_trainers(dataset: Path) -> Iterator[str]:
    """Both files read the messages of `chat` where that is, and are not there where it is not."""
    axolotl, llama_factory = (f"training/{name}" for name in (AXOLOTL_FILE, LLAMA_FACTORY_FILE))
    if not (dataset / CHAT).is_dir():
        for name in (axolotl, llama_factory):
            if (dataset / name).exists():
                yield f"{name}: there is no config {CHAT} that it could read; take it out"
        return
    manifest = read_json(dataset / MANIFEST)
    recipe = parse_yaml(outside_text(dataset, axolotl), axolotl)
    place = (manifest["dataset"], f"v{manifest['version']}") if manifest.get("dataset") else None
    if recipe.get("datasets") != [axolotl_entry(place)]:
        yield f"{axolotl}: its datasets are not the config {CHAT} of this release; release it again"
    if outside_json(dataset, llama_factory) != {manifest["name"]: llama_factory_entry()}:
        yield f"{llama_factory}: is not what a release says of the config {CHAT}; release it again"
