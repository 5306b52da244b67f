"""Content codings: a body packed by any chain of them, and bodies that a crawler has unpacked but labelled as packed.

The header says what was on the wire, the content what is in the archive. Where they disagree the content is right:
gzip and zstd have magic numbers, and packed bytes are full of control characters, of which text has next to none.
"""

import re
import zlib

MAX_PAGE_BYTES = 20_000_000
"""Larger pages are left out; nothing is ever unpacked beyond this."""
MAX_CODINGS = 8
"""No server packs a page so often; each coding may take as long as a large page."""
_PLAIN = frozenset(("", "identity", "none", "aws-chunked"))
_NAMES = {"x-gzip": "gzip", "x-deflate": "deflate", "brotli": "br", "zstandard": "zstd"}
_KNOWN = ("gzip", "deflate", "br", "zstd")
_MAGIC = ((b"\x1f\x8b\x08", "gzip"), (b"\x28\xb5\x2f\xfd", "zstd"))
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")
_UTF16_MARKS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_TEXT_BYTES = 1 << 10
_ONE_CONTROL_IN = 50
"""One byte in ten of packed data is a control character; a page has hardly one in all, such as a stray NUL."""
_SHORT = 256
_STEP = 1 << 14
_SMALL_STEP = 1 << 10  # Arrow gives nothing of a step that has damage in it


class UndecodableError(ValueError):
    """The body is packed in a way that cannot be undone; the message says how."""


def unpack(body: bytes, codings: list[str]) -> tuple[bytes, bool]:
    """Undo content codings, the last one first, as far as the body is packed.

    Args:
        body: The body as it is stored.
        codings: Names of the codings in the order in which they were applied.

    Returns:
        The body, unpacked up to one byte more than a page may have, and whether it ends before its packing does.

    Raises:
        UndecodableError: If it is packed and nothing comes out, or in an unknown way.
    """
    names = (coding.strip().lower() for coding in codings)
    chain = [_NAMES.get(name, name) for name in names if name not in _PLAIN]
    if len(chain) > MAX_CODINGS:
        raise UndecodableError(f"Content-Encoding names {len(chain)} codings; at most {MAX_CODINGS} are undone")
    unpacked, whole = _unpack_chain(body, chain)
    for length in range(len(chain) - 1, 0, -1):
        if whole:
            break
        # A crawler may have undone the last codings and no other, which shows where they leave no trace of their own.
        rest, whole = _unpack_chain(body, chain[:length])
        unpacked = rest if whole or unpacked is None else unpacked
    if unpacked is None:
        raise UndecodableError(f"Content-Encoding {', '.join(chain)}: the body is damaged, or packed in another way")
    return unpacked, not whole


def _unpack_chain(body: bytes, chain: list[str]) -> tuple[bytes | None, bool]:
    """Undo all of a chain; None if nothing comes out."""
    whole = True
    for name in reversed(chain):
        magic = _by_magic(body)
        if magic and magic != name:
            if magic in chain:
                continue  # the crawler has undone this coding, but not one before it
            name = magic  # labelled as another coding
        try:
            body, sound = _undo(body, name)
        except UndecodableError:
            return None, False
        whole = whole and sound
    return body, whole


def _by_magic(body: bytes) -> str:
    for magic, name in _MAGIC:
        if body.startswith(magic):
            return name
    return "zstd" if _SKIPPABLE.match(body) else ""


def _undo(body: bytes, name: str) -> tuple[bytes, bool]:
    """The body without one coding, and whether it was whole; the body itself where it is text already."""
    if not body:
        return body, True
    if _by_magic(body) != name and is_text(body):
        if name in _KNOWN and len(body) < _SHORT:
            unpacked, whole = _unpacked(body, name)
            if unpacked and whole:  # a few packed bytes may be without control characters
                return unpacked, whole
        return body, True
    if name not in _KNOWN:
        raise UndecodableError(f"Content-Encoding {name} is not supported")
    unpacked, whole = _unpacked(body, name)
    if whole is False and not unpacked:
        raise UndecodableError(f"Content-Encoding {name}: the body is damaged")
    return unpacked, whole


def _unpacked(body: bytes, name: str) -> tuple[bytes, bool]:
    if name == "gzip":
        return _inflate(body, zlib.MAX_WBITS | 16)
    if name == "deflate":
        wrapped = _inflate(body, zlib.MAX_WBITS | 32)
        raw = (b"", False) if wrapped[1] else _inflate(body, -zlib.MAX_WBITS)  # as some servers send it
        return raw if raw[1] or len(raw[0]) > len(wrapped[0]) else wrapped
    return _decompress(body, {"br": "brotli"}.get(name, name))


def is_text(body: bytes) -> bool:
    """Whether bytes are text as they stand, in whatever encoding; packed ones are not."""
    head = body[:_TEXT_BYTES]
    for mark, encoding in _UTF16_MARKS:
        if head.startswith(mark):
            units = head[2 : len(head) & ~1].decode(encoding, "ignore")
            return "<" in units or " " in units
    if head.startswith((b"<\x00", b"\x00<")):  # UTF-16 without a mark
        return True
    controls = len(_CONTROL.findall(head))
    return controls == 0 or (controls * _ONE_CONTROL_IN <= len(head) and not _CONTROL.match(head))


def _inflate(body: bytes, window_bits: int) -> tuple[bytes, bool]:
    """Inflate member after member, as far as it goes and as a page may be long."""
    unpacked, position, whole = bytearray(), 0, False
    while position < len(body) and len(unpacked) <= MAX_PAGE_BYTES:
        if position and not body.startswith(_MAGIC[0][0], position):
            break  # padding, or whatever the server has sent behind it
        inflater, whole = zlib.decompressobj(window_bits), False
        while position < len(body) and not inflater.eof and len(unpacked) <= MAX_PAGE_BYTES:
            step = body[position : position + _STEP]
            before = inflater.copy()
            try:
                unpacked += inflater.decompress(step, MAX_PAGE_BYTES + 1 - len(unpacked))
            except zlib.error:
                return bytes(unpacked + before_error(before, step, MAX_PAGE_BYTES + 1 - len(unpacked))), False
            position += len(step) - len(inflater.unused_data)
        whole = inflater.eof
        if not whole:
            break
    return bytes(unpacked), whole or len(unpacked) > MAX_PAGE_BYTES


def before_error(inflater: "zlib._Decompress", packed: bytes, limit: int) -> bytes:
    """What comes out of `packed` up to the error in it, which may be in the checksum only; zlib throws it away."""
    data = bytearray()
    try:
        for number in range(len(packed)):
            if len(data) >= limit:
                break
            data += inflater.decompress(packed[number : number + 1], limit - len(data))
    except zlib.error:
        pass
    return bytes(data)


def _decompress(body: bytes, codec: str) -> tuple[bytes, bool]:
    """Like `_inflate`, for what Arrow can unpack."""
    import pyarrow as pa

    unpacked, whole = bytearray(), True
    try:
        with pa.CompressedInputStream(pa.BufferReader(body), codec) as stream:
            while len(unpacked) <= MAX_PAGE_BYTES and (data := stream.read(_SMALL_STEP)):
                unpacked += data
    except (OSError, ValueError):
        whole = False  # what came out before the damage counts
    return bytes(unpacked[: MAX_PAGE_BYTES + 1]), whole
