import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.records import candidate_schema, score_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.method.curate.curate import select
from builder.method.curate.selection import choose, rows_in_share
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.runtime import Runtime

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
    scored = sum(value is not None for value in given_scores.values())
    assert len(chosen) == (max(1, rows_in_share(share, scored)) if scored else 0)


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


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_a_rejection_of_its_own(tmp_path, value):
    stats = run(tmp_path, {"a": value, "b": 2.0, "c": None, "d": 5.0, "e": 4.0}, share=0.5, test_share=0)
    assert [row["id"] for row in read_rows(tmp_path / "out" / "data")] == ["d", "e"]
    assert stats.counts["pairs"].dropped == {"not_finite": 1, "no_score": 1, "not_selected": 1}
    rejected = {row["id"]: row["reason"] for row in read_rows(tmp_path / "out" / "rejected")}
    assert rejected["a"] == "not_finite"
    assert stats.details["lowest_score"] == 4.0


def test_an_empty_selection_names_the_rule_and_the_scores(tmp_path):
    with pytest.raises(
        StageError, match=r"selects nothing with threshold: 5\.0; .* judge verdict are\n +2\.000 +1 #+\n"
    ):
        run(tmp_path, {"a": 2.0, "b": 3.0}, threshold=5)
    with pytest.raises(StageError, match="no scores; 1 row without one"):
        run(tmp_path, {"a": None}, threshold=5)


def test_a_pair_that_was_never_scored_is_an_error(tmp_path):
    inputs = stage(tmp_path, {"a": 5.0, "b": 5.0})
    write_rows(inputs[1] / "data" / "a.parquet", [{"id": "a", "score": 5.0}], score_schema("verdict"))
    with pytest.raises(StageError, match="pair b was never scored"):
        select(tmp_path / "out", Curate(judge="verdict", threshold=4), *inputs, runtime=Runtime())


WORDS = ["How do I store figs?", "how do i store figs", "What is tea?", "Why is the sky blue?", "Why is the sky blue"]
pairs = st.dictionaries(
    st.text("abc", min_size=1, max_size=4),
    st.tuples(
        st.none() | st.sampled_from([1.0, 2.0, 3.0]), st.floats(-9, 0), st.sampled_from(WORDS), st.integers(0, 3)
    ),
    min_size=1,
    max_size=20,
)
selections = st.fixed_dictionaries(
    {"judge": st.sampled_from(["verdict", "random", "longest", ["verdict", "likelihood"], ["longest", "verdict"]])},
    optional={
        "per_domain": st.integers(1, 3),
        "near_duplicates": st.sampled_from([True, 0.6]),
        "leave_out_top": st.sampled_from([0.1, 0.4]),
    },
)


def write_pairs(folder, rows):
    """Candidates and the scores of two judges, from verdict, likelihood, instruction and number of a site."""
    candidates = [
        {"id": key, "segment_id": key, "page_id": f"page {key}",
         "url": f"https://www.site{site}.co.uk/{key}" if site else "", "header": "h",
         "instruction": asked, "output": "text" * site, "logprob": -1.0, "tokens": 3}
        for key, (_, _, asked, site) in rows.items()
    ]  # fmt: skip
    write_rows(folder / "augment" / "data" / "a.parquet", candidates[::2], candidate_schema())
    write_rows(folder / "augment" / "data" / "b.parquet", candidates[1::2], candidate_schema())
    for at, judge in enumerate(("verdict", "likelihood")):
        judged = [{"id": key, "score": row[at]} for key, row in rows.items()]
        write_rows(folder / judge / "data" / "a.parquet", judged, score_schema(judge))


