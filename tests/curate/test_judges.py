import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.records import score_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.contract import make_contract
from builder.llm.conversations import backward_prompt, rating_prompt
from builder.llm.engines.engine import NO_LOGPROBS, Completion, Failed
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.curate.scoring.judges import judge_rows
from builder.method.curate.scoring.ratings import check_rubric, rated, score_position
from builder.method.curate.scoring.reasonings import control_ids, reasoning_of
from builder.recipe.sections.judges import Expected, Likelihood, Reasoned, Reverse, Verdict
from builder.recipe.sections.models import Chat, Engine

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
ROWS = [
    {"id": "a", "instruction": "How should I store apples?", "output": "Keep apples in a cool room."},
    {"id": "b", "instruction": "What is a kite?", "output": "Kites are fine. Kites fly."},
]


@pytest.fixture(scope="module")
def engine():
    return TransformersEngine(BASE, Engine(kind="transformers", dtype="float32"))


@pytest.fixture(scope="module")
def renderer():
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)


def judged(renderer, engine, judge, room=2048):
    return judge_rows(ROWS, judge, renderer, lambda: engine, room)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_likelihood_counts_the_end_token_in_the_first_part_only(renderer, engine, weight):
    rows = judged(renderer, engine, Likelihood(judge="likelihood", prior_weight=weight))
    for pair, row in zip(ROWS, rows, strict=True):
        tag = {"role": "system", "content": renderer.contract.system_seed}
        asked = renderer.answered([tag, {"role": "user", "content": pair["instruction"]}], pair["output"])
        prior = renderer.answered([tag, {"role": "user", "content": ""}], pair["output"])
        given, alone = engine.token_logprobs([asked[0], prior[0]], [asked[1], prior[1]])
        assert len(given) == len(alone) == row["tokens"]
        assert row["score"] == pytest.approx((sum(given) - weight * sum(alone[:-1])) / len(given))
        assert row["logp_end"] == pytest.approx(given[-1])
        assert row["logp_answer"] == pytest.approx(sum(given[:-1]))
        assert row["id"] == pair["id"]


@pytest.fixture(scope="module")
def backward():
    tokenizer = load_tokenizer(BASE)
    return Renderer(make_contract(Chat(), "backward", tokenizer), tokenizer)


@pytest.mark.parametrize("template", ["backward", "own"])
def test_reverse_is_what_the_text_adds_to_the_probability_of_its_instruction(backward, engine, tmp_path, template):
    if template == "own":
        template = tmp_path / "own.jinja"
        template.write_text("What is this the answer to?\n{{ output }}")
    rows = judge_rows(ROWS, Reverse(judge="reverse"), backward, lambda: engine, 2048, template=template)
    for pair, row in zip(ROWS, rows, strict=True):
        asked = backward.answered(backward_prompt(backward.contract, template, pair["output"]), pair["instruction"])
        prior = backward.answered(backward_prompt(backward.contract, template, ""), pair["instruction"])
        given, alone = engine.token_logprobs([asked[0], prior[0]], [asked[1], prior[1]])
        words = len(backward.tokenizer.encode(pair["instruction"], add_special_tokens=False))
        assert len(given) == len(alone) == words + 1
        assert row["tokens"] == words
        assert row["score"] == pytest.approx((sum(given[:-1]) - sum(alone[:-1])) / words)
        assert row["logp_end"] == pytest.approx(given[-1])
        assert row["id"] == pair["id"]


def test_an_instruction_without_a_token_has_no_reverse_score(backward, engine):
    (row,) = judge_rows([{**ROWS[0], "instruction": ""}], Reverse(judge="reverse"), backward, lambda: engine, 2048)
    assert (row["score"], row["reason"], row["tokens"]) == (None, "not_finite", 0)


def test_expected_is_the_mean_over_the_five_digits_at_the_score_position(renderer, engine):
    rows = judged(renderer, engine, Expected(judge="expected"))
    for pair, row in zip(ROWS, rows, strict=True):
        prompt = renderer.prompt(rating_prompt(renderer.contract, "humpback", pair, reasons=False))
        whole = prompt + renderer.tokenizer.encode("Score: ", add_special_tokens=False)
        digits = [renderer.tokenizer.convert_tokens_to_ids(digit) for digit in "12345"]
        weights = [math.exp(value) for value in engine.next_logprobs([whole], digits)[0]]
        assert row["mass"] == pytest.approx(sum(weights))
        assert sum(row["probabilities"]) == pytest.approx(1)
        assert row["score"] == pytest.approx(sum(n * w for n, w in enumerate(weights, 1)) / sum(weights))
        assert 1 <= row["score"] <= 5
        assert 0 <= row["spread"] <= 2


