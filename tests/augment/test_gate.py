import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.hang_guard import must_end

from builder.method.augment.gate.code import has_such_code
from builder.method.augment.gate.phrases import has_turn, is_refusal
from builder.method.augment.gate.references import points_elsewhere
from builder.method.augment.gate.rules import RULES, why_reject_instruction
from builder.method.augment.openings import CAPACITY, COLLAPSE, openings
from builder.recipe.sections.augment import Gate
from builder.sample.phrases import TOPICS, TYPES
from builder.text.words import fold, holds_run, runs, shared_share, units, words

PROMPT = "Write the instruction that this text answers."
OUTPUT = (
    "Apples keep longest in a cool and dark room where the air stays moist. Lay them side by side in a shallow "
    "crate, so that no two of them touch, and put paper under each layer.\n"
    "Look at the crate once a week and take out every apple that has turned soft, because one bad fruit soon spoils "
    "its neighbours. Late sorts such as Boskoop can last until April if nothing goes wrong in the cellar."
)
OFF: dict[str, Any] = {
    "refusal": False,
    "max_echoed_words": None,
    "repeats": False,
    "open_block": False,
    "run_on": False,
    "max_copied_words": None,
    "answer_share": None,
    "max_chars": None,
    "self_contained": False,
    "code": False,
    "language": False,
}
KEYS = dict(zip(RULES[3:], OFF, strict=True))
"""The key of each rule but `empty`, `secret` and `unseen`, which have none."""


def only(rule: str, **limits: Any) -> Gate:
    return Gate(**{**OFF, KEYS[rule]: getattr(Gate(), KEYS[rule]), **limits})


def why(instruction: str, output: str = OUTPUT, *, config: Gate | None = None, language: str | None = "en") -> Any:
    return why_reject_instruction(instruction, output, config=config or Gate(), prompt=PROMPT, language=language)


BAD = {
    "empty": ["", " \n", "?!", "---", "\u200b", "🙂"],
    "secret": [f"Is hf_{'aB3dE6gH9j' * 3}kLmN a good token?"],
    "unseen": [f"How do I store {mark}apples?" for mark in ("\U000e0068\U000e0069", "\u202e", "\x1b[2J", "\u200b")],
    "refusal": ["I’m sorry, but I cannot help with that.", "As an AI language model, I have no apples."],
    "echo": [PROMPT, "write the instruction", "OK: Write the instruction, that this text answers!"],
    "repeats": [
        "Find a cool cellar.\n\nFind a cool cellar.",
        "Apples:\n" + "which sort, " * 4,
        "Which apples are red? " + "What is the type of it? " * 4,
    ],
    "open_block": ["How do I count apples?\n```python", "```\napples = 3\n```\nAnd pears?\n```\npears"],
    "run_on": [
        "How do I store apples?\n\nAnswer: in a cool room.",
        "How do I store apples?\n### Response\nIn a cool room.",
        "How do I store apples?\nLook at the crate once a week.",
    ],
    "copy": [
        "Why? Apples keep longest in a cool and dark room where the air stays moist. Lay them side by side.",
        "APPLES KEEP LONGEST IN A COOL AND DARK ROOM, WHERE THE AIR STAYS MOIST; LAY THEM SIDE BY SIDE",
    ],
    "gives_answer_away": [
        "Is it true that apples keep longest in a cool and dark room, that one should lay them side by side in a "
        "shallow crate, look at the crate once a week and take out every apple that is soft, because one bad fruit "
        "soon spoils its neighbours, and that late sorts such as Boskoop can last until April?"
    ],
    "too_long": [" ".join(f"Which of {number} apples keep?" for number in range(100))],
    "not_self_contained": ["How do apples keep, according to the article?", "What is this passage about?"],
    "no_code": ["Write a Python script that counts apples.", "Apples are fruit. Implement a function to sort them."],
    "other_language": ["Wie viel kostet ein Kürbis auf dem Markt?", "Как хранить яблоки зимой?", "如何保存苹果?"],
}


@pytest.mark.parametrize(("rule", "instruction"), [(rule, text) for rule, texts in BAD.items() for text in texts])
def test_each_rule_fires_alone_and_among_all(rule: str, instruction: str) -> None:
    assert why(instruction) == rule
    if rule in KEYS:
        assert why(instruction, config=only(rule)) == rule
        assert why(instruction, config=Gate(**OFF)) is None


