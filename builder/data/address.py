"""Addresses of inputs: what is printed, stored and compared of them is without user, password, query and fragment.

An `Address` is a text, the address without its secrets, so whoever prints, dumps, pickles or logs one cannot give them
away. The whole of it is in the memory of this process alone, and of its forks; `Address.full` gives it, and is called
only where a file is opened. A child process is handed the whole addresses through a pipe (`workspace/child.py`). What
stands in the path of an address, or in the name of its host, is no secret.
"""

import re
import secrets
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, NoReturn

from builder.errors import RecipeError, StageError

_CHAINED = re.compile(r"::(?=[A-Za-z][\w+.-]*:/|[a-z]+::)")
_PART = re.compile(r"([A-Za-z][\w+.-]*://)?([^/?#]*)([^?#]*)(.*)", re.DOTALL)
_LOGIN = re.compile(r":/+[^/]*@")
# What stands before the @ is a container, or owner and repository, and what these are read from; no login.
_NO_LOGIN = re.compile(
    r"((?:abfss?|wasbs?)://)([\w.$-]+)(?::[^@/]*)?@|(github://)([\w.-]+:(?!gh[a-z]_|github_pat_)[\w.-]+)@"
)
_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?::\d*)?")
_whole: dict[str, str] = {}
"""Whole addresses by the keys that stand for them in this process."""
_keys: dict[str, str] = {}


class Address(str):
    """A URL that fsspec knows; as a text it is without user, password, query and fragment."""

    _key: str | None

    def __new__(cls, whole: str) -> "Address":
        """Take an address as the user gives it.

        Raises:
            ValueError: If it cannot be told where the password in it ends; the message does not repeat the address.
        """
        if isinstance(whole, cls):
            return whole
        parts = [*map(_bare, _CHAINED.split(whole))]
        shown = "::".join(parts)
        if _LOGIN.search("::".join(map(_without_source, parts))):
            raise ValueError("has a second address with a login in its path; take the login out of it")
        return cls._made(shown, _key_of(whole) if shown != whole else None)

    @classmethod
    def _made(cls, shown: str, key: str | None) -> "Address":
        made = super().__new__(cls, shown)
        object.__setattr__(made, "_key", key)
        return made

    def full(self) -> str:
        """The whole address.

        Raises:
            StageError: If it was brought here by a pickle, which does not hold it.
        """
        if self._key is None:
            return str(self)
        if self._key not in _whole:
            raise StageError(f"{self}: its user, password or query are not known in this process; give the URL again")
        return _whole[self._key]

    @property
    def hides(self) -> bool:
        """Whether anything of the whole address is not shown."""
        return self._key is not None

    @property
    def query(self) -> str:
        """What the whole address has after its path: a secret, or the name of what is meant, or both."""
        return self.full().partition("?")[2] if self.hides else ""

    @property
    def file_name(self) -> str:
        """The last part of the path of the file that it names: of a member of an archive, that of the member."""
        place = next((part for part in _CHAINED.split(str(self)) if "://" in part), str(self))
        return place.rstrip("/").rpartition("/")[2]

    def __eq__(self, other: object) -> bool:
        """Whether both name the same; to a plain text, only an address that hides nothing is equal."""
        return str.__eq__(self, other) is True and self._key == (other._key if isinstance(other, Address) else None)

    def __ne__(self, other: object) -> bool:
        """The opposite."""
        return not self == other

    def __hash__(self) -> int:
        """That of what is shown."""
        return str.__hash__(self)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        """Refuse: an address never changes."""
        raise AttributeError(f"an address has no {name} that could be set")

    def __reduce__(self) -> "tuple[Callable[[str, str | None], Address], tuple[str, str | None]]":
        """A pickle holds what is shown, and a key that means something in this process and its forks only."""
        return Address._made, (str(self), self._key)


def whole_addresses() -> Collection[str]:
    """All addresses of this process that are not shown whole, as they must not appear anywhere."""
    return _keys.keys()


def hidden_places(value: Any, place: tuple[str | int, ...] = ()) -> list[tuple[list[str | int], str]]:
    """The whole addresses within a configuration that hide anything, each with the keys that lead to it."""
    if isinstance(value, Address):
        return [(list(place), value.full())] if value.hides else []
    if isinstance(value, list | tuple):
        return [found for at, item in enumerate(value) for found in hidden_places(item, (*place, at))]
    fields = getattr(type(value), "model_fields", {})
    return [found for name in fields for found in hidden_places(getattr(value, name), (*place, name))]


def put_back(config: Any, places: list[tuple[list[str | int], str]]) -> None:
    """Put whole addresses back into a configuration of plain values; see `hidden_places`."""
    for (*parents, last), whole in places:
        into = config
        for part in parents:
            into = into[part]
        into[last] = whole


def refuse_address(value: object) -> object:
    """Refuse an address where a path must stand; it would be taken for one, and shown with its password.

    Raises:
        ValueError: If it is one; the message does not repeat it.
    """
    if isinstance(value, str) and re.match(r"[A-Za-z][\w+.-]+:/(?!/*$)", value) and not value.startswith("file:"):
        raise ValueError("is an address; this key takes a path on this machine, fetch what it names first")
    return value


def path_or_address(text: str) -> Path | Address:
    """What an option of the command line names: a path, or an address.

    Raises:
        RecipeError: If it is an address that cannot be read.
    """
    try:
        return Address(text) if "://" in text else Path(text)
    except ValueError as error:
        raise RecipeError(f"the address of an option {error}") from error


def _key_of(whole: str) -> str:
    if whole not in _keys:
        key = secrets.token_hex(8)
        _keys[whole], _whole[key] = key, whole
    return _keys[whole]


def _without_source(part: str) -> str:
    found = _NO_LOGIN.match(part)
    return f"{found[1] or found[3]}{part[found.end() :]}" if found else part


def _bare(part: str) -> str:
    scheme, place, path, rest = _PART.fullmatch(part).groups()  # type: ignore[union-attr]  # it takes any text
    host = place.rpartition("@")[2]
    if not scheme and "://" in part:
        raise ValueError("does not begin with a protocol, such as https://; take out what stands before that")
    if scheme and (not _PORT.fullmatch(host) or (not path and "@" in rest)):
        raise ValueError(
            "has a ':' in the name of its host that no port follows; in a user or password write %40 for @, %2F for /, "
            "%3F for ?, %23 for # and %3A for :"
        )
    found = _NO_LOGIN.match(part)
    if found and found.end() == len(part[: len(scheme) + len(place)].removesuffix(host)):
        host = f"{found[2] or found[4]}@{host}"
    return f"{scheme or ''}{host if scheme else place}{path}"
