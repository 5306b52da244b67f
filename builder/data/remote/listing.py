"""Which files are below a URL, and what tells each of them from another one of its name."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from builder.data.address import Address
from builder.data.redaction import redacted
from builder.data.remote.reading import file_system, open_remote
from builder.errors import RecipeError

_HEAD_BYTES = 1 << 16
_STATES = (
    "ETag", "etag", "md5Hash", "blob_id", "xet_hash", "Content-MD5",
    "mtime", "LastModified", "Last-Modified", "created",
)  # fmt: skip
"""What file systems call the property that changes with the content, best first."""
_ASKED_AT_ONCE = 16
"""Files of a server that lists names alone: each has to be asked for its size."""


@dataclass(frozen=True)
class ListedFile:
    """A file, its path relative to the URL asked for, and what tells it from another of that name."""

    url: Address
    name: str
    size: int | None
    state: str


def listed_identity(file: ListedFile) -> list[Any]:
    """What of a remote file enters a fingerprint: name, size and state.

    The query of an address may be a signature that is another one tomorrow, or say which file is meant. It does not
    enter the fingerprint, not even as a digest, by which a short password could be found out. In its place the first
    bytes of the file say which file it is.
    """
    if not file.url.query:
        return [file.name, file.size, file.state]
    with _failures_named(file.url), open_remote(file.url) as handle:
        head = hashlib.sha256(handle.read(_HEAD_BYTES)).hexdigest()
    return [file.name, file.size, f"{file.state} {head}"]


def list_remote(url: str) -> list[ListedFile]:
    """The file at `url`, or all files below it, sorted by name.

    On the web, where nothing tells files from folders, a URL that ends in a slash is a folder: a page of links.

    Raises:
        RecipeError: If there is nothing, it cannot be reached, or the package for its protocol is missing.
    """
    url = Address(url)
    with _failures_named(url):
        system, root = file_system(url)
        if _is_folder(system, url.full(), root):
            files = _files_below(system, root)
        else:
            files = [_named(root, url, url.file_name, system.info(root))]
    if not files:
        raise RecipeError(f"{url}: the folder is empty; the recipe names it as input")
    return files


def _is_folder(system: Any, url: str, root: str) -> bool:
    if url.startswith(("http://", "https://")):
        return url.endswith("/")
    return bool(system.info(root)["type"] == "directory")


def _files_below(system: Any, root: str) -> list[ListedFile]:
    """All files of a folder, listed once; those that the list says too little of are asked for, several at a time."""
    listed: dict[str, dict[str, Any]] = {str(path): info for path, info in system.find(root, detail=True).items()}
    paths = sorted(listed)
    bare = [path for path in paths if listed[path].get("size") is None or not _state(listed[path])]
    with ThreadPoolExecutor(_ASKED_AT_ONCE, thread_name_prefix="listing") as pool:
        listed |= zip(bare, pool.map(system.info, bare), strict=True)
    return [_remote_file(system, root, path, listed[path]) for path in paths]


def _remote_file(system: Any, root: str, path: str, info: dict[str, Any]) -> ListedFile:
    url = Address(system.unstrip_protocol(path))
    bare = (str(Address(path)), str(Address(root))) if url.startswith(("http://", "https://")) else (path, root)
    return _named(path, url, bare[0].removeprefix(bare[1]).lstrip("/"), info)


def _named(path: str, url: Address, name: str, info: dict[str, Any]) -> ListedFile:
    return ListedFile(url, name or path.rstrip("/").rpartition("/")[2], info.get("size"), _state(info))


def _state(info: dict[str, Any]) -> str:
    return next((str(info[key]) for key in _STATES if info.get(key)), "")


@contextmanager
def _failures_named(url: Address) -> Iterator[None]:
    protocol = url.partition("://")[0]
    try:
        yield
    except FileNotFoundError as error:
        raise RecipeError(f"{url}: no such file or folder, or no answer; the recipe names it as input") from error
    except ImportError as error:
        raise RecipeError(redacted(f"{url}: {protocol}:// needs a package that is not installed: {error}")) from error
    except PermissionError as error:
        raise RecipeError(redacted(f"{url}: access was refused ({error}); log in, or correct the URL")) from error
    except ValueError as error:
        raise RecipeError(redacted(f"{url}: fsspec cannot read it ({error}); correct the URL")) from error
    except Exception as error:  # each file system has errors of its own
        said = redacted(f"{type(error).__name__}: {error}")
        raise RecipeError(f"{url}: cannot be listed ({said}); correct the URL") from error
