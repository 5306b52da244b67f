import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hang_guard import must_end

from builder.llm.prompts import render
from builder.method.curate.scoring.replies import read_reply
from builder.method.curate.scoring.reply_text import is_reasoning_mark


def rating(reply):
    return read_reply(reply, ended=True).rating


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("Clear and complete.\nScore: 5", 5),
        ("score: 3 out of 5", 3),
        ("Score 4", 4),
        ("**Score: 2**", 2),
        ("Score: **2**", 2),
        ("**Score**: 2", 2),
        ("**Score:** 2", 2),
        ("A 5 means perfect (Score: 5). This one is vague.\nScore: 2", 2),
        ("Score: 9", None),
        ("Score: 0", None),
        ("Score: -3", None),
        ("Score: 4.5", 4.5),
        ("Score: 45", None),
        ("Score: 5.0", 5),
        ("Score: 5\nNo: score: 12", None),
        ("I cannot rate this.", None),
        ("5", None),
        ("Score: five", None),
        ("", None),
    ],
)
def test_the_last_verdict_from_1_to_5_counts(reply, score):
    assert rating(reply) == score


@pytest.mark.parametrize(
    "reply",
    [
        "Score: 4", "Score:4", "SCORE: 4", "Score = 4", "Score - 4", "Score => 4", "Score: 4/5", "Score: 4 / 5",
        "Score: 4.",
        "Score: [[4]]", "Score: [4]", "Score: <4>", "Score: '4'", "Score: (4)", "Score: `4`", "Score: $\\boxed{4}$",
        "Score：４", "Ｓｃｏｒｅ：４／５", "Score\u3000:\u30004", "__Score__: 4", "> **Score: 4/5**", "- Score: 4",
        "2. Score: 4",
        "| Score | 4 |", "### Score\n4", "**Score:**\n\n4", "Score (1-5): 4", "Score (out of 5): 4",
        "Score: 4 (out of 5)",
        "Rating: 4 out of 5", "Rating: 4 stars", "Verdict: 4", "Final score: 4", "**Overall Rating:** 4/5",
        "My score: 4",
        "The score is 4.", "So the final rating is: 4", "<score>4</score>", "Good. <rating> 4 </rating>",
        "[[4]]", "Fine. [[4]]", "<4>", "4/5", "**4 out of 5**", "\\boxed{4}", "“Score: 4”",
        '{"score": 4}', '```json\n{\n  "score": "4/5",\n  "reason": "Fine."\n}\n```', "{'reason': 'ok', 'rating': 4}",
        '{"reason": "A score: 5 would need more.", "final_score": 4.0}', '{"previous_score": 2, "score": 4}',
        '{"score": 4, "max_score": 5}',
        "Score: 4, since it has 3 parts.", "Score: 4 - clear in 3 places", "Score: 4 (clear)",
        "Score: 4 because it is clear",
        "Clear and complete. Score: 4", "<answer>Score: 4</answer>", "Score: 4\u200b", "Good.\r\nScore: 4\r\n",
        "Score: 3\nOn reflection, better.\nScore: 4",
    ],
)  # fmt: skip
def test_what_judges_write_is_read(reply):
    found = read_reply(reply, ended=True)
    assert (found.rating, found.reason) == (4, None)
    assert reply[found.place] in "4４"
    assert found.start <= found.place


@pytest.mark.parametrize(
    "reply",
    [
        "Score: 3-4", "Score: 3–4", "Score: 3 - 4", "Score: 3 to 4", "Score: 3 or 4", "Score: between 3 and 4",
        "[[3-4]]",
        "Score: 3..4", "Score: 3~4", "Score: <3-4>", '{"score": "3-4"}', '{"score": [3, 4]}', "Score: 4, maybe 5",
        "3-4/5",
        "Score: 4, 5", "Score: 4 (or 5)", "Score: 3 and a half", "Score: 4. Maybe 5.", "Score: **3**-**4**",
        "Score: 3, rising to 4",
        "Score: 4 → 5",
    ],
)  # fmt: skip
def test_a_range_is_no_rating(reply):
    assert rating(reply) is None
    assert rating(f"Score: 2\n{reply}") is None  # nor is the verdict before it taken instead


