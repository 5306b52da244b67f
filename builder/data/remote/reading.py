"""Reading a file behind a URL: what fails on the way is asked for again, from the byte that was reached."""

import io
import time
from typing import IO, Any

from builder.data.address import Address
from builder.data.redaction import redacted

DELAYS = (0.5, 1.0, 2.0, 4.0)
"""Seconds before each new attempt; the first byte that comes lets them begin anew."""
_BUFFER_BYTES = 1 << 20
_FINAL = (FileNotFoundError, PermissionError, IsADirectoryError, ImportError)
"""What another attempt would not mend, if it is the server that says so."""
_BUSY = (408, 425, 429)


def file_system(url: Address) -> tuple[Any, str]:
    """The file system of a URL, as fsspec has it, and the path there."""
    import fsspec  # type: ignore[import-untyped]

    system, path = fsspec.core.url_to_fs(url.full())
    return system, str(path)


def open_remote(url: Address) -> IO[bytes]:
    """Open the file behind a URL.

    Raises:
        OSError: If it cannot be opened, in as many attempts as there are `DELAYS` and one.
    """
    return io.BufferedReader(RemoteFile(url), _BUFFER_BYTES)


class RemoteFile(io.RawIOBase):
    """A file behind a URL that is opened again where reading fails, and read on from where it was.

    How long a server may be silent is for its file system to say: fsspec's for the web gives a request five minutes,
    that of S3 a minute without a byte.

    Args:
        url: Its address.

    Raises:
        OSError: If it cannot be opened or read, if it ends before the size that it was said to have, or has another
            size when it is opened again.
    """

    def __init__(self, url: Address) -> None:
        super().__init__()
        self._url, self._place, self._failures = url, 0, 0
        self._whole = False
        """Whether the server sends the file from its beginning alone."""
        self._inner: Any = None
        while self._inner is None:
            try:
                self._inner = self._opened()
            except Exception as error:  # each file system has errors of its own
                self._wait_after(error)
        self._size = _size_of(self._inner)

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """Whether its size is known."""
        return self._size is not None

    def tell(self) -> int:
        """The byte that is read next."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a byte; nothing is asked for before it is read."""
        if self._size is None:
            raise io.UnsupportedOperation(f"{self._url}: the server does not say how long this file is")
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read what comes, at most as much as there is room for."""
        while True:
            try:
                read = self._read(len(buffer))
            except Exception as error:  # each file system has errors of its own
                self._wait_after(error)
                continue
            self._failures = 0
            self._place += len(read)
            buffer[: len(read)] = read
            return len(read)

    def close(self) -> None:
        """Close it."""
        self._close_inner()
        super().close()

    def _close_inner(self) -> None:
        inner, self._inner = getattr(self, "_inner", None), None
        if inner is not None:
            inner.close()

    def _opened(self) -> Any:
        system, path = file_system(self._url)
        return system.open(path, "rb", **({"block_size": 0} if self._whole else {}))

    def _read(self, size: int) -> bytes:
        if self._inner is None:
            self._inner = self._opened()
            found = _size_of(self._inner)
            if found != self._size and not self._whole:
                raise PermissionError(f"it has {found} bytes and had {self._size} when it was opened first")
        try:
            if self._inner.tell() != self._place:
                self._go_on()
            read: bytes = self._inner.read(size)
        except ValueError:  # what the web's says of a server that sends no parts
            if self._whole or not self._url.startswith(("http://", "https://")):
                raise
            self._whole = True
            self._close_inner()
            return self._read(size)
        if not read and self._size is not None and self._place < self._size:
            raise OSError(f"it ends at byte {self._place} of {self._size}")
        return read

    def _go_on(self) -> None:
        if self._size is not None and not self._whole:
            self._inner.seek(self._place)
            return
        if self._place < self._inner.tell():
            self._close_inner()
            self._inner = self._opened()
        while ahead := self._place - self._inner.tell():
            if not self._inner.read(min(ahead, _BUFFER_BYTES)):
                raise OSError(f"it ends before byte {self._place}, which was read before")

    def _wait_after(self, error: Exception) -> None:
        """Wait before the next attempt.

        Raises:
            OSError: If there is none.
        """
        self._close_inner()
        if _is_final(error) or self._failures == len(DELAYS):
            if isinstance(error, OSError):
                raise error
            raise OSError(redacted(f"{self._url}: {type(error).__name__}: {error}")) from error
        time.sleep(DELAYS[self._failures])
        self._failures += 1


def _size_of(opened: Any) -> int | None:
    """The bytes of an opened file, as its file system knows them, or by looking for its end; None where none says."""
    if hasattr(opened, "size"):
        return None if opened.size is None else int(opened.size)
    if not opened.seekable():
        return None
    size = int(opened.seek(0, io.SEEK_END))
    opened.seek(0)
    return size


def _is_final(error: Exception) -> bool:
    """Whether it is the file that is wrong, and not the way to it.

    The file system of the web calls a file missing, too, where nobody answers; the cause tells.
    """
    cause = error.__cause__
    status = getattr(error, "status", getattr(cause, "status", None))
    if isinstance(status, int):
        return 400 <= status < 500 and status not in _BUSY
    lost = isinstance(cause, OSError) or type(cause).__module__.startswith("aiohttp")
    return isinstance(error, _FINAL) and not lost
