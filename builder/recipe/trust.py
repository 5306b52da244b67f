"""What a recipe may not do unasked: run programs, send rows, read or write outside its folder.

A recipe can come from a stranger. Whatever of it reaches beyond its own folder is found here by the types of its keys:
each path, each address, and each key that is marked with `Asks`. `recipe.remembered` knows what was consented to.
"""

import hashlib
import json
import os
import re
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from builder.data.resources import OF_PACKAGE, resource_folder
from builder.recipe.given.overrides import key_of
from builder.recipe.read import recipe_path
from builder.recipe.recipe import Recipe
from builder.recipe.sections.section import Asks, InputPath, OnHub

READ = "it is outside the recipe's folder and is read"
WRITTEN = "it is outside the recipe's folder and is written to"
ELSEWHERE = "it is read from there, with what logs you in"
_WRITTEN = ("runtime.work_dir", "work", "releases")
"""Folders that a build or a release writes to; the last two are beside the recipe, whether it names them or not."""
_SHIPPED = re.compile(rf"accelerate launch --config_file {OF_PACKAGE}([\w-]+\.yaml)( --num_processes [1-9]\d*)?")
_SHOWN = 4_000
_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Need:
    """Something in a recipe that needs the user's consent.

    Attributes:
        key: Where the recipe says it.
        value: What it says.
        why: What is done with it.
        looks: Whether a command that only looks at a build does it too.
        state: What else a consent is bound to, such as where links lead.
    """

    key: str
    value: str
    why: str
    looks: bool = False
    state: str = ""

    def __str__(self) -> str:
        shown = json.dumps(self.value[:_SHOWN], ensure_ascii=False)
        more = len(self.value) - _SHOWN
        return f"{self.key}: {shown}{f' and {more:,} more characters' if more > 0 else ''}: {self.why}"

    def digest(self, recipe: Path) -> str:
        """What a consent is remembered by; the place in a list does not count."""
        key = re.sub(r"\.\d+(?=\.|$)", "", self.key)
        text = json.dumps([os.fspath(recipe), key, self.value, self.why, self.state])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def recipe_file(path: Path) -> Path:
    """The file of a recipe that was said to be at `path`, without links on the way."""
    return _target(recipe_path(path))


def linked_file(path: Path) -> Need | None:
    """The consent that reading the recipe itself needs, where a link at its place leads out of the folder."""
    file, folder = recipe_file(path), _target(path if path.is_dir() else path.parent)
    if file.parent == folder:
        return None
    name = recipe_path(path).name
    return Need(name, str(path), f"{READ}, through a link to {file}", looks=True, state=str(file))


def is_there(path: Path) -> bool:
    """Whether there is anything at a path; also where nobody may look."""
    return os.path.lexists(path)


def _mode(path: Path | str) -> int:
    """What there is at the end of a path, as `stat` says it; 0 if nothing can be found out."""
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):
        return 0


def _target(path: Path | str) -> Path:
    """Where a path leads through all links; unlike `Path.resolve`, it takes links that lead round in a circle."""
    return Path(os.path.realpath(path))


def recipe_needs(
    recipe: Recipe, path: Path, overrides: Iterable[str] = (), *, work_dir: Path | None = None
) -> list[Need]:
    """Everything in a recipe that needs consent, less what the user's own command line says.

    Args:
        recipe: With the overrides in it.
        path: The build.yaml, or the folder it lies in.
        overrides: `key.path=value` settings.
        work_dir: The work directory, if the command line names it.
    """
    folder, said = _target(path if path.is_dir() else path.parent), [key_of(item) for item in overrides]
    needs = [*needs_of(recipe, folder), *_beside(recipe, folder, path, work_dir)]
    if work_dir is not None:
        said.append("runtime.work_dir")
    return [need for need in needs if not any(f"{need.key}.".startswith(f"{key}.") for key in said)]


def work_dir_needs(path: Path, work_dir: Path) -> list[Need]:
    """The consent that looking into a work directory needs which a recipe names, or which lies beside it."""
    folder = _target(path if path.is_dir() else path.parent)
    key = "work" if work_dir == folder / "work" else "runtime.work_dir"
    return list(_path_needs(work_dir, folder, key))


def paths_inside(recipe: Recipe, file: Path) -> list[Path]:
    """The recipe's file, its folder, and what of the recipe's paths lies in that folder."""
    return [file.parent, file, *(path for path in paths_of(recipe) if path.is_relative_to(file.parent))]


