import tracemalloc

import pytest

from builder.method.curate.scoring.score_details import ScoreDetails, columns, quantiles
from builder.recipe.sections.judges import Expected, Likelihood, Reasoned, Verdict


def row(score=None, reason=None, **values):
    return {"score": score, "reason": reason, **values}


def test_pairs_without_a_score_are_counted_and_warned_of():
    rows = [row(1.0), row(reason="not_finite"), row(reason="not_finite"), row(reason="longer_than_context")]
    found = ScoreDetails(Likelihood(judge="likelihood"), rows)
    found.counts.check("example")
    assert found.figures() == {"scores": quantiles([1.0])}
    assert found.warnings() == [
        "3 of 4 pairs (75%) have no score and cannot be selected: not_finite 2, longer_than_context 1"
    ]
    assert ScoreDetails(Likelihood(judge="likelihood"), rows[:1]).warnings() == []


def test_quantiles_are_values_that_occur():
    assert quantiles([]) == {}
    assert quantiles([3.0]) == {f"{10 * n}%": 3.0 for n in range(11)}
    assert quantiles([float(n) for n in range(11)])["30%"] == 3.0


def test_verdicts_that_cannot_be_read_are_counted_and_warned_of():
    rows = [row(5.0, verdicts=[5, None]), row(3.0, verdicts=[None, 3]), row(reason="engine_error", verdicts=None)]
    found = ScoreDetails(Verdict(judge="verdict", samples=2), rows)
    figures = found.figures()
    assert figures["verdicts"] == {"1": 0, "2": 0, "3": 1, "4": 0, "5": 1}
    assert (figures["replies"], figures["without_verdict"]) == (4, 2)
    assert found.warnings()[1:] == ['2 of 4 replies hold no "Score: n" from 1 to 5; judge reasoned needs none']
    assert ScoreDetails(Verdict(judge="verdict"), [row(4.0, verdicts=[4])]).warnings() == []


def test_verdicts_that_were_cut_are_told_from_those_without_a_rating():
    rows = [row(4.5, verdicts=[4.5, None], unfinished=1), row(reason="unfinished", verdicts=[None, None], unfinished=2)]
    found = ScoreDetails(Verdict(judge="verdict", samples=2, max_tokens=64), rows)
    figures = found.figures()
    assert figures["verdicts"] == {"1": 0, "2": 0, "3": 0, "4": 0, "4.5": 1, "5": 0}
    assert (figures["replies"], figures["without_verdict"], figures["unfinished"]) == (4, 3, 3)
    assert found.warnings()[1:] == ["3 of 4 replies filled max_tokens (64) before they came to a score; raise it"]


def rated(score, mass, spread, **values):
    return row(score, mass=mass, spread=spread, **{"fallback": False, "verdicts": None, **values})


def test_reasonings_that_do_not_end_are_counted_and_warned_of():
    judge = Reasoned(judge="reasoned", max_tokens=64, samples=2)
    rows = [rated(3.0, 0.5, 1.0, unfinished=2), rated(4.0, 0.7, 0.0, unfinished=0)]
    rows.append(
        row(reason="longer_than_context", mass=None, spread=None, fallback=None, verdicts=None, unfinished=None)
    )
    found = ScoreDetails(judge, rows)
    figures = found.figures()
    assert (figures["mean_mass"], figures["mean_spread"]) == (pytest.approx(0.6), 0.5)
    assert (figures["replies"], figures["unfinished"], figures["unfinished_share"]) == (4, 2, 0.5)
    assert figures["fallback"] == 0
    assert "verdicts" not in figures
    assert "2 of 4 replies filled max_tokens (64) before they came to a score; raise it" in found.warnings()


def test_pairs_that_fell_back_are_counted_beside_the_others():
    spoken = {"mass": None, "spread": None, "fallback": True}
    rows = [rated(3.0, 0.5, 1.0), row(4.0, verdicts=[4], **spoken), row(reason="no_verdict", verdicts=[None], **spoken)]
    found = ScoreDetails(Expected(judge="expected", fallback="verdict"), rows)
    figures = found.figures()
    assert (figures["fallback"], figures["replies"], figures["without_verdict"]) == (2, 2, 1)
    assert figures["mean_mass"] == 0.5
    assert any(
        line.startswith("2 pairs were scored by verdict, since the engine gave no log-probabilities")
        for line in found.warnings()
    )
    assert any(line == '1 of 2 replies hold no "Score: n" from 1 to 5' for line in found.warnings())
    assert not any("verdict in whole" in line for line in ScoreDetails(Expected(judge="expected"), rows[1:]).warnings())


def test_a_stage_ends_without_its_rows_in_memory():
    judge = Reasoned(judge="reasoned")
    assert not {"replies", "reasonings", "id"} & set(columns(judge))
    rows = (rated(1 + n % 4, 0.9, 0.5, unfinished=0) for n in range(20_000))
    tracemalloc.start()
    found = ScoreDetails(judge, rows)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found.counts.kept == 20_000
    assert peak < 20 * 20_000  # 500,000 rows: 10 MB
