import pytest

from builder.text.counted import counted


@pytest.mark.parametrize(
    ("number", "things", "said"),
    [
        (1, "pairs", "1 pair"), (0, "pairs", "0 pairs"), (1_204, "pairs", "1,204 pairs"), (1, "entries", "1 entry"),
        (1, "pages of a site", "1 page of a site"),
    ],
)  # fmt: skip
def test_one_thing_stands_in_the_singular(number: int, things: str, said: str) -> None:
    assert counted(number, things) == said
