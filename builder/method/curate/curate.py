"""Self-curation, second half: the best scored pairs are selected (section 2.3 of arXiv 2308.06259).

`select` never judges again; another threshold costs a selection, not a model's time. It holds ids, scores and, to
compare instructions, hashes of their words; texts pass through.
"""

from collections.abc import Container, Iterator
from pathlib import Path
from typing import Any

from builder.data.accounting import REJECTED_TEXTS_PER_REASON, Counts, Rejects, Stats
from builder.data.records import candidate_schema, curated_schema, rejected_schema
from builder.data.row_groups import row_groups, take_rows
from builder.data.storage import open_rows, read_rows, whole_file
from builder.errors import StageError
from builder.method.curate.histogram import histogram
from builder.method.curate.near_instructions import NearInstructions
from builder.method.curate.selection import (
    Limits,
    Scores,
    choose,
    not_finite,
    read_columns,
    select_by,
    wanted_rows,
)
from builder.method.curate.withheld import page_place, withheld_from
from builder.method.seed.decontaminate import load_prompts
from builder.recipe.recipe import CleanCurate
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.runtime import Runtime
from builder.text.domains import registered_domain

VERSION = 4
_BATCH = 10_000


def select(out: Path, config: Curate | CleanCurate, candidates: Path, *stages: Path, runtime: Runtime) -> Stats:
    """Select the best scored pairs into A_k(t), and mark the withheld test rows.

    Pairs that hold a prompt of an evaluation are taken out first, whatever their score. Which pages are withheld is
    decided by A_1 (`builder.method.curate.withheld`); so that a later selection has no more than `test_rows` of their
    pairs either, the best of these are selected and the others rejected as `withheld`, not trained on.

    Args:
        out: Stage folder; `data/` gets the selected pairs, sorted by id, `rejected/` the ids of the others.
        config: The curate section.
        candidates: Stage folder of the candidate pairs.
        stages: Stage folders of the judges `config.scored`, in that order; from the second iteration on, then that of
            the first selection.
        runtime: Not used; part of every stage's signature.

    Returns:
        Counts of pairs; `details` has the lowest selected score and how many rows are withheld for testing.

    Raises:
        StageError: If a pair was never scored, or nothing is selected.
    """
    prompts = load_prompts(config.decontaminate if isinstance(config, CleanCurate) else None)
    contaminated = prompts.find(read_rows(candidates / "data", ["id", "instruction", "output"]))
    scores, first = stages[: len(config.scored)], stages[len(config.scored) :]
    columns = read_columns(config, candidates, scores)
    given = select_by(columns, contaminated)
    limits = _limits(config, candidates, given)
    if first:
        start = withheld_from(_pages(first[0]), config)
        limits.withheld, limits.test_rows = _withheld_ids(candidates, start), config.test_rows
    chosen = choose(given, config, limits)
    if not chosen:
        raise StageError(_nothing_selected(config, list(select_by(columns).values())))
    if not first:
        start = withheld_from(_pages(candidates, chosen), config)
    reasons = {key: "no_score" for key, value in given.items() if value is None}
    reasons |= dict.fromkeys(not_finite(columns), "not_finite") | limits.reasons | contaminated
    counts = _write_rejected(out, candidates, chosen, reasons, limits.twins)
    test_rows = _write_selected(out, candidates, chosen, given, start)
    lowest = min(value for key in chosen if (value := given[key]) is not None)
    details = {"lowest_score": lowest, "test_rows": test_rows} | prompts.details
    return Stats({"pairs": counts}, details, _warnings(config, given, len(chosen)))


def _pages(stage: Path, ids: Container[str] | None = None) -> Iterator[str]:
    """The page of each pair of a stage, or of those with the given ids."""
    return (row["page_id"] for row in read_rows(stage / "data", ["id", "page_id"]) if ids is None or row["id"] in ids)


def _withheld_ids(candidates: Path, start: float) -> set[str]:
    rows = read_rows(candidates / "data", ["id", "page_id"])
    return {row["id"] for row in rows if page_place(row["page_id"]) >= start}


def _limits(config: Curate, candidates: Path, scores: Scores) -> Limits:
    """The limits of the recipe, with what they must know of the pairs that may be asked for."""
    limits = Limits(config.per_domain)
    if config.per_domain is not None:
        rows = read_rows(candidates / "data", ["id", "url"])
        names: dict[str, str] = {}  # one string a domain, not one a pair
        domains = ((row["id"], registered_domain(row["url"] or "")) for row in rows)
        limits.domains = {key: names.setdefault(domain, domain) for key, domain in domains}
    if config.near_duplicates is not None:
        asked = {key for key, score in scores.items() if _may_come(score, config)}
        rows = read_rows(candidates / "data", ["id", "instruction"])
        instructions = ((row["id"], row["instruction"]) for row in rows if row["id"] in asked)
        limits.instructions = NearInstructions(instructions, config.near_duplicates)
    return limits


