"""Pages are withheld by A_1, in all iterations alike, and no selection has more than `test_rows` pairs of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builder.data.records import candidate_schema, score_schema
from builder.data.storage import read_rows, write_rows
from builder.method.curate.curate import select
from builder.method.curate.withheld import page_place, withheld_from, withheld_pages
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.runtime import Runtime

pages = st.lists(st.integers(0, 20).map(str), max_size=60)


def curate(**values):
    return Curate.model_validate({"judge": "likelihood", "share": 0.5, **values})


@given(pages, st.integers(0, 30), st.sampled_from([0.0, 0.3, 0.5, 0.99]))
def test_the_pairs_of_withheld_pages_fit_the_limit_and_do_not_depend_on_order(first, rows, share):
    config = curate(test_share=share, test_rows=rows)
    withheld = withheld_pages(first, first, config)
    assert sum(page in withheld for page in first) <= rows
    assert withheld == withheld_pages(first[::-1], first[::-1], config)
    assert all(page_place(page) >= 1 - share for page in withheld)


@given(pages, pages, st.integers(0, 30))
def test_pages_that_a_1_does_not_fill_up_are_withheld_too(first, others, rows):
    config = curate(test_share=0.5, test_rows=rows)
    withheld = withheld_pages([*first, *others], first, config)
    last = {page for page in {*first, *others} if page_place(page) >= 0.5}
    assert withheld <= last
    if rows and sum(page in last for page in first) <= rows:
        assert withheld == last
    else:  # the next page in the order would have been too many
        left = [page for page in first if page in last - withheld]
        nearest = max(map(page_place, left), default=None)
        taken = sum(page in withheld for page in first)
        assert not rows or taken + sum(page_place(page) == nearest for page in first) > rows


def test_about_the_given_share_of_pages_is_withheld():
    every = [f"page {page}" for page in range(20_000)]
    assert 150 <= len(withheld_pages(every, every, curate(test_share=0.01))) <= 250


def test_the_limit_counts_selected_pairs_and_not_candidates():
    every = [f"page {page}" for page in range(20_000)]
    first = every[::10]
    few = curate(test_share=0.5, test_rows=100)
    withheld = withheld_pages(every, first, few)
    assert sum(page in withheld for page in first) == 100
    assert len(withheld) > 800


def test_nothing_is_withheld_with_no_share_and_with_no_rows():
    assert withheld_from(["a", "b"], curate(test_share=0)) == 1
    assert withheld_from(["a", "b"], curate(test_share=0.99, test_rows=0)) == 1


def write(folder, scores):
    """Candidates, two a page, and their scores in two iterations."""
    rows = [
        {"id": f"{at:02d}", "segment_id": f"{at:02d}", "page_id": f"page {at // 2}", "url": "u", "header": "h",
         "instruction": f"ask {at}", "output": "text", "logprob": -1.0, "tokens": 3}
        for at in range(len(scores))
    ]  # fmt: skip
    write_rows(folder / "augment" / "data" / "a.parquet", rows, candidate_schema())
    for t in (1, 2):
        judged = [{"id": row["id"], "score": pair[t - 1]} for row, pair in zip(rows, scores, strict=True)]
        write_rows(folder / f"score-{t}" / "data" / "a.parquet", judged, score_schema("likelihood"))


rules = st.sampled_from([{"share": 0.5}, {"top": 7, "share": None}, {"threshold": 2, "share": None}])


@settings(max_examples=20)  # each runs two stages
@given(
    st.lists(st.tuples(st.floats(1, 5), st.floats(1, 5)), min_size=8, max_size=40), rules, st.integers(0, 12),
    st.sampled_from([0.2, 0.6, 0.99]),
)  # fmt: skip
def test_all_iterations_withhold_the_same_pages_and_no_more_rows_than_asked_for(folder, scores, rule, rows, share):
    scores[0] = (5.0, 5.0)  # so that no threshold selects nothing
    place = folder()
    write(place, scores)
    config = curate(test_share=share, test_rows=rows, **rule)
    first, second = place / "curate-1", place / "curate-2"
    select(first, config, place / "augment", place / "score-1", runtime=Runtime())
    stats = select(second, config, place / "augment", place / "score-2", first, runtime=Runtime())
    stats.check("curate")
    selected = [list(read_rows(stage / "data")) for stage in (first, second)]
    every = [f"page {at // 2}" for at in range(len(scores))]
    withheld = withheld_pages(every, [row["page_id"] for row in selected[0]], config)
    for some in selected:
        assert all((row["split"] == "test") == (row["page_id"] in withheld) for row in some)
        assert sum(row["split"] == "test" for row in some) <= rows
    assert stats.details["test_rows"] == sum(row["split"] == "test" for row in selected[1])
    tests = [row["score"] for row in selected[1] if row["split"] == "test"]
    surplus = [row["id"] for row in read_rows(second / "rejected") if row["reason"] == "withheld"]
    if surplus:  # only the best are tested on
        assert len(tests) == rows
        assert max(scores[int(key)][1] for key in surplus) <= min(tests)
    assert all(every[int(key)] in withheld for key in surplus)


def test_a_pair_above_the_limit_makes_room_for_the_next_one(tmp_path):
    by_place = sorted(range(10), key=lambda page: page_place(f"page {page}"))
    last = by_place[-1]
    scores = [(1.0 + (at // 2 == last and at % 2 == 0), 5.0 if at // 2 == last else 4.0) for at in range(20)]
    write(tmp_path, scores)
    config = curate(top=3, share=None, test_share=0.99, test_rows=1)
    first, second = tmp_path / "curate-1", tmp_path / "curate-2"
    select(first, config.model_copy(update={"top": 1}), tmp_path / "augment", tmp_path / "score-1", runtime=Runtime())
    stats = select(second, config, tmp_path / "augment", tmp_path / "score-2", first, runtime=Runtime())
    assert [row["split"] for row in read_rows(first / "data")] == ["test"]
    kept = list(read_rows(second / "data"))
    assert sorted(row["split"] for row in kept).count("test") == 1
    assert len(kept) == 3
    assert stats.counts["pairs"].dropped["withheld"] >= 1
    assert stats.warnings == []


@pytest.mark.parametrize("page", ["", "page 1", "\u00e9"])
def test_a_page_has_a_place_before_the_end(page):
    assert 0 <= page_place(page) < 1
