"""Self-curation: M_{t-1} scores every pair, the best ones are selected (section 2.3 of arXiv 2308.06259).

Scores are attributes: `score` never copies the text it judges, and `select` never judges again.
"""

import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from builder.decontaminate import load_prompts
from builder.errors import StageError
from builder.histogram import histogram
from builder.llm.chunks import run_in_chunks
from builder.llm.contract import Renderer, check_contract
from builder.llm.engine import load_tokenizer, start_engine
from builder.llm.judges import judge_rows
from builder.llm.verdicts import reply_details
from builder.recipe import Chat, CleanCurate, Runtime
from builder.recipe import Engine as EngineConfig
from builder.recipe.curate import Curate, Judge
from builder.records import Counts, Rejects, Stats, curated_schema, rejected_schema, score_schema, stable_id
from builder.section import Section
from builder.storage import read_rows, write_rows

VERSION = 2


class ScoreStage(Section):
    """What a stage `score-t-<judge>` depends on."""

    judge: Judge
    engine: EngineConfig
    chat: Chat


def score(out: Path, config: ScoreStage, candidates: Path, model: Path, *, runtime: Runtime) -> Stats:
    """Score all candidate pairs with one judge under M_{t-1}.

    Args:
        out: Stage folder; `data/` gets one row a pair, with `score` null and a reason where there is none.
        config: Judge, engine and chat sections.
        candidates: Stage folder of the candidate pairs.
        model: Stage folder of M_{t-1}.
        runtime: Sizes that change no result.

    Returns:
        Counts of pairs, `failed` being those without a score; in the details score quantiles, and what became of the
        replies of a judge that reasons in words.

    Raises:
        StageError: If the model's contract does not match the recipe, or its engine is missing.
    """
    folder = model / "model"
    tokenizer = load_tokenizer(folder)
    renderer = Renderer(check_contract(folder, tokenizer, config.chat, "forward"), tokenizer)
    engine = functools.cache(lambda: start_engine(folder, config.engine, runtime))

    def judge(rows: list[dict[str, Any]], rejects: Rejects) -> list[dict[str, Any]]:
        return judge_rows(rows, config.judge, renderer, engine, config.engine.max_model_len)

    run_in_chunks(out, candidates / "data", judge, score_schema(config.judge.judge), chunk_rows=runtime.chunk_rows)
    counts, scores = Counts(), []
    for row in read_rows(out / "data", ["score", "reason"]):
        counts.rows_in += 1
        if row["score"] is None:
            counts.failed[row["reason"]] += 1
        else:
            counts.kept += 1
            scores.append(row["score"])
    column = {"verdict": "verdicts", "reasoned": "unfinished"}.get(config.judge.judge)
    details, warnings = reply_details(config.judge, read_rows(out / "data", [column] if column else ["id"]))
    return Stats({"pairs": counts}, {"scores": quantiles(scores), **details}, _warnings(counts) + warnings)


def _warnings(counts: Counts) -> list[str]:
    lost = counts.failed.total()
    if not lost:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.failed.most_common())
    share = lost / counts.rows_in
    return [f"{lost:,} of {counts.rows_in:,} pairs ({share:.0%}) have no score and cannot be selected: {reasons}"]


def quantiles(values: list[float]) -> dict[str, float]:
    """Minimum, deciles 10 to 90 and maximum of some values; empty for none."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {f"{10 * tenth}%": ordered[round(tenth / 10 * (len(ordered) - 1))] for tenth in range(11)}


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