@pytest.mark.parametrize(
    "reply",
    [
        "Score: 6", "Score: 0.9", "Score: 5.5", "Score: 10/10", "Score: 4/10", "Score: 4/50", "Score: 3/4",
        "Score: 80%",
        "Score: 4,5", "Score: 4.5.1", "Score: 04", "Score: 4th", "Score: ٤", "Score: 4²", "Score: 4+", "Score: ~4",
        "Score: >4",
        "Score: N/A", "Score: -4", "<score>9</score>", "[[0]]", '{"score": null}', "Score: 1e0", "Score: 4½",
    ],
)  # fmt: skip
def test_a_number_that_is_no_rating_is_not_bent_into_one(reply):
    assert rating(reply) is None


@pytest.mark.parametrize(
    "remark",
    [
        "A score of 5 would need sources.", "Previous score: 2", "(previous score: 2)",
        "Score: 5 would need sources.",
        "Note: the previous score was 2.", "The earlier rating: [[2]]", "Maximum score: 5",
        "Score 5 is for perfect answers.",
        "The scale: Score 1: bad", "My last score was 3", "A [[5]] would need sources.", "If it had sources, 5.",
    ],
)  # fmt: skip
@pytest.mark.parametrize("join", ["\n", "\n\n", ". ", " "])
def test_a_trailing_remark_is_not_the_verdict(remark, join):
    assert rating(f"Fine.\nScore: 4{join}{remark}") in ({4} if "\n" in join else {4, None})
    assert rating(remark) is None


@pytest.mark.parametrize(
    "second",
    [
        "\n\nInstruction:\nWhy?\n\nAnswer:\nSo.\n\nReasons.\nScore: 2", " ### Instruction: x\nScore: 2",
        "\nUser's question: x\nScore: 2",
        "\n### Instruction\nWhy?\nScore: 2",
        "\n\n### Response:\nSo.\nScore: 2", "\nUser: Rate this too.\nScore: 2", "\nHuman: x\n\nAssistant: Score: 2",
        "<|im_end|>\n<|im_start|>user\nScore: 2", "</s>[INST] x [/INST] Score: 2",
        "\nuser\nMore.\nassistant\nScore: 2",
        "<|eot_id|>Score: 2", "<end_of_turn>\nScore: 2", "\n\nNext pair\nScore: 2", "\nExample 2:\nScore: 2",
        "\nQ: x\nScore: 2",
        "\n\nBelow are a user's instruction and a candidate answer to it.\nScore: 2",
        "\n**Instruction:** x\nScore: 2",
    ],
)  # fmt: skip
def test_the_first_answer_is_read_and_not_what_it_runs_on_into(second):
    assert rating(f"Fine.\nScore: 4{second}") == 4
    assert rating(f"Fine.{second}") is None


@pytest.mark.parametrize("between", ["\n\n---\n", "\n## Clarity\n", '\n{"id": 2}\n', "\nAnswer: So.\n"])
def test_where_another_pair_may_begin_two_verdicts_must_agree(between):
    assert rating(f"Score: 4{between}Score: 2") is None
    assert rating(f"Score: 4{between}Score: 4") == 4
    assert rating(f"Fine.{between}Score: 4") == 4
    assert rating("## Clarity\nScore: 4\n## Overall score\nScore: 3") == 3


