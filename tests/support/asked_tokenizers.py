"""What the transformers of this Python make of models: run with version 4 and with version 5, it must say the same.

python asked_tokenizers.py MODEL...     prints JSON: per model the ids of some texts and of a conversation, what the
                                        ids read as, the end token, and with torch some logits
"""

import importlib.util
import json
import sys
from typing import Any

TEXTS = [
    "Hello  world 12345!\n\nKeep <b>apples</b> cool? naïve ☃ 日本",
    " leading",
    "trailing \n",
    "[INST] <|im_end|> </s>",
]
CONVERSATION = [
    {"role": "system", "content": "Answer in the style of an AI Assistant."},
    {"role": "user", "content": "How should I store\n apples?  "},
    {"role": "assistant", "content": "Cool and dark."},
]


def say(folder: str) -> dict[str, Any]:
    """What comes out of one model."""
    from transformers import AutoConfig, AutoTokenizer

    tokenizer, config = AutoTokenizer.from_pretrained(folder), AutoConfig.from_pretrained(folder)
    ids = [list(tokenizer(text).input_ids) for text in TEXTS]
    said = {
        "class": type(tokenizer).__name__,
        "ids": ids,
        "texts": [tokenizer.decode(row, skip_special_tokens=True) for row in ids],
        "end": tokenizer.eos_token_id,
        "special": sorted(map(str, tokenizer.all_special_tokens)),
        "vocabulary": config.vocab_size,
    }
    if tokenizer.chat_template:
        said["asked"] = tokenizer.apply_chat_template(CONVERSATION, tokenize=False)
        chat = tokenizer.apply_chat_template(CONVERSATION, tokenize=True, return_dict=True)
        said["chat"] = list(chat["input_ids"])
    return said | ({"logits": logits(folder)} if importlib.util.find_spec("torch") else {})


def logits(folder: str) -> list[float]:
    """Some logits after 200 tokens, in the number format of the weights."""
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder, torch_dtype="auto").eval()
    tokens = torch.arange(3, 203).remainder(model.config.vocab_size).unsqueeze(0)
    with torch.no_grad():
        return [round(value, 4) for value in model(tokens).logits[0, -1, :16].float().tolist()]


if __name__ == "__main__":
    import transformers

    models = {folder: say(folder) for folder in sys.argv[1:]}
    sys.stdout.write(json.dumps({"transformers": transformers.__version__, "models": models}) + "\n")
