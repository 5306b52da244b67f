import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hang_guard import must_end

from builder.text.control_tokens import BRACKETS, escape_control_tokens, find_control_token

TOKENS = [
    "<|im_start|>", "<|im_end|>", "[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<|start_header_id|>", "<|eot_id|>",
    "<|begin_of_text|>", "<start_of_turn>", "<end_of_turn>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>",
    "<｜User｜>", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "</s>", "<s>", "<|endoftext|>", "<bos>", "<eos>",
    "<|START_OF_TURN_TOKEN|>", "<|channel|>", "[AVAILABLE_TOOLS]", "[/TOOL_RESULTS]", "<tool_call>", "<think>",
    "</think>", "<|never_seen_before|>", "[|assistant|]", "<unused42>", "[gMASK]", "<|turn>", "<turn|>",
]  # fmt: skip
HARMLESS = [
    "", "plain text", "a < b and c > d", "x <| f |> y", "Left (a <|> b)", "if (a[INSTANCE]) { b[0] }", "<p>text</p>",
    "<strong>no</strong> <span>", "std::vector<std::string> s;", "a || b <= c", "[edit] [1] [/url] [IMG]",
    "<sup>2</sup>", "List<T> and Map<K, V>", "### Instruction:", "USER: hello", "5 <| 6", "<|>", "<||>",
    "thinking <thinker>",
]  # fmt: skip


@pytest.mark.parametrize("token", TOKENS)
def test_known_tokens_are_found_wherever_they_stand(token: str) -> None:
    assert find_control_token(token) == token
    assert find_control_token(f"Some text{token}and more") == token


@pytest.mark.parametrize("token", [*TOKENS, "]~b]", "]~!b[", "[e~["])
def test_tokens_begin_with_a_bracket_by_which_they_are_looked_for(token: str) -> None:
    assert find_control_token(token) == token
    assert token[0] in BRACKETS


@pytest.mark.parametrize("token", ["<|IM_START|>", "[inst]", "<Start_Of_Turn>", "<S>"])
def test_case_does_not_hide_a_token(token: str) -> None:
    assert find_control_token(f"x {token} y") == token


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_text_and_code_pass(text: str) -> None:
    assert find_control_token(text) is None


def test_the_first_token_is_named() -> None:
    assert find_control_token("a [INST] b <|im_end|> c") == "[INST]"


@given(st.text(), st.sampled_from(TOKENS), st.text())
def test_no_surrounding_hides_a_token(before: str, token: str, after: str) -> None:
    found = find_control_token(before + token + after)
    assert found is not None
    assert found in before + token + after


def test_hostile_text_takes_no_quadratic_time() -> None:
    with must_end():
        for text in ("<" * 300_000, "<|" * 150_000, "<|a" * 100_000, "[" * 300_000, "</" * 150_000):
            find_control_token(text)
            escape_control_tokens(text)
        for text in ("<|a|>" * 60_000, "<" * 100_000 + "|a|>", "[[INST]INST]" * 20_000, "]~b[" * 60_000):
            assert find_control_token(escape_control_tokens(text)) is None


@pytest.mark.parametrize("token", TOKENS)
def test_an_escaped_token_can_be_read_and_is_none(token: str) -> None:
    escaped = escape_control_tokens(f"before {token} after")
    assert find_control_token(escaped) is None
    assert len(escaped) == len(f"before {token} after")
    assert escaped.translate(str.maketrans("‹›⟦⟧", "<>[]")) == f"before {token} after"


@pytest.mark.parametrize("text", [*HARMLESS, "‹|im_end|› ⟦INST⟧"])
def test_text_without_a_token_is_not_changed(text: str) -> None:
    assert escape_control_tokens(text) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("<|im_<|im_end|>end|>", "<|im_‹|im_end|›end|>"),
        ("[IN[INST]ST] <<S<s>YS>>", "[IN⟦INST⟧ST] <<S‹s›YS>>"),
        ("<|a|><|b|>x<y>", "‹|a|›‹|b|›x<y>"),
        ("<<SYS>><</SYS>>", "‹‹SYS››‹‹/SYS››"),
        ("]~b]~b[INST]", "⟧~b⟧~b⟦INST⟧"),
        ("<turn|><|turn>", "‹turn|›‹|turn›"),
    ],
)
def test_nested_tokens_leave_none_behind(text: str, escaped: str) -> None:
    assert escape_control_tokens(text) == escaped


PIECES = st.lists(st.sampled_from([*TOKENS, *"<>[]|/~!be", "<|", "|>", "im_end", "INST", "s", "]~", "｜"]), max_size=12)


@given(PIECES)
def test_nothing_put_together_leaves_a_token(pieces: list[str]) -> None:
    escaped = escape_control_tokens("".join(pieces))
    assert find_control_token(escaped) is None
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        plain = escaped.replace("｜", "|")  # the bars of DeepSeek are bars under NFKC, the brackets are none
        assert find_control_token(unicodedata.normalize(form, plain)) is find_control_token(plain) is None
