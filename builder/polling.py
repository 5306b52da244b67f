"""Something that is done every now and then, beside a block of work, until the block ends."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def polled(look: Callable[[], None], seconds: float, *, name: str) -> Iterator[None]:
    """Call `look` every `seconds` from a thread, and once more when the block has ended without an error.

    Args:
        look: What to do; its errors are not caught.
        seconds: The time between two calls.
        name: Of the thread.
    """
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(seconds):
            look()

    thread = threading.Thread(target=watch, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    look()
