"""Load a model's tokenizer, and the tokens of it that no text may become."""

import re
from pathlib import Path
from typing import Any

from builder.data.resources import INSTALL
from builder.errors import StageError
from builder.llm.model_files import refuse_untrusted

_LIKE_MARKUP = re.compile(r"[<\[](?!0x[0-9A-Fa-f]{2}>)\S+[>\]]")
_TAG = re.compile(r"</?(\w+)/?>")


def load_tokenizer(location: str | Path, revision: str | None = None) -> Any:
    """Load a tokenizer, with an error a user can act on.

    Raises:
        StageError: If it cannot be loaded.
    """
    try:
        from transformers import AutoTokenizer
    except ImportError as error:
        raise StageError(f"transformers is not installed: {INSTALL['transformers']}") from error
    from builder.llm.bounded.environment import bound_chat_templates

    try:
        refuse_untrusted(location, revision)
        bound_chat_templates()
        return AutoTokenizer.from_pretrained(str(location), revision=revision, trust_remote_code=False)
    except (OSError, ValueError) as error:
        first = str(error).splitlines()[0]
        raise StageError(f"{location}: the tokenizer cannot be loaded: {first}") from error


def control_tokens(tokenizer: Any) -> dict[int, str]:
    """The tokens of a vocabulary that steer a model and that no text may become, by id.

    Those are its special tokens, and added tokens that look like markup (`<think>`). Left out are tags of HTML, runs of
    white space, other words and bytes, which some vocabularies hold as added tokens too, and the token for unknown
    characters, which any text may become.
    """
    from lxml.html.defs import tags

    unknown = {tokenizer.unk_token_id} - {tokenizer.bos_token_id, tokenizer.eos_token_id}
    tokens = dict(zip(tokenizer.all_special_ids, map(str, tokenizer.all_special_tokens), strict=True))
    for number, token in tokenizer.added_tokens_decoder.items():
        tag = _TAG.fullmatch(token.content)
        if token.special or (_LIKE_MARKUP.fullmatch(token.content) and not (tag and tag[1].lower() in tags)):
            tokens[number] = token.content
    return {number: token for number, token in tokens.items() if number not in unknown}
