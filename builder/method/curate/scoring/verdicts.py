"""The judges that reason in words: `verdict`, the paper's own, and `reasoned` (section 2.3 of arXiv 2308.06259).

Both ask the same and, given the same settings, get the same replies. `verdict` parses the rating out of them (see
`replies`), and so does `served_verdict`, for a model whose tokens are not ours to give.
Departure: `reasoned` takes the reasoning alone and reads the probabilities of 1 to 5 behind it, which needs no parsing
and gives the fractions that the paper's threshold of 4.5 speaks of.
"""

import bisect
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from builder.data.records import Row, row_seed
from builder.llm.conversations import SystemPrompts, rating_prompt
from builder.llm.engines.engine import NO_LOGPROBS, Completion, Engine, Failed, Sampling
from builder.llm.engines.generators import Generator, answer_text
from builder.llm.renderer import Renderer, control_tokens
from builder.method.curate.scoring.ratings import rated, score_position, unscored
from builder.method.curate.scoring.replies import read_reply
from builder.recipe.sections.judges import Reasoned, Verdict

SCORE_LINE = re.compile(
    r"^[^\w\n]*score[^\w\n]*(?::|\d|$)"  # a line that opens with the score
    r"|\bscore\s*:\s*\**\s*-?\d+(?:\.\d+)?(?:\s*/\s*5)?[^\w\n]*$",  # or one that ends with it
    re.IGNORECASE | re.MULTILINE,
)


class Reply(NamedTuple):
    """What a judge wrote, and whether it ended by itself."""

    text: str
    ended: bool


class Reasoning(NamedTuple):
    """What stands before the score in a reply.

    Attributes:
        ids: Its tokens as the model wrote them, no control token among them.
        text: The same as text.
        unfinished: Whether it filled `max_tokens` without coming to a score or an end.
    """

    ids: list[int]
    text: str
    unfinished: bool


def verdict(rows: list[Row], judge: Verdict, renderer: Renderer, engine: Callable[[], Engine], room: int) -> list[Row]:
    """Reasoning and "Score: n" in words, `samples` times; the score is the mean of the ratings that can be read."""
    prompts = renderer.prompts([rating_prompt(renderer.contract, judge.rubric, row) for row in rows])
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) + judge.max_tokens <= room]
    scored = [unscored(row) for row in rows]
    for at, answers in _replies(rows, prompts, fits, judge, engine, renderer).items():
        if isinstance(answers, Failed):
            scored[at] = unscored(rows[at], answers)
            continue
        scored[at] = verdict_row(rows[at]["id"], _written(renderer, answers))
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
        written = [Reply(reply.text, reply.ended) for reply in replies if not isinstance(reply, Failed)]
        scored.append(verdict_row(row["id"], written) if failed is None else unscored(row, failed))
    return scored


def _written(renderer: Renderer, replies: list[Completion]) -> list[Reply]:
    return [Reply(answer_text(renderer, reply), reply.ended) for reply in replies]


def verdict_row(row_id: str, replies: Sequence[Reply]) -> Row:
    """The score row of a judge's replies: the mean of those that hold a rating, null if none does.

    Without any, the reason is `unfinished` if a reply was cut, which more `max_tokens` may cure, else `no_verdict`.
    """
    readings = [read_reply(reply.text, ended=reply.ended) for reply in replies]
    given = [reading.rating for reading in readings if reading.rating is not None]
    unfinished = sum(reading.reason == "unfinished" for reading in readings)
    return {
        "id": row_id,
        "score": sum(given) / len(given) if given else None,
        "reason": None if given else "unfinished" if unfinished else "no_verdict",
        "verdicts": [reading.rating for reading in readings],
        "replies": [reply.text for reply in replies],
        "unfinished": unfinished,
    }


