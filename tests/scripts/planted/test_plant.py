"""The planted pairs: which are good, how the bad ones are made of them, and what is written of both."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from planted.fit import confirmed, content_words, coverage, is_one_request, is_question
from planted.good import Limits, Pages, good_pairs
from planted.kinds import KINDS, Source, bad_pairs
from planted.plant import Part, Planting, plant, read_truth, take_part
from planted.siblings import Siblings, choose_siblings

from builder.data.records import candidate_schema, segment_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.recipe.sections.runtime import Runtime
from builder.workspace.stage_names import half_of

THINGS = [
    "apple", "bridge", "candle", "dragon", "engine", "forest", "garden", "hammer", "island", "jungle", "kettle",
    "ladder",
]  # fmt: skip
LIMITS = Limits(max_tokens=400, least=0.6, more=0.25, per_page=4)


def text_about(thing: str, page: int) -> str:
    start = f"The {thing} of village {page} is painted every spring by somebody who knows how."
    return (
        f"{start} A {thing} keeps its colour through one long winter there. Nobody remembers when that custom began. "
        f"Visitors come and look at each {thing} for an hour or two. Then they walk home along the old river."
    )


def row_of(page: int, at: int, **more: Any) -> dict[str, Any]:
    thing = THINGS[(page + 3 * at) % len(THINGS)]
    return {
        "id": f"segment-{page}-{at}-0",
        "segment_id": f"segment-{page}-{at}",
        "page_id": f"page {page}",
        "url": "",
        "header": thing,
        "instruction": f"How is the {thing} of a village painted in spring?",
        "output": text_about(thing, page),
        **more,
    }


def segment_of(row: dict[str, Any]) -> dict[str, Any]:
    return {"id": row["segment_id"], "page_id": row["page_id"], "header": row["header"], "text": row["output"]}


ROWS = [row_of(page, at) for page in range(12) for at in range(3)]


def pages_of(rows: list[dict[str, Any]]) -> Pages:
    return Pages().add({"id": row["segment_id"], "page_id": row["page_id"], "text": row["output"]} for row in rows)


def good_of(rows: list[dict[str, Any]], limits: Limits = LIMITS) -> tuple[Any, Counter[str]]:
    return good_pairs(rows, pages_of(rows), limits, lambda text: len(text.split()), seed=0)


def test_content_words_leave_out_what_every_instruction_has() -> None:
    assert content_words("Write a short article about the benefits of apples.") == {"benefi", "apples"}
    assert coverage({"apple", "pear"}, {"apple", "plum"}) == 0.5
    assert coverage(set(), {"apple"}) == 0


def test_an_instruction_is_confirmed_by_words_that_its_text_has_and_its_neighbours_have_not() -> None:
    own, neighbour = content_words(text_about("apple", 1)), content_words(text_about("bridge", 1))
    asks = "Is the apple of winter painted?"
    assert confirmed(asks, own, [neighbour], 0.6, 0.25)
    assert not confirmed("Are villages painted?", own, [neighbour], 0.6, 0.25)
    assert not confirmed(asks, own, [neighbour, own], 0.6, 0.25)
    assert not confirmed("What is a dragon made of?", own, [neighbour], 0.6, 0.25)
    assert not confirmed("Apple?", own, [], 0.6, 0.25)


@pytest.mark.parametrize(
    ("instruction", "sound"),
    [
        ("How is the apple of a village painted?", True),
        ("Say how it is painted.", True),
        ("Apples of the village", False),
        ("How is it painted?\nAnd why?", False),
        ("What keeps its colour, what keeps its colour, why?", False),
        ("Is it so that visitors come and look at each apple for an hour?", False),
        (f"Is it {'very ' * 40}old?", False),
    ],
)
def test_an_instruction_is_one_short_request_in_words_of_its_own(instruction: str, sound: bool) -> None:
    assert is_one_request(instruction, text_about("apple", 1)) is sound


@pytest.mark.parametrize(
    ("header", "asks"),
    [("How do bees fly?", True), ("Why this?", False), ("What is it?", False), ("How bees fly", False)],
)
def test_a_heading_is_a_question_when_it_says_what_it_asks_about(header: str, asks: bool) -> None:
    assert is_question(header) is asks


def test_good_pairs_are_confirmed_or_have_the_question_of_their_heading() -> None:
    rows = [
        *ROWS,
        row_of(20, 0, header="Why is the candle lit at night?", instruction="Something else"),
        row_of(22, 0, instruction="A kettle, painted in spring"),
        row_of(20, 1, instruction="What does a spaceship cost?"),
        row_of(20, 2, output="Two sentences. No more."),
        row_of(21, 0, output=text_about("hammer", 21) + " And then it"),
        row_of(21, 1, output=text_about("island", 21) * 9),
        {**ROWS[0], "id": "segment-0-0-1"},
    ]
    good, lost = good_of(rows)
    assert lost == {
        "not_confirmed": 1,
        "few_sentences": 1,
        "no_single_request": 1,
        "ends_in_no_sentence": 1,
        "longer_than_max_tokens": 1,
        "another_of_its_segment": 1,
    }
    assert len({pair.segment for pair in good}) == len(good) == len(ROWS) + 1
    asked = [pair for pair in good if pair.origin == "heading"]
    assert [pair.instruction for pair in asked] == ["Why is the candle lit at night?"]


def test_a_page_gives_no_more_than_a_few_texts() -> None:
    few = replace(LIMITS, per_page=2)
    good, lost = good_of(ROWS, few)
    assert set(Counter(pair.page for pair in good).values()) == {2}
    assert lost == {"enough_of_its_page": 12}
    assert [pair for pair in good_of(ROWS)[0] if pair in good] == good


def test_the_order_of_the_rows_changes_no_group() -> None:
    assert good_of(ROWS)[0] == good_of(ROWS[::-1])[0]


def test_every_kind_is_made_from_a_pair_with_room_for_all_and_none_crosses_the_halves() -> None:
    good, _ = good_of(ROWS)
    asked: dict[str, list[tuple[str, str]]] = {}
    for row in ROWS:
        asked.setdefault(row["page_id"], []).append((row["segment_id"], row["instruction"]))
    source = Source(good, asked, pages_of(ROWS), 0, 0.25)
    by_half = {half: {p.instruction for p in good if p.half == half} for half in "ab"}
    for at, pair in enumerate(good):
        made = {kind: (instruction, text) for kind, instruction, text in bad_pairs(pair, source, len(KINDS), at)}
        assert set(made) == set(KINDS)
        for kind in ("same page", "other page"):
            instruction, text = made[kind]
            assert (text, instruction != pair.instruction) == (pair.text, True)
        assert made["same page"][0] in [asks for segment, asks in asked[pair.page] if segment != pair.segment]
        assert made["other page"][0] in by_half[pair.half]
        changed = [made[kind] for kind in KINDS if "page" not in kind]
        assert all(instruction == pair.instruction and text != pair.text for instruction, text in changed)
        assert len({text for _, text in changed}) == len(changed)


def test_a_kind_without_room_makes_place_for_the_next_one() -> None:
    alone = [row_of(page, 0) for page in range(12)]
    good, _ = good_of(alone)
    source = Source(good, {}, pages_of(alone), 0, 0.25)
    assert [kind for kind, _, _ in bad_pairs(good[0], source, 2, 0)] == ["other page", "cut off"]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stage folders of candidates and segments."""
    folder = tmp_path_factory.mktemp("build")
    write_rows(folder / "augment/data/a.parquet", ROWS, candidate_schema())
    segments = [segment_of(row) for row in ROWS]
    write_rows(folder / "dedup/data/a.parquet", segments, segment_schema())
    return folder


