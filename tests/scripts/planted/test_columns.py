"""What becomes of score rows: weights, ranks, controls, and a weight that is never chosen where it is measured."""

from planted.columns import COMBINED, WEIGHTS, by_other_half, columns, weighted_likelihood
from planted.judging import CROSSED, M_0, M_1, M_YX
from planted.kinds import KINDS
from planted.measures import measure

TRUTH = [
    {"id": f"{at}", "page_id": f"page {at // 4}", "half": "ab"[at // 4 % 2], "good": at % 4 == 0, "tokens": 10 + at,
     "kind": "good" if at % 4 == 0 else list(KINDS)[at % 3]}
    for at in range(24)
]  # fmt: skip


def likelihood_row(at: int, prior: float) -> dict[str, object]:
    end = -1.0 if TRUTH[at]["good"] else -9.0
    parts = {"logp_answer": -30.0, "logp_end": end, "logp_prior": prior, "tokens": 10}
    return {"id": f"{at}", "score": (-30 + end - prior) / 10, **parts}


def scored(models: tuple[str, ...] = (M_0, M_1)) -> dict[tuple[str, str], list[dict[str, object]]]:
    rated = [{"id": f"{at}", "score": float(at % 5)} for at in range(12)]
    found = {("reverse", M_YX): [{"id": f"{at}", "score": -float(at)} for at in range(24)]}
    for by in models:
        found["likelihood", by] = [likelihood_row(at, -40.0 - at % 3) for at in range(24)]
        found |= {(judge, by): rated for judge in ("expected", "additive", "verdict", "reasoned")}
    return found


def test_the_score_with_weight_one_is_the_judges_own() -> None:
    rows = [likelihood_row(at, -40.0 - at) for at in range(24)] + [{"id": "lost", "score": None}]
    assert weighted_likelihood(rows, 1.0) == {row["id"]: row["score"] for row in rows}
    assert weighted_likelihood(rows, 0.0)["4"] == -3.1


def test_a_weight_is_chosen_on_the_other_half_of_the_pages() -> None:
    right = {row["id"]: float(row["good"]) for row in TRUTH}
    wrong = {key: -value for key, value in right.items()}
    half = {row["id"]: row["half"] for row in TRUTH}
    for_a = {key: (right if half[key] == "a" else wrong)[key] for key in right}
    for_b = {key: (right if half[key] == "b" else wrong)[key] for key in right}
    scores, weights = by_other_half(TRUTH, {0.0: for_a, 1.0: for_b})
    assert weights == {"a": 1.0, "b": 0.0}
    good = [scores[row["id"]] for row in TRUTH if row["good"]]
    assert max(good) < min(scores[row["id"]] for row in TRUTH if not row["good"])
    assert all(0 < value < 1 for value in scores.values() if value is not None)


def test_every_judge_has_a_column_for_everyone_who_scores() -> None:
    found = list(columns(TRUTH, scored(), seed=0))
    assert [column.judge for column in found[:4]] == ["random", "longest", "shortest", "reverse"]
    each = len(WEIGHTS) + 1 + 4 + len(COMBINED)
    assert [column.by for column in found[4:]] == [M_0] * each + [M_1] * each
    assert len({(column.judge, column.by) for column in found}) == len(found)
    ranks = next(column for column in found if column.judge == "ranks of likelihood + reverse + expected")
    assert len(ranks.scores) == 12
    assert all(value is not None and 0 <= value <= 1 for value in ranks.scores.values())


def test_judges_that_write_have_no_column_where_they_were_not_asked() -> None:
    given = scored((M_0, M_1, CROSSED))
    for judge in ("verdict", "reasoned"):
        del given[judge, CROSSED]
    crossed = {column.judge for column in columns(TRUTH, given, seed=0) if column.by == CROSSED}
    assert {"likelihood, w 1", "expected", "additive"} <= crossed
    assert crossed.isdisjoint({"verdict", "reasoned"})


def test_measures_say_how_many_are_scored_and_compare_the_same_pairs() -> None:
    found = {(row.judge, row.by): row for row in measure(TRUTH, list(columns(TRUTH, scored(), seed=0)), 0.25)}
    best = found["likelihood, w 1", M_1]
    assert (best.pairs, best.scored) == (24, 24)
    assert best.area is not None
    assert best.area.value > 0.9
    assert best.more_than_m_0 == (0, 0, 0)
    rated = found["expected", M_0]
    assert (rated.pairs, rated.scored, rated.more_than_m_0) == (12, 12, None)
    assert found["longest", ""].more_than_longest is None
    assert found["shortest", ""].more_than_longest is not None
    assert set(best.kinds) == set(KINDS)
    assert best.kinds["register"] is None


def test_a_pair_without_a_score_is_below_all_others_and_a_judge_without_any_has_no_figure() -> None:
    given = scored()
    given["expected", M_0] = [{"id": f"{at}", "score": 1.0 if TRUTH[at]["good"] else None} for at in range(24)]
    given["additive", M_0] = [{"id": f"{at}", "score": None} for at in range(24)]
    found = {(row.judge, row.by): row for row in measure(TRUTH, list(columns(TRUTH, given, seed=0)), 0.25)}
    rated, silent = found["expected", M_0], found["additive", M_0]
    assert (rated.scored, rated.area and rated.area.value) == (6, 1)
    assert (silent.scored, silent.area, silent.precision, silent.more_than_longest) == (0, None, None, None)