def paths_of(value: Any) -> Iterator[Path]:
    """Every path in a section, or below it."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, BaseModel | dict | list | tuple):
        items = dict(value).values() if isinstance(value, BaseModel | dict) else value
        yield from (path for item in items for path in paths_of(item))


def needs_of(value: Any, folder: Path, key: str = "", marks: tuple[Any, ...] = ()) -> Iterator[Need]:
    """What needs consent in a section, a list of them, or a value of a key, and below it.

    Args:
        value: A section, or the value of a key.
        folder: That of the recipe.
        key: Where the value stands in the recipe.
        marks: What the key is marked with.
    """
    if isinstance(value, BaseModel):
        for name, field in type(value).model_fields.items():
            below = (*field.metadata, *_metadata(field.annotation))
            yield from needs_of(getattr(value, name, None), folder, f"{key}.{name}".lstrip("."), below)
    elif isinstance(value, dict | list | tuple):
        items: Any = value.items() if isinstance(value, dict) else enumerate(value)
        for name, item in items:
            yield from needs_of(item, folder, f"{key}.{name}", marks)
    elif value is not None and not isinstance(value, bool | int | float):
        yield from _leaf(value, folder, key, marks)


def _metadata(annotation: Any) -> Iterator[Any]:
    """Markers inside unions, lists and mappings, where pydantic leaves them on the branch."""
    for branch in getattr(annotation, "__args__", ()):
        yield from getattr(branch, "__metadata__", ())
        yield from _metadata(branch)


def _leaf(value: Any, folder: Path, key: str, marks: tuple[Any, ...]) -> Iterator[Need]:
    asks = next((mark for mark in marks if isinstance(mark, Asks)), None)
    if isinstance(value, Path):
        yield from _path_needs(value, folder, key)
    elif asks is not None:
        # An option of sbatch counts without a value too; any other key that is empty does nothing.
        if (value or key.startswith("runtime.slurm.sbatch_args.")) and not is_shipped_launcher(key, str(value)):
            yield Need(key, str(value), asks.why, state=_named_files(str(value), folder))
    elif isinstance(value, str) and any(isinstance(mark, OnHub) for mark in marks):
        if _mode(value) and not (target := _target(value)).is_relative_to(folder):
            yield Need(key, value, f"{target} is read instead of the Hub", looks=True, state=str(target))
    elif not isinstance(value, str) or any(isinstance(mark, InputPath) for mark in marks):
        yield Need(key, str(value), ELSEWHERE, looks=True)  # an address, or a type that nobody has thought of here


def _path_needs(path: Path, folder: Path, key: str) -> Iterator[Need]:
    why, target = WRITTEN if key in _WRITTEN else READ, _target(path)
    if not target.is_relative_to(folder):
        # Only a path that leads out without `..` does so by a link.
        is_link = Path(os.path.normpath(path)).is_relative_to(folder)
        through = f", through a link to {target}" if is_link else ""
        yield Need(key, str(path), why + through, looks=True, state=str(target))
    elif links := sorted(_links_out(target, folder)):
        first, leads = links[0]
        more = f" and {len(links) - 1:,} more" if links[1:] else ""
        text = f"links in it lead outside the recipe's folder: {first} to {leads}{more}"
        yield Need(key, str(path), text, looks=True, state=json.dumps(links))
    elif (base := _base_of_adapter(target)) and not base.is_relative_to(folder):
        yield Need(key, str(path), f"it is an adapter of {base}, which {READ[3:]}", looks=True, state=str(base))


def _base_of_adapter(model: Path) -> Path | None:
    """The folder here that the adapter in a folder names as its base; None where it names none, or is no adapter."""
    settings = model / "adapter_config.json"
    if not stat.S_ISREG(_mode(settings)) or settings.stat().st_size > _MOST_BYTES:
        return None
    try:
        base = json.loads(settings.read_bytes())["base_model_name_or_path"]
    except (ValueError, LookupError, TypeError, OSError, RecursionError):  # whoever opens it says so
        return None
    return _target(base) if isinstance(base, str) and _mode(base) else None


def _links_out(place: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """The links at or below a place in the recipe's folder that lead out of the folder, and where to."""
    seen, left = set(), [place]
    while left:
        here = left.pop()
        if here in seen or not stat.S_ISDIR(_mode(here)):
            continue
        seen.add(here)
        try:
            entries = list(os.scandir(here))
        except OSError:  # whoever reads it says so
            continue
        for entry in entries:
            if entry.is_symlink():
                target = _target(entry.path)
                if target.is_relative_to(folder):
                    left.append(target)
                else:
                    yield entry.path, str(target)
            elif entry.is_dir(follow_symlinks=False):
                left.append(Path(entry.path))


def _beside(recipe: Recipe, folder: Path, path: Path, work_dir: Path | None) -> Iterator[Need]:
    """What a recipe reaches without naming it: its own file, and the folders beside it that are written to."""
    if link := linked_file(path):
        yield link
    names = ["releases"] if work_dir or recipe.runtime.work_dir else ["work", "releases"]
    for name in names:
        yield from _path_needs(folder / name, folder, name)


def is_shipped_launcher(key: str, value: str) -> bool:
    """Whether a value of `runtime.launcher` is one of those that come with the package's recipes."""
    found = _SHIPPED.fullmatch(value) if key == "runtime.launcher" else None
    return found is not None and (resource_folder("recipes") / "accelerate" / found[1]).is_file()


def _named_files(value: str, folder: Path) -> str:
    """Digests of the files of the recipe's folder that a command names: with other content it is another command."""
    found = []
    for word in dict.fromkeys(re.split(r"[\s='\";]+", value)):
        file = Path(word) if word else folder
        try:
            inside = _target(file).is_relative_to(folder) and stat.S_ISREG(file.stat().st_mode)
            if inside and file.stat().st_size <= _MOST_BYTES:
                found.append([word, hashlib.sha256(file.read_bytes()).hexdigest()])
        except (OSError, ValueError):
            continue
    return json.dumps(found) if found else ""
