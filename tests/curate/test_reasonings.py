import math
from types import SimpleNamespace

import pytest
from support.judging import ROWS

from builder.data.records import score_schema
from builder.data.storage import read_rows, write_rows
from builder.llm.conversations import rating_prompt
from builder.llm.engines.engine import Completion
from builder.llm.renderer import Renderer
from builder.method.curate.scoring.judges import judge_rows
from builder.method.curate.scoring.ratings import score_position
from builder.method.curate.scoring.reasonings import control_ids, written_score
from builder.recipe.sections.judges import Reasoned
from builder.sample.generate import BASE


@pytest.fixture(scope="module")
def forward():
    """A plain forward pass: log p of the digits after some tokens."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32).eval()

    def read(ids, digits):
        with torch.inference_mode():
            logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
        return [float(value) for value in torch.log_softmax(logits, dim=-1)[digits]]

    return read


class Writer:
    """Writes given replies, each with its end token where there is room, and says what it watched on the way."""

    def __init__(self, plain, replies, *, watches=True):
        self.plain, self.replies, self.watches, self.positions, self.sampling = plain, replies, watches, [], None

    def generate(self, prompts, sampling, seeds):
        self.sampling = sampling
        end, found = sampling.stop_ids[0], []
        for prompt, reply in zip(prompts, self.replies, strict=True):
            ids = [*reply, end][: sampling.max_tokens]
            places = [prompt + ids[:at] for at in range(len(ids))]
            watched = self.plain.next_logprobs(places, sampling.watched) if self.watches else None
            found.append(Completion(ids, 0.0, ids[-1] == end, watched))
        return found

    def next_logprobs(self, prompts, choices):
        self.positions += prompts
        return self.plain.next_logprobs(prompts, choices)


def encoded(renderer, text):
    return renderer.tokenizer.encode(text, add_special_tokens=False)


def mean(reading):
    weights = [math.exp(value) for value in reading]
    return sum(n * weight for n, weight in enumerate(weights, 1)) / sum(weights)


@pytest.mark.parametrize(
    ("reply", "before"),
    [
        ("Clear.\nScore: 4", "Clear.\nScore: "),
        ("Clear.\n**Score:** 2/5", "Clear.\n**Score:** "),
        ("A score: 5 would need more.\nScore: 4\nThat is all.", "A score: 5 would need more.\nScore: "),
        ("[[3]]", "[["),
        ('{"reason": "Clear.", "score": 1}', '{"reason": "Clear.", "score": '),
        ("Score: 4\n\nInstruction:\nWhy?\nScore: 2", "Score: "),
    ],
)
def test_the_digits_are_read_where_the_model_wrote_its_score(renderer, engine, forward, reply, before):
    writer = Writer(engine, [encoded(renderer, reply)])
    (row,) = judge_rows(ROWS[:1], Reasoned(judge="reasoned", min_mass=0), renderer, lambda: writer, 2048)
    assert writer.positions == []  # nothing is asked a second time
    digits = score_position(renderer).digits
    assert writer.sampling.watched == tuple(digits)
    ids = encoded(renderer, reply)
    size = next(n for n in range(len(ids)) if renderer.tokenizer.decode(ids[:n]) == before)
    prompt = renderer.prompt(rating_prompt(renderer.contract, "humpback", ROWS[0]))
    reading = forward(prompt + ids[:size], digits)
    assert row["score"] == pytest.approx(mean(reading), abs=1e-5)
    assert row["mass"] == pytest.approx(sum(map(math.exp, reading)), abs=1e-5)
    assert (row["read_again"], row["unfinished"]) == (0, 0)
    assert before.startswith(row["reasonings"][0])


def test_only_replies_without_a_digit_of_their_own_are_asked_again(renderer, engine, forward, tmp_path):
    replies = ["Good.\nScore: 4", "Good.\nScore: four", "Good. " * 40 + "\nScore: 4", "Good."]
    writer = Writer(engine, [encoded(renderer, reply) for reply in replies])
    judge = Reasoned(judge="reasoned", samples=2, max_tokens=24)
    rows = judge_rows(ROWS, judge, renderer, lambda: writer, 2048)
    position = score_position(renderer)
    prompts = [renderer.prompt(rating_prompt(renderer.contract, "humpback", pair)) for pair in ROWS]
    good, cut = encoded(renderer, "Good."), encoded(renderer, replies[2])[:24]
    asked = [prompts[0] + good, prompts[1] + cut, prompts[1] + good]
    assert writer.positions == [ids + position.line for ids in asked]
    assert [(row["read_again"], row["unfinished"]) for row in rows] == [(1, 0), (2, 1)]
    own = forward(prompts[0] + encoded(renderer, "Good.\nScore: "), position.digits)
    forced = forward(writer.positions[0], position.digits)
    both = [sum(map(math.exp, pair)) for pair in zip(own, forced, strict=True)]
    assert rows[0]["score"] == pytest.approx(sum(n * p for n, p in enumerate(both, 1)) / sum(both), abs=1e-5)
    write_rows(tmp_path / "scores.parquet", rows, score_schema("reasoned"))
    assert [row["read_again"] for row in read_rows(tmp_path)] == [1, 2]


def test_a_server_that_watches_nothing_is_asked_again(renderer, engine):
    replies = [encoded(renderer, "Good.\nScore: 4")] * 2
    watching, blind = Writer(engine, replies), Writer(engine, replies, watches=False)
    one = judge_rows(ROWS, Reasoned(judge="reasoned"), renderer, lambda: watching, 2048)
    other = judge_rows(ROWS, Reasoned(judge="reasoned"), renderer, lambda: blind, 2048)
    assert len(blind.positions) == 2
    assert [row["score"] for row in one] == pytest.approx([row["score"] for row in other], abs=1e-5)


class Pieces:
    """A tokenizer whose tokens are pieces of text."""

    added_tokens_decoder, all_special_ids, all_special_tokens = {}, [0], ["<end>"]
    unk_token_id = bos_token_id = None
    eos_token_id = 0

    def __init__(self, *pieces):
        self.pieces = ["<end>", *pieces]

    def get_added_vocab(self):
        return {}

    def convert_tokens_to_ids(self, token):
        return self.pieces.index(token)

    def decode(self, ids, **_):
        return "".join(self.pieces[number] for number in ids)


DIGITS = [1, 2, 3, 4, 5]
SPACED = Pieces(
    " 1", " 2", " 3", " 4", " 5", "Score:", "4", "[[", "]]", ".", "5", "Score: ", "<think>", "</think>", ".\n"
)


@pytest.mark.parametrize(
    ("ids", "token"),
    [
        ([6, 4, 0], 1),
        ([6, 5, 15, 6, 4, 0], 4),
        ([6, 4, 10, 11, 0], None),  # 4.5: its 4 is another score
        ([8, 7, 9, 0], None),  # [[4]]: another token than the one after "Score:"
        ([12, 7, 0], None),
        ([6, 4, 4, 0], None),  # 4 4
        ([13, 6, 5, 14, 6, 2, 0], 5),
        ([6, 4, 0, 6, 2], 1),  # a turn of its own after the end
        ([6, 0, 4], None),
        ([0], None),
        ([], None),
    ],
)
def test_the_digit_must_be_the_token_that_stands_at_the_score_position(ids, token):
    renderer = Renderer(SimpleNamespace(end_token="<end>", template="<end>"), SPACED)
    found = written_score(ids, renderer, control_ids(renderer), DIGITS)
    assert (found and found.token) == token
