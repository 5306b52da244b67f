"""Tiny models of the families that people train: tokenizers and chat templates in the form of each, random weights.

The tokenizers are built as each family builds its own (normaliser, splits, byte fallback, BOS, digits). The templates
are our words, and do to a conversation what each family's own template does.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

TEXTS = [
    "Rate how well the answer fits the question, from 1 to 5. Score: 1 Score: 2 Score: 3 Score: 4 Score: 5",
    "Give your reasons first, then the score on a line of its own. 0 1 2 3 4 5 6 7 8 9 10 11 12 345",
    "Answer in the style of an AI Assistant. Answer with knowledge from web search.",
    "Write the instruction that this text answers.\nHow should I store apples? Keep apples in a cool, dark room.",
] * 4
LLAMA_3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN = LLAMA_3.replace(r"\p{N}{1,3}", r"\p{N}")

CHATML = (
    "{%- if messages[0].role != 'system' -%}{{ '<|im_start|>system\nYou are helpful.<|im_end|>\n' }}{%- endif -%}"
    "{%- for turn in messages -%}{{ '<|im_start|>' + turn.role + '\n' + turn.content + '<|im_end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
THINKING = CHATML.replace(
    "turn.content +", "('<think>\n\n</think>\n\n' if turn.role == 'assistant' and loop.last else '') + turn.content +"
)
LLAMA_2_CHAT = (
    "{%- set head = '<<SYS>>\n' + messages[0].content + '\n<</SYS>>\n\n' if messages[0].role == 'system' else '' -%}"
    "{%- for turn in messages if turn.role != 'system' -%}{%- if turn.role == 'user' -%}"
    "{{ bos_token + '[INST] ' + (head if loop.first else '') + turn.content | trim + ' [/INST]' }}"
    "{%- else -%}{{ ' ' + turn.content | trim + ' ' + eos_token }}{%- endif -%}{%- endfor -%}"
)
MISTRAL_CHAT = (
    "{{- bos_token -}}{%- set turns = messages[1:] if messages[0].role == 'system' else messages -%}"
    "{%- for turn in turns -%}{%- if turn.role == 'user' -%}"
    "{{ '[INST] ' + (messages[0].content + '\n\n' if PLACE and turns != messages else '') + turn.content + '[/INST]' }}"
    "{%- else -%}{{ ' ' + turn.content | trim + eos_token }}{%- endif -%}{%- endfor -%}"
)
HEADER = "'<|start_header_id|>' + turn.role + '<|end_header_id|>\n\n'"
LLAMA_3_CHAT = (
    "{{- bos_token -}}{%- set day = strftime_now('%d %b %Y') if strftime_now is defined else '26 Jul 2024' -%}"
    "{%- for turn in messages -%}{{ " + HEADER + " }}"
    "{{- 'Today Date: ' + day + '\n\n' if turn.role == 'system' -}}"
    "{{ turn.content | trim + '<|eot_id|>' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif -%}"
)
GEMMA_TURNS = (
    "{{ '<start_of_turn>' + ('model' if turn.role == 'assistant' else turn.role) + '\n' + HEAD"
    "turn.content | trim + '<end_of_turn>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"
)
GEMMA_2_CHAT = (
    "{{- bos_token -}}{%- if messages[0].role == 'system' -%}{{ raise_exception('System role not supported') }}"
    "{%- endif -%}{%- for turn in messages -%}" + GEMMA_TURNS.replace("HEAD", "")
)
GEMMA_3_CHAT = (
    "{{- bos_token -}}{%- set head = messages[0].content + '\n\n' if messages[0].role == 'system' else '' -%}"
    "{%- for turn in (messages[1:] if head else messages) -%}"
    "{%- if (turn.role == 'user') != (loop.index0 % 2 == 0) -%}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{%- endif -%}"
    + GEMMA_TURNS.replace("HEAD", "(head if loop.first else '') + ")
)
PHI_3_CHAT = (
    "{%- for turn in messages -%}{{ '<|' + turn.role + '|>\n' + turn.content + '<|end|>\n' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|assistant|>\n' }}{%- else -%}{{ eos_token }}{%- endif -%}"
)
BETWEEN_ENDS = (
    "{%- for turn in messages -%}{{ turn.role + '\n' + turn.content + '<|endoftext|>' }}{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ 'assistant\n' }}{%- endif -%}"
)
BETWEEN_S = (Path(__file__).parents[2] / "recipes" / "humpback-7b" / "chat_template.jinja").read_text()


class Family(NamedTuple):
    """A family.

    Attributes:
        tokenizer: Builds its tokenizer.
        architecture: Name of its model in transformers.
        end: The token that ends its turns here.
        own: Its own chat template; None where its bases have none.
        refused: What the contract says of that template; None where it serves.
        template: With what it serves where its own does not: `chatml`, or the text of a file.
        options: Of its configuration.
    """

    tokenizer: Callable[[], Any]
    architecture: str
    end: str
    own: str | None
    refused: str | None = None
    template: str | None = None
    options: dict[str, Any] = {}  # noqa: RUF012


def _merges(split: Any, alphabet: list[str], special: list[str], size: int = 420) -> tuple[dict[str, int], list[Any]]:
    """A vocabulary and its merges, learnt from the texts; the special tokens come first."""
    import json

    from tokenizers import Tokenizer, models, trainers

    learnt = Tokenizer(models.BPE())
    learnt.pre_tokenizer = split
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    learnt.train_from_iterator([line for text in TEXTS for line in text.split("\n")], trainer)
    model = json.loads(learnt.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def _bytes_bpe(split: Any, special: list[str], **names: Any) -> Any:
    """Byte-level BPE: GPT-NeoX, Llama 3, Qwen, SmolLM2."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocab, merges = _merges(split, sorted(pre_tokenizers.ByteLevel.alphabet()), special)
    backend = Tokenizer(models.BPE(vocab, merges, ignore_merges=names.pop("ignore_merges", False)))
    backend.normalizer = names.pop("normalizer", None)
    backend.pre_tokenizer, backend.decoder = split, decoders.ByteLevel()
    return _with_special(backend, special, PreTrainedTokenizerFast, names)