def test_the_first_rule_of_the_order_is_named() -> None:
    assert tuple(BAD) == RULES
    worse = "How do I store apples?\nAnswer: " + OUTPUT * 4
    reasons = [why(worse)]
    config = Gate()
    while reasons[-1]:
        config = config.model_copy(update={KEYS[reasons[-1]]: OFF[KEYS[reasons[-1]]]})
        reasons.append(why(worse, config=config))
    assert reasons == ["repeats", "run_on", "copy", "gives_answer_away", "too_long", None]


GOOD = [
    "How do I store apples?",
    "How much do pumpkins cost?",
    "Who was Jean-Luc Picard?",
    "What is x^2 + y^2 = z^2?",
    "def f(x): return x + 1",
    "SELECT * FROM users;",
    "What does schadenfreude mean?",
    "Translate 'Je ne sais pas' to English.",
    "Tell me about La Tomatina in Buñol, Valencia.",
    "HOW MUCH DO PUMPKINS COST?",
    "Wow, how do you know so much?",
    "Question: Which apples keep until April?",
    "Translate into French.\nInput: an apple\nOutput:",
    "Solve this for x:\na: 5\nb: 7",
    "Is a pear a fruit or a vegetable? Answer: yes or no.",
    "Invert this matrix:\n1 0 0 0 0\n0 1 1 1 1\n0 0 0 0 0 0 0 0 0 0",
    "Say no, no, no and mean it.",
    "Write a script for a play about apples.",
    "Create a training program for pickers.",
    "How do I write a Python script?",
    "Write the code of conduct of a club.",
]


@pytest.mark.parametrize("instruction", GOOD)
def test_short_questions_names_code_and_formulas_pass(instruction: str) -> None:
    assert why(instruction) is None


def test_a_segment_too_short_to_tell_may_be_code() -> None:
    assert why("Write a Python function that adds.", "lambda a, b: a + b") is None
    assert why("Write a Python function that adds.", f"{OUTPUT}\n\n```\ndef add(a, b):\n    return a + b\n```") is None


def test_all_questions_of_the_sample_pass() -> None:
    for kind in TYPES.values():
        for topic in TOPICS:
            facts = {"t": topic, "f": kind.first[0], "g": kind.second[0]}
            output = ". ".join(sentence.format(**facts) for sentence in kind.sentences)
            assert why(kind.instruction.format(t=topic), output) is None


ELSEWHERE = [
    "Summarize the text above.",
    "Summarise the following article in one paragraph. Keep it short.",
    "What is the passage mainly about?",
    "What is this about?",
    "Based on the information provided, what is the price?",
    "Which of the following is true about apples?",
    "What are the author’s main points?",
    "Why does the author recommend a cellar?",
    "Which sorts are mentioned in the article?",
    "Write a title for this blog post.",
    "What is the purpose of the text?",
    "Explain the steps described above.",
    "What can I buy on this website?",
    "Write a summary of the provided document.\n\n[Apple Storage Guide]",
    "Write an essay based on this article.\n\nHow do apples keep?",
]
AT_HAND = [
    "Summarise the following text: The cat slept on the mat all day.",
    "Classify the following text: I love it!",
    "Summarise the following article: The cat slept on the mat all day.",
    "Summarise the article.\n\nThe cat slept on the mat all day.",
    "The cat slept on the mat until its owner came home.\nWhat is the text above about?",
    "“The cat slept on the mat.” Who slept in this story?",
    "Write an article about bees. The article should say where they live, and this article needs a title.",
    "How do I centre the text in a div?",
    "Who is the author of Dune?",
    "How do I go back to the previous page in a browser?",
    "What happened after the passage of the law?",
    "How do I write a good blog post?",
    "Write a function that reverses a given text.",
    "How do I keep the image above the fold?",
    "Which lamp should hang above the kitchen table?",
]


@pytest.mark.parametrize("instruction", ELSEWHERE)
def test_reference_to_a_text_that_is_not_there_is_found(instruction: str) -> None:
    assert points_elsewhere(fold(instruction))


@pytest.mark.parametrize("instruction", AT_HAND)
def test_text_that_is_given_may_be_pointed_at(instruction: str) -> None:
    assert not points_elsewhere(fold(instruction))


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("Sorry, I am unable to assist with that request.", True),
        ("I cannot provide an answer to this question.", True),
        ("I apologize, but as an AI I do not know.", True),
        ("I'm just an AI.", True),
        ("I'm sorry to bother you, but how do I mend a bike?", False),
        ("I can't sleep. What should I do?", False),
        ("I can't provide a reference for my tenant. What now?", False),
        ("As an AI language model, how do you work?", False),
        ("I am an AI researcher. How do I publish a paper?", False),
        ("Write a letter that says: I'm sorry, but I cannot come.", False),
    ],
)
def test_refusals_are_told_from_people_who_are_sorry(text: str, refusal: bool) -> None:
    assert is_refusal(fold(text)) is refusal


