"""Leave out segments whose text is there already, then sample (paper section 3.1: 502,133 segments were sampled)."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts, Stats
from builder.data.records import stable_id
from builder.data.row_groups import Group, read_batches, row_groups
from builder.data.storage import parquet_files
from builder.method.corpus.dedup.against import KnownTexts, read_known
from builder.method.corpus.dedup.index import Index, read_index
from builder.method.corpus.dedup.near import MinHash
from builder.method.corpus.dedup.output import write_kept, write_rejected
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.runtime import Runtime
from builder.text.domains import registered_domain
from builder.workspace.progress import phase

if TYPE_CHECKING:
    import numpy as np

    Rows = np.ndarray[Any, np.dtype[np.int64]]

VERSION = 3
REASONS = ("duplicate_id", "duplicate", "near_duplicate", "domain_cap", "not_sampled")
"""In the order in which rows are left out; those of `dedup.against` come behind them."""


def why_known(name: str) -> str:
    """The reason of a row whose text a set has."""
    return f"against:{name}"


@dataclass
class Outcomes:
    """What happens to each row of an index, by its number there.

    Attributes:
        outcome: 0 for rows that stay, else the number of the reason from 1.
        twin: For duplicates the number of the row they repeat, else -1.
        reasons: All reasons.
    """

    outcome: "np.ndarray[Any, np.dtype[np.int16]]"
    twin: "Rows"
    reasons: tuple[str, ...] = REASONS

    @classmethod
    def fresh(cls, rows: int, sets: Sequence[str] = ()) -> "Outcomes":
        """All rows stay; `sets` are those that they are held against."""
        import numpy as np

        reasons = (*REASONS, *map(why_known, sets))
        return cls(np.zeros(rows, np.int16), np.full(rows, -1, np.int64), reasons)

    def drop(self, rows: Any, reason: str, twins: Any = -1) -> None:
        """Leave out some rows."""
        self.outcome[rows] = self.reasons.index(reason) + 1
        self.twin[rows] = twins

    @property
    def kept(self) -> "Rows":
        """Numbers of the rows that stay so far, which is the order of their ids."""
        return self._with(0)

    def rows(self, reason: str) -> "Rows":
        """Numbers of the rows that go for a reason, in the order of their ids."""
        return self._with(self.reasons.index(reason) + 1)

    def _with(self, number: int) -> "Rows":
        import numpy as np

        return np.flatnonzero(self.outcome == number)


def deduplicate(out: Path, config: Dedup, segments: Path, *, runtime: Runtime) -> Stats:
    """Keep the first segment, by id, of all that say the same; then cap domains, then sample.

    Texts say the same when they are equal after NFKC, case folding and joining of white space, or, with `near`, when
    MinHash puts them into one cluster. What says the same as a text of a set in `against` goes too. The choice does not
    depend on the order of the rows or on how they are spread over files. Only ids, digests and counts of rows are held
    in memory.

    Departure: the paper does not say how it removed duplicates; `per_domain` and `against` are ours.

    Args:
        out: Stage folder; gets `data/` (segment rows, sorted by id, 10,000 a file) and `rejected/`.
        config: Which duplicates go and how many segments stay.
        segments: Folder of the segments stage.
        runtime: How many processes compute signatures.

    Returns:
        Counts of segments, dropped by the reasons of `REASONS` and, by set, of `against`.

    Raises:
        RecipeError: If a file of such a set cannot be read, or has not its column.
    """
    for stale in (*parquet_files(out / "data"), *parquet_files(out / "rejected")):
        stale.unlink()
    groups = row_groups(segments / "data")
    with phase("reading the texts"):
        index = read_index(groups)
    with phase("reading the sets to hold them against"):
        known = read_known(out / "against", config.against or ())
    outcomes = Outcomes.fresh(len(index), known.names)
    drop_equal(index, outcomes)
    distinct = len(outcomes.kept)
    drop_known(index, outcomes, known)
    rows = len(outcomes.kept)
    near = config.near and rows and rows + len(known) > 1
    clusters = drop_near(out, index, outcomes, groups, config, runtime, known) if near else 0
    if config.per_domain is not None:
        with phase("counting domains"):
            drop_crowded(index, outcomes, groups, config.per_domain)
    if config.sample is not None:
        outcomes.drop(hash_order("sample", index, outcomes.kept)[config.sample :], "not_sampled")
    dropped = {reason: outcomes.rows(reason) for reason in outcomes.reasons}
    with phase("writing what is left out"):
        write_rejected(out, groups, index, dropped, outcomes.twin)
    write_kept(out, groups, index, outcomes.kept)
    for folder in ("minhash", "against"):
        shutil.rmtree(out / folder, ignore_errors=True)
    reasons = Counter({reason: len(rows) for reason, rows in dropped.items() if len(rows)})
    counts = Counts(rows_in=len(index), kept=len(outcomes.kept), dropped=reasons)
    details: dict[str, Any] = {"distinct_texts": distinct, "near_clusters": clusters}
    return Stats({"segments": counts}, details | ({"against": known.sizes} if known.names else {}))


def drop_equal(index: Index, outcomes: Outcomes) -> None:
    """Leave out rows whose id or normalised text an earlier row has."""
    import numpy as np
    import pyarrow.compute as pc

    if not len(index):
        return
    repeated = 1 + np.flatnonzero(pc.equal(index.ids[1:], index.ids[:-1]).to_numpy(zero_copy_only=False))
    _, first, group = np.unique(index.digests, axis=0, return_index=True, return_inverse=True)
    earliest = first[group.reshape(-1)]
    equal = np.flatnonzero(earliest != np.arange(len(index)))
    outcomes.drop(equal, "duplicate", earliest[equal])
    outcomes.drop(repeated, "duplicate_id", earliest[repeated])


def drop_known(index: Index, outcomes: Outcomes, known: KnownTexts) -> None:
    """Leave out rows whose normalised text one of the sets has."""
    rows = outcomes.kept
    sets = known.repeated(index.digests[rows])
    for number, name in enumerate(known.names):
        outcomes.drop(rows[sets == number], why_known(name))


def drop_near(
    out: Path, index: Index, outcomes: Outcomes, groups: list[Group], config: Dedup, runtime: Runtime,
    known: KnownTexts,
) -> int:  # fmt: skip
    """Leave out all rows of a cluster of near duplicates but the first by id; return how many clusters there are.

    Of a cluster with a text of a set no row stays.
    """
    import numpy as np

    total = len(index)
    row_at = np.full(total + len(known), -1, np.int64)
    row_at[index.places] = np.arange(total)
    marked = np.ones(total + len(known), np.bool_)
    marked[:total] = False
    marked[index.places[outcomes.kept]] = True
    every = [*groups, *(group._replace(start=group.start + total) for group in known.groups)]
    kept = index.digests[outcomes.kept].tobytes() + index.places[outcomes.kept].tobytes()
    content = hashlib.blake2b(kept + known.digests.tobytes()).hexdigest()
    count = 0
    for found in MinHash(out / "minhash", every, marked, config).clusters(out, content, runtime):
        places = np.array(found)
        rows, texts = np.sort(row_at[places[places < total]]), places[places >= total] - total
        if len(texts):
            outcomes.drop(rows, why_known(known.names[int(known.sets_of(texts).min())]))
        else:
            outcomes.drop(rows[1:], "near_duplicate", rows[0])
        count += bool(len(rows))
    return count


def drop_crowded(index: Index, outcomes: Outcomes, groups: list[Group], limit: int) -> None:
    """Leave out what is beyond `limit` rows of a registered domain, by the hash of the id; rows without one stay."""
    import numpy as np

    numbers: dict[str, int] = {"": 0}
    domain = np.zeros(len(index), np.int64)  # by place
    for start, batch in read_batches(groups, ["url"]):
        domains = [registered_domain(url or "") for url in batch.column("url").to_pylist()]
        domain[start : start + len(domains)] = [numbers.setdefault(name, len(numbers)) for name in domains]
    seen: Counter[int] = Counter()
    crowded = []
    # Another hash than the sample's, which would otherwise prefer the rows that were chosen here.
    for row in hash_order("domain", index, outcomes.kept):
        number = int(domain[index.places[row]])
        seen[number] += 1
        if number and seen[number] > limit:
            crowded.append(row)
    outcomes.drop(crowded, "domain_cap")


def hash_order(purpose: str, index: Index, rows: "Rows") -> "Rows":
    """Some rows in the order of the hashes of their ids, which is another one for every purpose."""
    import numpy as np

    ids = index.ids.take(rows).to_pylist()
    keys = np.fromiter((int(stable_id(purpose, identity)[:16], 16) for identity in ids), np.uint64, len(ids))
    return rows[np.argsort(keys, kind="stable")]