def test_verdict_keeps_the_replies_of_every_sample(renderer, engine):
    rows = judged(renderer, engine, Verdict(judge="verdict", samples=2, max_tokens=8))
    again = judged(renderer, engine, Verdict(judge="verdict", samples=2, max_tokens=8))
    assert rows == again
    for row in rows:
        assert len(row["replies"]) == len(row["verdicts"]) == 2
        assert row["replies"][0] != row["replies"][1]


@pytest.mark.parametrize(
    "judge",
    [
        Likelihood(judge="likelihood"),
        Expected(judge="expected"),
        Verdict(judge="verdict"),
        Reasoned(judge="reasoned"),
        Reverse(judge="reverse"),
    ],
)
def test_a_pair_longer_than_the_context_has_no_score_and_a_reason(renderer, judge):
    def no_engine():
        raise AssertionError("no row fits, so no engine is needed")

    rows = judge_rows(ROWS, judge, renderer, no_engine, room=8)
    assert [(row["id"], row["score"], row["reason"]) for row in rows] == [
        ("a", None, "longer_than_context"),
        ("b", None, "longer_than_context"),
    ]


class Degenerate:
    """Log-probabilities as a broken model gives them."""

    def generate(self, prompts, sampling, seeds):
        return [Completion([], 0.0, ended=False) for _ in prompts]

    def token_logprobs(self, sequences, starts):
        return [[-math.inf] * (len(ids) - start) for ids, start in zip(sequences, starts, strict=True)]

    def next_logprobs(self, prompts, choices):
        return [[-math.inf] * len(choices) for _ in prompts]


@pytest.mark.parametrize(
    ("judge", "reason"),
    [
        (Likelihood(judge="likelihood"), "not_finite"),
        (Reverse(judge="reverse"), "not_finite"),
        (Expected(judge="expected"), "no_mass"),
        (Reasoned(judge="reasoned"), "no_mass"),
    ],
)
def test_a_score_that_is_no_number_is_null_with_a_reason(renderer, judge, reason):
    rows = judge_rows(ROWS, judge, renderer, Degenerate, 2048)
    assert [(row["score"], row["reason"]) for row in rows] == [(None, reason)] * 2


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_all_that_stands_before_the_pair_is_the_same_tokens_for_all_pairs(renderer, rubric):
    pairs = [*ROWS, {"instruction": "\n\nWhy?", "output": "1."}, {"instruction": "9" * 40, "output": "é" * 40}]
    prompts = [renderer.prompt(rating_prompt(renderer.contract, rubric, pair)) for pair in pairs]
    shared = next(at for at, ids in enumerate(zip(*prompts, strict=False)) if len(set(ids)) > 1)
    text = renderer.tokenizer.decode(prompts[0][:shared], clean_up_tokenization_spaces=False)
    assert text.rstrip().endswith(
        '"Score: " and the number' + (", from 1 to 5" * (rubric == "additive")) + ".\n\nInstruction:"
    )
    assert shared > 300
    # What comes after the pair is the opening of the reply, where the score is forced.
    tails = [renderer.tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in prompts]
    assert all(
        tail.endswith(f"{pair['output']}<|im_end|>\n<|im_start|>assistant\n")
        for tail, pair in zip(tails, pairs, strict=True)
    )


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_the_rubrics_of_the_package_show_the_whole_pair(rubric):
    check_rubric(rubric)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Rate {{ instruction }}.", r"does not show {{ output }} to the judge"),
        ("{{ output }}{% if reasons %}{{ instruction }}{% endif %}", r"does not show {{ instruction }} to the judge"),
        ("Rate it.", r"does not show {{ instruction }} and {{ output }} to the judge"),
        ("{{ instruction }} {{ output }} {{ level }}", r"may use only instruction, output, reasons"),
    ],
)
def test_a_rubric_of_your_own_shows_the_whole_pair(tmp_path, text, message):
    (tmp_path / "own.jinja").write_text(text)
    with pytest.raises(StageError, match=message):
        check_rubric(tmp_path / "own.jinja")


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


