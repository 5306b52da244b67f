"""What a pair has where the engine gives no log-probabilities."""

import pytest
from support.judging import ROWS, Scripted, encoded, judged

from builder.data.records import score_schema
from builder.data.storage import read_rows, write_rows
from builder.llm.conversations import rating_prompt
from builder.llm.engines.engine import NO_LOGPROBS, Failed
from builder.recipe.sections.judges import Expected, Reasoned, Verdict


class WithoutLogprobs(Scripted):
    """A server that writes replies, and gives log-probabilities for some prompts only."""

    def __init__(self, plain, replies, reads=lambda prompt: False, reason=NO_LOGPROBS):
        super().__init__(plain, replies)
        self.reads, self.reason, self.asked = reads, reason, []

    def generate(self, prompts, sampling, seeds):
        self.asked += list(zip(prompts, seeds, strict=True))
        return super().generate(prompts, sampling, seeds)

    def next_logprobs(self, prompts, choices):
        return [
            self.plain.next_logprobs([prompt], choices)[0] if self.reads(prompt) else Failed(self.reason, "none")
            for prompt in prompts
        ]


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_expected_falls_back_to_verdict_with_the_same_rubric(renderer, engine, rubric):
    replies = [encoded(renderer, "Fine.\nScore: 4"), encoded(renderer, "Hm.")]
    server = WithoutLogprobs(engine, replies)
    rows = judged(renderer, server, Expected(judge="expected", rubric=rubric, fallback="verdict"))
    assert [(row["score"], row["reason"], row["fallback"]) for row in rows] == [
        (4, None, True),
        (None, "no_verdict", True),
    ]
    assert [row["replies"] for row in rows] == [["Fine.\nScore: 4"], ["Hm."]]
    spoken = WithoutLogprobs(engine, replies)
    assert judged(renderer, spoken, Verdict(judge="verdict", rubric=rubric))[0]["score"] == 4
    assert server.asked == spoken.asked


def test_reasoned_falls_back_to_a_verdict_from_the_reply_it_has(renderer, engine):
    replies = [encoded(renderer, text) for text in ("Fine.\nScore: 4", "Good.\nScore: 5", "Hm.", "Poor.\nScore: 1")]
    server = WithoutLogprobs(engine, replies)
    rows = judged(renderer, server, Reasoned(judge="reasoned", samples=2, fallback="verdict"))
    assert [(row["score"], row["verdicts"], row["fallback"]) for row in rows] == [
        (4.5, [4, 5], True),
        (1, [None, 1], True),
    ]
    assert [row["reasonings"] for row in rows] == [["Fine.", "Good."], ["Hm.", "Poor."]]
    assert len(server.asked) == len(replies)  # nothing is written twice


def test_only_the_pairs_without_log_probabilities_fall_back(renderer, engine, tmp_path):
    for judge, replies in (
        (Expected(judge="expected", fallback="verdict"), ["Score: 2"]),
        (Reasoned(judge="reasoned", fallback="verdict"), ["Fine.\nScore: 2"] * 2),
    ):
        asked = rating_prompt(renderer.contract, "humpback", ROWS[0], reasons=judge.judge == "reasoned")
        first = renderer.prompt(asked)
        server = WithoutLogprobs(
            engine,
            [encoded(renderer, text) for text in replies],
            lambda prompt, first=first: prompt[: len(first)] == first,
        )
        rows = judged(renderer, server, judge)
        assert [row["fallback"] for row in rows] == [False, True]
        assert rows[0]["mass"] > 0
        assert rows[1]["score"] == 2
        write_rows(tmp_path / f"{judge.judge}.parquet", rows, score_schema(judge.judge))
        assert [row["fallback"] for row in read_rows(tmp_path / f"{judge.judge}.parquet")] == [False, True]


@pytest.mark.parametrize("fallback", [None, "verdict"])
def test_without_a_fallback_and_for_other_failures_a_pair_has_the_reason_of_the_engine(renderer, engine, fallback):
    reason = "engine_timeout" if fallback else NO_LOGPROBS
    for judge in (Expected(judge="expected", fallback=fallback), Reasoned(judge="reasoned", fallback=fallback)):
        server = WithoutLogprobs(engine, [encoded(renderer, "Fine.\nScore: 4")] * 2, reason=reason)
        rows = judged(renderer, server, judge)
        assert [(row["score"], row["reason"], row.get("fallback")) for row in rows] == [(None, reason, None)] * 2
