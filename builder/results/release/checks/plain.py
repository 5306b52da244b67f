"""The first check: a release is made of plain files with the names that a release has, all of them below its folder.

What fails here is not looked into any further: the other checks open files by their names.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from builder.data.paths import distinct, inside, shown
from builder.errors import UnsafePath
from builder.results.release.manifest import MANIFEST
from builder.results.release.models import is_model_file, is_result_file

_DATASET = re.compile(
    r"README\.md|CHANGELOG\.md|manifest\.json|croissant\.json|build\.yaml|removed\.txt|figures/[a-z_]+\.png"
    r"|training/(sft\.yaml|axolotl\.yml|dataset_info\.json|accelerate\.yaml|chat_template\.jinja)"
    r"|[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9_.]+-[0-9]{5}-of-[0-9]{5}\.parquet"
)
"""What a dataset may hold; loaders also obey others, such as `.huggingface.yaml`."""


def is_dataset_file(name: str) -> bool:
    """Whether a release may have a file of this name in its dataset."""
    return bool(_DATASET.fullmatch(name))


def check_plain(folder: Path) -> Iterator[str]:
    """Everything is a folder or a plain file: no link, pipe or device; and its name is safe on every system.

    Args:
        folder: A dataset, a model, or a whole release.
    """
    names: list[str] = []
    for place, folders, files in os.walk(folder):
        below = Path(place).relative_to(folder)
        for name in (*folders, *files):
            names.append((below / name).as_posix())
            path = Path(place, name)
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                yield f"{shown(names[-1])}: is neither a plain file nor a folder; a release holds no links"
            else:
                yield from _unsafe(folder, names[-1])
    try:
        distinct((name for name in sorted(names) if not (folder / name).is_dir()), "its files")
    except UnsafePath as error:
        yield str(error)


def check_dataset_files(dataset: Path) -> Iterator[str]:
    """A dataset holds the files of a release and no others."""
    names = [path.relative_to(dataset).as_posix() for path in sorted(dataset.rglob("*")) if path.is_file()]
    yield from (f"{shown(name)}: is no file of a release; take it out" for name in names if not is_dataset_file(name))


def check_model_files(model: Path) -> Iterator[str]:
    """A model holds the files of a release and no others; code beside weights is run by loaders that are asked to."""
    for name in (path.relative_to(model).as_posix() for path in sorted(model.rglob("*")) if path.is_file()):
        if not (is_model_file(name) or is_result_file(name) or name in ("README.md", MANIFEST)):
            yield f"{shown(name)}: is no file of a model that is released; take it out"


def _unsafe(folder: Path, name: str) -> Iterator[str]:
    try:
        inside(folder, name, "the release")
    except UnsafePath as error:
        yield str(error)
