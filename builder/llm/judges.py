"""The judges of self-curation (section 2.3 of arXiv 2308.06259): each turns a pair into a score under M_t.

Departure: the paper has the judge `verdict` only, and prints its rubric; ours has the same five levels in other words.
`expected` gives the fractions that a threshold of 4.5 speaks of, `likelihood` serves models that cannot rate.
"""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from builder.errors import StageError
from builder.llm.contract import Message, Renderer
from builder.llm.engine import Engine, Sampling
from builder.llm.prompts import render
from builder.recipe_curate import Expected, Judge, Likelihood, Verdict
from builder.records import row_seed

Row = dict[str, Any]
VERDICT = re.compile(r"score\s*:?\s*\**\s*(-?\d+(?:\.\d+)?)", re.IGNORECASE)
FORCED = "Score: "


def parse_verdict(reply: str) -> int | None:
    """The rating from 1 to 5 in a judge's reply, or None; the last verdict wins, anything else is none.

    A reply that quotes the rubric names other scores first; a rating out of range is not bent into it.
    """
    found = VERDICT.findall(reply)
    if not found:
        return None
    value = float(found[-1])
    return int(value) if value in (1, 2, 3, 4, 5) else None


def rating_prompt(renderer: Renderer, rubric: str | Path, row: Row) -> list[Message]:
    """The conversation that asks M_t to rate a pair; judging uses S_a."""
    text = render(rubric, instruction=row["instruction"], output=row["output"])
    return [renderer.contract.system("seed"), {"role": "user", "content": text}]


def judge_rows(rows: list[Row], judge: Judge, renderer: Renderer, engine: Callable[[], Engine], room: int) -> list[Row]:
    """Score rows with one judge.

    Args:
        rows: Candidate pairs with `id`, `instruction` and `output`.
        judge: The judge's section of the recipe.
        renderer: Contract and tokenizer of M_t.
        engine: Starts or returns the engine with M_t loaded.
        room: Context length in tokens; a pair that does not fit has no score and reason `longer_than_context`.

    Returns:
        One row for each pair, in order, in the schema of the judge.
    """
    if isinstance(judge, Likelihood):
        return _likelihood(rows, judge, renderer, engine, room)
    if isinstance(judge, Expected):
        return _expected(rows, judge, renderer, engine, room)
    return _verdict(rows, judge, renderer, engine, room)


def _likelihood(
    rows: list[Row], judge: Likelihood, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """(log p(y, end | x) - w log p(y)) per token; the prior has an empty user turn and no end token.

    The end token is what tells cut text from whole text; without x its probability is as low, so it would cancel.
    """
    tag = renderer.contract.system("seed")
    asked = [renderer.answered([tag, {"role": "user", "content": row["instruction"]}], row["output"]) for row in rows]
    prior = [renderer.answered([tag, {"role": "user", "content": ""}], row["output"]) for row in rows]
    fits = [at for at in range(len(rows)) if max(len(asked[at][0]), len(prior[at][0])) < room]
    scored = [_unscored(row) for row in rows]
    if not fits:
        return scored
    sequences = [asked[at] for at in fits] + [prior[at] for at in fits]
    logprobs = engine().token_logprobs([ids for ids, _ in sequences], [start for _, start in sequences])
    weight = judge.prior_weight[0] if isinstance(judge.prior_weight, list) else judge.prior_weight
    for place, at in enumerate(fits):
        given, alone = logprobs[place], logprobs[len(fits) + place]
        answer, end, unconditional = math.fsum(given[:-1]), given[-1], math.fsum(alone[:-1])
        score = (answer + end - weight * unconditional) / len(given)
        scored[at] = {
            "id": rows[at]["id"],
            "score": score if math.isfinite(score) else None,
            "reason": None if math.isfinite(score) else "not_finite",
            "logp_answer": answer,
            "logp_end": end,
            "logp_prior": unconditional,
            "tokens": len(given),
        }
    return scored


def _expected(
    rows: list[Row], judge: Expected, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """The mean of the probabilities of 1 to 5 at the forced score position, one token a pair."""
    forced, digits = _score_tokens(renderer)
    prompts = [renderer.prompt(rating_prompt(renderer, judge.rubric, row)) + forced for row in rows]
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) < room]
    scored = [_unscored(row) for row in rows]
    logprobs = engine().next_logprobs([prompts[at] for at in fits], digits) if fits else []
    for at, values in zip(fits, logprobs, strict=True):
        weights = [math.exp(value) for value in values]
        mass = math.fsum(weights)
        if not 0 < mass < math.inf:
            scored[at] = _unscored(rows[at], "no_mass")
            continue
        probabilities = [weight / mass for weight in weights]
        mean = math.fsum(n * p for n, p in enumerate(probabilities, 1))
        variance = math.fsum(p * (n - mean) ** 2 for n, p in enumerate(probabilities, 1))
        scored[at] = {
            "id": rows[at]["id"],
            "score": mean,
            "probabilities": probabilities,
            "spread": math.sqrt(variance),
            "mass": mass,
        }
    return scored


def _score_tokens(renderer: Renderer) -> tuple[list[int], list[int]]:
    """Token ids that force the score position, and the five ids of the digits that may follow there."""
    ask: list[Message] = [renderer.contract.system("seed"), {"role": "user", "content": "?"}]
    tails = []
    for digit in "12345":
        ids, start = renderer.answered(ask, FORCED + digit)
        tails.append(ids[start:-1])
    forced = tails[0][:-1]
    if any(tail[:-1] != forced for tail in tails) or len({tail[-1] for tail in tails}) != 5:
        raise StageError(
            "the tokenizer does not give the digits 1 to 5 a token each after 'Score: '; use judge verdict"
        )
    return forced, [tail[-1] for tail in tails]


def _verdict(rows: list[Row], judge: Verdict, renderer: Renderer, engine: Callable[[], Engine], room: int) -> list[Row]:
    """Reasoning and "Score: n" in words, `samples` times; the score is the mean of the parsed ones."""
    prompts = [renderer.prompt(rating_prompt(renderer, judge.rubric, row)) for row in rows]
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) + judge.max_tokens <= room]
    scored = [_unscored(row) for row in rows]
    if not fits:
        return scored
    sampling = Sampling(judge.temperature, judge.top_p, judge.max_tokens)
    asked = [(at, sample) for at in fits for sample in range(judge.samples)]
    seeds = [row_seed(judge.seed, "verdict", rows[at]["id"], sample) for at, sample in asked]
    answers = engine().generate([prompts[at] for at, _ in asked], sampling, seeds)
    replies: dict[int, list[str]] = {at: [] for at in fits}
    for (at, _), answer in zip(asked, answers, strict=True):
        replies[at].append(str(renderer.tokenizer.decode(answer.ids, skip_special_tokens=True)).strip())
    for at, texts in replies.items():
        scored[at] = verdict_row(rows[at]["id"], texts)
    return scored


def verdict_row(row_id: str, replies: list[str]) -> Row:
    """The score row of a judge's replies: the mean of those that hold a verdict, null if none does."""
    verdicts = [parse_verdict(reply) for reply in replies]
    given = [verdict for verdict in verdicts if verdict is not None]
    return {
        "id": row_id,
        "score": sum(given) / len(given) if given else None,
        "reason": None if given else "no_verdict",
        "verdicts": verdicts,
        "replies": replies,
    }


def _unscored(row: Row, reason: str = "longer_than_context") -> Row:
    return {"id": row["id"], "score": None, "reason": reason}