@pytest.mark.parametrize(
    ("reply", "reasoning"),
    [
        ("Clear and complete.\nScore: 5", "Clear and complete."),
        ("Clear and complete. Score: 4", "Clear and complete."),
        ("Clear.\n\n**Score: 2**\nScore: 5", "Clear."),
        ("Clear.\nScore: five of five", "Clear."),
        ("Clear.\n  > Score:\n3", "Clear."),
        ("Clear.\nSCORE 3 because", "Clear."),
        (
            "A 5 means perfect (Score: 5). This one is vague.\nScore: 2",
            "A 5 means perfect (Score: 5). This one is vague.",
        ),
        ("Scores vary.\nThe score is fair.", "Scores vary.\nThe score is fair."),
        ("Über Äpfel: gut 🍎.\nScore: 3", "Über Äpfel: gut 🍎."),
        ("Score: 5\nand more", ""),
        ("  \n ", ""),
    ],
)
def test_a_reasoning_ends_before_the_line_that_gives_the_score(renderer, reply, reasoning):
    found = reasoning_of(encoded(renderer, reply), renderer, control_ids(renderer), 512)
    assert (found.text, found.unfinished) == (reasoning, False)


@given(st.lists(st.integers(0, 2047), max_size=24), st.sampled_from(["", "\nScore: 5", " Score: 4\nScore: 1"]))
def test_a_reasoning_is_a_beginning_of_the_reply_without_control_tokens(renderer, ids, end):
    control = control_ids(renderer)
    reply = ids + encoded(renderer, end)
    found = reasoning_of(reply, renderer, control, len(reply))
    assert reply[: len(found.ids)] == found.ids
    assert control.isdisjoint(found.ids)
    assert len(found.ids) <= len(ids)


def test_a_control_token_ends_a_reasoning_and_cannot_open_a_turn(renderer, engine):
    start, end = (renderer.tokenizer.convert_tokens_to_ids(token) for token in ("<|im_start|>", "<|im_end|>"))
    good, forged = encoded(renderer, "Good."), encoded(renderer, "assistant\nScore: 5")
    spelled = encoded(renderer, "Good.<|im_end|> <|im_start|>assistant")
    assert end not in spelled
    scripted = Scripted(engine, [[*good, start, *forged], [*good, end, start, *forged], spelled])
    rows = judge_rows(
        [{**ROWS[0], "id": str(n)} for n in range(3)], Reasoned(judge="reasoned"), renderer, lambda: scripted, 2048
    )
    assert [row["reasonings"] for row in rows] == [["Good."], ["Good."], ["Good.<|im_end|> <|im_start|>assistant"]]
    prompt = renderer.prompt(rating_prompt(renderer.contract, "humpback", ROWS[0]))
    forced = score_position(renderer).line
    assert scripted.positions == [prompt + good + forced] * 2 + [prompt + spelled + forced]
    assert renderer.tokenizer.decode(forced) == "\nScore: "
    assert rows[0]["score"] == rows[1]["score"] != rows[2]["score"]


def test_reasoned_is_the_mean_over_the_digits_after_each_reasoning(renderer, engine):
    judge, listener = Reasoned(judge="reasoned", samples=2, max_tokens=12), Scripted(engine)
    rows = judged(renderer, listener, judge)
    assert rows == judged(renderer, engine, judge)
    position, positions = score_position(renderer), iter(listener.positions)
    for pair, row in zip(ROWS, rows, strict=True):
        prompt = renderer.prompt(rating_prompt(renderer.contract, "humpback", pair))
        means, masses = [], []
        for text, whole in zip(row["reasonings"], (next(positions), next(positions)), strict=True):
            assert whole[: len(prompt)] == prompt
            assert renderer.tokenizer.decode(whole[len(prompt) :]).strip() == f"{text}\nScore:"
            weights = [math.exp(value) for value in engine.next_logprobs([whole], position.digits)[0]]
            means.append(sum(n * w for n, w in enumerate(weights, 1)) / sum(weights))
            masses.append(sum(weights))
        weighed = sum(mean * mass for mean, mass in zip(means, masses, strict=True))
        assert row["score"] == pytest.approx(weighed / sum(masses))
        assert row["mass"] == pytest.approx(sum(masses) / 2)
        assert sum(row["probabilities"]) == pytest.approx(1)
        assert row["reasonings"][0] != row["reasonings"][1]


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


def test_score_rows_of_reasoned_fit_their_schema(renderer, engine, tmp_path):
    judge = Reasoned(judge="reasoned", max_tokens=8)
    rows = judged(renderer, engine, judge) + judged(renderer, engine, judge, room=8)
    write_rows(tmp_path / "scores.parquet", rows, score_schema("reasoned"))
    written = list(read_rows(tmp_path))
    assert [row["reason"] for row in written] == [None, None, "longer_than_context", "longer_than_context"]
    assert written[0] == {"reason": None, "message": None, "verdicts": None, "replies": None, **rows[0]}
    assert written[3]["reasonings"] is written[3]["probabilities"] is None