@given(pairs, selections, st.sampled_from([{"top": 3}, {"share": 0.5}]), st.randoms(use_true_random=False))
def test_rows_and_reasons_add_up_with_all_limits_in_whatever_order_the_pairs_come(folder, rows, values, rule, random):
    config = Curate(**values, **rule, test_share=0)
    outcomes = []
    for _ in range(2):
        place = folder()
        write_pairs(place, rows)
        rows = dict(random.sample(list(rows.items()), len(rows)))
        scores = [place / judge for judge in config.scored]
        try:
            stats = select(place / "out", config, place / "augment", *scores, runtime=Runtime())
        except StageError:  # nothing has a score
            outcomes.append(None)
            continue
        stats.check("curate")
        kept, rejected = list(read_rows(place / "out" / "data")), list(read_rows(place / "out" / "rejected"))
        counts = stats.counts["pairs"]
        assert (counts.kept, counts.dropped) == (len(kept), Counter(row["reason"] for row in rejected))
        assert sorted(row["id"] for row in [*kept, *rejected]) == sorted(rows)
        assert [row["id"] for row in kept] == sorted(row["id"] for row in kept)
        instructions = {row["id"]: row["instruction"] for row in kept}
        for row in rejected:
            if row["reason"] == "near_duplicate_instruction":
                assert row["text"] == rows[row["id"]][2]
                assert row["twin_text"] == instructions[row["twin"]]
            else:
                assert row["twin"] is None
        sites = Counter(row["url"].split("/")[2] for row in kept if row["url"])
        assert not config.per_domain or all(count <= config.per_domain for count in sites.values())
        outcomes.append((kept, sorted(rejected, key=lambda row: row["id"])))
    assert outcomes[0] == outcomes[1]


def test_every_kind_of_loss_has_its_own_reason(tmp_path):
    rows = {
        "a": (3.0, -1.0, "What is tea?", 1),
        "b": (2.9, -1.0, WORDS[0], 2),
        "c": (2.8, -1.0, WORDS[1], 3),
        "d": (2.7, -1.0, "Who sails?", 2),
        "e": (2.6, -1.0, "Why is the sky blue?", 3),
        "f": (2.5, -1.0, "Where is it?", 3),
        "g": (None, -1.0, "When?", 3),
    }
    write_pairs(tmp_path, rows)
    config = Curate(judge="verdict", top=2, leave_out_top=1 / 6, per_domain=1, near_duplicates=True, test_share=0)
    stats = select(tmp_path / "out", config, tmp_path / "augment", tmp_path / "verdict", runtime=Runtime())
    assert [row["id"] for row in read_rows(tmp_path / "out" / "data")] == ["b", "e"]
    rejected = {row["id"]: row for row in read_rows(tmp_path / "out" / "rejected")}
    assert {key: row["reason"] for key, row in rejected.items()} == {
        "a": "too_high", "c": "near_duplicate_instruction", "d": "domain_cap", "f": "not_selected", "g": "no_score"
    }  # fmt: skip
    assert (rejected["c"]["twin"], rejected["c"]["twin_text"], rejected["c"]["text"]) == ("b", WORDS[0], WORDS[1])
    assert stats.warnings == []


def test_combined_ranks_become_the_score_whatever_the_order_of_the_judges(tmp_path):
    rows = {"a": (3.0, -9.0, "?", 1), "b": (2.0, -1.0, "?", 1), "c": (1.0, -2.0, "?", 1), "d": (None, 0.0, "?", 1)}
    write_pairs(tmp_path, rows)
    found = []
    for names in (["verdict", "likelihood"], ["likelihood", "verdict"]):
        config = Curate(judge=names, top=2, test_share=0)
        scores = [tmp_path / name for name in names]
        stats = select(tmp_path / "out", config, tmp_path / "augment", *scores, runtime=Runtime())
        assert stats.counts["pairs"].dropped == {"no_score": 1, "not_selected": 1}
        found.append([(row["id"], row["score"]) for row in read_rows(tmp_path / "out" / "data")])
    assert found[0] == found[1] == [("a", 0.5), ("b", 0.75)]


def test_a_selection_that_falls_short_says_so(tmp_path):
    write_pairs(tmp_path, {key: (3.0, -1.0, f"What is {key}?", 1) for key in "abcdef"})
    config = Curate(judge="longest", top=4, per_domain=2, test_share=0)
    stats = select(tmp_path / "out", config, tmp_path / "augment", runtime=Runtime())
    assert stats.warnings == ["top: 4 asks for 4 pairs, but only 2 are left to be selected"]


def test_rows_are_sorted_by_id_across_the_files_they_come_from(tmp_path):
    names = [f"{number:05d}" for number in range(25_000)]
    for part in range(3):
        rows = [{"id": key, "page_id": key, "instruction": "?", "output": key} for key in names[part::3]]
        write_rows(tmp_path / "augment" / "data" / f"{part}.parquet", rows, candidate_schema())
    select(tmp_path / "out", Curate(judge="longest", share=1, test_share=0), tmp_path / "augment", runtime=Runtime())
    rows = list(read_rows(tmp_path / "out" / "data", ["id", "output", "score"]))
    assert [row["id"] for row in rows] == [row["output"] for row in rows] == names
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"data", "rejected"}
