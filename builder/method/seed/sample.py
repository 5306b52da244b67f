"""Some rows of a seed source, read as the seed stage reads them: what a build will find, before it runs."""

from collections import Counter
from dataclasses import dataclass, field

from builder.data.sampled import spread
from builder.errors import RecipeError
from builder.method.seed.files import fitting_rows, source_files, unread_files
from builder.method.seed.formats import columns_of, with_format
from builder.method.seed.heads import DECIDING_ROWS, HEAD_FILES, Head, file_head
from builder.method.seed.stage import candidates, row_fault, seed_row
from builder.recipe.sections.seed import Seed, SeedSource


@dataclass
class SeedSample:
    """What was found in one source.

    Attributes:
        source: The source, with the format that its rows have.
        columns: The columns of its rows.
        rows: How many rows it has.
        exact: Whether they were counted, and not estimated by sizes.
        looked_at: How many of them were looked at.
        read: How many candidates these gave: one for a row, but of Open Assistant one for a reply.
        pairs: Those candidates that are pairs: `instruction` and `output`.
        reasons: Why the others are none.
        tally: What else was counted, such as later turns of conversations.
        unread: Names of files below the source that are not read.
        faults: Why the seed stage would end with an error, a line each.
    """

    source: SeedSource
    columns: list[str] = field(default_factory=list)
    rows: int = 0
    exact: bool = True
    looked_at: int = 0
    read: int = 0
    pairs: list[dict[str, str]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    tally: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def found(self) -> int:
        """About how many pairs the source gives."""
        return round(self.rows * len(self.pairs) / self.looked_at) if self.looked_at else 0


def sample_source(source: SeedSource, config: Seed) -> SeedSample:
    """Read the beginnings of some files of a source that is here."""
    try:
        files = source_files(source)
        heads = [file_head(file) for file in spread(files, HEAD_FILES)]
    except RecipeError as error:
        return SeedSample(source, faults=str(error).splitlines())
    share = -(-DECIDING_ROWS // len(heads))
    source = with_format(source, [row for head in heads for _, row in head.rows[:share]])
    sample = SeedSample(source, columns=_columns(heads), unread=unread_files(source))
    sample.exact = len(heads) == len(files) and all(head.whole for head in heads)
    sizes = [file.stat().st_size for file in files]
    opened = sum(head.file.stat().st_size for head in heads)
    total = sum(head.total for head in heads)
    sample.looked_at = sum(len(head.rows) for head in heads)
    sample.rows = total if len(heads) == len(files) else round(total * sum(sizes) / max(1, opened))
    try:
        _take(sample, config, heads)
    except RecipeError as error:
        sample.faults = str(error).splitlines()
    return sample


def _columns(heads: list[Head]) -> list[str]:
    names = dict.fromkeys(
        str(name) for head in heads for _, row in head.rows[:DECIDING_ROWS] if isinstance(row, dict) for name in row
    )
    return list(names)


def _take(sample: SeedSample, config: Seed, heads: list[Head]) -> None:
    seen: set[str] = set()
    tables = ((str(head.file), head.rows) for head in heads)
    rows = fitting_rows(tables, sample.source, columns_of(sample.source))
    for candidate in candidates(rows, sample.source, config, sample.tally):
        sample.read += 1
        row = seed_row(candidate, sample.source)
        if reason := candidate.reason or row_fault(row, candidate, seen):
            sample.reasons[reason] += 1
        else:
            sample.pairs.append(row)


def twice_decoded(text: str) -> bool:
    """Whether characters of a text were read as another encoding than theirs, and written so: `Ã©` for `é`."""
    try:
        return not text.isascii() and text.encode("cp1252").decode("utf-8") != text
    except UnicodeError:
        return False
