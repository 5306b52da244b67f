"""Forked workers that end with the process that forked them, however it ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

_forking = {"tied": False}


@contextmanager
def forks_end_with_us() -> Iterator[None]:
    """Let the kernel end what is forked in here when this process ends, however it does.

    datatrove's workers would otherwise go on with their task, in a folder where the next run writes as well.
    """
    _tie_forks()
    _forking["tied"] = True
    try:
        yield
    finally:
        _forking["tied"] = False


@lru_cache(maxsize=1)
def _tie_forks() -> None:
    from builder.child import die_with_parent

    os.register_at_fork(after_in_child=lambda: die_with_parent() if _forking["tied"] else None)
