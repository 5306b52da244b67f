"""Judgements as others publish them: AlpacaEval's annotations.json in its old and new forms, and reduced ones."""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builder.data.inputs import refuse_special
from builder.data.named_text import why_unread
from builder.data.records import Row
from builder.errors import RecipeError
from builder.results.evaluate.statistics.win_rates import DRAW, Scores, score_of

_REPLIES = ("preference_raw_completion", "raw_completion")
"""Where a judge's own words stand, in new files and in old ones."""
HEX = 16
"""Digits of a prompt's SHA-256 that name it in a reduced file."""


@dataclass(frozen=True)
class Judgement:
    """What a judge said of one prompt; output 1 is the reference's, output 2 the model's.

    Attributes:
        prompt: The first digits of the SHA-256 of the prompt.
        score: How likely the model is better; None if that could not be read.
        lengths: Characters of the reference's and of the model's output.
        identical: Whether both are the same text.
        empty: Whether the model's is empty.
        source: The set that the prompt is from.
    """

    prompt: str
    score: float | None
    lengths: tuple[int, int] | None = None
    identical: bool = False
    empty: bool = False
    source: str | None = None


@dataclass(frozen=True)
class Judgements:
    """A file of judgements.

    Attributes:
        rows: In the order of the file.
        digest: SHA-256 of the file.
        replies: So many rows have the judge's own words.
        out_of_range: So many have a preference that is none.
    """

    rows: list[Judgement]
    digest: str
    replies: int = 0
    out_of_range: int = 0

    @property
    def scores(self) -> Scores:
        """By prompt."""
        return {row.prompt: row.score for row in self.rows}

    @property
    def sources(self) -> Mapping[str, str]:
        """The set that each prompt is from, where the file says so."""
        return {row.prompt: row.source for row in self.rows if row.source}

    @property
    def longer(self) -> Mapping[str, str]:
        """By prompt which output is longer, where the file says so."""
        words = ("model longer", "model shorter", "equally long")
        return {
            row.prompt: words[0 if row.lengths[1] > row.lengths[0] else 1 if row.lengths[1] < row.lengths[0] else 2]
            for row in self.rows
            if row.lengths
        }


def read_annotations(path: Path) -> Judgements:
    """Read judgements: a JSON list or JSON lines, packed with gzip or not.

    A row needs `preference`, and `instruction` or `prompt_sha256`. Identical outputs are a draw whatever stands there.

    Raises:
        RecipeError: If the file cannot be read, a row is something else, or two have the same prompt.
    """
    data = _bytes(path)
    known: set[str] = set()
    rows, replies, wrong = [], 0, 0
    for where, row in _rows(path, data):
        judgement = _judgement(row, where)
        if judgement.prompt in known:
            raise RecipeError(f"{where} has a prompt that another row has; keep one judgement of each")
        known.add(judgement.prompt)
        rows.append(judgement)
        replies += any(row.get(key) for key in _REPLIES)
        wrong += row["preference"] is not None and judgement.score is None
    if not rows:
        raise RecipeError(f"{path}: holds no judgement")
    return Judgements(rows, hashlib.sha256(data).hexdigest(), replies, wrong)


def _bytes(path: Path) -> bytes:
    try:
        refuse_special(path)
        data = path.read_bytes()
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        why = why_unread(error) if isinstance(error, OSError) else "it is no whole archive"
        raise RecipeError(f"{path}: cannot be read ({why})") from error


def _rows(path: Path, data: bytes) -> Iterator[tuple[str, Row]]:
    try:
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("["):
            found = [(f"{path}: item {number}", row) for number, row in enumerate(json.loads(text), 1)]
        else:
            lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
            found = [(f"{path}: line {number}", json.loads(line)) for number, line in lines]
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise RecipeError(f"{path}: is neither a JSON list nor JSON lines ({error})") from error
    for where, row in found:
        if not isinstance(row, dict) or "preference" not in row:
            raise RecipeError(f"{where} has no preference; it needs one, and instruction or prompt_sha256")
        yield where, row


def _judgement(row: Row, where: str) -> Judgement:
    lengths: tuple[int, int] | None
    one, two = row.get("output_1"), row.get("output_2")
    if isinstance(one, str) and isinstance(two, str):
        lengths, identical = (len(one), len(two)), one == two
    else:
        lengths, identical = _lengths(row), bool(row.get("identical"))
    empty = not two.strip() if isinstance(two, str) else bool(row.get("empty_2"))
    source = row.get("dataset")
    return Judgement(
        _prompt(row, where),
        DRAW if identical else score_of(row["preference"]),
        lengths,
        identical,
        empty,
        source if isinstance(source, str) and source else None,
    )


def _prompt(row: Row, where: str) -> str:
    text, digest = row.get("instruction"), row.get("prompt_sha256")
    if isinstance(text, str):
        return prompt_key(text)
    if isinstance(digest, str) and digest:
        return digest
    raise RecipeError(f"{where} has neither instruction nor prompt_sha256")


def _lengths(row: Row) -> tuple[int, int] | None:
    one, two = row.get("len_1"), row.get("len_2")
    return (one, two) if isinstance(one, int) and isinstance(two, int) else None


def prompt_key(instruction: str) -> str:
    """What a prompt is called: the first digits of the SHA-256 of its text as it is."""
    return hashlib.sha256(instruction.encode("utf-8", "surrogatepass")).hexdigest()[:HEX]


def length_audit(rows: Judgements) -> dict[str, Any]:
    """Mean lengths of both outputs, and how often the longer one is the model's."""
    both = [row.lengths for row in rows.rows if row.lengths]
    n = len(both)
    return {
        "n": n,
        "reference": sum(one for one, _ in both) / n if n else None,
        "model": sum(two for _, two in both) / n if n else None,
        "model_longer": sum(two > one for one, two in both) / n if n else None,
        "identical": sum(row.identical for row in rows.rows),
        "empty": sum(row.empty for row in rows.rows),
    }
