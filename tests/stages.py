"""Small stage functions for the tests of the workspace; a child process imports them by name."""

import os
import time
from pathlib import Path

from builder.errors import StageError
from builder.progress import Progress
from builder.recipe import Runtime
from builder.records import Counts, Stats
from builder.section import Section
from builder.storage import write_text

VERSION = 1


class Words(Section):
    """Configuration of the test stages."""

    words: tuple[str, ...] = ("one",)
    fail: str = ""


def write_words(out: Path, config: Words, *inputs: Path, runtime: Runtime) -> Stats:
    if config.fail == "error":
        raise StageError("the words are wrong; choose others")
    if config.fail == "lost row":
        return Stats({"words": Counts(rows_in=2, kept=1)})
    if config.fail == "crash":
        raise ValueError("boom")
    if config.fail == "kill":
        os.kill(os.getpid(), 9)
    if config.fail == "hang once" and not (out / "tried").exists():
        (out / "tried").touch()
        time.sleep(600)
    before = [(folder / "data" / "words.txt").read_text() for folder in inputs]
    write_text(out / "data" / "words.txt", " ".join([*before, *config.words]))
    Progress(out, "words", len(config.words)).advance(len(config.words))
    return Stats({"words": Counts(rows_in=len(config.words), kept=len(config.words))}, {"pid": os.getpid()})