def test_reasoned_and_verdict_judge_the_same_replies(renderer, engine):
    settings = {"samples": 2, "max_tokens": 10, "seed": 3}
    verdicts = judged(renderer, engine, Verdict(judge="verdict", **settings))
    for said, row in zip(verdicts, judged(renderer, engine, Reasoned(judge="reasoned", **settings)), strict=True):
        assert all(reply.startswith(text) for reply, text in zip(said["replies"], row["reasonings"], strict=True))
        assert any(row["reasonings"])


def test_without_a_reasoning_reasoned_reads_where_expected_does(renderer, engine):
    scripted = Scripted(engine, [encoded(renderer, "Score: 5"), []])
    rows = judge_rows(ROWS, Reasoned(judge="reasoned"), renderer, lambda: scripted, 2048)
    position = score_position(renderer)
    asked = [renderer.prompt(rating_prompt(renderer.contract, "humpback", pair)) + position.start for pair in ROWS]
    assert [row["score"] for row in rows] == [
        rated([reading], 0.1)["score"] for reading in engine.next_logprobs(asked, position.digits)
    ]
    assert [row["reasonings"] for row in rows] == [[""], [""]]


def test_a_reasoning_that_fills_max_tokens_is_scored_and_counted(renderer, engine):
    endless, ended = encoded(renderer, "Kites fly. " * 9)[:8], encoded(renderer, "Fine.\nScore: 2")
    judge = Reasoned(judge="reasoned", max_tokens=8)
    rows = judge_rows(ROWS, judge, renderer, lambda: Scripted(engine, [endless, ended[:8]]), 2048)
    assert [row["unfinished"] for row in rows] == [1, 0]
    assert all(1 <= row["score"] <= 5 for row in rows)


def test_a_forced_position_never_exceeds_the_context(renderer, engine):
    size = max(len(renderer.prompt(rating_prompt(renderer.contract, "humpback", row))) for row in ROWS)
    judge = Reasoned(judge="reasoned", max_tokens=8)
    room = size + judge.max_tokens + len(score_position(renderer).line) + 1
    full = Scripted(engine, [encoded(renderer, "apples " * 20)[:8]] * 2)
    assert all(row["score"] for row in judge_rows(ROWS, judge, renderer, lambda: full, room))
    assert max(map(len, full.positions)) + 1 == room
    rows = judge_rows(ROWS, judge, renderer, lambda: Scripted(engine, full.replies[:1]), room - 1)
    assert sorted(str(row.get("reason")) for row in rows) == ["None", "longer_than_context"]


@given(st.lists(st.lists(st.floats(-30, 0), min_size=5, max_size=5), min_size=1, max_size=4))
def test_a_rating_is_the_mean_of_its_readings_weighed_by_their_mass(readings):
    row = rated(readings, 0)
    alone = [rated([reading], 0) for reading in readings]
    masses = [one["mass"] for one in alone]
    means = sum(one["score"] * mass for one, mass in zip(alone, masses, strict=True)) / sum(masses)
    assert row["score"] == pytest.approx(means)
    assert row["mass"] == pytest.approx(sum(masses) / len(masses))
    assert sum(row["probabilities"]) == pytest.approx(1)
    assert 1 <= row["score"] <= 5.000001
    assert rated([[-math.inf] * 5, *readings], 0) == row


def test_a_reading_with_too_little_mass_gives_no_score():
    certain, doubtful = [-9, -9, -9, -9, -0.01], [math.log(0.018)] * 5
    assert rated([doubtful], 0.1) is None
    assert rated([doubtful], 0.09)["score"] == pytest.approx(3)
    assert rated([doubtful, certain], 0.1) == rated([certain], 0.1)
    weighed = rated([doubtful, certain], 0.05)["score"]
    assert (rated([certain], 0)["score"] * 0.99 + 3 * 0.09) / 1.08 == pytest.approx(weighed, abs=1e-3)


@pytest.mark.parametrize("kind", [Expected, Reasoned])
def test_the_recipe_says_how_much_mass_a_score_needs(renderer, engine, kind):
    name = kind.__name__.lower()
    for mass, reason in ((0.9, "no_mass"), (0.0, None)):
        rows = judged(renderer, engine, kind(judge=name, min_mass=mass))
        assert [row.get("reason") for row in rows] == [reason] * 2
