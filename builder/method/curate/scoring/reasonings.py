"""The judge `reasoned`: the paper's reasoning (section 2.3 of arXiv 2308.06259), then the probabilities of 1 to 5.

Departure: the paper parses the score. This judge reads how probable each digit was where the model wrote its score,
which tells pairs apart that would get the same verdict; of such means a share is selected, since the paper's 4.5 is a
threshold on other numbers. A reply whose score stands elsewhere than in a digit of its own, or nowhere, or that was cut
at `max_tokens`, goes on with a forced "Score: ", where the digits are read in a second request.
"""

import bisect
import re
from collections.abc import Callable
from typing import NamedTuple

from builder.data.records import Row
from builder.llm.conversations import rating_prompt
from builder.llm.engines.engine import NO_LOGPROBS, Completion, Engine, Failed
from builder.llm.renderer import Renderer, control_tokens
from builder.method.curate.scoring.ratings import ScorePosition, rated, score_position, unscored
from builder.method.curate.scoring.replies import read_reply
from builder.method.curate.scoring.reply_text import is_reasoning_mark
from builder.method.curate.scoring.verdicts import replies_to, verdict_row, written
from builder.recipe.sections.judges import Reasoned

SCORE_LINE = re.compile(
    r"^[^\w\n]*score[^\w\n]*(?::|\d|$)"  # a line that opens with the score
    r"|\bscore\s*:\s*\**\s*-?\d+(?:\.\d+)?(?:\s*/\s*5)?[^\w\n]*$",  # or one that ends with it
    re.IGNORECASE | re.MULTILINE,
)
MARKUP = " \t\n*_`#>|\"'{[(<"
"""What may open a verdict."""


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


class Written(NamedTuple):
    """Where a model wrote its score.

    Attributes:
        token: The place of its digit among the tokens of the reply.
        reasoning: The text before it.
    """

    token: int
    reasoning: str


class _Judged(NamedTuple):
    """A reply on its way to a reading: that of the model's own digit, or the second request that it needs."""

    reasoning: str
    unfinished: bool
    reading: list[float] | None
    position: list[int]


def reasoned(
    rows: list[Row], judge: Reasoned, renderer: Renderer, engine: Callable[[], Engine], room: int
) -> list[Row]:
    """The mean of the probabilities of 1 to 5 where the score stands after a reasoning, `samples` times.

    They are those of the generation itself, where the model wrote a digit as its score. A second request with a forced
    "Score: " is sent for the other replies only, among them those that were cut at `max_tokens`.
    A pair for which the engine gives none is scored by `verdict` from the same replies, if the recipe has it so.
    """
    position = score_position(renderer)
    prompts = renderer.prompts([rating_prompt(renderer.contract, judge.rubric, row) for row in rows])
    forced = max(len(position.start), len(position.line))
    fits = [at for at, prompt in enumerate(prompts) if len(prompt) + judge.max_tokens + forced < room]
    scored = [unscored(row) for row in rows]
    control = control_ids(renderer)
    replies = replies_to(rows, prompts, fits, judge, engine, renderer, watched=tuple(position.digits))
    judged: dict[int, list[_Judged]] = {}
    for at, answers in replies.items():
        if isinstance(answers, Failed):
            scored[at] = unscored(rows[at], answers)
        else:
            limit = judge.max_tokens
            judged[at] = [_judged(prompts[at], answer, renderer, control, position, limit) for answer in answers]
    again = [reply.position for own in judged.values() for reply in own if reply.reading is None]
    readings = iter(engine().next_logprobs(again, position.digits) if again else [])
    for at, own in judged.items():
        row = _row(rows[at], [next(readings) if reply.reading is None else reply.reading for reply in own], judge)
        answers = replies[at]
        if row.get("reason") == NO_LOGPROBS and judge.fallback and not isinstance(answers, Failed):
            row = {**verdict_row(rows[at]["id"], written(renderer, answers)), "fallback": True}
        scored[at] = {
            **row,
            "reasonings": [reply.reasoning for reply in own],
            "unfinished": sum(reply.unfinished for reply in own),
            "read_again": sum(reply.reading is None for reply in own),
        }
    return scored