def reasoned(
    rows: list[Row], judge: Reasoned, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """The mean of the probabilities of 1 to 5 at the forced score position after a reasoning, `samples` times.

    A pair for which the engine gives none is scored by `verdict` from the same replies, if the recipe has it so.
    """
    position = score_position(renderer)
    prompts = renderer.prompts([rating_prompt(renderer.contract, judge.rubric, row) for row in rows])
    forced = max(len(position.start), len(position.line))
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) + judge.max_tokens + forced < room]
    scored = [unscored(row) for row in rows]
    control = control_ids(renderer)
    replies = _replies(rows, prompts, fits, judge, engine, renderer)
    by_place: dict[int, list[Reasoning]] = {}
    for at, answers in replies.items():
        if isinstance(answers, Failed):
            scored[at] = unscored(rows[at], answers)
        else:
            by_place[at] = [reasoning_of(answer.ids, renderer, control, judge.max_tokens) for answer in answers]
    # The reasoning goes on as the tokens that the model wrote, never as text: re-read, it could spell a control token.
    positions = [
        prompts[at] + reasoning.ids + (position.line if reasoning.ids else position.start)
        for at, reasonings in by_place.items()
        for reasoning in reasonings
    ]
    readings = iter(engine().next_logprobs(positions, position.digits) if positions else [])
    for at, reasonings in by_place.items():
        row = _reading(rows[at], [next(readings) for _ in reasonings])
        replied = replies[at]
        if row.get("reason") == NO_LOGPROBS and judge.fallback and not isinstance(replied, Failed):
            row = {**verdict_row(rows[at]["id"], _written(renderer, replied)), "fallback": True}
        scored[at] = {
            **row,
            "reasonings": [reasoning.text for reasoning in reasonings],
            "unfinished": sum(reasoning.unfinished for reasoning in reasonings),
        }
    return scored


def _reading(row: Row, readings: list[list[float] | Failed]) -> Row:
    """The score row of the readings behind all reasonings about a pair; one that failed leaves it without a score."""
    failed = sorted(
        (reading for reading in readings if isinstance(reading, Failed)),
        key=lambda reading: reading.reason != NO_LOGPROBS,
    )
    if failed:
        return unscored(row, failed[0])
    rating = rated([reading for reading in readings if not isinstance(reading, Failed)])
    return unscored(row, "no_mass") if rating is None else {"id": row["id"], **rating}


def _replies(
    rows: list[Row],
    prompts: list[list[int]],
    fits: list[int],
    judge: Verdict | Reasoned,
    engine: Callable[[], Engine],
    renderer: Renderer,
) -> dict[int, list[Completion] | Failed]:
    """`samples` replies to each prompt that fits, by its place, or what failed of them; all in one call."""
    asked = [(at, sample) for at in fits for sample in range(judge.samples)]
    # Both judges draw with the same seeds, so that they can be compared on the same replies.
    seeds = [row_seed(judge.seed, "verdict", rows[at]["id"], sample) for at, sample in asked]
    sampling = Sampling(judge.temperature, judge.top_p, judge.max_tokens, renderer.stop_ids)
    answers = iter(engine().generate([prompts[at] for at, _ in asked], sampling, seeds) if asked else ())
    replies: dict[int, list[Completion] | Failed] = {}
    for at in fits:
        own = [next(answers) for _ in range(judge.samples)]
        failed = next((answer for answer in own if isinstance(answer, Failed)), None)
        replies[at] = failed or [answer for answer in own if not isinstance(answer, Failed)]
    return replies


def control_ids(renderer: Renderer) -> frozenset[int]:
    """Tokens that a reasoning must not hold: those that steer a model, and whatever the template marks turns with."""
    template, vocabulary = renderer.contract.template, renderer.tokenizer.get_added_vocab()
    marks = {token_id for token, token_id in vocabulary.items() if token.strip() and token in template}
    return frozenset(control_tokens(renderer.tokenizer)) | marks | {renderer.end_id}


def reasoning_of(ids: list[int], renderer: Renderer, control: frozenset[int], max_tokens: int) -> Reasoning:
    """Cut a reply before its first control token and before the line that gives the score."""

    def text_of(some: list[int]) -> str:
        return str(renderer.tokenizer.decode(some, clean_up_tokenization_spaces=False))

    end = next((at for at, token in enumerate(ids) if token in control), len(ids))
    kept = ids[:end]
    text = text_of(kept)
    line = SCORE_LINE.search(text)
    if line:
        kept = _beginning(kept, text[: line.start()], text_of)
    while kept and not text_of(kept[-1:]).strip():
        kept = kept[:-1]
    return Reasoning(kept, text_of(kept).strip(), line is None and end == len(ids) >= max_tokens)


def _beginning(ids: list[int], text: str, text_of: Callable[[list[int]], str]) -> list[int]:
    """The longest beginning of `ids` whose text is a beginning of `text`."""
    sizes = range(len(ids) + 1)
    size = bisect.bisect_right(sizes, len(text), key=lambda size: len(text_of(ids[:size]))) - 1
    while not text.startswith(text_of(ids[:size])):  # a character may be split over tokens
        size -= 1
    return ids[:size]
