import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.curate import choose, select, withheld_pages
from builder.errors import StageError
from builder.recipe import Runtime
from builder.recipe.curate import Curate
from builder.records import candidate_schema, score_schema
from builder.storage import read_rows, write_rows

scores = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.none() | st.floats(1, 5), max_size=30)


@given(scores, st.floats(1, 5))
def test_a_threshold_selects_exactly_the_scores_at_or_above_it(given_scores, threshold):
    chosen = choose(given_scores, Curate(judge="expected", threshold=threshold))
    assert chosen == {key for key, value in given_scores.items() if value is not None and value >= threshold}


@given(scores, st.integers(1, 40))
def test_top_selects_the_best_and_breaks_ties_by_id(given_scores, top):
    chosen = choose(given_scores, Curate(judge="expected", top=top))
    scored = {key: value for key, value in given_scores.items() if value is not None}
    assert len(chosen) == min(top, len(scored))
    for left in scored.keys() - chosen:
        assert all((-scored[best], best) < (-scored[left], left) for best in chosen)


@given(scores, st.floats(0.01, 1), st.randoms())
def test_a_share_counts_the_scored_pairs_and_does_not_depend_on_their_order(given_scores, share, random):
    config = Curate(judge="expected", share=share)
    shuffled = list(given_scores.items())
    random.shuffle(shuffled)
    chosen = choose(given_scores, config)
    assert chosen == choose(dict(shuffled), config)
    assert len(chosen) == round(share * sum(value is not None for value in given_scores.values()))


@given(st.lists(st.integers(0, 20).map(str), max_size=60), st.integers(0, 30))
def test_withheld_pages_fit_the_limit_and_do_not_depend_on_order(page_ids, rows):
    config = Curate(judge="expected", share=0.5, test_share=0.5, test_rows=rows)
    pages = withheld_pages(page_ids, config)
    assert sum(page in pages for page in page_ids) <= rows
    assert pages == withheld_pages(page_ids[::-1], config)


def test_about_the_given_share_of_pages_is_withheld():
    page_ids = [f"page {page}" for page in range(20_000)]
    config = Curate(judge="expected", share=0.5, test_share=0.01)
    assert 150 <= len(withheld_pages(page_ids, config)) <= 250


def stage(folder, values):
    rows = [
        {"id": key, "segment_id": key, "page_id": f"page {key}", "url": "u", "header": "h", "instruction": f"ask {key}",
         "output": f"text {key}", "logprob": -1.0, "tokens": 3}
        for key in values
    ]  # fmt: skip
    write_rows(folder / "augment" / "data" / "a.parquet", rows, candidate_schema())
    scored = [{"id": key, "score": value, "reason": None if value else "no_verdict"} for key, value in values.items()]
    write_rows(folder / "score" / "data" / "a.parquet", scored, score_schema("verdict"))
    return folder / "augment", folder / "score"


def run(folder, values, **config):
    inputs = stage(folder, values)
    return select(folder / "out", Curate(judge="verdict", **config), *inputs, runtime=Runtime())


def test_selected_pairs_carry_their_score_and_the_others_a_reason(tmp_path):
    stats = run(tmp_path, {"b": 5.0, "a": 4.0, "c": None, "d": 2.0}, threshold=4, test_share=0)
    stats.check("curate")
    kept = list(read_rows(tmp_path / "out" / "data"))
    assert [(row["id"], row["score"], row["split"]) for row in kept] == [("a", 4.0, "train"), ("b", 5.0, "train")]
    rejected = {row["id"]: row["reason"] for row in read_rows(tmp_path / "out" / "rejected")}
    assert rejected == {"c": "no_score", "d": "not_selected"}
    assert stats.details["lowest_score"] == 4.0


def test_selected_pairs_of_withheld_pages_are_marked_test(tmp_path):
    run(tmp_path, dict.fromkeys("abcdef", 5.0), threshold=4, test_share=0.999, test_rows=2)
    assert sorted(row["split"] for row in read_rows(tmp_path / "out" / "data")) == ["test"] * 2 + ["train"] * 4


def test_an_empty_selection_names_the_rule_and_the_scores(tmp_path):
    with pytest.raises(
        StageError, match=r"selects nothing with threshold: 5\.0; .* judge verdict are\n +2\.000 +1 #+\n"
    ):
        run(tmp_path, {"a": 2.0, "b": 3.0}, threshold=5)
    with pytest.raises(StageError, match="no scores; 1 rows without one"):
        run(tmp_path, {"a": None}, threshold=5)


def test_a_pair_that_was_never_scored_is_an_error(tmp_path):
    inputs = stage(tmp_path, {"a": 5.0, "b": 5.0})
    write_rows(inputs[1] / "data" / "a.parquet", [{"id": "a", "score": 5.0}], score_schema("verdict"))
    with pytest.raises(StageError, match="pair b was never scored"):
        select(tmp_path / "out", Curate(judge="verdict", threshold=4), *inputs, runtime=Runtime())
