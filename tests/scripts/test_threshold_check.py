from threshold_check import CONCENTRATIONS, VERDICTS, selected


def test_sampled_fives_are_as_many_whatever_the_certainty_and_high_means_ever_fewer():
    found = [selected(concentration, 20_000) for concentration in CONCENTRATIONS]
    assert all(abs(row["fives"] - VERDICTS[4]) < 0.01 for row in found)
    means = [row["means"] for row in found]
    assert means == sorted(means, reverse=True)
    assert means[0] < VERDICTS[4]
    assert means[-1] < 0.01
    assert all(row["needed"] < 4.5 for row in found)


def test_a_judge_that_is_certain_of_every_pair_has_as_many_means_as_fives():
    assert abs(selected(1e-3, 20_000)["means"] - VERDICTS[4]) < 0.01
