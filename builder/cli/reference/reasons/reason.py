"""What is said of a reason for which a row does not go on."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

Kind = str
"""A stage that rejects rows, without its number; `model` is `model-backward` too."""


@dataclass(frozen=True)
class Reason:
    """A reason, as it stands in `rejected/`, in counts, or beside a pair without a score.

    Attributes:
        stage: The kind of stage that gives it.
        rows: What is rejected: records, pages, segments, pairs or rows.
        name: The reason; `<...>` stands for any text.
        rule: When it is given.
        keys: The keys of the recipe that decide on it; none for what cannot be switched off.
        example: Something that has it.
    """

    stage: Kind
    rows: str
    name: str
    rule: str
    keys: tuple[str, ...]
    example: str

    def is_that_of(self, given: str) -> bool:
        """Whether a row's reason is this one."""
        head, open_, rest = self.name.partition("<")
        return given == self.name if not open_ else given.startswith(head) and given.endswith(rest.partition(">")[2])


def listed(stage: Kind, rows: str, table: Iterable[tuple[str, str, str, str]]) -> list[Reason]:
    """Reasons of one stage from rows of name, keys, rule and example.

    Keys are parted by blanks; one that begins with a dot is of the section that is named after the stage.
    """
    return [
        Reason(stage, rows, name, rule, tuple(re.sub(r"^\.", f"{stage}.", key) for key in keys.split()), example)
        for name, keys, rule, example in table
    ]
