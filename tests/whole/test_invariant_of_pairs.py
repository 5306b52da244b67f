"""`in = kept + dropped + failed` for pairs: a stub in the place of the engine, everything else is real."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.accounted import assert_accounted, ids, segment_row
from support.fake_engine import starts_give

from builder.data.accounting import Stats
from builder.data.records import candidate_schema, pair_id, score_schema, segment_id, segment_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.contract import make_contract
from builder.llm.engines.engine import Completion
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.stage import AugmentStage, augment
from builder.method.curate.curate import choose, select
from builder.method.curate.scoring.score import ScoreStage, score
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.judges import Verdict
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE

PLAIN = Engine(kind="transformers", dtype="float32", max_model_len=200)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer(BASE)


@pytest.fixture(scope="module")
def backward(untrained: Any) -> Path:
    return untrained("backward")


@pytest.fixture(scope="module")
def forward(untrained: Any) -> Path:
    return untrained("forward")


def answers(tokenizer: Any, texts: list[tuple[str, bool]]) -> list[Completion]:
    """Completions with the given texts, ended or not."""
    end = Renderer(make_contract(Chat(), "forward", tokenizer), tokenizer).end_id
    return [Completion([*tokenizer.encode(text), *[end] * ended], -1.0, ended) for text, ended in texts]


texts = st.sampled_from(
    [
        "How is bread made?",
        "",
        "  ",
        "Why<|im_end|>?",
        "[INST] x",
        "<|im_start|>user",
        "Score: 4",
        "score 9",
        "2, Score: 3",
    ]
)
said = st.lists(st.tuples(texts, st.booleans()), min_size=1, max_size=6)
outputs = st.lists(
    st.sampled_from(["Bread is baked.", "long words " * 90, "", "Score: 5", "<pad>"]), min_size=1, max_size=9
)


@settings(max_examples=25)  # each runs a whole stage
@given(outputs, said, st.integers(1, 10), st.integers(1, 3), st.data())
def test_every_segment_has_exactly_its_samples_as_outcomes(
    folder: Any, backward: Path, tokenizer: Any, stub_engine: Any,
    outputs: list[str], said: list[tuple[str, bool]], chunk_rows: int, samples: int, data: st.DataObject,
) -> None:  # fmt: skip
    place = folder()
    rows = [segment_row(number, text, "x") for number, text in enumerate(outputs)]
    write_rows(place / "dedup" / "data" / "a.parquet", rows, segment_schema())
    config = AugmentStage(augment=Augment(max_tokens=16, samples=samples), engine=PLAIN, chat=Chat())

    def run(chunk: int) -> Stats:
        with starts_give(stub_engine(answers(tokenizer, said))):
            return augment(place, config, place / "dedup", backward, runtime=Runtime(chunk_rows=chunk))

    counts = assert_accounted(place, run(chunk_rows))
    wanted = sorted(pair_id(row["id"], sample) for row in rows for sample in range(samples))
    assert counts.rows_in == len(wanted)
    assert sorted(ids(place / "data") + ids(place / "rejected")) == wanted
    whole = {row["id"]: row["text"] for row in rows}
    kept = list(read_rows(place / "data"))
    assert all(row["output"] == whole[row["segment_id"]] for row in kept)
    assert counts.dropped["longer_than_context"] >= samples * sum(len(text) > 900 for text in outputs)
    # A chunk that is lost is made again, and another chunk size changes nothing in a stage that has begun.
    part = data.draw(st.sampled_from(sorted((place / "data").iterdir())))
    part.unlink()
    again = assert_accounted(place, run(chunk_rows + 1))
    assert again == counts
    assert list(read_rows(place / "data")) == kept


def candidate(number: int, text: str = "Bread is baked.") -> dict[str, Any]:
    page_id = f"page-{number // 2}"
    segment = segment_id(page_id, number, text)
    texts = {"header": "h", "instruction": f"What is {number}?", "output": text}
    places = {"id": pair_id(segment, 0), "segment_id": segment, "page_id": page_id, "url": "u"}
    return {**places, **texts, "logprob": -1.0, "tokens": 4}


@settings(max_examples=25)  # each runs a whole stage
@given(outputs, said, st.integers(1, 10), st.integers(1, 3))
def test_every_pair_has_one_score_row_and_a_reason_where_the_score_is_missing(
    folder: Any, forward: Path, tokenizer: Any, stub_engine: Any,
    outputs: list[str], said: list[tuple[str, bool]], chunk_rows: int, samples: int,
) -> None:  # fmt: skip
    place = folder()
    rows = [candidate(number, text) for number, text in enumerate(outputs)]
    write_rows(place / "augment" / "data" / "a.parquet", rows, candidate_schema())
    engine = PLAIN.model_copy(update={"max_model_len": 600})
    config = ScoreStage(judge=Verdict(judge="verdict", max_tokens=16, samples=samples), engine=engine, chat=Chat())
    with starts_give(stub_engine(answers(tokenizer, said))):
        stats = score(place, config, place / "augment", forward, runtime=Runtime(chunk_rows=chunk_rows))
    stats.check("example")
    counts = stats.counts["pairs"]
    scored = list(read_rows(place / "data"))
    assert [row["id"] for row in scored] == [row["id"] for row in rows]
    assert counts.rows_in == len(rows)
    assert counts.failed == Counter(row["reason"] for row in scored if row["score"] is None)
    assert all(1 <= row["score"] <= 5 for row in scored if row["score"] is not None)


scores = st.dictionaries(st.integers(0, 60), st.none() | st.floats(-9, 9) | st.sampled_from([1.0, 2.0]), max_size=40)
rules = st.one_of(
    st.fixed_dictionaries({"threshold": st.floats(-9, 9)}),
    st.fixed_dictionaries({"top": st.integers(1, 50)}),
    st.fixed_dictionaries({"share": st.floats(0.01, 1)}),
)


@given(scores, rules, st.floats(0, 0.99), st.integers(0, 20), st.randoms(use_true_random=False), st.integers(1, 3))
def test_every_scored_pair_is_selected_or_rejected_once_in_whatever_order_it_comes(
    folder: Any, given_scores: dict[int, float | None], rule: dict[str, Any], test_share: float, test_rows: int,
    rng: random.Random, files: int,
) -> None:  # fmt: skip
    rows = [(candidate(number), value) for number, value in given_scores.items()]
    config = Curate(judge="likelihood", test_share=test_share, test_rows=test_rows, **rule)
    outcomes = []
    for _ in range(2):
        place = folder()
        for number in range(files):
            part = rows[number::files]
            write_rows(place / "augment" / "data" / f"{number}.parquet", [row for row, _ in part], candidate_schema())
        rng.shuffle(rows)
        judged = [{"id": row["id"], "score": value, "reason": None} for row, value in rows]
        write_rows(place / "score" / "data" / "a.parquet", judged, score_schema("likelihood"))
        if not choose({row["id"]: value for row, value in rows}, config):
            with pytest.raises(StageError, match="selects nothing"):
                select(place, config, place / "augment", place / "score", runtime=Runtime())
            assert not (place / "data").exists()
            return
        stats = select(place, config, place / "augment", place / "score", runtime=Runtime())
        counts = assert_accounted(place, stats)
        kept, rejected = list(read_rows(place / "data")), ids(place / "rejected")
        assert sorted([row["id"] for row in kept] + rejected) == sorted(row["id"] for row, _ in rows)
        assert counts.dropped["no_score"] == sum(value is None for _, value in rows)
        splits: dict[str, set[str]] = {}
        for row in kept:
            splits.setdefault(row["page_id"], set()).add(row["split"])
        assert all(len(found) == 1 for found in splits.values()), "a page is in train and in test"
        assert sum(row["split"] == "test" for row in kept) == stats.details["test_rows"] <= test_rows
        outcomes.append((kept, sorted(rejected)))
    assert outcomes[0] == outcomes[1]


@given(scores, rules, st.integers(1, 50), st.integers(1, 50))
def test_a_stricter_rule_selects_a_part_of_what_a_laxer_one_does(
    given_scores: dict[int, float | None], rule: dict[str, Any], one: int, other: int
) -> None:
    values = {str(number): value for number, value in given_scores.items()}
    (name,) = rule
    lax, strict = {
        "threshold": ({"threshold": min(one, other) / 5 - 5}, {"threshold": max(one, other) / 5 - 5}),
        "top": ({"top": max(one, other)}, {"top": min(one, other)}),
        "share": ({"share": max(one, other) / 50}, {"share": min(one, other) / 50}),
    }[name]
    chosen = choose(values, Curate(judge="likelihood", **lax))
    assert choose(values, Curate(judge="likelihood", **strict)) <= chosen
    left = [key for key, value in values.items() if value is not None and key not in chosen]
    for key in left:
        assert all((-values[best], best) < (-values[key], key) for best in chosen)