@pytest.mark.parametrize(
    ("text", "turn"),
    [
        ("How?\nUser: And why?", True),
        ("How?\n**Assistant:** So.", True),
        ("### Instruction:\nHow?", True),
        ("Q: How?\nA: So.", True),
        ("How?\nOutput:\nSo.", True),
        ("How?\n## Answers to expect\nSo.", False),
        ("Give me the answer: yes or no?", False),
        ("Q: How?", False),
        ("How?\nAnswer:", False),
    ],
)
def test_markers_of_turns_count_at_the_beginning_of_a_line(text: str, turn: bool) -> None:
    assert has_turn(fold(text)) is turn


@pytest.mark.parametrize(("number", "reason"), [(5, None), (6, "echo")])
def test_limits_are_the_last_allowed_number(number: int, reason: str | None) -> None:
    assert why("Please " + " ".join(PROMPT.split()[:number]) + " now") == reason
    copied = " ".join(OUTPUT.split()[: number - 1])
    assert why(f"Why? {copied}", config=only("copy", max_copied_words=4)) == ("copy" if number == 6 else None)
    assert why("a" * number, config=only("too_long", max_chars=5)) == ("too_long" if number == 6 else None)


def test_words_in_scripts_without_spaces_are_characters() -> None:
    assert words("苹果 ＡＢＣ don’t naïve हिन्दी") == ["苹", "果", "abc", "dont", "naïve", "हिन्दी"]
    segment = "苹果最好放在阴凉潮湿的房间里，不要让它们互相接触，每周检查一次，取出变软的苹果，以免影响其他苹果。" * 2
    gate = only("copy", max_copied_words=8)
    assert units(8, words(segment)) == 16
    assert why("为什么" + segment[:16], segment, config=gate) is None
    assert why("为什么" + segment[:20], segment, config=gate) == "copy"


@pytest.mark.parametrize("language", [None, "", "deu", "de"])
def test_without_a_known_language_none_is_another(language: str | None) -> None:
    assert why("Wie viel kostet ein Kürbis auf dem Markt?", language=language) is None


def test_languages_that_a_line_does_not_tell_apart_are_one() -> None:
    norwegian = "Hvor mye koster et gresskar på torget?"
    assert [why(norwegian, language=code) for code in ("no", "da", "fi")] == [None, None, "other_language"]


def test_a_limit_of_nothing_is_no_limit() -> None:
    with pytest.raises(ValidationError):
        Gate(max_copied_words=0)
    with pytest.raises(ValidationError):
        Gate(answer_share=0)


ODD = st.text(st.characters(), max_size=80) | st.lists(
    st.sampled_from([*OUTPUT.split(), *PROMPT.split(), "\n", "User:", "the text above", "\ud800", "苹果", "A:", '"'])
).map(" ".join)


@given(ODD, ODD, ODD, st.sampled_from(["en", "zh", "xx", "", None]), st.sets(st.sampled_from(sorted(OFF))))
@example("\ud800a", "\udfff", "", "en", set())
def test_any_text_gets_a_rule_that_is_on_or_none_and_always_the_same(
    instruction: str, output: str, prompt: str, language: str | None, off: set[str]
) -> None:
    config = Gate(**{key: OFF[key] for key in off})
    reason = why_reject_instruction(instruction, output, config=config, prompt=prompt, language=language)
    assert reason is None or reason in RULES
    assert KEYS.get(reason or "") not in off
    assert reason == why_reject_instruction(instruction, output, config=config, prompt=prompt, language=language)


WORD_LISTS = st.lists(st.sampled_from("abc"), max_size=30)


@given(WORD_LISTS, WORD_LISTS, st.integers(1, 6))
def test_shared_runs_are_those_a_search_by_hand_finds(one: list[str], other: list[str], length: int) -> None:
    wanted = [one[start : start + length] for start in range(len(one) - length + 1)]
    found = [run for run in wanted if any(other[at : at + length] == run for at in range(len(other)))]
    assert holds_run(other, runs(one, length), length) is bool(found)
    distinct = {tuple(run) for run in wanted}
    assert shared_share(one, other, length) == (len({tuple(run) for run in found}) / len(distinct) if distinct else 0)


class Counted(str):
    """A word that counts how often it is looked at."""

    looks = 0

    def __hash__(self) -> int:
        Counted.looks += 1
        return str.__hash__(self)


def looks_for(number: int) -> int:
    Counted.looks = 0
    asked = [Counted(f"w{place % 7}") for place in range(number)]
    holds_run([Counted(f"w{place % 6}") for place in range(number)], runs(asked, 17), 17)
    shared_share(asked, asked[::-1], 3)
    return Counted.looks


