"""What is done to rows."""

from typing import Protocol

from builder.data.accounting import Rejects
from builder.data.records import Row
from builder.llm.engines.engine import Tick


class Work(Protocol):
    """What is done to rows; it is sent to the process of its engine, and loads its model there when first asked."""

    def answer(self, rows: list[Row], rejects: Rejects, tick: Tick) -> list[Row]:
        """Put rows through the model; return those that go on, and call `tick` as they pass."""

    def give_up(self, row: Row, reason: str, rejects: Rejects) -> list[Row]:
        """What is written of a row that the engine cannot do."""
