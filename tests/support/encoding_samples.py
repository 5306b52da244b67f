"""Bytes in which every part of an encoding's table occurs, right and wrong; the same on every run."""

from collections.abc import Iterator
from random import Random

ESCAPES = (b"\x1b(B", b"\x1b(J", b"\x1b(I", b"\x1b$@", b"\x1b$B")
DIFFERENCES = (
    # Chromium writes each of these four pairs of characters as half of a surrogate pair.
    ("big5", b"\x88\x62", "\u00ca\u0304", "\x93\udf04"),
    ("big5", b"\x88\x64", "\u00ca\u030c", "\x93\udf0c"),
    ("big5", b"\x88\xa3", "\u00ea\u0304", "\xb3\udf04"),
    ("big5", b"\x88\xa5", "\u00ea\u030c", "\xb3\udf0c"),
    # Behind a broken sequence of three bytes Chromium takes the next two for one, too.
    ("euc-jp", b"\x8f\xa1 \xa1\xa1", "\ufffd \u3000", "\ufffd \ufffd"),
    # A broken escape costs Chromium one U+FFFD less.
    ("iso-2022-jp", b"\x1b$\x0fpf", "\ufffd$\ufffdpf", "\ufffd$pf"),
)
"""Where Chromium departs from the Encoding Standard: an encoding, bytes, what is right, what Chromium gives."""
_APART = frozenset(data for encoding, data, _, _ in DIFFERENCES if encoding == "big5")


def every_byte() -> bytes:
    return bytes(range(256))


def every_pair(encoding: str) -> Iterator[bytes]:
    """Each lead byte with each byte behind it, whether it may stand there or not."""
    for lead in range(0x80, 0x100):
        if lead != 0x8F or encoding != "euc-jp":
            pairs = (bytes((lead, trail)) for trail in range(0x100))
            yield from (pair for pair in pairs if encoding != "big5" or pair not in _APART)


def every_triple() -> Iterator[bytes]:
    """JIS X 0212, as EUC-JP has it."""
    for row in range(0xA0, 0x100):
        for cell in range(0xA0, 0x100):
            yield bytes((0x8F, row, cell))


def four_bytes(random: Random) -> Iterator[bytes]:
    """The ranges of GB18030, at their ends and at random."""
    yield from (b"\x81\x30\x81\x30", b"\x84\x31\xa4\x37", b"\x84\x31\xa4\x38", b"\x90\x30\x81\x30", b"\xe3\x32\x9a\x35")
    yield from (b"\xe3\x32\x9a\x36", b"\xfe\x39\xfe\x39", b"\x81\x35\xf4\x37", b"\xff\x30\x81\x30", b"\x81\x30\x81\x3a")
    for _ in range(8_000):
        yield bytes(random.randrange(*bounds) for bounds in ((0x81, 0xFF), (0x30, 0x3A)) * 2)


def escaped(random: Random) -> bytes:
    """ISO-2022-JP: characters of all sets, with escapes between them, also in the middle of a character."""
    parts = []
    for _ in range(3_000):
        parts.append(random.choice(ESCAPES))
        parts.append(bytes(random.randrange(0x20, 0x80) for _ in range(random.randrange(6))))
    rows = b"".join(bytes((row, cell)) for row in range(0x21, 0x7F) for cell in range(0x21, 0x7F))
    return b"\x1b$B" + rows + b"\x1b(I" + bytes(range(0x21, 0x7F)) + b"\x1b(J\\~\x1b(B" + b"".join(parts)


def sample(encoding: str) -> bytes:
    """What is decoded to compare two decoders of an encoding."""
    random = Random(encoding)
    junk = bytes(random.randrange(256) for _ in range(20_000))
    for pair in _APART:
        junk = junk.replace(pair, b"")
    spaced = every_byte() + b"".join(bytes((byte, 0x20)) for byte in range(256))
    if encoding.startswith("utf-16"):
        return junk + b"\xd8\x3d\xde\x00\x3d\xd8\x00\xde" * 2 + b"\x00"
    if encoding in ("big5", "euc-kr", "shift_jis", "euc-jp", "gbk", "gb18030"):
        parts = [b"\n".join(every_pair(encoding))]
        if encoding == "euc-jp":
            parts.append(b"\n".join(every_triple()))
        if encoding.startswith("gb"):
            parts.append(b"\n".join(four_bytes(random)))
        return b"\n".join([spaced, *parts, *([] if encoding == "euc-jp" else [junk])])
    if encoding == "iso-2022-jp":
        return escaped(random) + b"\x1b(B" + junk.replace(b"\x1b", b"")
    return spaced + junk if encoding == "utf-8" else spaced
