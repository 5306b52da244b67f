"""A folder behind a URL is listed once, whatever its list says of the files."""

from collections import Counter
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from builder.data.remote.listing import list_remote


@pytest.mark.parametrize("bare", [False, True])
def test_each_file_is_asked_for_only_where_the_list_says_too_little(
    monkeypatch: pytest.MonkeyPatch, bare: bool
) -> None:
    calls, find, info = Counter[str](), MemoryFileSystem.find, MemoryFileSystem.info

    def counted_find(self: Any, path: str, **keys: Any) -> Any:
        calls["find"] += 1
        found = find(self, path, **keys)
        return {name: {"name": name, "size": None} for name in found} if bare else found

    def counted_info(self: Any, path: str, **keys: Any) -> Any:
        calls[path] += 1
        return info(self, path, **keys)

    for number in range(300):
        MemoryFileSystem().pipe(f"/listed-once/{number:03}.warc", b"x" * number)
    monkeypatch.setattr(MemoryFileSystem, "find", counted_find)
    monkeypatch.setattr(MemoryFileSystem, "info", counted_info)
    files = list_remote("memory://listed-once")
    assert [(file.name, file.size) for file in files] == [(f"{number:03}.warc", number) for number in range(300)]
    assert all(file.state for file in files)
    assert calls["find"] == 1
    assert calls["/listed-once/000.warc"] == calls["/listed-once/299.warc"] == int(bare)
    MemoryFileSystem().rm("/listed-once", recursive=True)