def planted(build: Path, out: Path, model: Path, **more: Any) -> Any:
    config = Planting(**{"max_tokens": 400, "code": "", **more})
    return plant(out, config, build / "augment", build / "dedup", model, runtime=Runtime())


def test_the_stage_writes_candidates_and_what_each_of_them_is(build: Path, tmp_path: Path, untrained: Any) -> None:
    model = untrained("backward")
    stats = planted(build, tmp_path / "one", model, pairs=100)
    stats.check("planted")
    rows = {row["id"]: row for row in read_rows(tmp_path / "one/data")}
    truth = read_truth(tmp_path / "one")
    assert stats.counts["pairs"].kept == len(rows) == len(truth) == 100
    assert list(rows) == [row["id"] for row in truth]
    assert sum(row["good"] for row in truth) == 25
    assert set(Counter(row["kind"] for row in truth)) == {"good", *KINDS}
    assert all(row["half"] == half_of(row["page_id"]) == half_of(rows[row["id"]]["page_id"]) for row in truth)
    texts = {row["segment_id"]: row["output"] for row in ROWS}
    assert all(rows[row["id"]]["output"] == texts[row["segment_id"]] for row in truth if row["good"])
    planted(build, tmp_path / "two", model, pairs=100)
    planted(build, tmp_path / "other", model, pairs=100, seed=1)
    again, other = ((tmp_path / name / "data/pairs.parquet").read_bytes() for name in ("two", "other"))
    assert (tmp_path / "one/data/pairs.parquet").read_bytes() == again != other


