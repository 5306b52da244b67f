"""The judges of self-curation (section 2.3 of arXiv 2308.06259): each turns a pair into a score under M_t.

Departure: the paper has the judge `verdict` only, and prints its rubric; ours has the same five levels in other words.
`reasoned` and `expected` give the fractions that a threshold of 4.5 speaks of, `likelihood` serves models that cannot
rate.
"""

import math
from collections.abc import Callable

from builder.llm.contract import Renderer
from builder.llm.engine import Engine
from builder.llm.ratings import Row, rated, rating_prompt, score_position, unscored
from builder.llm.verdicts import reasoned, verdict
from builder.recipe.judges import Expected, Judge, Likelihood, Reasoned


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
    if isinstance(judge, Reasoned):
        return reasoned(rows, judge, renderer, engine, room)
    return verdict(rows, judge, renderer, engine, room)


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
    scored = [unscored(row) for row in rows]
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
    position = score_position(renderer)
    prompts = [renderer.prompt(rating_prompt(renderer, judge.rubric, row)) + position.start for row in rows]
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) < room]
    scored = [unscored(row) for row in rows]
    readings = engine().next_logprobs([prompts[at] for at in fits], position.digits) if fits else []
    for at, reading in zip(fits, readings, strict=True):
        rating = rated([reading])
        scored[at] = unscored(rows[at], "no_mass") if rating is None else {"id": rows[at]["id"], **rating}
    return scored
