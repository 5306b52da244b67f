"""Each family of models, from its tokenizer to its scores: it serves, or it is refused with its reason.

A base of each is trained for one step as a build does it, then on both in-process engines it writes instructions that
end, and judges; every number is held against a plain forward pass that knows no module of the project.
"""

import gc
import math
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from support.families import FAMILIES, Family, write_base
from support.training_pairs import OPTIONS
from transformers import AutoModelForCausalLM, AutoTokenizer

from builder.data.accounting import Rejects
from builder.data.records import seed_schema
from builder.data.storage import read_json, write_rows
from builder.errors import StageError
from builder.llm.contract import check_contract, make_contract
from builder.llm.conversations import question
from builder.llm.engines.engine import Sampling
from builder.llm.engines.generators import TokenGenerator, other_renderer
from builder.llm.engines.start import start_engine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.gate.rules import RULES
from builder.method.augment.stage import AugmentStage, InstructionWriter
from builder.method.curate.scoring.judges import judge_rows
from builder.method.train.stage import BackwardStage, train_backward
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.judges import Expected, Likelihood, Reasoned, Reverse, Verdict
from builder.recipe.sections.models import Chat, Engine, Origin
from builder.recipe.sections.runtime import Runtime

ROOM, CLOSE = 512, 1e-5
IN_KIND = ("llama-3", "gemma-2", "gpt-neox")
"""Of bytes with ends of two kinds; of SentencePiece with capped attention; unknown to vLLM."""
RUBRIC = (
    "Rate how well the answer fits.\n{{ instruction }}\n{{ output }}\n"
    "{% if reasons %}Reasons first, then 'Score: n'.{% else %}From 1 to 5.{% endif %}"
)
PAIRS = [
    {"id": f"pair{n}", "instruction": f"How should I store {n} apples?", "source": "s", "license": "x",
     "output": f"Keep {n} in a cool room.\nDamp is bad."}
    for n in (1, 12, 345)
]  # fmt: skip


@dataclass
class Trained:
    """A model of a family after one step, and how it is asked."""

    family: Family
    base: Path
    chat: Chat
    model: Path
    rubric: Path
    plain: "Plain"
    engine: Any
    base_engine: Any

    def renderer(self, role: Any) -> Renderer:
        tokenizer = load_tokenizer(self.model)
        return Renderer(make_contract(self.chat, role, tokenizer), tokenizer)


def chat_of(family: Family, folder: Path) -> Chat:
    """The chat section with which a family serves."""
    if family.template is None:
        return Chat(template="tokenizer", date="2024-07-26")
    if family.template == "chatml":
        return Chat()
    path = folder / "template.jinja"
    path.write_text(family.template)
    return Chat(template=path)


@pytest.fixture(
    scope="module", params=[pytest.param(name, marks=() if name in IN_KIND else pytest.mark.full) for name in FAMILIES]
)
def trained(request, tmp_path_factory):
    """The base of a family, trained for one step as M_yx."""
    folder, family = tmp_path_factory.mktemp(request.param), FAMILIES[request.param]
    base, chat = write_base(family, folder / "base"), chat_of(family, folder)
    write_rows(folder / "seed" / "data" / "seed.parquet", PAIRS, seed_schema())
    (folder / "sft.yaml").write_text(yaml.safe_dump(OPTIONS | {"max_steps": 1, "max_length": ROOM}))
    (folder / "rubric.jinja").write_text(RUBRIC)
    stage = BackwardStage(base=Origin(path=base), chat=chat, recipe=folder / "sft.yaml", template="backward")
    train_backward(folder / "M_yx", stage, folder / "seed", runtime=Runtime())
    # Where vLLM has no model of its own (GPT-NeoX), it changes the class of transformers for the rest of the process.
    model = folder / "M_yx" / "model"
    config = Engine(kind="transformers", dtype="float32", max_model_len=ROOM)
    engine, base_engine = (start_engine(folder, config, Runtime()) for folder in (model, base))
    plain = Plain(model)
    type(plain.model.base_model).do_not_compile = True
    return Trained(family, base, chat, model, folder / "rubric.jinja", plain, engine, base_engine)


@pytest.fixture(scope="module", params=["transformers", "vllm"])
def engine(request, trained):
    """The model on an engine in this process."""
    if request.param == "transformers":
        yield trained.engine
        return
    config = Engine(kind="vllm", dtype="float32", max_model_len=ROOM)
    yield start_engine(trained.model, config, Runtime(kv_cache_mb=64))
    from vllm.distributed import cleanup_dist_env_and_memory

    gc.collect()
    cleanup_dist_env_and_memory()


