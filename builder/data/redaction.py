"""Texts that leave the process, without the secrets that this process knows and those that an address in them shows."""

import os
import re
import sys
import traceback
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, TextIO
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from builder.data.address import whole_addresses

STANDS_FOR = "***"
"""What is written in place of a secret."""
_LEAST = 4
"""Shorter passwords are taken out of addresses only: as words they would be in many texts."""
_LEAST_OTHER = 8
"""The same for users, queries, fragments and variables of the environment."""
_NAMES = re.compile(r"(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|KEY|KEY_ID|CREDENTIALS?|SAS|CONNECTION_STRING)$")
_LEAST_KEY = 12
"""The same for variables whose name ends in KEY: many of them hold a word that says which key is meant."""
_WORD = re.compile(r"[a-z]+")
_OF_JSON = re.compile(r"(?:token|secret|password|passwd|key|auth|sas)[a-z_]*\"\s*:\s*\[?\s*\"([^\"]+)\"", re.IGNORECASE)
_LOGIN = re.compile(r"://([^\s/?#@]+)@")
# Every quantifier that could run far has a bound, so that no text can make a search take quadratic time.
_USER = re.compile(r"(?<=:/)(/?)(?:[^\s/?#@'\"]{1,500}@|[^\s/?#@:'\"]{1,500}:(?!\d+[/?#'\"\s])[^\s@'\"]{1,500}@)")
_PAIR = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,100}:[^\s/:@'\"]{1,200}@(?=[\w\[])")
_SIGNED = re.compile(
    r"\?(?=[^\s'\"<>?]{0,4000}?(?:x-(?:amz|goog|ms)-|sig(?:nature)?=|token=|key(?:-?id)?=|secret=|pass(?:wor)?d?=|pwd=|"
    r"auth=|credential=))[^\s'\"<>]{0,8000}[^\s'\"<>:,;.)]",
    re.IGNORECASE,
)
_EMPTIED = re.compile(r"(?<=[^\s'\"])[?#]\*\*\*(?=[#\s'\"):,;.]|$)")
_SHAPES = re.compile(
    r"\bhf_[A-Za-z0-9]{16,200}|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bsk-(?:proj|svcacct|admin|ant)-[\w-]{40,300}|"
    # Others' keys; names of data sets are words and years between hyphens, in lower case or with single capitals.
    r"\bsk-(?:[a-z0-9]{1,10}-){0,3}(?:(?=[A-Za-z0-9]{0,200}?(?:[A-Z]{2}|[A-Z][0-9]|[0-9][A-Z]))[A-Za-z0-9]{16,200}|"
    r"(?=[a-z]{0,200}[0-9])[a-z0-9]{32,200})[\w-]{0,200}"
)


def redacted(text: str) -> str:
    """A message or a line of a log without secrets: known ones, logins and signatures in addresses, and tokens."""
    text = without_known(text)
    if "@" in text:
        text = _PAIR.sub(f"{STANDS_FOR}@", _USER.sub(r"\1", text))
    if "?" in text:
        text = _SIGNED.sub("", text)
    return _SHAPES.sub(STANDS_FOR, text)


def shows_secret(text: str) -> bool:
    """Whether a text holds a login or a signature in an address, or a token of a known shape."""
    return any(shape.search(text) for shape in (_USER, _SIGNED, _SHAPES))


def without_known(text: str) -> str:
    """A text without the secrets that this process knows: those of its addresses and of its environment."""
    found = False
    for secret in _known(len(whole_addresses()), _of_environment(tuple(os.environ.items()))):
        if secret in text:
            found, text = True, text.replace(secret, STANDS_FOR)
    return _EMPTIED.sub("", text) if found else text


def trace(error: BaseException) -> str:
    """The traceback of an error as Python prints it, without secrets."""
    return redacted("".join(traceback.format_exception(error)))


class RedactedStream:
    """A text stream that writes what is left when secrets are taken out; all else is that of the stream it stands for.

    Args:
        stream: Where it writes.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write without secrets; a library is told that all of it was written."""
        self._stream.write(redacted(text))
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """The same for many."""
        self.write("".join(lines))

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)


def redact_output() -> None:
    """Let this process, and what is forked from it, write nothing to its output but what is redacted."""
    for name in ("stdout", "stderr"):
        if not isinstance(getattr(sys, name), RedactedStream):
            setattr(sys, name, RedactedStream(getattr(sys, name)))


def redact_task_logs() -> None:
    """The same for the logs that datatrove keeps of its tasks, tracebacks included."""
    from loguru import logger

    def patch(record: Any) -> None:
        text, failure = record["message"], record["exception"]
        if failure is not None and failure.value is not None:
            text = f"{text}\n{trace(failure.value)}"
            record["exception"] = None
        record["message"] = redacted(text)

    logger.configure(patcher=patch)


@lru_cache(maxsize=4)
def _of_environment(variables: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(secret for name, value in variables for secret in _of_variable(name, value))


def _of_variable(name: str, value: str) -> Iterator[str]:
    if len(value) >= _LEAST and (login := _LOGIN.search(value)):
        yield login[1].partition(":")[2]
    if name.startswith("FSSPEC_") and value.startswith("{"):
        yield from (secret for secret in _OF_JSON.findall(value) if len(secret) >= _LEAST_OTHER)
    whole = value.strip()
    of_key = name.upper().endswith("KEY")
    least = _LEAST_KEY if of_key else _LEAST_OTHER
    a_word = of_key and _WORD.fullmatch(whole)
    if _NAMES.search(name.upper()) and len(whole) >= least and value[0] not in "/~." and not a_word:
        yield whole


@lru_cache(maxsize=4)
def _known(addresses: int, others: tuple[str, ...]) -> list[str]:
    """What to look for, longest first; there are so many addresses, and none is ever forgotten."""
    secrets = {secret for secret in others if len(secret) >= _LEAST}
    for whole in whole_addresses():
        secrets.update(_parts(whole))
    spelled = {form for secret in secrets for form in _spellings(secret) if len(form) >= _LEAST}
    return sorted(spelled, key=lambda form: (-len(form), form))


def _parts(whole: str) -> Iterator[str]:
    """What of an address is a secret; all of it where a part is too short to be looked for."""
    parts = [(login, _LEAST_OTHER) for login in _LOGIN.findall(whole)]
    parts += [(login.partition(":")[2], _LEAST) for login, _ in parts]
    parts += [(login.partition(":")[0], _LEAST_OTHER) for login in _LOGIN.findall(whole)]
    parts += [(query, _LEAST_OTHER) for query in re.findall(r"\?([^#]*)", whole)]
    parts += [(fragment, _LEAST_OTHER) for fragment in whole.split("#")[1:]]
    if any(len(part) < least for part, least in parts):
        yield whole
    values = [
        (pair.partition("=")[2], _LEAST_OTHER) for query in whole.split("?")[1:] for pair in re.split("[&;#]", query)
    ]
    yield from (part for part, least in parts + values if len(part) >= least)


def _spellings(secret: str) -> set[str]:
    plain = unquote(secret)
    return {secret, plain, unquote_plus(secret), quote(plain), quote(plain, safe=""), quote_plus(plain)}
