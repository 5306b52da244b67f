from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import StageError
from builder.llm.contract import ChatContract, Renderer, check_contract, load_contract, make_contract
from builder.llm.engine import load_tokenizer
from builder.recipe import Chat

BASE = Path(__file__).parents[1] / "builder" / "sample" / "base"
STOCK_CHATML = (
    "{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer(BASE)


@pytest.fixture(scope="module")
def renderer(tokenizer):
    return Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer)


def ask(question, tag="s"):
    return [{"role": "system", "content": tag}, {"role": "user", "content": question}]


def test_prompts_are_those_of_stock_chatml(tokenizer, renderer):
    stock = tokenizer.apply_chat_template(
        ask("How?"), chat_template=STOCK_CHATML, add_generation_prompt=True, tokenize=True, return_dict=False
    )
    assert renderer.prompt(ask("How?")) == stock


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_prompt_is_the_beginning_of_prompt_and_answer(renderer, question, answer):
    ids, start = renderer.answered(ask(question), answer)
    assert ids[:start] == renderer.prompt(ask(question))
    assert ids[-1] == renderer.end_id


def test_the_answer_ends_with_its_end_token_and_nothing_else(renderer):
    ids, start = renderer.answered(ask("How?"), "So.")
    assert renderer.tokenizer.decode(ids[start:]) == "So.<|im_end|>"


def test_without_a_system_message_both_tags_are_used(renderer):
    text = renderer.tokenizer.decode(renderer.prompt([{"role": "user", "content": "How?"}]))
    assert text.startswith(
        "<|im_start|>system\nAnswer in the style of an AI Assistant. Answer with knowledge from web search.<|im_end|>"
    )


def test_a_saved_contract_comes_back_equal(tmp_path, renderer):
    renderer.contract.save(tmp_path)
    assert load_contract(tmp_path) == renderer.contract
    assert (tmp_path / "chat_template.jinja").read_text() == renderer.contract.template
    assert load_contract(tmp_path).digest == renderer.contract.digest


def saved_model(folder, tokenizer, chat, role="forward"):
    """A model folder as training leaves it, weights aside."""
    import copy

    contract = make_contract(chat, role, tokenizer)
    own = copy.deepcopy(tokenizer)
    own.chat_template = contract.template
    own.save_pretrained(folder)
    contract.save(folder)
    return own


def test_a_model_is_used_only_with_the_contract_it_was_trained_with(tmp_path, tokenizer):
    own = saved_model(tmp_path, tokenizer, Chat())
    assert check_contract(tmp_path, own, Chat(), "forward").role == "forward"
    with pytest.raises(StageError, match="is a forward model and was given as the backward one"):
        check_contract(tmp_path, own, Chat(), "backward")
    with pytest.raises(StageError, match=r"system_web differs from character 12 on: 'knowledge .* against 'care\.'"):
        check_contract(tmp_path, own, Chat(system_web="Answer with care."), "forward")


def test_a_tokenizer_with_another_template_is_refused(tmp_path, tokenizer):
    own = saved_model(tmp_path, tokenizer, Chat())
    own.chat_template = STOCK_CHATML
    with pytest.raises(StageError, match="the tokenizer's own template differs from character"):
        check_contract(tmp_path, own, Chat(), "forward")


def test_a_model_without_a_contract_is_refused(tmp_path):
    with pytest.raises(StageError, match=r"has no chat_contract\.json"):
        load_contract(tmp_path)
    (tmp_path / "chat_contract.json").write_text('{"version": 1}')
    with pytest.raises(StageError, match="not a chat contract of this version"):
        load_contract(tmp_path)


@pytest.mark.parametrize(
    "template",
    [
        "{% for m in messages %}<|im_start|>{{m.role}}\n{{m.content}}\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        "{% for m in messages %}<|turn|>{{m.role}}\n{{m.content}}<|close|>{% endfor %}"
        "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}",
    ],
    ids=["no end token", "markers not in the vocabulary"],
)
def test_markers_that_page_text_could_forge_are_refused(tmp_path, tokenizer, template):
    path = tmp_path / "template.jinja"
    path.write_text(template)
    with pytest.raises(StageError, match="page text could forge them"):
        make_contract(Chat(template=path), "forward", tokenizer)


def test_a_template_that_changes_the_prompt_is_refused(tmp_path, tokenizer):
    path = tmp_path / "template.jinja"
    path.write_text("{{ messages|length }}" + STOCK_CHATML)
    with pytest.raises(StageError, match="not prefix-stable"):
        make_contract(Chat(template=path), "forward", tokenizer)


def test_the_tokenizers_template_is_used_on_request(tokenizer):
    with pytest.raises(StageError, match="the base tokenizer has no chat template; use chatml"):
        make_contract(Chat(template="tokenizer"), "forward", tokenizer)
    import copy

    own = copy.deepcopy(tokenizer)
    own.chat_template = STOCK_CHATML
    contract = make_contract(Chat(template="tokenizer"), "forward", own)
    assert contract.end_token == "<|im_end|>"
    ids, start = Renderer(contract, own).answered(ask("How?"), "So.")
    assert own.decode(ids[start:]) == "So.<|im_end|>"


def test_the_first_difference_is_shown():
    left = ChatContract(role="forward", template="abcX", system_seed="s", system_web="w", system_backward="b",
                        end_token="e")  # fmt: skip
    assert left.difference(left) is None
    assert left.difference(left.model_copy(update={"template": "abcY"})) == (
        "template differs from character 3 on: 'X' against 'Y'"
    )
    assert "from character 4 on: '' against 'Z'" in left.difference(left.model_copy(update={"template": "abcXZ"}))