def _sentencepiece_bpe(special: list[str], *, rstrip: tuple[str, ...] = (), gemma: bool = False, **names: Any) -> Any:
    """BPE of a SentencePiece model: byte fallback, digits apart, and a space before the text unless it is Gemma's."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.Metaspace(prepend_scheme="never", split=True),
    ])  # fmt: skip
    spelled = [f"<0x{byte:02X}>" for byte in range(256)]
    letters = [*(chr(code) for code in range(33, 127)), "▁"]  # line breaks are spelled as bytes
    vocab, merges = _merges(words, letters, [*special, *spelled], size=520)
    backend = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    space = [normalizers.Replace(" ", "▁")]
    backend.normalizer = normalizers.Sequence(space if gemma else [normalizers.Prepend("▁"), *space])
    decoder = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    backend.decoder = decoders.Sequence(decoder if gemma else [*decoder, decoders.Strip(" ", 1, 0)])
    return _with_special(backend, special, PreTrainedTokenizerFast, names, rstrip)


def _with_special(backend: Any, special: list[str], kind: Any, names: Any, rstrip: tuple[str, ...] = ()) -> Any:
    from tokenizers import AddedToken, processors

    backend.add_special_tokens([
        AddedToken(token, normalized=False, special=True, rstrip=token in rstrip) for token in special
    ])  # fmt: skip
    if bos := names.get("bos_token"):
        backend.post_processor = processors.TemplateProcessing(
            single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, backend.token_to_id(bos))]
        )
    return kind(tokenizer_object=backend, clean_up_tokenization_spaces=False, **names)


def _llama_2() -> Any:
    return _sentencepiece_bpe(["<unk>", "<s>", "</s>"], unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def _mistral() -> Any:
    return _sentencepiece_bpe(
        ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[TOOL_CALLS]"],
        unk_token="<unk>", bos_token="<s>", eos_token="</s>",
    )  # fmt: skip


def _phi_3() -> Any:
    turns = ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")
    return _sentencepiece_bpe(
        ["<unk>", "<s>", "</s>", "<|endoftext|>", *turns], rstrip=turns,
        unk_token="<unk>", bos_token="<s>", eos_token="<|endoftext|>", pad_token="<|endoftext|>",
    )  # fmt: skip


def _gemma() -> Any:
    tokenizer = _sentencepiece_bpe(
        ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"], gemma=True,
        unk_token="<unk>", bos_token="<bos>", eos_token="<eos>", pad_token="<pad>",
    )  # fmt: skip
    tokenizer.add_tokens(["\n" * breaks for breaks in range(8, 0, -1)] + ["<table>", "</table>"])
    return tokenizer


def _llama_3() -> Any:
    return _bytes_bpe(
        _split(LLAMA_3),
        ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"],
        ignore_merges=True, bos_token="<|begin_of_text|>", eos_token="<|end_of_text|>",
    )  # fmt: skip


def _qwen() -> Any:
    from tokenizers import normalizers

    tokenizer = _bytes_bpe(
        _split(QWEN), ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], normalizer=normalizers.NFC(),
        eos_token="<|endoftext|>", pad_token="<|endoftext|>",
    )  # fmt: skip
    tokenizer.add_tokens(["<think>", "</think>"])
    return tokenizer


def _smollm_2() -> Any:
    from tokenizers import pre_tokenizers

    split = pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)
    ])  # fmt: skip
    names = {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    tokenizer = _bytes_bpe(split, ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>"], **names)
    tokenizer.backend_tokenizer.post_processor = None  # it has a BOS and never sets it
    return tokenizer


def _gpt_neox() -> Any:
    from tokenizers import AddedToken, normalizers, pre_tokenizers

    tokenizer = _bytes_bpe(
        pre_tokenizers.ByteLevel(add_prefix_space=False), ["<|endoftext|>", "<|padding|>"],
        normalizer=normalizers.NFC(), eos_token="<|endoftext|>", unk_token="<|endoftext|>",
    )  # fmt: skip
    tokenizer.add_tokens([AddedToken(" " * spaces, normalized=True) for spaces in range(24, 1, -1)])
    return tokenizer


def _split(pattern: str) -> Any:
    from tokenizers import Regex, pre_tokenizers

    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])  # fmt: skip


GEMMA_2 = {
    "head_dim": 32, "sliding_window": 64, "attn_logit_softcapping": 1.0, "final_logit_softcapping": 100.0,
    "query_pre_attn_scalar": 32,
}  # fmt: skip
FAMILIES = {
    "llama-2": Family(
        _llama_2, "Llama", "</s>", LLAMA_2_CHAT, "are not tokens of the base vocabulary", BETWEEN_S,
    ),
    "llama-3": Family(_llama_3, "Llama", "<|eot_id|>", LLAMA_3_CHAT),
    "mistral": Family(
        _mistral, "Mistral", "</s>", MISTRAL_CHAT.replace("PLACE", "loop.last"), "is not prefix-stable",
        MISTRAL_CHAT.replace("PLACE", "loop.first"), {"sliding_window": None},
    ),
    "qwen-2.5": Family(_qwen, "Qwen2", "<|im_end|>", CHATML),
    "qwen-3": Family(
        _qwen, "Qwen3", "<|im_end|>", THINKING, r"writes '<think>\n\n</think>\n\n' before every answer",
        "chatml", {"head_dim": 32},
    ),
    "smollm-2": Family(_smollm_2, "Llama", "<|im_end|>", CHATML, options={"tie_word_embeddings": True}),
    "gemma-2": Family(
        _gemma, "Gemma2", "<end_of_turn>", GEMMA_2_CHAT, "takes no system turn (System role not supported)",
        GEMMA_3_CHAT, GEMMA_2,
    ),
    "gemma-3": Family(
        _gemma, "Gemma3", "<end_of_turn>", GEMMA_3_CHAT,
        options={"head_dim": 32, "sliding_window": 64, "query_pre_attn_scalar": 32},
    ),
    "phi-3": Family(_phi_3, "Phi3", "<|end|>", PHI_3_CHAT),
    "gpt-neox": Family(
        _gpt_neox, "GPTNeoX", "<|endoftext|>", None, "has no chat template", BETWEEN_ENDS,
    ),
}  # fmt: skip


def write_base(family: Family, folder: Path) -> Path:
    """Write a base of a family: its tokenizer, and a model of two layers that likes to end, and to say digits."""
    import torch
    import transformers

    tokenizer = family.tokenizer()
    tokenizer.chat_template = family.own
    tokenizer.save_pretrained(folder)
    kind = {"Gemma3": "Gemma3TextConfig"}.get(family.architecture, f"{family.architecture}Config")
    sizes = {
        "vocab_size": len(tokenizer), "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 2, "max_position_embeddings": 1024, "initializer_range": 0.1,
        "bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }  # fmt: skip
    keys = {} if family.architecture == "GPTNeoX" else {"num_key_value_heads": 1}
    config = getattr(transformers, kind)(**sizes | keys | family.options)
    torch.manual_seed(0)
    model = getattr(transformers, f"{family.architecture}ForCausalLM")(config)
    digits = {n for n in range(len(tokenizer)) if tokenizer.decode([n]).strip() in [*"12345"]}
    _lean(model, {tokenizer.convert_tokens_to_ids(family.end): 10.0} | dict.fromkeys(digits, 8.0))
    model.save_pretrained(folder)
    return folder


def _lean(model: Any, logits: dict[int, float]) -> None:
    """Give some tokens about the given logits everywhere, by a direction that all hidden states share."""
    import torch

    embedded, output = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    size = embedded.shape[1]
    direction = torch.tensor([1.0, -1.0]).repeat(size // 2) / size**0.5
    with torch.no_grad():
        embedded.mul_(0.5)
        embedded += 6 * direction
        for token, logit in logits.items():
            output[token] += logit / size**0.5 * direction
