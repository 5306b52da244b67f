"""Pretrain the tiny base model of the sample from scratch: `python scripts/pretrain.py --seed N --out DIR`.

The model sees pages of the world's known combinations only. It is a Llama, so everything that loads one loads it;
it knows a few hundred words and exists to show the method at work, not to be used.
"""

import argparse
import random
import sys
from pathlib import Path
from typing import Any

from builder.sample import SAMPLE_SEED
from builder.sample.english import SAFETY, SENTENCES
from builder.sample.phrases import TOPICS, TYPES
from builder.sample.sections import pretraining_page
from builder.sample.web import Combination, World, heading, instruction

VOCABULARY = 2_048
POSITIONS = 2_048
WIDTH = 128
LAYERS = 3
HEADS = 4
PAGES = 12_000
STEPS = 300
BATCH = 24
WINDOW = 128
LEARNING_RATE = 2e-3
WARMUP_STEPS = 40
EMBEDDING_SCALE = 3.0
END_OF_TEXT, TURN_START, TURN_END = SPECIAL_TOKENS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
CHAT_TEXT = (
    "system user assistant",
    "Answer in the style of an AI Assistant.",
    "Answer with knowledge from web search.",
    "Write the instruction that this text answers.",
)


def train_tokenizer(pages: list[str]) -> Any:
    """Train a byte-level BPE tokenizer of 2,048 tokens, digits apart, without a chat template.

    Args:
        pages: Pretraining pages; the instructions, the chat's own words and some plain English are added.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    instructions = [instruction(Combination(topic, key)) for topic in TOPICS for key in TYPES]
    english = [*CHAT_TEXT, *SENTENCES, *(text for pair in SAFETY for text in pair)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([*pages, *instructions, *english * 20], trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=TURN_END,
        pad_token=END_OF_TEXT,
        model_max_length=POSITIONS,
    )


def new_model(tokenizer: Any, seed: int) -> Any:
    """A Llama of 0.75 M parameters that starts out able to copy.

    Attention above the first layer begins as the identity on its values (a random rotation and its inverse) and the
    embeddings are enlarged: a word that was just read becomes more likely. Finding that by gradient descent would
    take many times the steps this model gets.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=POSITIONS,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.model.embed_tokens.weight.mul_(EMBEDDING_SCALE)
        for layer in model.model.layers[1:]:
            rotation = torch.linalg.qr(torch.randn(WIDTH, WIDTH))[0]
            layer.self_attn.v_proj.weight.copy_(rotation)
            layer.self_attn.o_proj.weight.copy_(rotation.T)
    return model


def learning_rate(step: int, steps: int) -> float:
    """Linear warm-up, then linear decay to 3 % of the peak."""
    return LEARNING_RATE * min(1.0, (step + 1) / WARMUP_STEPS) * max(0.03, 1 - step / steps)


def train(model: Any, tokens: list[int], seed: int, steps: int) -> float:
    """Train on random windows of the token stream; return the mean loss per token (nats) of the last 20 steps."""
    import torch

    stream = torch.tensor(tokens)
    matrices = [weight for weight in model.parameters() if weight.dim() > 1]
    vectors = [weight for weight in model.parameters() if weight.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.05}, {"params": vectors, "weight_decay": 0.0}],
        lr=LEARNING_RATE,
        betas=(0.9, 0.98),
        fused=True,
    )
    generator = torch.Generator().manual_seed(seed)
    losses: list[float] = []
    model.train()
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, steps)
        starts = torch.randint(0, len(stream) - WINDOW - 1, (BATCH,), generator=generator)
        batch = torch.stack([stream[start : start + WINDOW] for start in starts])
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if step % 50 == 49:
            sys.stderr.write(f"step {step + 1} of {steps}: loss {sum(losses[-20:]) / len(losses[-20:]):.3f}\n")
    return sum(losses[-20:]) / len(losses[-20:])


def pretrain(seed: int, out: Path, steps: int = STEPS, page_count: int = PAGES) -> float:
    """Pretrain the base of the world `seed` and save it to `out`; return its final loss.

    One thread and a fixed number of steps: the same machine gives the same weights.
    """
    import torch

    torch.set_num_threads(1)
    world = World(seed)
    rng: random.Random = world.stream("pretraining")
    pages = [pretraining_page(world, rng) for _ in range(page_count)]
    tokenizer = train_tokenizer(pages)
    tokens: list[int] = []
    for encoded in tokenizer(pages, add_special_tokens=False)["input_ids"]:
        tokens += [tokenizer.bos_token_id, *encoded]
    model = new_model(tokenizer, seed)
    loss = train(model, tokens, seed, steps)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    return loss


def measure(folder: Path, world: World, combinations: list[Combination]) -> float:
    """Mean loss per token (nats) of a saved base on one new text of each combination."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    rng = world.stream("measure")
    total, count = 0.0, 0
    for combination in combinations:
        page = f"# {heading(combination)}\n{world.clean_text(rng, combination)}"
        ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer.encode(page, add_special_tokens=False)]])
        with torch.no_grad():
            loss = model(input_ids=ids, labels=ids).loss
        total += loss.item() * (ids.shape[1] - 1)
        count += ids.shape[1] - 1
    return total / count


def main() -> None:
    """Parse the command line, pretrain, say what came out."""
    parser = argparse.ArgumentParser(description="Pretrain the tiny base model of the embedded sample.")
    parser.add_argument("--seed", type=int, default=SAMPLE_SEED, help="seed of the world and of the training")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the model to")
    parser.add_argument("--steps", type=int, default=STEPS, help="training steps")
    options = parser.parse_args()
    loss = pretrain(options.seed, options.out, options.steps)
    world = World(options.seed)
    known, crawl = (measure(options.out, world, some) for some in (world.known, world.crawl))
    sys.stdout.write(
        f"{options.out}: loss in nats per token: {loss:.3f} at the end of training, "
        f"{known:.3f} on new texts of known combinations, {crawl:.3f} on those of the crawl\n"
    )


if __name__ == "__main__":
    main()
