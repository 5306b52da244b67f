"""The judge `verdict`, the paper's own (section 2.3 of arXiv 2308.06259): a reasoning and "Score: n", read as text.

`served_verdict` is the same for a model whose tokens are not ours to give. How a reply is read is in `replies`.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from builder.data.records import Row, row_seed
from builder.llm.conversations import SystemPrompts, rating_prompt
from builder.llm.engines.engine import Completion, Engine, Failed, Sampling
from builder.llm.engines.generators import Generator, answer_text
from builder.llm.renderer import Renderer
from builder.method.curate.scoring.ratings import unscored
from builder.method.curate.scoring.replies import read_reply
from builder.recipe.sections.judges import Reasoned, Verdict


class Reply(NamedTuple):
    """What a judge wrote, and whether it ended by itself."""

    text: str
    ended: bool


def verdict(rows: list[Row], judge: Verdict, renderer: Renderer, engine: Callable[[], Engine], room: int) -> list[Row]:
    """Reasoning and "Score: n" in words, `samples` times; the score is the mean of the ratings that can be read."""
    prompts = renderer.prompts([rating_prompt(renderer.contract, judge.rubric, row) for row in rows])
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) + judge.max_tokens <= room]
    scored = [unscored(row) for row in rows]
    for at, answers in replies_to(rows, prompts, fits, judge, engine, renderer).items():
        if isinstance(answers, Failed):
            scored[at] = unscored(rows[at], answers)
            continue
        scored[at] = verdict_row(rows[at]["id"], written(renderer, answers))
    return scored


def served_verdict(rows: list[Row], judge: Verdict, prompts: SystemPrompts, generator: Generator) -> list[Row]:
    """`verdict` by a model that only its server knows (AlpaGasus: Chen et al. 2023, arXiv 2307.08701).

    Args:
        rows: Candidate pairs with `id`, `instruction` and `output`.
        judge: The judge's section of the recipe.
        prompts: The system prompts of the recipe.
        generator: The model.
    """
    sampling = Sampling(judge.temperature, judge.top_p, judge.max_tokens)
    asked = [row for row in rows for _ in range(judge.samples)]
    prepared = generator.prepare([rating_prompt(prompts, judge.rubric, row) for row in asked])
    seeds = [row_seed(judge.seed, "verdict", row["id"], sample) for row in rows for sample in range(judge.samples)]
    generations = iter(generator.generate(prepared, sampling, seeds))
    scored = []
    for row in rows:
        replies = [next(generations) for _ in range(judge.samples)]
        failed = next((reply for reply in replies if isinstance(reply, Failed)), None)
        texts = [Reply(reply.text, reply.ended) for reply in replies if not isinstance(reply, Failed)]
        scored.append(verdict_row(row["id"], texts) if failed is None else unscored(row, failed))
    return scored


def written(renderer: Renderer, replies: list[Completion]) -> list[Reply]:
    """What the model wrote, as text without the token that ended it."""
    return [Reply(answer_text(renderer, reply), reply.ended) for reply in replies]


def verdict_row(row_id: str, replies: Sequence[Reply]) -> Row:
    """The score row of a judge's replies: the mean of those that hold a rating, if at least half of them do.

    The mean of fewer would be that of a chance sample: one 5 among four replies passes a threshold of 4.5. Without a
    score the reason is `unfinished` if a reply was cut, which more `max_tokens` may cure, else `no_verdict`.
    """
    readings = [read_reply(reply.text, ended=reply.ended) for reply in replies]
    given = [reading.rating for reading in readings if reading.rating is not None]
    enough = bool(given) and 2 * len(given) >= len(readings)
    unfinished = sum(reading.reason == "unfinished" for reading in readings)
    return {
        "id": row_id,
        "score": sum(given) / len(given) if enough else None,
        "reason": None if enough else "unfinished" if unfinished else "no_verdict",
        "verdicts": [reading.rating for reading in readings],
        "replies": [reply.text for reply in replies],
        "unfinished": unfinished,
    }


def replies_to(
    rows: list[Row],
    prompts: list[list[int]],
    fits: list[int],
    judge: Verdict | Reasoned,
    engine: Callable[[], Engine],
    renderer: Renderer,
    *,
    watched: tuple[int, ...] = (),
) -> dict[int, list[Completion] | Failed]:
    """`samples` replies to each prompt that fits, by its place, or what failed of them; all in one call.

    The log-probabilities of `watched` come with them, where the engine gives any.
    """
    asked = [(at, sample) for at in fits for sample in range(judge.samples)]
    # Both judges draw with the same seeds, so that they can be compared on the same replies.
    seeds = [row_seed(judge.seed, "verdict", rows[at]["id"], sample) for at, sample in asked]
    sampling = Sampling(judge.temperature, judge.top_p, judge.max_tokens, renderer.stop_ids, watched)
    answers = iter(engine().generate([prompts[at] for at, _ in asked], sampling, seeds) if asked else ())
    replies: dict[int, list[Completion] | Failed] = {}
    for at in fits:
        own = [next(answers) for _ in range(judge.samples)]
        failed = next((answer for answer in own if isinstance(answer, Failed)), None)
        replies[at] = failed or [answer for answer in own if not isinstance(answer, Failed)]
    return replies
