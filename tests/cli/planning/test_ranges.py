import pytest

from builder.cli.planning.ranges import Range, between, exactly, in_words, size, total


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(4.4, "4 s"), (99, "99 s"), (100, "2 min"), (5_940, "99 min"), (6_000, "1 h 40 min"), (7_200, "2 h"),
     (172_800, "2 d"), (200_000, "2 d 7 h")],
)  # fmt: skip
def test_a_time_is_told_in_the_units_that_fit(seconds: float, words: str) -> None:
    assert in_words(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 B"), (999, "999 B"), (1_000, "1.0 kB"), (14_200_000, "14 MB"), (3.4e15, "3400 TB")]
)
def test_a_size_is_told_in_the_units_that_fit(count: float, words: str) -> None:
    assert size(count) == words


def test_ranges_add_and_multiply_end_by_end() -> None:
    assert Range(1, 2, 3).times(Range(2, 2, 3)).plus(1) == Range(3, 5, 10)
    assert total([Range(1, 2, 3), exactly(1)]) == Range(2, 3, 4)
    assert Range(1, 5, 9).at_most(6) == Range(1, 5, 6)


def test_a_range_is_told_where_there_is_one() -> None:
    assert between(Range(60, 180, 600)) == "3 min (60 s to 10 min)"
    assert between(exactly(5)) == "5 s"
