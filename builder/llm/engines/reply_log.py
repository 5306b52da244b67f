"""Replies of a served model as they came, so that after a kill none is asked for, and paid for, again."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builder.data.records import stable_id
from builder.llm.engines.engine import Generation

FOLDER = "logs/replies"


class ReplyLog:
    """What the processes of a stage were answered so far; every process adds to a file of its own.

    Args:
        out: The stage folder.
    """

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER
        self._own = self._folder / f"{time.time_ns()}-{os.getpid()}.jsonl"  # a number of a process comes again
        self._known: dict[str, Generation] = {}
        for path in sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else ():
            for line in path.read_bytes().split(b"\n")[:-1]:  # a line without its end was cut
                key, *reply = json.loads(line)
                self._known[key] = Generation(*reply)

    def of(self, body: Mapping[str, Any]) -> Generation | None:
        """The reply that a request has had."""
        return self._known.get(_key(body))

    def add(self, body: Mapping[str, Any], reply: Generation) -> None:
        """Keep a reply; what was written stays also if this process is killed at once."""
        key = _key(body)
        self._known[key] = reply
        self._folder.mkdir(parents=True, exist_ok=True)
        line = json.dumps([key, *reply], ensure_ascii=True) + "\n"
        with self._own.open("ab") as file:
            file.write(line.encode("ascii"))


def _key(body: Mapping[str, Any]) -> str:
    return stable_id(json.dumps(body, sort_keys=True, ensure_ascii=True))
