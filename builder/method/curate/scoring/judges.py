"""The judges of self-curation (section 2.3 of arXiv 2308.06259): each turns a pair into a score under M_t.

Departure: the paper has the judge `verdict` only, and prints its rubric; ours has the same five levels in other words,
and `additive` counts points instead. `reasoned` and `expected` give means of probabilities, which tell pairs apart that
would get the same verdict and of which a share is selected; `likelihood` serves models that cannot rate, and `reverse`
asks M_yx.
"""

from collections.abc import Callable
from pathlib import Path

from builder.data.records import Row
from builder.llm.conversations import rating_prompt
from builder.llm.engines.engine import NO_LOGPROBS, Engine, Failed
from builder.llm.renderer import Renderer
from builder.method.curate.scoring.likelihoods import likelihood, reverse
from builder.method.curate.scoring.ratings import rated, score_position, unscored
from builder.method.curate.scoring.reasonings import reasoned
from builder.method.curate.scoring.verdicts import verdict
from builder.recipe.sections.judges import Expected, Judge, Likelihood, Reasoned, Reverse, Verdict


def judge_rows(
    rows: list[Row],
    judge: Judge,
    renderer: Renderer,
    engine: Callable[[], Engine],
    room: int,
    *,
    template: str | Path = "backward",
) -> list[Row]:
    """Score rows with one judge.

    Args:
        rows: Candidate pairs with `id`, `instruction` and `output`.
        judge: The judge's section of the recipe.
        renderer: Contract and tokenizer of M_t; for `reverse` of M_yx.
        engine: Starts or returns the engine with that model loaded.
        room: Context length in tokens; a pair that does not fit has no score and reason `longer_than_context`.
        template: What M_yx was asked with; for `reverse` alone.

    Returns:
        One row for each pair, in order, in the schema of the judge.
    """
    if isinstance(judge, Likelihood):
        return likelihood(rows, judge, renderer, engine, room)
    if isinstance(judge, Reverse):
        return reverse(rows, template, renderer, engine, room)
    if isinstance(judge, Expected):
        return _expected(rows, judge, renderer, engine, room)
    if isinstance(judge, Reasoned):
        return reasoned(rows, judge, renderer, engine, room)
    return verdict(rows, judge, renderer, engine, room)


def _expected(
    rows: list[Row], judge: Expected, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """The mean of the probabilities of 1 to 5 at the forced score position, one token a pair."""
    position = score_position(renderer)
    asked = renderer.prompts([rating_prompt(renderer.contract, judge.rubric, row, reasons=False) for row in rows])
    prompts = [prompt + position.start for prompt in asked]
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) < room]
    scored = [unscored(row) for row in rows]
    readings = engine().next_logprobs([prompts[at] for at in fits], position.digits) if fits else []
    unread = []
    for at, reading in zip(fits, readings, strict=True):
        if isinstance(reading, Failed):
            scored[at] = unscored(rows[at], reading)
            unread += [at] if reading.reason == NO_LOGPROBS and judge.fallback else []
            continue
        rating = rated([reading], judge.min_mass)
        scored[at] = unscored(rows[at], "no_mass") if rating is None else {"id": rows[at]["id"], **rating}
    spoken = Verdict(judge="verdict", rubric=judge.rubric)
    for at, row in zip(unread, verdict([rows[at] for at in unread], spoken, renderer, engine, room), strict=True):
        scored[at] = {**row, "fallback": True}
    return scored