def _may_come(score: float | None, config: Curate) -> bool:
    return score is not None and (config.threshold is None or score >= config.threshold)


def _write_rejected(
    out: Path, candidates: Path, chosen: set[str], reasons: dict[str, str], twins: dict[str, str]
) -> Counts:
    """Write id and reason of all pairs that are not chosen, the text of the first ones, and count everything."""
    counts, rejects = Counts(kept=len(chosen)), Rejects()
    shown = _twin_texts(candidates, chosen, twins)
    shows_output = any(reason.startswith("contaminated:") for reason in reasons.values())
    columns = ["id", "page_id", "header", "instruction", *(["output"] if shows_output else [])]
    with open_rows(out / "rejected" / "curated.parquet", rejected_schema()) as write:
        for row in read_rows(candidates / "data", columns):
            counts.rows_in += 1
            key = row["id"]
            if key in chosen:
                continue
            reason = reasons.get(key, "not_selected")
            counts.dropped[reason] += 1
            rejects.add(key, reason, page_id=row["page_id"], header=row["header"], text=_shown(row, reason))
            if key in twins:
                rejects.rows[-1] |= {"twin": twins[key], "twin_text": shown.get(key)}
            if len(rejects.rows) == _BATCH:
                write(rejects.rows)
                rejects.rows = []
        write(rejects.rows)
    return counts


def _shown(row: dict[str, Any], reason: str) -> str:
    """Of a rejected pair what its reason is about."""
    if reason == "near_duplicate_instruction":
        return str(row["instruction"])
    return f"{row['instruction']}\n\n{row['output']}" if reason.startswith("contaminated:") else ""


def _twin_texts(candidates: Path, chosen: set[str], twins: dict[str, str]) -> dict[str, str]:
    """The instructions that the first near duplicates repeat, by the ids of these."""
    if not twins:
        return {}
    ids = (row["id"] for row in read_rows(candidates / "data", ["id"]))
    first = [key for key in ids if key in twins][:REJECTED_TEXTS_PER_REASON]
    wanted = {twins[key] for key in first}
    rows = read_rows(candidates / "data", ["id", "instruction"])
    texts = {row["id"]: row["instruction"] for row in rows if row["id"] in wanted}
    return {key: texts[twins[key]] for key in first}


def _write_selected(out: Path, candidates: Path, chosen: set[str], scores: Scores, start: float) -> int:
    """Write the chosen pairs in the order of their ids and return how many of them are withheld."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = (row["id"] for row in read_rows(candidates / "data", ["id"]))
    places = dict(sorted((key, place) for place, key in enumerate(ids) if key in chosen))
    schema, test_rows = curated_schema(), 0
    order = np.fromiter(places.values(), np.int64, len(places))
    tables = take_rows(row_groups(candidates / "data"), candidate_schema().names, order, out / ".scratch")
    with (
        whole_file(out / "data" / "curated.parquet") as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd") as writer,
    ):
        for table in tables:
            tested = [page_place(page) >= start for page in table.column("page_id").to_pylist()]
            test_rows += sum(tested)
            given = pa.array([scores[key] for key in table.column("id").to_pylist()], pa.float64())
            splits = pa.array(["test" if test else "train" for test in tested])
            writer.write_table(table.append_column("score", given).append_column("split", splits).cast(schema))
    return test_rows


def _warnings(config: Curate, scores: Scores, selected: int) -> list[str]:
    wanted = wanted_rows(config, sum(value is not None for value in scores.values()))
    if wanted is None or selected >= wanted:
        return []
    rule = f"top: {config.top}" if config.share is None else f"share: {config.share:g}"
    return [f"{rule} asks for {wanted:,} pairs, but only {selected:,} are left to be selected"]


def _nothing_selected(config: Curate, scores: list[float | None]) -> str:
    rules = {name: getattr(config, name) for name in ("threshold", "top", "share")}
    rule = next(f"{name}: {value}" for name, value in rules.items() if value is not None)
    chart = "\n".join(f"  {line}" for line in histogram(scores).splitlines())
    judges = f"judge {config.judges[0]}" if len(config.judges) == 1 else f"judges {', '.join(config.judges)}"
    return f"curate selects nothing with {rule}; choose another one, the scores of {judges} are\n{chart}"
