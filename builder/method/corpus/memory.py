"""Limits of memory: for good in a process of its own, or for a while in this one."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def limit_memory(megabytes: int) -> None:
    """Let this process take so much more memory than it has now (Linux; elsewhere nothing happens)."""
    statistics = Path("/proc/self/statm")
    if statistics.is_file():
        now = int(statistics.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        limits = resource.getrlimit(resource.RLIMIT_AS)
        soft = min(
            now + megabytes * 1_000_000, *(limit for limit in limits if limit != resource.RLIM_INFINITY), 1 << 62
        )
        resource.setrlimit(resource.RLIMIT_AS, (soft, limits[1]))


@contextmanager
def bounded_memory(megabytes: int) -> Iterator[None]:
    """`limit_memory` for as long as a block runs; what asks for more gets a `MemoryError`."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit_memory(megabytes)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
