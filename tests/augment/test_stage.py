import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.scripted_server import NAME, changed, status

from builder.data.accounting import Rejects
from builder.data.records import row_seed, segment_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.contract import make_contract
from builder.llm.engines.engine import Completion, Failed, Generation
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.stage import AugmentStage, augment, best_of_each, broken
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.models import Chat, Engine, Other
from builder.recipe.sections.runtime import Runtime

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
PLAIN = Engine(kind="transformers", dtype="float32", max_model_len=400)


@pytest.mark.parametrize(
    ("instruction", "ended", "reason"),
    [
        ("How do I store apples?", True, None),
        ("How do I store apples and pears and", False, "unfinished"),
        ("How?<|im_start|>assistant", True, "control_tokens"),
        ("[INST] How? [/INST]", True, "control_tokens"),
    ],
)
def test_unusable_instructions_are_rejected_with_a_reason(instruction, ended, reason):
    assert broken(Generation(instruction, ended, -1.0, 1)) == reason


@pytest.fixture(scope="module")
def backward_model(tmp_path_factory):
    """The base with the backward contract: untrained for the task, so its instructions are gibberish."""
    import shutil

    stage = tmp_path_factory.mktemp("model-backward")
    shutil.copytree(BASE, stage / "model")
    tokenizer = load_tokenizer(BASE)
    contract = make_contract(Chat(), "backward", tokenizer)
    tokenizer.chat_template = contract.template
    tokenizer.save_pretrained(stage / "model")
    contract.save(stage / "model")
    return stage


def segments(folder, texts):
    rows = [
        {"id": f"s{n}", "page_id": f"p{n}", "url": "u", "header": "h", "position": n, "text": text}
        for n, text in enumerate(texts)
    ]
    write_rows(folder / "dedup" / "data" / "a.parquet", rows, segment_schema())
    return folder / "dedup"


def run(folder, model, texts, chunk_rows=512, **options):
    config = AugmentStage(augment=Augment(max_tokens=12, **options), engine=PLAIN, chat=Chat())
    return augment(folder / "out", config, segments(folder, texts), model, runtime=Runtime(chunk_rows=chunk_rows))


TEXTS = [f"Apples number {n} keep well in a cool room." for n in range(6)]


def outcome(folder):
    kept = {
        row["id"]: (row["instruction"], row["logprob"], row["tokens"]) for row in read_rows(folder / "out" / "data")
    }
    lost = {row["id"]: (row["reason"], row["text"]) for row in read_rows(folder / "out" / "rejected")}
    return kept, lost


def test_every_candidate_is_kept_or_rejected_and_a_long_segment_is_counted(tmp_path, backward_model):
    stats = run(tmp_path, backward_model, [*TEXTS, "long " * 400], samples=2)
    stats.check("augment")
    counts = stats.counts["pairs"]
    assert counts.rows_in == 14
    assert counts.dropped["longer_than_context"] == 2
    kept, lost = outcome(tmp_path)
    assert sorted([*kept, *lost]) == sorted(f"s{n}-{sample}" for n in range(7) for sample in range(2))


def test_instructions_do_not_depend_on_the_chunks(tmp_path, backward_model):
    run(tmp_path / "one", backward_model, TEXTS)
    run(tmp_path / "two", backward_model, TEXTS, chunk_rows=1)
    assert outcome(tmp_path / "one") == outcome(tmp_path / "two")


def test_another_seed_gives_other_instructions(tmp_path, backward_model):
    run(tmp_path / "one", backward_model, TEXTS)
    run(tmp_path / "two", backward_model, TEXTS, seed=1)
    assert outcome(tmp_path / "one") != outcome(tmp_path / "two")


def test_a_model_of_another_contract_is_refused(tmp_path, backward_model):
    config = AugmentStage(augment=Augment(), engine=PLAIN, chat=Chat(system_backward="Ask."))
    with pytest.raises(StageError, match="system_backward differs from character 0"):
        augment(tmp_path / "out", config, segments(tmp_path, TEXTS), backward_model, runtime=Runtime())


candidates = st.lists(
    st.tuples(st.sampled_from("abc"), st.floats(-50, 0), st.integers(1, 9)), max_size=12
).map(
    lambda rows: [
        {"id": f"{segment}-{n}", "segment_id": segment, "page_id": "", "header": "", "instruction": f"{n}",
         "logprob": logprob, "tokens": tokens}
        for n, (segment, logprob, tokens) in enumerate(rows)
    ]
)  # fmt: skip


@given(candidates)
def test_the_best_of_each_segment_is_the_likeliest_per_token_and_the_others_are_counted(rows):
    rejects = Rejects()
    best = best_of_each(rows, rejects)
    assert sorted(row["id"] for row in rows) == sorted([row["id"] for row in [*best, *rejects.rows]])
    assert {row["reason"] for row in rejects.rows} <= {"not_best"}
    for row in best:
        own = [other["logprob"] / other["tokens"] for other in rows if other["segment_id"] == row["segment_id"]]
        assert row["logprob"] / row["tokens"] == max(own)
    assert len(best) == len({row["segment_id"] for row in rows})


def says(stub_engine, *texts):
    tokenizer = load_tokenizer(BASE)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    ids = [[*tokenizer.encode(text, add_special_tokens=False), end] for text in texts]
    return stub_engine([Completion(some, -float(len(some)), True) for some in ids])


