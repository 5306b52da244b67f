"""The judges that ask for the probability of the pair itself: `likelihood` under M_t, `reverse` under M_yx.

Departure: the paper has neither. Both read two sequences a pair, one with and one without what the text depends on.
"""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from builder.data.records import Row
from builder.llm.conversations import Contrast, likelihood_contrast, reverse_contrast
from builder.llm.engines.engine import Engine, Failed
from builder.llm.renderer import Renderer
from builder.method.curate.scoring.ratings import unscored
from builder.recipe.sections.judges import Likelihood

Reading = tuple[Sequence[float], Sequence[float]]
"""Log p of the tokens of one text, end token last: given what it depends on, and alone."""


def likelihood(
    rows: list[Row], judge: Likelihood, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """(log p(y, end | x) - w log p(y)) per token; the prior has an empty user turn and no end token.

    The end token is what tells cut text from whole text; without x its probability is as low, so it would cancel.
    """
    contrasts = [likelihood_contrast(renderer.contract, row) for row in rows]
    weight = judge.prior_weight[0] if isinstance(judge.prior_weight, list) else judge.prior_weight
    scored = []
    for row, reading in zip(rows, _readings(contrasts, renderer, engine, room), strict=True):
        if isinstance(reading, str | Failed):
            scored.append(unscored(row, reading))
            continue
        given, alone = reading
        answer, end, unconditional = math.fsum(given[:-1]), given[-1], math.fsum(alone[:-1])
        score = (answer + end - weight * unconditional) / len(given)
        values = {"logp_answer": answer, "logp_end": end, "logp_prior": unconditional, "tokens": len(given)}
        scored.append(_row(row, score, values))
    return scored


def reverse(
    rows: list[Row], template: str | Path, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """(log p(x | y) - log p(x)) per token of x under M_yx; p(x) is that after the prompt of an empty text.

    The end token counts in neither part: unfinished instructions were rejected, so no x is cut. It is stored beside
    them.
    The `logprob` of a candidate is not used: it counts the end token, is that of the tokens as they were sampled, not
    of the text they spell, and comes from decoding. The difference of two close sums needs both of one kind, in one
    call of one engine.

    Args:
        rows: Candidate pairs.
        template: The template that M_yx was asked with.
        renderer: Contract and tokenizer of M_yx.
        engine: Starts or returns the engine with M_yx loaded.
        room: Context length in tokens.
    """
    contrasts = [reverse_contrast(renderer.contract, template, row) for row in rows]
    scored = []
    for row, reading in zip(rows, _readings(contrasts, renderer, engine, room), strict=True):
        if isinstance(reading, str | Failed):
            scored.append(unscored(row, reading))
            continue
        given, alone = reading
        instruction, unconditional, tokens = math.fsum(given[:-1]), math.fsum(alone[:-1]), len(given) - 1
        score = (instruction - unconditional) / tokens if tokens else math.nan
        values = {"logp_instruction": instruction, "logp_end": given[-1], "logp_prior": unconditional}
        scored.append(_row(row, score, {**values, "tokens": tokens}))
    return scored


def _readings(
    contrasts: list[Contrast], renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Reading | Failed | str]:
    """Both log-probabilities of each text, or the reason why there are none; all in one call."""
    texts = [contrast.text for contrast in contrasts]
    asked = renderer.all_answered([contrast.given for contrast in contrasts], texts)
    prior = renderer.all_answered([contrast.alone for contrast in contrasts], texts)
    readings: list[Reading | Failed | str] = ["longer_than_context"] * len(texts)
    fits = [at for at in range(len(texts)) if max(len(asked[at][0]), len(prior[at][0])) < room]
    if not fits:
        return readings
    sequences = [asked[at] for at in fits] + [prior[at] for at in fits]
    logprobs = engine().token_logprobs([ids for ids, _ in sequences], [start for _, start in sequences])
    for place, at in enumerate(fits):
        given, alone = logprobs[place], logprobs[len(fits) + place]
        if isinstance(given, Failed):
            readings[at] = given
        elif isinstance(alone, Failed):
            readings[at] = alone
        else:
            readings[at] = (given, alone)
    return readings


def _row(row: Row, score: float, values: Row) -> Row:
    finite = math.isfinite(score)
    return {"id": row["id"], "score": score if finite else None, "reason": None if finite else "not_finite", **values}