def test_work_on_words_grows_with_the_texts_and_not_their_product() -> None:
    assert looks_for(4_000) < 4.2 * looks_for(1_000)


HOSTILE: list[Callable[[int], str]] = [
    lambda size: "this text " * (size // 10),
    lambda size: "this text: a b c " * (size // 17),
    lambda size: "a" * size,
    lambda size: "#" * size,
    lambda size: "\n>" * (size // 2),
    lambda size: "i'm an ai " * (size // 10),
    lambda size: '"' * size,
    lambda size: "following a b " * (size // 14),
    lambda size: "the text aly " * (size // 13),
    lambda size: "write a " * (size // 8),
    lambda size: "write a a b c " * (size // 14),
    lambda size: "a.b(" * (size // 4),
    lambda size: "a = b" * (size // 5),
    lambda size: "a b\n" * (size // 4),
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_text_takes_quadratic_time(hostile: Callable[[int], str]) -> None:
    text = hostile(300_000)
    with must_end():  # linear time is well below one second, quadratic time is minutes
        why(text, text, config=Gate(**{**OFF, "refusal": True, "self_contained": True, "repeats": True, "code": True}))
        has_such_code(fold(text), "write a python script")
        has_turn(fold(text))


def test_most_frequent_openings_are_counted_folded() -> None:
    found = openings(["What is the sun?", "what IS — the moon?", "What is a star?", "Why?"], shown=2)
    assert (found.rows, found.most, found.share) == (4, [("what is the", 0.5), ("what is a", 0.25)], 0.5)
    assert json.loads(json.dumps(found.as_dict()))["most"][0] == {"opening": "what is the", "share": 0.5}
    assert openings([]).share == 0.0
    assert [opening for opening, _ in openings(["What is it?"] * 3, words=1).most] == ["what"]


@pytest.mark.parametrize(
    ("text", "opening"),
    [
        ("请写一篇关于蜜蜂的文章", "请 写 一 篇 关 于"),
        ("蜂についての文章を書いて", "蜂 に つ い て の"),
        ("เขียนเรียงความเกี่ยวกับผึ้ง", "เ ขี ย น เ รี"),
        ("벌에 대한 글을 써 줘", "벌에 대한 글을"),
        ("اكتب مقالا عن النحل", "اكتب مقالا عن"),
    ],
)
def test_an_opening_says_as_much_in_every_script(text: str, opening: str) -> None:
    assert openings([text]).most == [(opening, 1.0)]


@pytest.mark.parametrize(("alike", "rows", "warned"), [(51, 100, True), (50, 100, False), (99, 99, False)])
def test_collapse_to_one_opening_is_a_warning(alike: int, rows: int, warned: bool) -> None:
    found = openings("Write an essay on bees." if number < alike else f"Name {number}" for number in range(rows))
    assert COLLAPSE == 0.5
    assert (found.warning is not None) is warned
    assert not warned or '"write an essay"' in str(found.warning)


def test_openings_are_counted_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.method.augment.openings.CAPACITY", 50)
    rows = [f"Rare {number} one" if number % 10 else "How do I mend a bike?" for number in range(5_000)]
    ((opening, share), *_) = openings(rows).most
    assert opening == "how do i"
    assert 0.1 - 1 / 50 <= share <= 0.1
    assert CAPACITY >= 10_000


def test_people_write_few_instructions_that_the_gate_drops(real_seed: Path) -> None:
    """Those it drops carry the text that they ask to edit, which a written instruction has from its segment."""
    reasons = []
    for line in (real_seed / "oasst_en_100.trees.jsonl").read_text(encoding="utf-8").splitlines():
        prompt = json.loads(line)["prompt"]
        for reply in prompt["replies"]:
            if reply.get("rank") == 0:
                reasons.append(why(prompt["text"], reply["text"]))
    dropped = {rule: reasons.count(rule) / len(reasons) for rule in RULES}
    assert sum(dropped.values()) < 0.06
    assert all(
        share < 0.02 for rule, share in dropped.items() if rule not in ("run_on", "copy", "gives_answer_away")
    ), dropped


def test_prompts_of_evaluations_pass(real_prompts: Path) -> None:
    lines = (real_prompts / "alpaca_eval_805.jsonl").read_text(encoding="utf-8").splitlines()
    reasons = [why(json.loads(line)["instruction"], "") for line in lines]
    assert max(reasons.count(rule) for rule in RULES) < 0.01 * len(reasons)
    assert len(reasons) - reasons.count(None) < 0.02 * len(reasons)
