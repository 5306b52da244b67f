"""Files of a source that are not read: what they are, and how they are named to whoever reads the answer."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

NAMED = 5
"""So many files of a kind are named in a line; all of them are counted."""
_MAX_NAME = 80


@dataclass(frozen=True)
class Unread:
    """A file below a source that is not read.

    Attributes:
        source: The source as the recipe names it, without secrets.
        format: How the source is read.
        name: Its path relative to the source, as it can be printed.
        kind: What it is: its ending, `hidden`, `no ending`, or why it could not be looked at.
    """

    source: str
    format: str
    name: str
    kind: str


def kind_of_file(name: str) -> str:
    """What a file seems to be, by its name alone."""
    path = PurePosixPath(name)
    if any(part.startswith(".") for part in path.parts):
        return "hidden"
    return path.suffix.lower()[:20] or "no ending"


def unread_lines(files: Iterable[Unread]) -> Iterator[str]:
    """One line a source: how many files of which kind are not read, and the first ones by name."""
    sources: defaultdict[tuple[str, str], defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in files:
        sources[file.source, file.format][file.kind].append(file.name)
    for (source, form), kinds in sources.items():
        total = sum(map(len, kinds.values()))
        told = (
            f"{len(names)} x {kind} ({', '.join(map(_short, names[:NAMED]))}{', ...' if len(names) > NAMED else ''})"
            for kind, names in sorted(kinds.items(), key=lambda item: (-len(item[1]), item[0]))
        )
        files_are = "1 file is" if total == 1 else f"{total:,} files are"
        yield f"{source}: {files_are} not read as {form}: {'; '.join(told)}"


def unread_counts(files: Iterable[Unread]) -> dict[str, int]:
    """How many files of each kind are not read."""
    return dict(sorted(Counter(file.kind for file in files).items()))


def _short(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[:40]}...{name[-37:]}"