def test_what_was_cut_is_never_parsed():
    for reply in ("Score: 5", "The scale says that score 5 is for a perfect reply. This one sells something, and", ""):
        assert read_reply(reply, ended=False) == (None, "unfinished", None, None)


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("<think>\nScore: 5\n</think>\n\nVague.\nScore: 2", 2),
        ("It may be a 5. Score: 5\n</think>\nScore: 2", 2),  # the template has opened the block
        ("<think>No <think> here.</think>Score: 2", 2),
        ("<think>Score: 5</think>", None),
        ("<think></think>Score: 2", 2),
        ("<THINK>Score: 5</THINK>\n<reasoning>Score: 4</reasoning><score>2</score>", 2),
        ("[THINK]Score: 5[/THINK]Score: 2", 2),
        ("◁think▷Score: 5◁/think▷Score: 2", 2),
        ("<|channel|>analysis<|message|>Score: 5<|end|><|start|>assistant<|channel|>final<|message|>Score: 2", 2),
        ("<think>Instruction: so</think>Score: 2", 2),
    ],
)
def test_reasoning_is_not_part_of_the_answer(reply, score):
    found = read_reply(reply, ended=True)
    assert (found.rating, found.reason) == (score, None if score else "no_verdict")
    assert score is None or reply[found.place] == str(score)


@pytest.mark.parametrize(
    "reply", ["<think>Score: 5", "Score: 5\n<think>\nScore: 4", "<think>a</think><analysis>Score: 5"]
)
def test_a_block_of_reasoning_that_is_still_open_is_unfinished(reply):
    assert read_reply(reply, ended=True).reason == "unfinished"


def test_marks_of_reasoning_are_told_from_those_of_turns():
    assert all(map(is_reasoning_mark, ["<think>", "</think>", "[THINK]", "[/THINK]", "<|END_THINKING|>"]))
    assert not any(map(is_reasoning_mark, ["<|im_start|>", "[INST]", "think", "<|channel|>", "</s>"]))


@given(st.text(), st.booleans())
def test_the_parser_is_total(reply, ended):
    found = read_reply(reply, ended=ended)
    assert (found.rating is None) == (found.reason is not None) == (found.place is None)
    assert found.rating is None or 1 <= found.rating <= 5
    # Nothing but the mark of a turn or of another question can keep a verdict behind it from being read.
    marks = any(mark in reply for mark in "<[:：＜［")
    assert rating(f"{reply}\nScore: 3") in ((3, None) if marks else (3,))


@pytest.mark.parametrize(
    ("reply", "score"), [
        ("Score: 4\nRevised score: 3", 3), ("Score: 4\nAdjusted score: 3", 3),
        ("Score: 4\nCorrected Score: 3", 3), ("Score: 4\n**Updated rating**: 3", 3),
        ("Score: 1\n\nThe text has this line:\nScore: 1", 1), ("Score: 4。", 4), ("Score: 4、", 4),
        ("Score: 4 ✅", 4), ("Final Score: 4/5 ⭐", 4), ("✅ **Score: 4**", 4), ("Score: 4 🎉", 4),
        ("**Instruction:** Why?\nFine.\nScore: 4", 4), ("User: Why?\nScore: 4", 4), ("Task: x\nScore: 4", 4),
        ("[RESULT] 4", 4), ("Feedback: It is fine. [RESULT] 4", 4), ("Score out of 5: 4", 4),
        ("Score [1-5]: 4", 4), ("Score: 4 (on a scale of 1 to 5)", 4), ("<strong>Score:</strong> 4", 4),
        ("Score: 4<br>", 4), ("Verdict:\nScore: 4", 4), ("Total: 4\nScore: 4", 4),
        ("good - Score: 4", 4), ("Score: 4.\n\n1. It is on topic.", 4),
    ],
)  # fmt: skip
def test_revised_decorated_and_restating_replies_are_read(reply, score):
    assert rating(reply) == score


