"""A guard against work that never ends: a test of it asserts no time, and yet must not hang the suite."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def must_end(seconds: float = 20, *, waits: bool = False) -> Iterator[None]:
    """Raise `TimeoutError` in a block that works for ever.

    Args:
        seconds: Processor time of this process, which a busy machine does not take away: far more than the work takes
            in linear time, far less than in quadratic time.
        waits: The block waits for other processes, so its seconds are those of the wall.
    """
    clock, number = (signal.ITIMER_REAL, signal.SIGALRM) if waits else (signal.ITIMER_PROF, signal.SIGPROF)

    def stop(_: int, __: FrameType | None) -> None:
        raise TimeoutError(f"the work has not ended after {seconds:g} s")

    before = signal.signal(number, stop)
    signal.setitimer(clock, seconds)
    try:
        yield
    finally:
        signal.setitimer(clock, 0)
        signal.signal(number, before)