def test_a_small_build_makes_more_bad_pairs_of_each_good_one_and_says_where_it_ends(
    build: Path, tmp_path: Path, untrained: Any
) -> None:
    stats = planted(build, tmp_path / "out", untrained("backward"), pairs=1000)
    assert stats.details == {"bad_of_each": len(KINDS)}
    assert stats.counts["pairs"].kept == len(ROWS) * (1 + len(KINDS))
    assert stats.warnings == [f"{len(ROWS) * (1 + len(KINDS))} of 1000 pairs: the build has {len(ROWS)} good ones"]


def test_a_build_without_a_good_pair_is_refused(build: Path, tmp_path: Path, untrained: Any) -> None:
    with pytest.raises(StageError, match="longer_than_max_tokens 36"):
        planted(build, tmp_path / "out", untrained("backward"), max_tokens=3)


def test_a_sampled_build_takes_wrong_instructions_from_what_lies_beside_its_pairs(
    build: Path, tmp_path: Path, untrained: Any
) -> None:
    question = "Who looks at the garden in winter?"
    cut = [segment_of(row) for row in ROWS]
    cut = [row | {"header": question} if row["id"].endswith("0-2") else row for row in cut]
    write_rows(tmp_path / "segments/data/a.parquet", cut, segment_schema())
    write_rows(tmp_path / "augment/data/a.parquet", ROWS[::3], candidate_schema())
    stages = (tmp_path / "augment", tmp_path / "segments")
    stats = choose_siblings(tmp_path / "siblings", Siblings(most=8), *stages, runtime=Runtime())
    stats.check("siblings")
    beside = [row["id"] for row in read_rows(tmp_path / "siblings/data")]
    assert len(beside) == 8
    assert len({row.split("-")[1] for row in beside}) == 8
    assert {row.split("-")[1] for row in beside}.isdisjoint({"0", "10"}), "a heading asks there"
    assert not any(row.endswith("-0") for row in beside), "those are candidates"
    again = choose_siblings(tmp_path / "again", Siblings(most=8, max_chars=9), *stages, runtime=Runtime())
    assert again.counts["segments"].kept == 0
    assert not (tmp_path / "again/data").exists()

    written = [row for row in ROWS if row["segment_id"] in beside]
    write_rows(tmp_path / "written/data/a.parquet", written, candidate_schema())
    config = Planting(max_tokens=400, pairs=200, code="")
    more = (untrained("backward"), tmp_path / "written")
    plant(tmp_path / "out", config, *stages, *more, runtime=Runtime())
    wrong = [row["id"] for row in read_truth(tmp_path / "out") if row["kind"] == "same page"]
    asked = {row["instruction"] for row in read_rows(tmp_path / "out/data") if row["id"] in wrong}
    assert asked == {row["instruction"] for row in written} | {question}


def test_a_part_has_whole_groups_from_the_beginning(build: Path, tmp_path: Path, untrained: Any) -> None:
    planted(build, tmp_path / "all", untrained("backward"), pairs=100)
    stats = take_part(tmp_path / "part", Part(pairs=10), tmp_path / "all", runtime=Runtime())
    stats.check("part")
    truth = read_truth(tmp_path / "all")
    assert read_truth(tmp_path / "part") == truth[:12]
    assert [row["id"] for row in read_rows(tmp_path / "part/data")] == [row["id"] for row in truth[:12]]
