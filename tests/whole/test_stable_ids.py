"""Ids go with the text and where it stands, and with nothing else; so does what is written for a row."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.corpus_pages import page, record, sentence, write_warc
from support.corpus_pages import settings as corpus
from support.fake_engine import starts_give
from support.segments_here import cut_and_write

from builder.data.records import pair_id, segment_id, segment_schema
from builder.data.storage import read_rows, write_rows
from builder.llm.engines.engine import Completion
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.stage import AugmentStage, augment
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.stage import extract_segments
from builder.method.seed.stage import select_seed
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed
from builder.sample.generate import BASE

Rows = dict[str, dict[str, Any]]


def rows_of(out: Path) -> Rows:
    """Kept rows by id, without where in which file they were found."""
    found = [{**row, "source_file": "", "record_offset": 0} for row in read_rows(out / "data")]
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row for row in found}


def varied_page(number: int) -> str:
    """A page whose sections differ in length, level and header, so that every filter has something to do."""
    rng = random.Random(number)
    headers = ["How it works", "SHOUTED ALOUD", "Contact us", "What a long header may say " * 3, "Why", "Was ist das"]
    parts = [
        f"<h{rng.choice([2, 2, 3])}>{header} {number}</h2>"
        + "".join(f"<p>{sentence(rng, size)}</p>" for size in rng.choices([20, 60, 150], k=2))
        for header in rng.sample(headers, 4)
    ]
    language = rng.choice(["en", "en", "de"])
    return f'<html lang="{language}"><body><main><h1>Page {number}</h1>{"".join(parts)}</main></body></html>'


def write_archives(place: Path, numbers: list[int], files: int) -> Path:
    for at in range(files):
        share = [record(varied_page(number).encode(), number) for number in numbers[at::files]]
        write_warc(place / f"{at}.warc.gz", share or [record(b"x", 99, kind="metadata")])
    return place


page_numbers = st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True)


@settings(max_examples=30)
@given(
    page_numbers,
    st.integers(1, 3),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
    st.sampled_from(["tree", "any"]),
)
def test_segments_do_not_depend_on_order_files_tasks_place_or_other_pages(
    folder: Any, numbers: list[int], files: int, tasks: int, rng: random.Random, boundary: str
) -> None:
    place = folder()
    options = {"min_chars": 60, "boundary": boundary}
    cut_and_write(place / "one", corpus(write_archives(place / "corpus", numbers, 1), tasks=1, **options))
    one = rows_of(place / "one")
    shuffled = [*numbers, 41, 42]
    rng.shuffle(shuffled)
    elsewhere = write_archives(place / "another" / "place", shuffled, files)
    cut_and_write(place / "two", corpus(elsewhere, tasks=tasks, **options))
    two = rows_of(place / "two")
    added = {f"clueweb22-en0000-00-{number:05d}" for number in (41, 42)}
    assert {key: row for key, row in two.items() if row["page_id"] not in added} == one


filters = st.fixed_dictionaries(
    {},
    optional={
        "max_header_chars": st.sampled_from([5, 30, 200]),
        "max_header_capitals": st.sampled_from([0.2, 0.6, 1.0]),
        "languages": st.sampled_from([["en"], ["de"], ["en", "de"]]),
        "on_control_tokens": st.sampled_from(["reject", "escape"]),
        "page_seconds": st.sampled_from([1.0, 30.0]),
    },
)


@settings(max_examples=25)
@given(page_numbers, filters, filters, st.sampled_from(["tree", "any"]))
def test_filters_change_which_segments_stay_and_nothing_about_them(
    folder: Any, numbers: list[int], one: dict[str, Any], other: dict[str, Any], boundary: str
) -> None:
    place = folder()
    pages = write_archives(place / "corpus", numbers, 1)
    everything = {"min_chars": 1, "max_header_chars": 9_999, "max_header_capitals": 1.0, "languages": ["en", "de"]}
    found = []
    for name, options in (("one", one), ("other", other), ("all", everything)):
        cut_and_write(place / name, corpus(pages, boundary=boundary, **{"min_chars": 1, **options}))
        found.append(rows_of(place / name))
    for rows in found[:2]:
        assert {key: found[2].get(key) for key in rows} == rows
    for row in found[2].values():
        assert row["id"] == segment_id(row["page_id"], row["position"], row["text"])


@pytest.mark.parametrize("boundary", ["tree", "any"])
@pytest.mark.parametrize("ends", [((60, 400), (60, 1_300)), ((60, 1_300), (300, 1_300))])
def test_another_shortest_or_longest_text_keeps_the_ids_of_the_texts_that_both_cuts_have(
    tmp_path: Path, boundary: str, ends: tuple[tuple[int, int], ...]
) -> None:
    pages = write_archives(tmp_path / "corpus", list(range(12)), 1)
    cuts = []
    for shortest, longest in ends:
        out = tmp_path / f"{shortest}-{longest}"
        cut_and_write(out, corpus(pages, min_chars=shortest, max_chars=longest, boundary=boundary))
        cuts.append({(row["page_id"], row["position"], row["text"]): row["id"] for row in rows_of(out).values()})
    one, other = cuts
    assert one.keys() != other.keys()
    shared = one.keys() & other.keys()
    assert len(shared) >= 5
    assert all(one[place] == other[place] for place in shared)


def test_the_stage_gives_the_same_ids_with_other_tasks_and_workers(tmp_path: Path) -> None:
    write_warc(tmp_path / "corpus" / "a.warc.gz", [record(page(number).encode(), number) for number in range(11)])
    outcomes = []
    for tasks, workers in ((1, 1), (5, 2)):
        out = tmp_path / str(tasks)
        extract_segments(out, corpus(tmp_path / "corpus", tasks=tasks), runtime=Runtime(workers=workers))
        deduplicate(out / "dedup", Dedup(sample=9), out, runtime=Runtime())
        outcomes.append((rows_of(out), list(read_rows(out / "dedup" / "data"))))
    assert len(outcomes[0][0]) >= 11
    assert outcomes[0] == outcomes[1]


# Pairs: an instruction belongs to its segment and sample number.


@pytest.fixture(scope="module")
def backward(untrained: Any) -> Path:
    return untrained("backward")


def write_instructions(out: Path, model: Path, engine: Any, numbers: list[int], chunk_rows: int, samples: int) -> Rows:
    rows = [
        {
            "id": segment_id(f"p{number}", 0, ""),
            "page_id": f"p{number}",
            "url": "u",
            "header": "h",
            "text": f"It is {number}.",
        }
        for number in numbers
    ]
    write_rows(out / "dedup" / "data" / "a.parquet", rows, segment_schema())
    config = AugmentStage(
        augment=Augment(max_tokens=8, samples=samples),
        engine=Engine(kind="transformers", dtype="float32", max_model_len=200),
        chat=Chat(),
    )
    with starts_give(engine):
        augment(out, config, out / "dedup", model, runtime=Runtime(chunk_rows=chunk_rows))
    return {row["id"]: row for row in read_rows(out / "data")}


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 99), min_size=1, max_size=8, unique=True), st.integers(1, 4), st.integers(1, 3),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_instructions_do_not_depend_on_order_chunks_other_segments_or_the_number_of_samples(
    folder: Any, backward: Path, stub_engine: Any, numbers: list[int], chunk: int, samples: int, rng: random.Random
) -> None:
    tokenizer = load_tokenizer(BASE)
    end = tokenizer.convert_tokens_to_ids("<|im_end|>")
    engine = stub_engine([Completion([*tokenizer.encode(f"What is {n}?"), end], -1.0, True) for n in range(50)])
    one = write_instructions(folder(), backward, engine, numbers, 512, 1)
    shuffled = [*numbers, 100, 101]
    rng.shuffle(shuffled)
    two = write_instructions(folder(), backward, engine, shuffled, chunk, samples)
    assert len(one) == len(numbers)
    assert {key: two.get(key) for key in one} == one
    assert set(two) == {pair_id(segment_id(f"p{n}", 0, ""), sample) for n in shuffled for sample in range(samples)}


# Seed pairs.

pairs = st.lists(
    st.tuples(
        st.sampled_from(["How many?", "How  many?", " How many? ", "Why?", "a\tb"]),
        st.sampled_from(["So.", "So. ", "No"]),
    ),
    min_size=1,
    max_size=8,
)


@given(pairs, st.randoms(use_true_random=False), st.none() | st.integers(1, 3))
def test_seed_pairs_do_not_depend_on_the_order_of_rows(
    folder: Any, pairs: list[tuple[str, str]], rng: random.Random, size: int | None
) -> None:
    found = []
    for _ in range(2):
        place = folder()
        table = [{"instruction": question, "output": answer} for question, answer in pairs]
        (place / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in table))
        source = {"name": "s", "license": "mit", "path": place / "own.jsonl"}
        select_seed(place, Seed.model_validate({"sources": [source], "size": size}), runtime=Runtime())
        found.append((list(read_rows(place / "data")), sorted(row["id"] for row in read_rows(place / "rejected"))))
        rng.shuffle(pairs)
    assert found[0] == found[1]
