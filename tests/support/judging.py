"""Pairs that judges are tried on, and an engine that writes given replies."""

from builder.llm.engines.engine import Completion
from builder.method.curate.scoring.judges import judge_rows

ROWS = [
    {"id": "a", "instruction": "How should I store apples?", "output": "Keep apples in a cool room."},
    {"id": "b", "instruction": "What is a kite?", "output": "Kites are fine. Kites fly."},
]


def judged(renderer, engine, judge, room=2048):
    return judge_rows(ROWS, judge, renderer, lambda: engine, room)


class Scripted:
    """Writes given replies, or the model's own, and remembers the positions it is asked to read."""

    def __init__(self, plain, replies=None):
        self.plain, self.replies, self.positions = plain, replies, []

    def generate(self, prompts, sampling, seeds):
        if self.replies is None:
            return self.plain.generate(prompts, sampling, seeds)
        assert len(prompts) == len(self.replies)
        return [Completion(ids, 0.0, ended=len(ids) < sampling.max_tokens) for ids in self.replies]

    def next_logprobs(self, prompts, choices):
        self.positions += prompts
        return self.plain.next_logprobs(prompts, choices)


def encoded(renderer, text):
    """Tokens of `text`, in which a control token is spelled out in ordinary tokens, as a model may write it."""
    pieces = text.split("<|")
    return [
        token
        for number, piece in enumerate(pieces)
        for part in ((piece,) if number == 0 else ("<", f"|{piece}"))
        for token in renderer.tokenizer.encode(part, add_special_tokens=False)
    ]
