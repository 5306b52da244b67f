"""Self-curation, first half: M_{t-1} scores every candidate pair (section 2.3 of arXiv 2308.06259).

Scores are attributes: `score` never copies the text it judges.
"""

import functools
from pathlib import Path
from typing import Any

from builder.llm.chunks import run_in_chunks
from builder.llm.contract import Renderer, check_contract
from builder.llm.engine import load_tokenizer, start_engine
from builder.llm.judges import judge_rows
from builder.llm.verdicts import reply_details
from builder.recipe import Chat, Runtime
from builder.recipe import Engine as EngineConfig
from builder.recipe.judges import Judge
from builder.records import Counts, Rejects, Stats, score_schema
from builder.section import Section
from builder.storage import read_rows

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
