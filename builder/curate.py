"""Self-curation, second half: the best scored pairs are selected (section 2.3 of arXiv 2308.06259).

`select` never judges again; another threshold costs a selection, not a model's time.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from builder.decontaminate import load_prompts
from builder.errors import StageError
from builder.histogram import histogram
from builder.recipe import CleanCurate, Runtime
from builder.recipe.curate import Curate
from builder.records import Counts, Rejects, Stats, curated_schema, rejected_schema, stable_id
from builder.storage import read_rows, write_rows

VERSION = 2


def select(out: Path, config: Curate | CleanCurate, candidates: Path, scores: Path, *, runtime: Runtime) -> Stats:
    """Select the best scored pairs into A_k(t), and mark the withheld test rows.

    Pairs that hold a prompt of an evaluation are taken out first, whatever their score.

    Args:
        out: Stage folder; `data/` gets the selected pairs, sorted by id, `rejected/` the ids of the others.
        config: The curate section.
        candidates: Stage folder of the candidate pairs.
        scores: Stage folder of the judge's scores.
        runtime: Not used; part of every stage's signature.

    Returns:
        Counts of pairs; `details` has the lowest selected score and how many rows are withheld for testing.

    Raises:
        StageError: If a pair was never scored, or nothing is selected.
    """
    prompts = load_prompts(config.decontaminate if isinstance(config, CleanCurate) else None)
    contaminated = prompts.find(read_rows(candidates / "data", ["id", "instruction", "output"]))
    given = {row["id"]: row["score"] for row in read_rows(scores / "data", ["id", "score"])}
    chosen = choose({key: value for key, value in given.items() if key not in contaminated}, config)
    withheld = withheld_pages((row["page_id"] for row in read_rows(candidates / "data", ["page_id"])), config)
    counts, kept, rejects = Counts(), [], Rejects()
    for row in read_rows(candidates / "data"):
        counts.rows_in += 1
        if row["id"] not in given:
            raise StageError(f"{scores.name}: pair {row['id']} was never scored; delete that folder and build again")
        if row["id"] in chosen:
            split = "test" if row["page_id"] in withheld else "train"
            kept.append(row | {"score": given[row["id"]], "split": split})
            continue
        reason = contaminated.get(row["id"]) or ("no_score" if given[row["id"]] is None else "not_selected")
        counts.dropped[reason] += 1
        text = f"{row['instruction']}\n\n{row['output']}" if row["id"] in contaminated else ""
        rejects.add(row["id"], reason, page_id=row["page_id"], header=row["header"], text=text)
    if not kept:
        raise StageError(_nothing_selected(config, list(given.values())))
    kept.sort(key=lambda row: str(row["id"]))
    counts.kept = len(kept)
    write_rows(out / "data" / "curated.parquet", kept, curated_schema())
    write_rows(out / "rejected" / "curated.parquet", rejects.rows, rejected_schema())
    test_rows = sum(row["split"] == "test" for row in kept)
    return Stats(
        {"pairs": counts}, {"lowest_score": min(row["score"] for row in kept), "test_rows": test_rows} | prompts.details
    )


def choose(scores: Mapping[str, float | None], config: Curate) -> set[str]:
    """The ids that threshold, top or share selects; ties are broken by id, unscored pairs are never selected.

    Departure: the paper has a threshold only; the scales of `expected` and `likelihood` differ from model to model.

    Args:
        scores: Score of each id, None where the judge gave none.
        config: Has exactly one of threshold (inclusive), top (rows) and share (of the scored pairs).
    """
    scored = {key: value for key, value in scores.items() if value is not None}
    if config.threshold is not None:
        return {key for key, value in scored.items() if value >= config.threshold}
    size = config.top if config.top is not None else round((config.share or 0) * len(scored))
    return set(sorted(scored, key=lambda key: (-scored[key], key))[:size])


def withheld_pages(page_ids: Iterable[str], config: Curate) -> set[str]:
    """Pages whose candidates are withheld from every model, the same in all iterations.

    Departure: the paper withholds nothing; a release needs rows that its models have not seen.

    A page is withheld when its id hash falls into the last `test_share`; of those, pages are taken from the end of
    the hash order until their candidates would pass `test_rows`.

    Args:
        page_ids: The page of each candidate.
        config: The curate section.
    """
    rows = Counter(page_ids)
    place = {page: int(stable_id("test", page)[:8], 16) / 2**32 for page in rows}
    taken: set[str] = set()
    room = config.test_rows
    for page in sorted((page for page in rows if place[page] >= 1 - config.test_share), key=lambda page: -place[page]):
        room -= rows[page]
        if room < 0:
            break
        taken.add(page)
    return taken


def _nothing_selected(config: Curate, scores: list[float | None]) -> str:
    rules = {name: getattr(config, name) for name in ("threshold", "top", "share")}
    rule = next(f"{name}: {value}" for name, value in rules.items() if value is not None)
    chart = "\n".join(f"  {line}" for line in histogram(scores).splitlines())
    return f"curate selects nothing with {rule}; choose another one, the scores of judge {config.judge} are\n{chart}"