def _judged(
    prompt: list[int],
    answer: Completion,
    renderer: Renderer,
    control: frozenset[int],
    position: ScorePosition,
    max_tokens: int,
) -> _Judged:
    score = written_score(answer.ids, renderer, control, position.digits) if answer.ended and answer.watched else None
    if score is not None and answer.watched:
        return _Judged(score.reasoning, unfinished=False, reading=answer.watched[score.token], position=[])
    # The reasoning goes on as the tokens that the model wrote, never as text: re-read, it could spell a control token.
    reasoning = reasoning_of(answer.ids, renderer, control, max_tokens)
    forced = prompt + reasoning.ids + (position.line if reasoning.ids else position.start)
    return _Judged(reasoning.text, reasoning.unfinished, None, forced)


def _row(row: Row, readings: list[list[float] | Failed], judge: Reasoned) -> Row:
    """The score row of all readings about a pair; one that failed leaves it without a score."""
    failed = [reading for reading in readings if isinstance(reading, Failed)]
    if failed:
        return unscored(row, min(failed, key=lambda reading: reading.reason != NO_LOGPROBS))
    rating = rated([reading for reading in readings if not isinstance(reading, Failed)], judge.min_mass)
    return unscored(row, "no_mass") if rating is None else {"id": row["id"], **rating}


def control_ids(renderer: Renderer) -> frozenset[int]:
    """Tokens that a reasoning must not hold: those that steer a model, and whatever the template marks turns with."""
    template, vocabulary = renderer.contract.template, renderer.tokenizer.get_added_vocab()
    marks = {token_id for token, token_id in vocabulary.items() if token.strip() and token in template}
    return frozenset(control_tokens(renderer.tokenizer)) | marks | {*renderer.stop_ids}


def written_score(ids: list[int], renderer: Renderer, control: frozenset[int], digits: list[int]) -> Written | None:
    """Where the verdict of a reply that has ended is whole and a token of its own, one of `digits`; None elsewhere.

    Args:
        ids: The reply.
        renderer: Contract and tokenizer of the model.
        control: What `control_ids` gives.
        digits: The tokens of 1 to 5.
    """
    turns = (at for at, token in enumerate(ids) if token in control and not is_reasoning_mark(_text(renderer, [token])))
    answer = ids[: next(turns, len(ids))]
    if not set(digits) & set(answer):
        return None
    text = _text(renderer, answer)
    reading = read_reply(text, ended=True)
    if reading.rating is None or reading.place is None or reading.start is None or not reading.rating.is_integer():
        return None  # of 4.5 the digit 4 would be another score
    if text[reading.place] not in "12345":
        return None
    sizes = range(len(answer))
    token = bisect.bisect_right(sizes, reading.place, key=lambda size: len(_text(renderer, answer[:size]))) - 1
    is_digit = answer[token] == digits[int(text[reading.place]) - 1]
    if not is_digit or _text(renderer, answer[: token + 1]) != text[: reading.place + 1]:
        return None
    return Written(token, text[: reading.start].rstrip(MARKUP).lstrip())


def reasoning_of(ids: list[int], renderer: Renderer, control: frozenset[int], max_tokens: int) -> Reasoning:
    """Cut a reply before its first control token and before what gives the score."""
    end = next((at for at, token in enumerate(ids) if token in control), len(ids))
    kept = ids[:end]
    text = _text(renderer, kept)
    line, verdict = SCORE_LINE.search(text), read_reply(text, ended=True).start
    before = [text[: line.start()]] if line else []
    before += [text[:verdict].rstrip(MARKUP)] if verdict is not None else []
    if before:
        kept = _beginning(kept, min(before, key=len), renderer)
    while kept and not _text(renderer, kept[-1:]).strip():
        kept = kept[:-1]
    return Reasoning(kept, _text(renderer, kept).strip(), not before and end == len(ids) >= max_tokens)


def _beginning(ids: list[int], text: str, renderer: Renderer) -> list[int]:
    """The longest beginning of `ids` whose text is a beginning of `text`."""
    sizes = range(len(ids) + 1)
    size = bisect.bisect_right(sizes, len(text), key=lambda size: len(_text(renderer, ids[:size]))) - 1
    while not text.startswith(_text(renderer, ids[:size])):  # a character may be split over tokens
        size -= 1
    return ids[:size]


def _text(renderer: Renderer, ids: list[int]) -> str:
    return str(renderer.tokenizer.decode(ids, clean_up_tokenization_spaces=False))
