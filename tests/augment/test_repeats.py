"""Instructions that go in circles, or stop inside a block."""

import pytest

from builder.method.augment.gate.repeats import leaves_open, repeats_itself
from builder.text.words import fold, words


@pytest.mark.parametrize(
    ("text", "again"),
    [
        ("a b c d\na b c d", True),
        ("a b c\na b c", False),
        ("very very very good", False),
        ("no " * 6, True),
        ("no " * 5, False),
        ("a b " * 4, True),
        ("a b " * 3, False),
        ("1 " * 30, False),
        ("哈" * 40, True),
    ],
)
def test_circles_are_told_from_emphasis_and_numbers(text: str, again: bool) -> None:
    assert repeats_itself(fold(text), words(text)) is again


@pytest.mark.parametrize(
    ("text", "left"), [("a ``` b", False), ("```\na", True), ("  ```py\na\n  ```", False), ("", False)]
)
def test_a_block_is_open_until_its_second_fence(text: str, left: bool) -> None:
    assert leaves_open(text) is left
