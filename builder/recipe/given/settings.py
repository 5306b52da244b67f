"""The settings that a command runs with: those of its own line, and those of the last build that these do not replace.

Those of the last build count as a part of the recipe, not as something that the user has said: a stranger's folder may
bring a work directory along.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.errors import RecipeError
from builder.recipe.given.overrides import key_of, last_of_each, replaces, text_of, value_at, value_of
from builder.recipe.given.recorded import (
    AS_WRITTEN,
    NOT_KEPT,
    RECORD,
    Recorded,
    as_json,
    bare,
    read_record,
    says_the_same,
    shortened,
    words_of,
)
from builder.recipe.read import read_values, recipe_path

_HOW = f"{AS_WRITTEN} leaves that out"


@dataclass(frozen=True)
class Settings:
    """The settings that a command runs with.

    Attributes:
        given: Those of its own command line.
        kept: Those of the last build that are still in force.
        last: All those of the last build; None if they are not on record, or not whole.
        notes: What to tell the user about them.
        without_secret: Those of `kept` whose value had a secret when it was given.
        as_written: Whether those of the last build are left out.
    """

    given: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    last: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()
    without_secret: tuple[str, ...] = ()
    as_written: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Those in force, in the order in which they are applied."""
        return last_of_each((*self.kept, *self.given))


def settle(path: Path, place: Path, given: tuple[str, ...] = (), *, as_written: bool = False) -> Settings:
    """The settings of a command: those of its line, and those of the last build that they do not replace.

    Args:
        path: The build.yaml, or the folder it lies in.
        place: The work directory.
        given: `key.path=value` settings of the command line.
        as_written: Whether those of the last build are left out.

    Raises:
        RecipeError: If the recipe cannot be read, or a value of the last build was not kept.
        StageError: If the record of the last build is damaged.
    """
    last = None if as_written else read_record(place)
    if last is None:
        return Settings(given, as_written=as_written)
    values, kept, notes = read_values(path), [], []
    for item in last:
        stays, note = _judge(item, values, given)
        kept += [item] if stays else []
        notes += [note] if note else []
    overrides = tuple(item.override for item in kept)
    if kept:
        notes.insert(0, f"using what the last build was run with: {words_of(overrides)} ({place / RECORD}; {_HOW})")
    return Settings(
        given,
        overrides,
        last=None if any(item.is_gone for item in last) else tuple(item.override for item in last),
        notes=tuple(notes),
        without_secret=tuple(item.override for item in kept if item.without_secret),
    )


def named_work_dir(path: Path, given: tuple[str, ...] = ()) -> Path | None:
    """The work directory that the recipe at `path` names as `runtime.work_dir`; None if it names none.

    Raises:
        RecipeError: If the recipe cannot be read, or a setting not be applied.
    """
    said = value_at(read_values(path, given), NOT_KEPT)
    named = isinstance(said, str) and said and "\0" not in said
    return recipe_path(path).resolve().parent / str(said) if named else None


def _judge(item: Recorded, values: dict[str, Any], given: tuple[str, ...]) -> tuple[bool, str]:
    """Whether a setting of the last build is still in force, and what there is to say about it."""
    key, text = key_of(item.override), text_of(item.override)
    rival = next((override for override in given if replaces(override, item.override)), None)
    if rival is not None:
        same = key_of(rival) == key and says_the_same(value_of(rival), item.override)
        return False, "" if same else f"--set {bare(rival)} replaces {item.override} of the last build"
    now = as_json(value_at(values, key), key)
    if says_the_same(value_at(values, key), item.override):
        return False, f"{key}: the recipe now says {shortened(now)} itself, as the last build was told by --set"
    if item.is_gone:
        raise RecipeError(
            f"--set {key}=... of the last build had a secret in its value, which is not kept; give --set {key}=... "
            f"again, or {AS_WRITTEN}"
        )
    if item.without_secret:
        return True, f"{key}: login and signature of its address are not kept; where they are needed, give --set again"
    holds = f"{shortened(text)}, which the last build was told by --set, still holds ({_HOW})"
    before = "nothing" if item.said is None else shortened(item.said)
    if now is None and item.said is not None:
        return True, f"{key}: the recipe has no such key any more, where it said {before}; {holds}"
    if now != item.said:
        return True, f"{key}: the recipe has changed from {before} to {shortened(now)}; {holds}"
    return True, ""


def explained(error: RecipeError, path: Path, settings: Settings) -> RecipeError:
    """The same error, which says so if it may come from a setting of the last build."""
    if not settings.kept:
        return error
    words = words_of(settings.kept)
    return RecipeError(
        f"{error}\n{path}: this is with what the last build was run with: {words}; if the recipe has changed since, "
        f"replace it by --set, or leave it out with {AS_WRITTEN}"
    )
