"""Files behind any URL that fsspec knows, such as s3://, hf://, https:// and memory://."""

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from builder.data.address import Address
from builder.data.redaction import redacted
from builder.errors import RecipeError

NO_ACCESS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
"""What the system calls it that somebody may not read or write."""
_HEAD_BYTES = 1 << 16
_STATES = ("ETag", "etag", "md5Hash", "blob_id", "Content-MD5", "mtime", "LastModified", "Last-Modified", "created")
"""What file systems call the property that changes with the content, best first."""
_SPECIAL = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


@dataclass(frozen=True)
class ListedFile:
    """A file, its path relative to the URL asked for, and what tells it from another of that name."""

    url: Address
    name: str
    size: int | None
    state: str


def open_binary(location: Path | str) -> IO[bytes]:
    """Open a local path or a URL for reading.

    Raises:
        OSError: If it cannot be opened.
    """
    if isinstance(location, Path):
        refuse_special(location)
        return location.open("rb")
    try:
        system, path = _system(Address(location))
        opened: IO[bytes] = system.open(path, "rb")
    except OSError:
        raise
    except Exception as error:  # each file system has errors of its own
        raise OSError(redacted(f"{location}: {type(error).__name__}: {error}")) from error
    return opened


def listed_identity(file: ListedFile) -> list[Any]:
    """What of a remote file enters a fingerprint: name, size and state.

    The query of an address may be a signature that is another one tomorrow, or say which file is meant. It does not
    enter the fingerprint, not even as a digest, by which a short password could be found out. In its place the first
    bytes of the file say which file it is.
    """
    if not file.url.query:
        return [file.name, file.size, file.state]
    with _failures_named(file.url), open_binary(file.url) as handle:
        head = hashlib.sha256(handle.read(_HEAD_BYTES)).hexdigest()
    return [file.name, file.size, f"{file.state} {head}"]


class NotAFileError(OSError):
    """What stands under a name is a folder, a named pipe, a socket or a device: reading it may never end."""

    def __init__(self, path: Path, kind: str) -> None:
        super().__init__(errno.EINVAL, f"it is {kind}; take it out of the input", str(path))
        self.kind = kind


def refuse_special(path: Path) -> None:
    """See that what is read from a path comes to an end; what cannot be looked at is for the opening to refuse.

    Raises:
        NotAFileError: If it is no regular file.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode):
        kind = next((name for test, name in _SPECIAL if test(mode)), "no file")
        raise NotAFileError(path, kind)


def list_remote(url: str) -> list[ListedFile]:
    """The file at `url`, or all files below it, sorted by name.

    On the web, where nothing tells files from folders, a URL that ends in a slash is a folder: a page of links.

    Raises:
        RecipeError: If there is nothing, it cannot be reached, or the package for its protocol is missing.
    """
    url = Address(url)
    with _failures_named(url):
        system, root = _system(url)
        if _is_folder(system, url.full(), root):
            files = [_remote_file(system, root, str(name)) for name in sorted(system.find(root))]
        else:
            files = [_named(system, root, url, url.file_name)]
    if not files:
        raise RecipeError(f"{url}: the folder is empty; the recipe names it as input")
    return files


def _system(url: Address) -> tuple[Any, str]:
    import fsspec  # type: ignore[import-untyped]

    system, path = fsspec.core.url_to_fs(url.full())
    return system, str(path)


def _is_folder(system: Any, url: str, root: str) -> bool:
    if url.startswith(("http://", "https://")):
        return url.endswith("/")
    return bool(system.info(root)["type"] == "directory")


def _remote_file(system: Any, root: str, path: str) -> ListedFile:
    url = Address(system.unstrip_protocol(path))
    bare = (str(Address(path)), str(Address(root))) if url.startswith(("http://", "https://")) else (path, root)
    return _named(system, path, url, bare[0].removeprefix(bare[1]).lstrip("/"))


def _named(system: Any, path: str, url: Address, name: str) -> ListedFile:
    info = system.info(path)
    state = next((str(info[key]) for key in _STATES if info.get(key)), "")
    return ListedFile(url, name or path.rstrip("/").rpartition("/")[2], info.get("size"), state)


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


def files_below(folder: Path) -> list[Path]:
    """All files below a folder, sorted by path.

    Links to folders are followed, each folder once, so that none is left out in silence and none leads round in a
    circle. A link whose file is gone counts as a file, and so do pipes, sockets and devices: whoever opens one with
    `open_binary` will say that it cannot be read.

    Raises:
        RecipeError: If a folder cannot be listed.
    """
    files: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_cannot_list):
        state = Path(place).stat()
        if (state.st_dev, state.st_ino) in seen:
            folders.clear()
            continue
        seen.add((state.st_dev, state.st_ino))
        folders.sort()
        files += [Path(place, name) for name in names]
    return sorted(files)


def _cannot_list(error: OSError) -> NoReturn:
    raise RecipeError(
        f"{error.filename}: the folder cannot be listed ({error.strerror}); give this user access to it, or take it "
        "out of the input"
    ) from error