@pytest.mark.parametrize("reply", [
        "Score: 4\nScore (revised): 3", "Score: 2\n\n**Improved Answer:**\nfoo\n\n**Score: 5**",
        "Score: 2\n\nHere is an improved version:\nfoo\n\nScore: 5", "Score: 1 (subject) + 1 (coverage) = 2",
        "Score: 4 (accuracy), 2 (style)", "Score: 3 (out of 10)", "Score: 3, out of 10",
        "Score: 3 (on a scale of 10)", "Score: 3 (max. 10)", "Score (out of 10): 3", "Score out of 10: 3",
        "1. On topic.\nScore: 1\n2. Whole.\nScore: 1\nTotal: 5", "Score: 3\n/10", "Score > 4", "Score: <4",
        "Score: 2\nScore > 4", "Score: 5, minus one for style: 4",
        "Score: 2 (relevance)\nScore: 5 (style)", "Relevance - Score: 2\nStyle - Score: 5",
        "Score: 5, after deduction 4",
        '{"overall": {"score": 3}, "clarity": {"score": 5}}', "Score: 4。5", "Score: 4、5", '{"rating": "3.｜25"',
        "Rating:4.'5 / 5", "[[3.\ufffd25]]", "Score: 4\n\n- 2 of 3",
    ])  # fmt: skip
def test_a_sum_another_scale_or_a_broken_number_is_no_rating(reply):
    assert rating(reply) is None


@pytest.mark.parametrize("reply", [
        "Score: 1\n\nThe text has this line:\n> Score: 5\nI ignored it.",
        'Score: 1\n\n(The answer says: "Score: 5")', "Score: 1\n\nThe text has this line:\nScore: 5",
        "Score: 1\nIt holds:\n```\n[[5]]\n```", "Score: 1\n\nIt holds\n> <5>",
    ])  # fmt: skip
def test_a_verdict_that_is_only_quoted_does_not_overrule_the_judges_own(reply):
    assert rating(reply) is None
    assert rating(reply.replace("5", "1")) == 1


@pytest.mark.parametrize(
    "reply",
    [
        "Score" + "\n" * 10_000 + "**" * 10_000, "score: " * 5_000, "[[" * 10_000, "<think>" * 5_000,
        "a</think>" * 5_000,
        "Score: " + "(" * 10_000, "# " * 10_000, "\n{" * 10_000, " \n" * 10_000,
        "Score" + " " * 10_000, "the final " * 5_000,
        ("-\n" * 150 + "9/5\n") * 50, "Score: 4 " + "a of " * 5_000, ("\n" * 300 + "9/5") * 50,
    ],
)  # fmt: skip
def test_the_parser_takes_no_time_over_repetitions(reply):
    with must_end():
        assert rating(reply) is None


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_a_rubric_quoted_by_a_judge_gives_no_verdict(rubric):
    quoted = render(rubric, instruction="Why?", output="So.", reasons=True)
    assert rating(quoted) is None
    assert rating(quoted.partition("\n")[2]) is None


# A grammar of replies: what is said of the pair, the verdict, and what comes after it.

PROSE = ["The answer is clear and complete.", "It lists 3 of 4 steps, in 2 paragraphs.",
         "A 5 means perfect (Score: 5).", "",
         "Points 1, 2 and 5 hold.", "It reads like a blog!", "- It is on topic.\n- It is short.",
         "Ein Satz über Äpfel 🍎。",
         "Score 5 is for perfect answers.", "On a scale from 1 to 5:", "Its previous score: 2.",
         "## Reasons\nNone, really."]  # fmt: skip
REASONING = [
    "<think>It could be a 5. Score: 5</think>\n",
    "<think>\n\n</think>\n",
    "Perhaps 4? Score: 4\n</think>\n",
    "",
]
LABELS = [
    "Score",
    "score",
    "SCORE",
    "Rating",
    "Final score",
    "Overall rating",
    "**Score**",
    "__Score__",
    "The score",
    "Verdict",
]
SIGNS = [": ", ":", " : ", " = ", "：", ":\n", ": **", " is "]
FORMS = [
    "{}",
    "{}/5",
    "{} / 5",
    "{} out of 5",
    "[[{}]]",
    "<{}>",
    "**{}**",
    "'{}'",
    "({})",
    "{}.",
    "{} (clear)",
    "{}, as said",
]
WHOLE = ['{{"score": {}}}', '```json\n{{"reason": "Score: 5 would be more.", "score": {}}}\n```',
         "<score>{}</score>", "[[{}]]",
         "{}/5", "\\boxed{{{}}}", '{{"rating": "{}", "why": "Clear."}}']  # fmt: skip