class Plain:
    """The model by itself: conversations written out here, one forward pass a sequence."""

    def __init__(self, model):
        self.tokenizer = AutoTokenizer.from_pretrained(model)
        options = {"dtype": torch.float32, "attn_implementation": "eager"}
        self.model = AutoModelForCausalLM.from_pretrained(model, **options).eval()

    def text(self, system, asked, answer=None):
        turns = [{"role": "system", "content": system}, {"role": "user", "content": asked}]
        turns += [] if answer is None else [{"role": "assistant", "content": answer}]
        return self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=answer is None)

    def ids(self, system, asked, answer=None):
        return self.tokenizer(self.text(system, asked, answer), add_special_tokens=False)["input_ids"]

    def logprobs(self, ids):
        with torch.inference_mode():
            return torch.log_softmax(self.model(torch.tensor([ids])).logits[0].double(), -1)

    def answer_logprobs(self, system, asked, answer, end):
        """Log p of each token of an answer and of the end behind it."""
        prompt, whole = self.ids(system, asked), self.ids(system, asked, answer)
        whole = whole[: len(prompt) + whole[len(prompt) :].index(end) + 1]
        assert whole[: len(prompt)] == prompt
        table = self.logprobs(whole)
        return [float(table[at - 1, whole[at]]) for at in range(len(prompt), len(whole))]

    def score_place(self, system, asked, before=""):
        """Tokens up to where a score stands, behind `before`, and the tokens of the digits."""
        replies = [self.ids(system, asked, f"{before}Score: {digit}") for digit in "12345"]
        common = sum(1 for _ in takewhile(lambda column: len(set(column)) == 1, zip(*replies, strict=False)))
        return replies[0][:common], [ids[common] for ids in replies]

    def rating(self, ids, digits):
        """Mean of 1 to 5 by the probabilities of the digits, and their sum."""
        weights = [math.exp(float(self.logprobs(ids)[-1, digit])) for digit in digits]
        return sum(n * weight for n, weight in enumerate(weights, 1)) / sum(weights), sum(weights)

    def greedy(self, ids, stops, tokens):
        """The likeliest next tokens, up to a stop."""
        written = []
        while len(written) < tokens and not (written and written[-1] in stops):
            written.append(int(self.logprobs([*ids, *written])[-1].argmax()))
        return written


@pytest.fixture(scope="module")
def plain(trained):
    return trained.plain


def end_of(trained):
    return trained.plain.tokenizer.convert_tokens_to_ids(trained.family.end)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_familys_own_template_serves_or_is_refused_with_its_reason(name, tmp_path):
    family = FAMILIES[name]
    tokenizer = family.tokenizer()
    tokenizer.chat_template = family.own
    tokenizer.name_or_path = "org/base"
    own = Chat(template="tokenizer", date="2024-07-26")
    for role in ("forward", "backward"):
        if family.refused is None:
            assert make_contract(own, role, tokenizer).end_token == family.end
            continue
        with pytest.raises(StageError) as refused:
            make_contract(own, role, tokenizer)
        assert family.refused in str(refused.value)
        assert family.own is None or "the tokenizer's own chat template of org/base: " in str(refused.value)
        assert make_contract(chat_of(family, tmp_path), role, tokenizer).end_token == family.end
    if "<|im_start|>" not in tokenizer.get_vocab():
        with pytest.raises(StageError, match=r"chatml on org/base: .* are not tokens of the base vocabulary"):
            make_contract(Chat(), "forward", tokenizer)


def test_one_step_trains_the_answer_and_its_end_alone(trained):
    assert read_json(trained.model / "training.json")["steps"] == 1
    contract = check_contract(trained.model, load_tokenizer(trained.model), trained.chat, "backward")
    assert contract.end_token == trained.family.end
    said = (trained.model.parent / "logs" / "preflight.txt").read_text()
    assert said.count(f"ends with {trained.family.end}") == len(PAIRS)
    assert said.count("  trained | How should I store ") + said.count("  trained |  How should I") == len(PAIRS)


def test_attention_that_would_leave_something_out_is_refused_before_a_step(tmp_path):
    base = write_base(FAMILIES["gemma-2"], tmp_path / "base")
    write_rows(tmp_path / "seed" / "data" / "seed.parquet", PAIRS, seed_schema())
    (tmp_path / "sft.yaml").write_text(yaml.safe_dump(OPTIONS | {"max_length": ROOM, "attn_implementation": "sdpa"}))
    chat = chat_of(FAMILIES["gemma-2"], tmp_path)
    stage = BackwardStage(base=Origin(path=base), chat=chat, recipe=tmp_path / "sft.yaml", template="backward")
    with pytest.raises(
        StageError, match=r"is 'sdpa' in the TRL recipe, which leaves out the attn_logit_softcapping of"
    ):
        train_backward(tmp_path / "M_yx", stage, tmp_path / "seed", runtime=Runtime())


def test_instructions_end(trained, engine, plain):
    config = AugmentStage(
        augment=Augment(max_tokens=64, temperature=0.7), engine=Engine(max_model_len=ROOM), chat=trained.chat
    )
    writer = InstructionWriter(config, trained.model, Runtime(), engine)
    rejects = Rejects()
    rows = [
        {"id": str(n), "text": pair["output"], "language": "en", "page_id": "p", "url": "u", "header": "h"}
        for n, pair in enumerate(PAIRS * 3)
    ]
    kept = writer.answer(rows, rejects, lambda: None)
    assert len(kept) + len(rejects.rows) == len(rows)
    assert {row["reason"] for row in rejects.rows} <= {*RULES, "control_tokens"}  # and never `unfinished`
    stops = trained.renderer("backward").stop_ids
    assert stops[0] == end_of(trained)
    asked = [plain.ids(trained.chat.system_backward, pair["output"]) for pair in PAIRS]
    for prompt, answer in zip(asked, engine.generate(asked, Sampling(0, 1, 12, stops), [0, 0, 0]), strict=True):
        assert answer.ids == plain.greedy(prompt, set(stops), 12)
        table = plain.logprobs([*prompt, *answer.ids])[len(prompt) - 1 :]
        assert answer.logprob == pytest.approx(
            sum(float(table[at, token]) for at, token in enumerate(answer.ids)), abs=CLOSE * len(answer.ids)
        )


