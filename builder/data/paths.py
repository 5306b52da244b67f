"""Names that others have written, as places below a folder: the one way from such a name to a file."""

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from builder.errors import UnsafePath

PART_BYTES = 255
"""What Linux, macOS and Windows take as the name of a file."""
NAME_BYTES = 1024
_SHOWN = 80
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
"""What Windows opens as a device, whatever comes behind a dot."""
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of what no name needs: controls, invisible and bidi formatting, surrogates, line ends."""
_SNAPSHOT = re.compile(r"[0-9a-f]{40}")


def inside(root: Path, name: str, where: str) -> Path:
    """`root / name`, if that is a place below `root` on every system, and no link leads out of it.

    Every name from a card, manifest, index, archive or listing comes this way, before it is written or read. Links that
    stay below the root are followed. So are those of a snapshot in the cache of the Hub, which lead to its blobs.

    Args:
        root: The folder that the name must stay in; it need not be there.
        name: Relative, with `/` between its parts.
        where: What holds the name, for the message, such as "the release's card".

    Raises:
        UnsafePath: If the name is absolute, has a drive letter, a backslash, a control character or a part that is
            empty, `.`, `..`, too long or a device of Windows; or if a link on the way leaves the root or goes in a
            circle.
    """
    if fault := _fault(name):
        raise UnsafePath(f"{where}: the name {shown(name)} {fault}; it must be a plain name below {root}")
    path = root / name
    real = Path(os.path.realpath(path))
    if not any(real.is_relative_to(bound) for bound in _bounds(root)):
        raise UnsafePath(
            f"{where}: the name {shown(name)} is a link, or lies behind one, that leads out of {root}; take the link "
            "away, or put the file itself there"
        )
    if real.is_symlink() or any(parent.is_symlink() for parent in real.parents):  # only what never ends stays a link
        raise UnsafePath(f"{where}: the name {shown(name)} is a link that leads in a circle; take it away")
    return path


def distinct(names: Iterable[str], where: str) -> None:
    """Refuse names of which a file system could keep only one: equal, or equal but for case or Unicode form.

    Folders on the way count too, and so does a name that another one uses as its folder.

    Raises:
        UnsafePath: At the first two such names.
    """
    known: dict[str, tuple[str, bool]] = {}
    for name in names:
        parts = name.split("/")
        for end in range(1, len(parts) + 1):
            this, is_file = "/".join(parts[:end]), end == len(parts)
            if (folded := _folded(this)) not in known:
                known[folded] = this, is_file
                continue
            other, was_file = known[folded]
            if other != this:
                raise UnsafePath(
                    f"{where}: the names {shown(other)} and {shown(this)} differ in case or Unicode form only, and "
                    "many file systems keep one of them; rename one"
                )
            if is_file or was_file:
                raise UnsafePath(f"{where}: the name {shown(this)} stands there twice; take one out")


def files_inside(root: Path, where: str) -> dict[str, Path]:
    """All files below a folder by their names, sorted; each is a place that `inside` gives, and all are `distinct`.

    Raises:
        UnsafePath: If a name is unsafe, a link leads out or to a folder, or anything is neither file nor folder.
    """
    files: dict[str, Path] = {}
    for place, folders, names in os.walk(root):
        below = Path(place).relative_to(root)
        for name in sorted([*folders, *names]):
            path = inside(root, (below / name).as_posix(), where)
            if path.is_file():
                files[(below / name).as_posix()] = path
            elif path.is_symlink() or not path.is_dir():
                raise UnsafePath(f"{where}: {shown(name)} is neither a file nor a folder; take it away")
    distinct(sorted(files), where)
    return dict(sorted(files.items()))


def matching(root: Path, pattern: str, where: str) -> list[Path]:
    """The files below `root` that a pattern names, sorted; `*` stands for any characters within one part.

    Raises:
        UnsafePath: If the pattern, or a name that it finds, is no plain name below `root`.
    """
    if not isinstance(pattern, str) or "**" in pattern or set("?[]{}") & set(pattern):
        raise UnsafePath(f"{where}: the pattern {shown(pattern)} holds more than names and `*`; write it with these")
    inside(root, pattern.replace("*", "x"), where)
    found = (path.relative_to(root).as_posix() for path in root.glob(pattern))
    return sorted(path for name in found if (path := inside(root, name, where)).is_file())


def shown(name: object) -> str:
    """A name for a message: quoted, on one line, with what is not ASCII or not printable escaped, and cut."""
    text = ascii(name)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _fault(name: object) -> str | None:
    """What is wrong with a name as it is written."""
    if not isinstance(name, str):
        return "is no text"
    if any(unicodedata.category(character) in _HIDDEN for character in name):
        return "holds a control, invisible or surrogate character"
    if "\\" in name or ":" in name:
        return "holds a backslash or a colon"
    if len(name.encode()) > NAME_BYTES:
        return f"is longer than {NAME_BYTES:,} bytes"
    return next(filter(None, map(_part_fault, name.split("/"))), None)


def _part_fault(part: str) -> str | None:
    if part in ("", ".", ".."):
        return "is absolute or has an empty part, '.' or '..'"
    if len(part.encode()) > PART_BYTES:
        return f"has a part of more than {PART_BYTES} bytes"
    if part[-1] in " .":
        return "has a part that ends in a dot or a space"
    return "has a part that is a device of Windows" if _DEVICE.fullmatch(part) else None


def _bounds(root: Path) -> list[Path]:
    real = Path(os.path.realpath(root))
    blobs = real.parent.parent / "blobs"
    if real.parent.name == "snapshots" and _SNAPSHOT.fullmatch(real.name) and not blobs.is_symlink():
        return [real, blobs]
    return [real]


def _folded(name: str) -> str:
    """Equal for names that Unicode's canonical caseless matching takes for the same."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
