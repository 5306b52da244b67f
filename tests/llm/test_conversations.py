"""What every model is asked, word for word; and that it is said in one place."""

import ast
from pathlib import Path

import pytest

import builder
from builder.llm.contract import make_contract
from builder.llm.conversations import (
    answer_prompt,
    backward_pair,
    backward_prompt,
    both_tags,
    completion,
    forward_pair,
    forward_prompt,
    likelihood_contrast,
    rating_prompt,
    reverse_contrast,
    untagged,
)
from builder.llm.prompts import render
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.models import Chat

PACKAGE = Path(builder.__file__).parent
S_A, S_W = "Answer in the style of an AI Assistant.", "Answer with knowledge from web search."
BACKWARD = "Write the instruction that this text answers."
PAIR = {"id": "a", "instruction": "How should I store apples?", "output": "Keep apples in a cool room.", "score": 5.0}


def asked(system, text):
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


def answered(text):
    return [{"role": "assistant", "content": text}]


@pytest.fixture(scope="module", params=["recipe", "forward", "backward"])
def prompts(request):
    """The system prompts, from the recipe's chat section and from the contracts made of it."""
    if request.param == "recipe":
        return Chat()
    return make_contract(Chat(), request.param, load_tokenizer(PACKAGE / "sample" / "base"))


@pytest.mark.parametrize(("tag", "system"), [("seed", S_A), ("web", S_W)])
def test_a_forward_model_learns_the_output_from_the_tagged_instruction(prompts, tag, system):
    assert forward_pair(prompts, tag, PAIR) == {
        "id": "a",
        "prompt": asked(system, PAIR["instruction"]),
        "completion": answered(PAIR["output"]),
    }
    assert forward_prompt(prompts, tag, PAIR["instruction"]) == forward_pair(prompts, tag, PAIR)["prompt"]


def test_the_backward_prompt_shows_the_text_under_its_system_prompt(prompts):
    assert backward_prompt(prompts, "backward", "Some text.") == asked(BACKWARD, "Some text.")


@pytest.mark.parametrize("own", [False, True])
def test_the_backward_model_learns_the_instruction_from_what_it_is_asked_with_later(prompts, tmp_path, own):
    template, shown = "backward", PAIR["output"]
    if own:
        template, shown = tmp_path / "own.jinja", f"What asks for this?\n{PAIR['output']}"
        template.write_text("What asks for this?\n{{ output }}")
    row = backward_pair(prompts, template, PAIR)
    assert row == {"id": "a", "prompt": asked(BACKWARD, shown), "completion": answered(PAIR["instruction"])}
    assert row["prompt"] == backward_prompt(prompts, template, PAIR["output"])


@pytest.mark.parametrize("reasons", [True, False])
@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_judging_uses_the_seed_tag_and_shows_the_rubric_with_the_pair(prompts, rubric, reasons):
    text = render(rubric, instruction=PAIR["instruction"], output=PAIR["output"], reasons=reasons)
    assert rating_prompt(prompts, rubric, PAIR, reasons=reasons) == asked(S_A, text)
    if reasons:
        assert rating_prompt(prompts, rubric, PAIR) == asked(S_A, text)


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_who_gives_no_reasons_is_not_asked_for_any(prompts, rubric):
    asked, plain = (rating_prompt(prompts, rubric, PAIR, reasons=reasons)[1]["content"] for reasons in (True, False))
    lines, fewer = asked.splitlines(), plain.splitlines()
    assert [line for line in lines if line not in fewer] == [line for line in lines if line.startswith("First ")]
    assert [line for line in lines if line in fewer] == fewer


def test_likelihood_reads_the_output_after_the_instruction_as_trained_on_and_after_an_empty_turn(prompts):
    text, given, alone = likelihood_contrast(prompts, PAIR)
    row = forward_pair(prompts, "seed", PAIR)
    assert (given, answered(text)) == (row["prompt"], row["completion"])
    assert alone == asked(S_A, "")


def test_reverse_reads_the_instruction_after_the_output_as_trained_on_and_after_an_empty_text(prompts):
    text, given, alone = reverse_contrast(prompts, "backward", PAIR)
    row = backward_pair(prompts, "backward", PAIR)
    assert (given, answered(text)) == (row["prompt"], row["completion"])
    assert alone == asked(BACKWARD, "")


def test_reverse_reads_with_the_template_of_the_recipe(prompts, tmp_path):
    (tmp_path / "own.jinja").write_text("What asks for this?\n{{ output }}")
    contrast = reverse_contrast(prompts, tmp_path / "own.jinja", PAIR)
    assert contrast.given == asked(BACKWARD, f"What asks for this?\n{PAIR['output']}")
    assert contrast.alone == asked(BACKWARD, "What asks for this?\n")


def test_a_held_out_question_is_asked_with_both_tags(prompts):
    assert both_tags(prompts) == f"{S_A} {S_W}"
    assert answer_prompt(prompts, "Why?") == asked(f"{S_A} {S_W}", "Why?")


def test_the_turns_of_a_pair_without_a_system_prompt(prompts):
    row = forward_pair(prompts, "web", PAIR)
    assert untagged(PAIR["instruction"], PAIR["output"]) == [row["prompt"][1], *row["completion"]]
    assert completion(PAIR["output"]) == row["completion"]


def test_system_prompts_of_a_recipes_own_are_taken(tmp_path):
    own = Chat(system_seed="A", system_web="W", system_backward="B")
    (tmp_path / "rubric.jinja").write_text("{{ instruction }} {{ output }}")
    systems = [
        forward_prompt(own, "seed", "?"), forward_prompt(own, "web", "?"), backward_prompt(own, "backward", "?"),
        rating_prompt(own, tmp_path / "rubric.jinja", PAIR), answer_prompt(own, "?"),
    ]  # fmt: skip
    assert [messages[0] for messages in systems] == [
        {"role": "system", "content": text} for text in ("A", "W", "B", "A", "A W")
    ]


def assembled(source):
    """The lines of a module at which a message is put together: a dictionary with the keys `role` and `content`."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "dict":
            keys = {keyword.arg for keyword in node.keywords}
        else:
            continue
        if {"role", "content"} <= keys:
            lines.append(node.lineno)
    return lines


def test_no_other_module_puts_a_message_together():
    places = {path for path in PACKAGE.rglob("*.py") if assembled(path.read_text(encoding="utf-8"))}
    assert places == {PACKAGE / "llm" / "conversations.py"}


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ('a = 1\nb = [{"role": "user", "content": a}]', [2]),
        ('a = dict(content="?", role="user")', [1]),
        ('a = {**b, "content": "?", "role": "user"}', [1]),
        ('a = b["role"], b["content"]', []),
        ('a = {"role": ("forward", "backward"), "loss": "completion"}', []),
        ('a = {**b, "content": "?"}', []),
    ],
)
def test_a_message_that_is_put_together_is_found(source, lines):
    assert assembled(source) == lines