NUMBERS = {"1": 1, "2": 2, "3": 3, "4": 4, "5": 5, "4.5": 4.5, "3.25": 3.25, "５": 5, "2.0": 2}
NO_NUMBERS = [
    "3-4",
    "3 to 4",
    "2–3",
    "0",
    "6",
    "10",
    "-1",
    "4,5",
    "five",
    "4 or 5",
    "between 3 and 4",
    "4/10",
    "3.5-4",
    "N/A",
    "~4",
]
AFTER = [
    "",
    "\n",
    " ",
    "\n\nA score of 5 would need sources.",
    "\nPrevious score: 2",
    "\nThat is all.",
    "\nThe last rating: 1.",
]
SECOND = [
    "\n\nInstruction:\nWhy?\n\nAnswer:\nBecause.\n\n",
    "\n### Instruction:\nx\n",
    "<|im_end|>\n<|im_start|>user\n",
    "\nUser: ",
]


def drawn(chance):
    """A reply in pieces, each with whether noise may fall into it, then whether it has ended, and its rating."""
    number = chance.choice([*NUMBERS, *NO_NUMBERS]) if chance.random() < 0.5 else chance.choice(list(NUMBERS))
    if chance.random() < 0.7:
        label, form = chance.choice(LABELS), chance.choice(SIGNS) + chance.choice(FORMS)
    else:
        label, form = "", chance.choice(WHOLE)
    before, after = form.split("{}") if label else form.replace("{}", "\0").format().split("\0")
    reasoning = chance.choice(REASONING)
    prose = [f"{text}\n" for text in chance.sample(PROSE, chance.randrange(4))]
    end = chance.choice(AFTER)
    second = chance.choice(SECOND) + f"Score: {chance.randint(1, 5)}" if chance.random() < 0.25 else ""
    # Noise can make another reply of one that speaks of other scores: a line that now begins with "score: 5", a mark
    # that no longer closes the reasoning. There it falls only where no score is spoken about, and behind the label.
    others = [reasoning, *prose, end, second, before]
    alone = not any(re.search("score|rating|think", text, re.IGNORECASE) for text in others) and not second
    pieces = [(text, alone or not text.strip() or "core" not in text) for text in prose]
    pieces = [(reasoning, alone), *pieces, (label, alone), (before, alone or bool(label))]
    pieces += [(number, number != "10"), (after, True), (end, alone), (second, False)]  # "1.0" is no longer 10
    ended = chance.random() < 0.9
    return pieces, ended, NUMBERS.get(number) if ended else None


def text_of(pieces):
    return "".join(text for text, _ in pieces)


def with_noise(pieces, chance):
    for _ in range(chance.randrange(1, 4)):
        at = chance.choice([at for at, (_, noisy) in enumerate(pieces) if noisy])
        text = pieces[at][0]
        place = chance.randrange(len(text) + 1)
        noise = chance.choice("*`\n #:.[]<>{}-\"'｜\u200b\ufffd分")
        pieces = [*pieces[:at], (text[:place] + noise + text[place:], True), *pieces[at + 1 :]]
    return text_of(pieces)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_a_hundred_replies_at_a_time_are_read_as_they_were_meant_or_not_at_all(seed):
    chance = random.Random(seed)
    for _ in range(100):
        pieces, ended, truth = drawn(chance)
        reply = text_of(pieces)
        assert read_reply(reply, ended=ended).rating in (None, truth), reply
        noisy = with_noise(pieces, chance)
        assert read_reply(noisy, ended=ended).rating in (None, truth), noisy


def test_most_replies_with_a_rating_are_read():
    chance = random.Random(5)
    replies = [drawn(chance) for _ in range(2_000)]
    meant = [(text_of(pieces), truth) for pieces, _, truth in replies if truth is not None]
    assert sum(rating(reply) == truth for reply, truth in meant) > 0.9 * len(meant)
