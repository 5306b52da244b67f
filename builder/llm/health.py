"""Whether a server still gets anything done, and how time passes while it is waited for."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from builder.errors import StageError
from builder.llm.troubles import Trouble

IN_A_ROW = 20
"""So many tries may fail, however long it takes, before a server counts as out of order."""


class Pace(NamedTuple):
    """Time and chance, neither of which changes a result."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


@dataclass
class Health:
    """How a server does during one call.

    Attributes:
        since: When it last answered; before that, when the call began.
        answered: Requests that it has answered.
        failed: Tries that have failed since.
    """

    since: float
    answered: int = 0
    failed: int = 0

    def works(self, now: float) -> None:
        """Note an answer."""
        self.since, self.failed, self.answered = now, 0, self.answered + 1

    def fails(self, now: float, seconds: float, address: str, trouble: Trouble) -> None:
        """Note a try that failed.

        Args:
            now: The time.
            seconds: How long one request may take.
            address: Of the server.
            trouble: What the try came to.

        Raises:
            StageError: If many have failed and nothing has succeeded for longer than two requests may take.
        """
        self.failed += 1
        silent = now - self.since
        if self.failed >= IN_A_ROW and silent > 2 * seconds:
            raise StageError(
                f"{address}: nothing has succeeded for {silent:,.0f} seconds and {self.failed:,} requests, the last "
                f"with {trouble}; look at the server's log, lower runtime.concurrency or raise "
                "runtime.request_seconds, and run the same command again; what is done stays"
            )
