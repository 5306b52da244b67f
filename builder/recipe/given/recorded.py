"""The `--set` values that a build was run with, kept in its work directory for the commands that follow.

Secrets of addresses are not kept. `recipe.given.settings` says what holds of it.
"""

import errno
import json
import os
import shlex
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.data.address import Address
from builder.data.redaction import STANDS_FOR, redacted
from builder.data.storage import write_json
from builder.data.strict_json import strict_json
from builder.errors import RecipeError, StageError
from builder.recipe.given.overrides import ABSENT, key_of, text_of, value_at, value_of
from builder.recipe.read import ADDRESSES, read_values
from builder.recipe.strict_yaml import parse_yaml

RECORD = "overrides.json"
AS_WRITTEN = "--as-written"
_MOST_BYTES = 1 << 20
_SHOWN = 60
NOT_KEPT = "runtime.work_dir"
"""The record lies in the folder that this key names."""
_NOWHERE = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG)
_KEYS = {"set", "recipe_said", "without_secret"}


@dataclass(frozen=True)
class Recorded:
    """One setting of the last build.

    Attributes:
        override: `key.path=value`, without secrets.
        said: What the recipe's file had at the key then, as JSON; None if it had no such key.
        without_secret: Whether the value had one.
    """

    override: str
    said: str | None
    without_secret: bool = False

    @property
    def is_gone(self) -> bool:
        """Whether the value cannot be told from what was kept of it."""
        return self.without_secret and STANDS_FOR in text_of(self.override)


def says_the_same(value: Any, override: str) -> bool:
    """Whether a value of a recipe is that of a setting; secrets of addresses do not count."""
    key = key_of(override)
    return value is not ABSENT and as_json(value, key) == as_json(value_of(override), key)


def shown_at(values: Any, key: str) -> str:
    """What a recipe's values have at a key, in a few characters."""
    return f"{key}: {shortened(as_json(value_at(values, key), key))}"


def words_of(overrides: tuple[str, ...]) -> str:
    """Settings as they are typed in a shell."""
    return " ".join(f"--set {shlex.quote(override)}" for override in overrides)


def write_record(work_dir: Path, path: Path, overrides: Iterable[str], without_secret: Collection[str] = ()) -> None:
    """Write which settings a build is run with, and what the recipe says without them; whole or not at all.

    Args:
        work_dir: Where it is written.
        path: The build.yaml, or the folder it lies in.
        overrides: The settings.
        without_secret: Those of them whose value had a secret when it was given.
    """
    values, items = read_values(path), []
    for override in overrides:
        key = key_of(override)
        if key != NOT_KEPT:
            said, shown = as_json(value_at(values, key), key), bare(override)
            hides = shown != override or override in without_secret
            items.append({"set": shown, "recipe_said": said, "without_secret": hides})
    write_json(work_dir / RECORD, {"overrides": items})


def read_record(work_dir: Path) -> tuple[Recorded, ...] | None:
    """The settings that the last build in a work directory was run with; None if that is not on record.

    Raises:
        StageError: If the record is not what a build has written.
    """
    file = work_dir / RECORD
    try:
        found = strict_json(_content(file))
        if set(found) != {"overrides"}:
            raise ValueError("it has other keys")
        return tuple(map(_recorded, found["overrides"]))
    except (OSError, ValueError, TypeError, RecipeError) as error:
        if isinstance(error, OSError) and error.errno in _NOWHERE:
            return None
        said = error.strerror if isinstance(error, OSError) else error
        raise StageError(
            f"{file}: not what a build has written ({said}), so the --set values of the last build are not known; "
            "run `humpback build RECIPE --as-written` with all the --set values that it should have, which writes it "
            "anew"
        ) from error


def _content(file: Path) -> str:
    # A folder of others may have a pipe, a device or a link there.
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("it is no regular file")
        data = stream.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
    return data.decode("utf-8")


def _recorded(item: Any) -> Recorded:
    if set(item) != _KEYS or not isinstance(item["set"], str) or not isinstance(item["without_secret"], bool):
        raise ValueError("a setting has other keys")
    if not (item["recipe_said"] is None or isinstance(item["recipe_said"], str)):
        raise ValueError("a setting has other keys")
    key, equals, text = item["set"].partition("=")
    if not key or not equals:
        raise ValueError(f"{shortened(item['set'])} is no setting")
    recorded = Recorded(item["set"], item["recipe_said"], item["without_secret"])
    if not recorded.is_gone:
        parse_yaml(text, shortened(key))
    return recorded


def bare(override: str) -> str:
    """A setting without secrets."""
    for whole, shown in _addresses(value_of(override), key_of(override).split(".")):
        override = override.replace(whole, shown)
    return redacted(override)


def _addresses(value: Any, place: list[str]) -> Iterator[tuple[str, str]]:
    """The addresses in a value that may hold secrets, each with what is shown of it."""
    if isinstance(value, dict | list):
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _addresses(item, [*place, str(name)])
    elif isinstance(value, str) and "://" in value and (*place[:2], *place[3:]) in ADDRESSES:
        try:
            yield value, str(Address(value))
        except ValueError:  # who reads it refuses it
            yield value, STANDS_FOR


def as_json(value: Any, key: str) -> str | None:
    """The value of a key as JSON, without the secrets of addresses; None for one that is not there."""
    if value is ABSENT:
        return None
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
    for whole, shown in _addresses(value, key.split(".")):
        text = text.replace(json.dumps(whole, ensure_ascii=False), json.dumps(shown, ensure_ascii=False))
    return redacted(text)


def shortened(text: str | None) -> str:
    """A value as JSON, in a few characters."""
    text = "nothing" if text is None else text
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