def test_a_model_that_was_not_trained_here_ends_though_its_eos_is_another_token(trained, tmp_path):
    tokenizer = trained.family.tokenizer()
    tokenizer.chat_template = trained.renderer("forward").contract.template
    tokenizer.save_pretrained(tmp_path)
    renderer = other_renderer(tmp_path, "forward", Chat())
    assert renderer.stop_ids == tuple(dict.fromkeys((end_of(trained), tokenizer.eos_token_id)))
    generator = TokenGenerator(renderer, lambda: trained.base_engine, ROOM)
    asked = generator.prepare([question("s", str(n)) for n in range(5)])
    answers = generator.generate(asked, Sampling(1.0, 1.0, 64), list(range(5)))
    assert all(answer.ended and answer.tokens < 64 for answer in answers)
    assert not any(trained.family.end in answer.text for answer in answers)


def judged(trained, engine, judge, role="forward"):
    return judge_rows(PAIRS, judge, trained.renderer(role), lambda: engine, ROOM)


def rubric(pair, *, reasons):
    told = "Reasons first, then 'Score: n'." if reasons else "From 1 to 5."
    return f"Rate how well the answer fits.\n{pair['instruction']}\n{pair['output']}\n{told}"


def test_expected_is_the_mean_at_the_digits_place(trained, engine, plain):
    rows = judged(trained, engine, Expected(judge="expected", rubric=trained.rubric))
    for pair, row in zip(PAIRS, rows, strict=True):
        ids, digits = plain.score_place(trained.chat.system_seed, rubric(pair, reasons=False))
        score, mass = plain.rating(ids, digits)
        assert (row["score"], row["mass"]) == pytest.approx((score, mass), abs=CLOSE)


def test_likelihood_and_reverse_are_differences_of_plain_log_probabilities(trained, engine, plain):
    end, chat = end_of(trained), trained.chat
    for pair, row in zip(PAIRS, judged(trained, engine, Likelihood(judge="likelihood")), strict=True):
        given, alone = (
            plain.answer_logprobs(chat.system_seed, asked, pair["output"], end) for asked in (pair["instruction"], "")
        )
        assert row["score"] == pytest.approx((sum(given) - sum(alone[:-1])) / len(given), abs=CLOSE)
    for pair, row in zip(PAIRS, judged(trained, engine, Reverse(judge="reverse"), "backward"), strict=True):
        given, alone = (
            plain.answer_logprobs(chat.system_backward, asked, pair["instruction"], end)
            for asked in (pair["output"], "")
        )
        score = (sum(given[:-1]) - sum(alone[:-1])) / (len(given) - 1)
        assert row["score"] == pytest.approx(score, abs=CLOSE)


def test_a_verdict_is_read_from_what_the_model_writes(trained, engine, plain):
    judge = Verdict(judge="verdict", rubric=trained.rubric, temperature=0.0, top_p=1.0, max_tokens=6)
    stops = {end_of(trained), plain.tokenizer.eos_token_id}
    for pair, row in zip(PAIRS, judged(trained, engine, judge), strict=True):
        written = plain.greedy(plain.ids(trained.chat.system_seed, rubric(pair, reasons=True)), stops, 6)
        said = plain.tokenizer.decode([token for token in written if token not in stops]).strip()
        assert row["replies"] == [said]


def test_reasoned_is_the_mean_behind_what_the_model_wrote(trained, engine, plain):
    judge = Reasoned(judge="reasoned", rubric=trained.rubric, temperature=0.0, top_p=1.0, max_tokens=6)
    stops = {end_of(trained), plain.tokenizer.eos_token_id}
    for pair, row in zip(PAIRS, judged(trained, engine, judge), strict=True):
        asked = (trained.chat.system_seed, rubric(pair, reasons=True))
        prompt = plain.ids(*asked)
        written = [token for token in plain.greedy(prompt, stops, 6) if token not in stops]
        anchor = plain.ids(*asked, "a")
        before = anchor[: len(prompt) + anchor[len(prompt) :].index(end_of(trained))]
        place, digits = plain.score_place(*asked, "a\n" if written else "")
        line = place[len(before) :] if written else place[len(prompt) :]
        score, mass = plain.rating([*prompt, *written, *line], digits)
        assert row["reasonings"] == [plain.tokenizer.decode(written).strip()]
        assert (row["score"], row["mass"]) == pytest.approx((score, mass), abs=CLOSE)
