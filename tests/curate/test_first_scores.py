import random

import pytest

from builder.data.records import score_schema
from builder.data.storage import write_rows
from builder.method.curate.scoring.first_scores import FIRST, LEAST, degenerate_scores, first_score_rows
from builder.recipe.sections.judges import Expected, Likelihood, Reasoned, Reverse, Verdict

EXPECTED, VERDICT, REASONED = Expected(judge="expected"), Verdict(judge="verdict"), Reasoned(judge="reasoned")
LIKELIHOOD, REVERSE = Likelihood(judge="likelihood"), Reverse(judge="reverse")


def rows(scores, mass=None, reason="no_verdict"):
    return [{"score": score, "reason": None if score else reason, "mass": mass if score else None} for score in scores]


def around(mean, deviation, size=FIRST):
    draw = random.Random(0)
    return [draw.gauss(mean, deviation) for _ in range(size)]


@pytest.mark.parametrize(
    ("judge", "given", "said"),
    [
        (VERDICT, rows([4] * 190 + [1] * 10), "190 of 200 scores are 4. Try judge reasoned"),
        (VERDICT, rows([4] * 60 + [None] * 140), "140 of them have no score (no_verdict 140); 60 of 60 scores are 4."),
        (VERDICT, rows([None] * 200), "200 of them have no score (no_verdict 200). Try"),
        (EXPECTED, rows(around(3, 0.03), 0.9), "the scores are nearly one value (mean 2.999, standard deviation 0.03)"),
        (
            EXPECTED,
            rows(around(3, 0.5), 0.15),
            "the digits 1 to 5 together are only 0.15 likely where the score stands",
        ),
        (REASONED, rows(around(3, 0.5), 0.49), "the digits 1 to 5 together are only 0.49 likely"),
        (LIKELIHOOD, rows(around(-1, 0.002)), "the scores are nearly one value (mean -1, standard deviation 0.00"),
        (REVERSE, rows(around(0.5, 0.005)), "the scores are nearly one value"),
    ],
)
def test_scores_that_tell_pairs_hardly_apart_are_found_and_said(judge, given, said):
    assert said in (degenerate_scores(judge, given) or "")


@pytest.mark.parametrize(
    ("judge", "given"),
    [
        (VERDICT, rows([4] * 180 + [1] * 20)),
        (VERDICT, rows([4, 3] * 50 + [None] * 100)),
        (EXPECTED, rows(around(3, 0.2), 0.9)),
        (REASONED, rows(around(4.5, 0.3), 0.51)),
        (LIKELIHOOD, rows(around(-1, 0.05))),
        (VERDICT, rows([4] * (LEAST - 1))),
        (EXPECTED, []),
    ],
)
def test_scores_that_differ_and_too_few_of_them_are_no_collapse(judge, given):
    assert degenerate_scores(judge, given) is None


@pytest.mark.parametrize("judge", [EXPECTED, VERDICT, REASONED, LIKELIHOOD, REVERSE])
def test_the_advice_names_other_judges_rubrics_and_models_and_never_what_is_there_already(judge):
    advice = (degenerate_scores(judge, rows([3] * 200)) or "").partition("Try ")[2]
    named = {name for name in ("reasoned", "likelihood") if f"judge {name}" in advice}
    assert named == {"reasoned", "likelihood"} - {judge.judge}
    assert ("rubric additive" in advice) == (judge in (EXPECTED, VERDICT, REASONED))
    assert advice.endswith("or a larger base model")
    if hasattr(judge, "rubric"):
        other = judge.model_copy(update={"rubric": "additive"})
        assert "rubric humpback" in (degenerate_scores(other, rows([3] * 200)) or "")


def test_the_first_rows_are_the_same_whatever_the_chunks_and_never_beyond_a_gap(tmp_path):
    draw = random.Random(1)
    reasons = [None, None, None, "no_verdict", "longer_than_context", "engine_timeout"]
    scored = [{"id": str(n), "score": n / 100, "reason": draw.choice(reasons)} for n in range(500)]
    scored = [row | {"score": None if row["reason"] else row["score"]} for row in scored]
    answered = [row for row in scored if row["reason"] in (None, "no_verdict")]
    found = []
    for size in (7, 64, 500):
        for number, at in enumerate(range(0, 500, size)):
            path = tmp_path / str(size) / "data" / f"part-{number:05d}.parquet"
            write_rows(path, scored[at : at + size], score_schema("verdict"))
        found.append(first_score_rows(tmp_path / str(size), VERDICT))
    assert found[0] == found[1] == found[2]
    assert found[0] == [{"score": row["score"], "reason": row["reason"]} for row in answered[:FIRST]]
    (tmp_path / "64" / "data" / "part-00001.parquet").unlink()
    before = [row for row in scored[:64] if row["reason"] in (None, "no_verdict")]
    assert [row["score"] for row in first_score_rows(tmp_path / "64", VERDICT)] == [row["score"] for row in before]
    assert first_score_rows(tmp_path / "none", VERDICT) == []
    write_rows(tmp_path / "one" / "data" / "scores.parquet", scored, score_schema("verdict"))
    assert first_score_rows(tmp_path / "one", VERDICT) == found[0]
