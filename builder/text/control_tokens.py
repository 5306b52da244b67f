"""Control tokens of known chat templates in text from the web, which could forge a turn of a conversation.

Rows that hold one are left out, or the token is made harmless, once, where text enters the build (segments and seed),
so that every later prompt, training row and published file is free of them.

Departure: the paper left nothing out for this; its models had no such tokens.
"""

import re

_BAR_TOKENS = (
    r"<[|｜][\w./▁-]{1,48}[|｜]>",  # ChatML, Llama 3/4, Phi, Zephyr, Harmony, Cohere, DeepSeek (fullwidth bars), ...
    r"\[\|\w{1,48}\|\]",  # EXAONE
    r"<\|(?:turn|channel|tool|tool_call|tool_response)>",  # Gemma's newer markers, bar on one side
    r"<(?:turn|channel|tool|tool_call|tool_response)\|>",
)
_NAMED_TOKENS = (
    r"\[/?INST\]",  # Llama 2, Mistral
    r"<</?SYS>>",
    r"\[/?(?:AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|MODEL_SETTINGS)\]",
    r"</?s>",  # sentence marks of SentencePiece vocabularies
    r"<(?:bos|eos|pad|unk|mask|BOS_TOKEN|EOS_TOKEN)>",
    r"<(?:start|end)_of_(?:turn|image|text)>",  # Gemma
    r"<(?:unused|extra_id_|special_|reserved_)\d{1,6}>",
    r"</?(?:think|tool_call|tool_response)>",  # Qwen
    r"<seed:(?:bos|eos|think)>",
    r"<(?:eoh|eoa|eom|sop|eop)>|\[[gs]MASK\]",  # InternLM, GLM
    r"\]~!?b[\[\]]|\[e~\[",  # MiniMax
)
_CONTROL_TOKEN = re.compile("|".join((*_BAR_TOKENS, *_NAMED_TOKENS)), re.IGNORECASE)
BRACKETS = "<[]"
"""Every control token begins with one of them."""
_LOOK_ALIKES = str.maketrans("<>[]", "‹›⟦⟧")
"""None of them is a bracket again after NFKC or NFKD, which some tokenizers apply."""


def find_control_token(text: str) -> str | None:
    """Return the first control token of a known template family in `text`, as it stands there, or None.

    Any `<|word|>` counts, known or not: new families use that form. Plain-text role markers ("### Instruction:",
    "USER:") do not count; the chat contract refuses templates that rely on them.
    """
    token = _CONTROL_TOKEN.search(text)
    return token.group() if token else None


def escape_control_tokens(text: str) -> str:
    """Return `text` with the brackets of its control tokens replaced by look-alikes; its length does not change.

    Repeated until nothing changes, so that nothing nested stays. The caller still looks for what is left.
    """
    before = ""
    while text != before:
        before, text = text, _CONTROL_TOKEN.sub(lambda token: token.group().translate(_LOOK_ALIKES), text)
    return text
