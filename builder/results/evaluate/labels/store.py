"""Labels on disk: lines that are only ever added, each there for good before the next pair is shown."""

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.errors import RecipeError
from builder.results.evaluate.labels.sheet import Sheet

FILE = "labels.jsonl"
_EXAMPLE = '{"id": "...", "good": true}'
ONE = "all"
"""The stratum of labels that say none: they count as a plain random sample."""


@dataclass(frozen=True)
class Label:
    """What a rater said of a pair.

    Attributes:
        id: The pair.
        good: Whether it is good.
        rater: Who says so.
        stratum: Of the sheet; None in a file that has none.
    """

    id: str
    good: bool
    rater: str
    stratum: str | None


class Store:
    """A file of labels that is open for one rater.

    A line that was cut off when the machine went down is dropped as the file is opened: its pair is asked again.
    """

    def __init__(self, folder: Path, sheet: Sheet, rater: str) -> None:
        """Open or begin the file, and read what the rater has said so far."""
        self.path = folder / FILE
        self._sheet, self._rater = sheet, rater
        self._strata = dict(sheet.items)
        folder.mkdir(parents=True, exist_ok=True)
        _drop_cut_line(self.path)
        self.answers = {row.id: row.good for row in read_label_file(self.path) if row.rater == rater}

    def add(self, key: str, good: bool) -> None:
        """Write a label; it is on the disk when this returns. A later one of the same pair stands for it."""
        name = self._strata[key]
        row = {
            "id": key,
            "good": good,
            "rater": self._rater,
            "stratum": name,
            "stratum_rows": self._sheet.strata[name],
            "seed": self._sheet.seed,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.answers[key] = good

    def knows(self, key: str) -> bool:
        """Whether a pair is on the sheet."""
        return key in self._strata

    def follow(self, sheet: Sheet) -> None:
        """Take the sheet after it was extended."""
        self._sheet, self._strata = sheet, dict(sheet.items)


def _drop_cut_line(path: Path) -> None:
    if not path.is_file():
        return
    with path.open("rb+") as file:
        data = file.read()
        whole = data.rfind(b"\n") + 1
        if whole < len(data):
            file.truncate(whole)


def read_label_file(path: Path) -> list[Label]:
    """All labels of a file, the last one of a rater for each pair; none if there is no file.

    Raises:
        RecipeError: If it cannot be read, a line is no label, or a file of plain labels, in which no sheet says what
            came later, has two that differ.
    """
    return _labels_of(path) if path.exists() else []


def _labels_of(path: Path) -> list[Label]:
    try:
        refuse_special(path)
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(
            f"{path}: cannot be read ({why_unread(error)}); labels are JSON lines such as {_EXAMPLE}"
        ) from error
    found: dict[tuple[str, str], Label] = {}
    for number, line in enumerate(lines, 1):
        if line.strip():
            label = _label(line, f"{path}: line {number}")
            if label.stratum is None and found.setdefault((label.id, label.rater), label).good != label.good:
                raise RecipeError(
                    f"{path}: line {number}: {label.id} is good in one line and bad in another; keep one of them"
                )
            found[label.id, label.rater] = label
    return list(found.values())


def read_labels(path: Path) -> list[Label]:
    """The labels of a file that somebody names.

    Raises:
        RecipeError: As `read_label_file` does, and if there is none.
    """
    labels = _labels_of(path)
    if not labels:
        raise RecipeError(f"{path}: holds no label; write lines such as {_EXAMPLE}")
    return labels


def _label(line: str, where: str) -> Label:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise RecipeError(f"{where} is not JSON ({error}); write {_EXAMPLE}") from error
    if not isinstance(row, dict) or not isinstance(row.get("id"), str) or not isinstance(row.get("good"), bool):
        raise RecipeError(f"{where} needs id, the id of a pair or a segment, and good, which is true or false")
    stratum = row.get("stratum")
    return Label(row["id"], row["good"], str(row.get("rater", "")), stratum if isinstance(stratum, str) else None)


def verdicts(labels: Iterable[Label]) -> tuple[dict[str, bool], list[str]]:
    """What most raters say of each pair, and the pairs on which they are divided."""
    votes: dict[str, Counter[bool]] = {}
    for label in labels:
        votes.setdefault(label.id, Counter())[label.good] += 1
    said = {key: count[True] > count[False] for key, count in votes.items() if count[True] != count[False]}
    return said, sorted(votes.keys() - said.keys())
