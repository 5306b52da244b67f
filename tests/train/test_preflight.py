"""What a preflight sees, and what it shows, by rows whose tokens are right or wrong."""

import re
from dataclasses import replace

import pytest
import yaml
from click.testing import CliRunner
from support.training_pairs import BASE, train_here, write_pairs

from builder.cli.init import write_recipe_folder
from builder.cli.main import cli
from builder.errors import StageError
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.preflight import (
    MASKED,
    Example,
    check_examples,
    describe_examples,
    example_problems,
    made_by_trl,
)
from builder.method.train.rows import forward_rows
from builder.method.train.stage import role_renderer
from builder.recipe.sections.models import Chat, Origin

WITHOUT_SYSTEM = (
    "{%- for turn in messages if turn.role != 'system' -%}"
    "{{ '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
PAIR = {"id": "pair1", "instruction": "What is \x1b[31mred\x1b[0m?", "output": "Red is a colour.\nIt is warm."}


@pytest.fixture(scope="module")
def renderer():
    return role_renderer(Origin(path=BASE), Chat(), "forward")


@pytest.fixture
def right(renderer):
    """A row as TRL makes it."""
    (row,) = forward_rows(renderer, "seed", [PAIR])
    ids, start = renderer.answered(row["prompt"], PAIR["output"])
    return Example("seed", row, ids, [MASKED] * start + ids[start:])


def test_a_row_as_it_should_be_has_no_problem(right, renderer):
    assert list(example_problems(right, renderer)) == []
    # A template may write a line break after the token that ends a turn; it is trained, and cut before scoring.
    newline = load_tokenizer(BASE)("\n")["input_ids"]
    longer = replace(right, ids=[*right.ids, *newline], labels=[*right.labels, *newline])
    assert list(example_problems(longer, renderer)) == []


def changed(example, what, renderer):
    ids, labels = list(example.ids), list(example.labels)
    start = labels.count(MASKED)
    if what == "prompt":
        ids[start - 2] += 1
    elif what == "cut":
        ids, labels = ids[:-3], labels[:-3]
    elif what == "all trained":
        labels = ids
    elif what == "all masked":
        labels = [MASKED] * len(ids)
    elif what == "end":
        labels[-1] = MASKED
    else:
        labels[start + 1] = MASKED
    return replace(example, ids=ids, labels=labels)


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("prompt", r"from token \d+ on, the prompt in training is .* and at inference '.*sistant.*'"),
        ("cut", r"from token \d+ on, the answer in training is '' and at inference '.*<\|im_end\|>'"),
        ("all trained", r"the loss begins at 0, and the answer at \d+"),
        ("all masked", r"the loss begins at no token, and the answer at \d+"),
        ("end", r"the end token <\|im_end\|> is not trained, so the model would never end"),
        ("middle", r"1 tokens of the answer are not trained, the first is \d+"),
    ],
)
def test_a_row_that_would_teach_something_else_is_named(right, renderer, what, said):
    found = list(example_problems(changed(right, what, renderer), renderer))
    assert re.search(f"^preflight: seed row pair1: {said}", found[0])
    with pytest.raises(StageError, match="nothing was trained; correct the chat template of the recipe"):
        check_examples([right, changed(right, what, renderer)], renderer)


def test_a_system_text_that_its_tokens_do_not_hold_is_named(right, renderer):
    system = {"role": "system", "content": "Answer in rhymes."}
    other = {**right.row, "prompt": [system, *right.row["prompt"][1:]]}
    without = Renderer(replace(renderer.contract, template=WITHOUT_SYSTEM), renderer.tokenizer)
    ids, start = without.answered(other["prompt"], PAIR["output"])
    example = Example("seed", other, ids, [MASKED] * start + ids[start:])
    assert list(example_problems(example, without)) == [
        "preflight: seed row pair1: the system text 'Answer in rhymes.' is not among the tokens of the prompt"
    ]


def test_a_row_that_trl_drops_is_an_error(right):
    other = {"prompt": right.row["prompt"], "completion": [{"role": "assistant", "content": "Other."}]}
    made = {"prompt": right.row["prompt"], "completion": right.row["completion"], "input_ids": [1], "labels": [1]}
    assert [item.ids for item in made_by_trl([("seed", right.row)], [other, made])] == [[1]]
    with pytest.raises(StageError, match="preflight: TRL drops the seed row pair1; nothing of it would be trained"):
        made_by_trl([("seed", right.row)], [other])


def test_masked_is_grey_trained_is_green_and_text_of_pages_drives_no_terminal(right, renderer):
    text = describe_examples([right], renderer, colour=True)
    assert "\x1b[31m" not in text
    assert "␛[31mred␛[0m" in text
    grey, green = (re.findall(f"\x1b\\[{code}m(.*)\x1b\\[0m", text) for code in (90, 32))
    assert green == ["  trained | Red is a colour.", "          | It is warm.<|im_end|>"]
    assert grey[0] == "  masked  | <|im_start|>system"
    assert grey[-2:] == ["          | <|im_start|>assistant", "          | "]
    plain = describe_examples([right], renderer, colour=False)
    assert plain == re.sub("\x1b\\[\\d+m", "", text)
    assert plain.startswith(f"seed, row pair1: {len(right.ids)} tokens, ")
    assert "of them trained, ends with <|im_end|> (2)\n" in plain


def test_a_training_writes_what_it_saw_to_its_log_before_the_first_step(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    pairs = write_pairs(tmp_path / "pairs")
    train_here(pairs, tmp_path / "model")
    said = (tmp_path / "model" / "logs" / "preflight.txt").read_text()
    assert re.findall(r"^(\w+), row (\w+): \d+ tokens, \d+ of them trained", said, re.MULTILINE) == [
        ("curated", "pair0"), ("curated", "pair2"), ("curated", "pair3"),
        ("seed", "seed0"), ("seed", "seed1"), ("seed", "seed2"),
    ]  # fmt: skip
    assert said.count("  trained | ") == 6
    # A template that says something else once an answer follows: found by TRL's own tokens, before any step.
    import builder.method.train.preflight

    monkeypatch.setattr(
        builder.method.train.preflight, "example_problems", lambda example, renderer: ["preflight: wrong"]
    )
    with pytest.raises(StageError, match="preflight: wrong\nnothing was trained"):
        train_here(pairs, tmp_path / "other")
    assert not list((tmp_path / "other" / "training").glob("checkpoint-*"))


def test_check_shows_it_for_both_models_before_anything_is_built(tmp_path):
    write_recipe_folder(tmp_path / "project")
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "project"), "--preflight"])
    assert result.exit_code == 0, result.output
    said = result.stdout
    assert "\nbackward model, sft_backward.yaml\n" in said
    assert "\nforward model, sft_forward.yaml\n" in said
    assert said.count("seed (made up, seed has not run), row example") == 6
    assert said.count("curated (made up, curate-1 has not run), row example") == 3
    assert said.count("  trained | ") == 9
    assert "\x1b" not in said
    (tmp_path / "project" / "own.jinja").write_text(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}{% if m.role != 'assistant' %}<|im_end|>"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    path = tmp_path / "project" / "build.yaml"
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"chat": {"template": "own.jinja"}}))
    wrong = CliRunner().invoke(cli, ["check", str(path), "--preflight"])
    assert "ends an answer with no token" in str(wrong.exception)
