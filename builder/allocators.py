"""Whence a training on a CPU takes its memory."""

import ctypes
import os

ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"
"""Variable that names the allocator of Arrow. The system's gives the memory of rows back to whoever needs it next."""
# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_ON_HEAP = 32 << 20
"""Bytes; what glibc comes to by itself once blocks of this size have been freed."""
_KEPT = 1 << 30
"""Bytes of freed memory that stay with the process."""


def prepare_allocators() -> None:
    """Let a training use again what it has freed.

    A step on a CPU frees at its end what the next one needs at once. glibc gives it back to the system in between, and
    each page has to be asked for and zeroed again. What the environment says about malloc (mallopt(3)) or Arrow stands.
    """
    os.environ.setdefault(ARROW_POOL, "system")
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_ON_HEAP)
    mallopt(_M_TRIM_THRESHOLD, _KEPT)