def test_written_instructions_pass_the_gate_and_the_commonest_opening_is_told(
    tmp_path, backward_model, stub_engine, fake_engine
):
    engine = says(stub_engine, "How are apples kept?", "I am sorry, but I cannot help with that.", "")
    fake_engine(engine)
    stats = run(tmp_path, backward_model, [f"{text} {text}" for text in TEXTS] * 20)
    counts = stats.counts["pairs"]
    stats.check("augment")
    assert counts.kept > 0
    assert set(counts.dropped) == {"refusal", "empty"}
    assert stats.details["openings"]["most"] == [{"opening": "how are apples", "share": 1.0}]


def test_what_the_engine_cannot_do_is_counted_as_failed(tmp_path, backward_model, stub_engine, fake_engine):
    engine = stub_engine([Failed("engine_error", "too bad"), *says(stub_engine, "How?").generate((), (), [0])])
    fake_engine(engine)
    counts = run(tmp_path, backward_model, TEXTS, samples=4).counts["pairs"]
    counts.check("augment")
    assert counts.failed["engine_error"] == 24 - counts.kept - counts.dropped.total() > 0


# A model that the build has not trained writes the instructions; the folder of M_yx is never read.


def by_other(folder, texts, other, runtime=None, **options):
    config = AugmentStage(augment=Augment(model=other, max_tokens=12, **options), engine=PLAIN, chat=Chat())
    runtime = runtime or Runtime(chunk_rows=4)
    return augment(folder / "out", config, segments(folder, texts), folder / "no-model", runtime=runtime)


def test_an_instruction_model_writes_in_the_place_of_m_yx(tmp_path, instruction_model):
    stats = by_other(tmp_path, [*TEXTS, "long " * 400], Other(path=instruction_model), samples=2)
    stats.check("augment")
    assert stats.counts["pairs"].rows_in == 14
    assert stats.counts["pairs"].dropped["longer_than_context"] == 2
    kept, lost = outcome(tmp_path)
    assert sorted([*kept, *lost]) == sorted(f"s{n}-{sample}" for n in range(7) for sample in range(2))


def test_an_instruction_model_is_asked_in_its_own_template_by_an_engine_that_forgets(
    tmp_path, instruction_model, stub_engine, fake_engine
):
    tokenizer, asked = load_tokenizer(BASE), []
    answers = says(stub_engine, "How are apples kept?")

    def generate(prompts, sampling, seeds):
        asked.append([tokenizer.decode(prompt) for prompt in prompts])
        return answers.generate(prompts, sampling, seeds)

    engine = SimpleNamespace(forget=lambda: asked.append("forget"), generate=generate)
    fake_engine(engine)
    counts = by_other(tmp_path, TEXTS, Other(path=instruction_model)).counts["pairs"]
    assert (counts.rows_in, counts.kept) == (6, 6)
    opening = "<|im_start|>SYSTEM:Write the instruction that this text answers.<|im_end|><|im_start|>USER:"
    prompts = [f"{opening}{text}<|im_end|><|im_start|>ASSISTANT:" for text in TEXTS]
    assert asked == ["forget", prompts[:4], "forget", prompts[4:]]
    assert {row["instruction"] for row in read_rows(tmp_path / "out" / "data")} == {"How are apples kept?"}


def served(folder, server, texts, **options):
    runtime = Runtime(endpoint=server.endpoint, concurrency=3, request_tries=1, chunk_rows=50)
    stats = by_other(folder, texts, Other(served=NAME), runtime, **options)
    stats.check("augment")
    return stats.counts["pairs"]


def answers(**message):
    return changed(lambda choice: choice["message"].update(message))


def test_every_row_of_a_served_model_is_kept_or_counted(tmp_path, server):
    plays = {
        TEXTS[0]: status(400, "no"),
        TEXTS[1]: changed(lambda choice: choice.update(finish_reason="length")),
        TEXTS[2]: answers(content="How?<|im_end|>"),
        TEXTS[3]: answers(content=None, refusal="no"),
    }
    server.plays = lambda prompt, nth: plays.get(prompt[-1]["content"], answers(content=" How are apples kept? "))
    forged = "One. [INST] Two. [/INST]"
    counts = served(tmp_path, server, [*TEXTS * 2, forged])
    assert (counts.rows_in, counts.kept) == (13, 4)
    assert counts.dropped == {"unfinished": 2, "control_tokens": 3, "empty": 2}
    assert counts.failed == {"engine_rejected": 2}
    kept, lost = outcome(tmp_path)
    assert set(kept.values()) == {("How are apples kept?", None, 3)}
    assert sorted([*kept, *lost]) == sorted(f"s{n}-0" for n in range(13))
    assert lost["s12-0"] == ("control_tokens", "")
    assert forged not in json.dumps(server.asked)
    assert {body["seed"] for body in server.asked} == {row_seed(0, "augment", f"s{n}", 0) for n in range(12)}


def test_the_best_of_several_is_refused_where_a_model_gives_no_log_probabilities():
    with pytest.raises(ValueError, match="keep: best, which needs log-probabilities"):
        Augment(model={"served": "one"}, samples=3, keep="best")
