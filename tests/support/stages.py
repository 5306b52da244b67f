"""Small stage functions for the tests of the workspace; a child process imports them by name."""

import os
import resource
import subprocess
import time
from collections import Counter
from pathlib import Path

import pyarrow

from builder.data.accounting import Counts, Stats
from builder.data.records import seed_schema
from builder.data.storage import write_rows, write_text
from builder.errors import StageError
from builder.recipe.sections.models import Origin
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Input, InputUrl, Section
from builder.workspace.progress import Progress

VERSION = 1


class Words(Section):
    """Configuration of the test stages."""

    words: tuple[str, ...] = ("one",)
    fail: str = ""


class Reads(Section):
    """Configuration of a stage with an input of each kind."""

    corpus: InputUrl
    seed: Input
    base: Origin


def read_inputs(out: Path, config: Reads, *inputs: Path, runtime: Runtime) -> Stats:
    write_text(out / "data" / "words.txt", config.seed.read_text())
    return Stats({"words": Counts(rows_in=1, kept=1)})


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
    if config.fail == "memory":
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        bytearray(8 << 30)
    if config.fail == "full disk" and not (out / "data").exists():
        (out / "data").mkdir()
        (out / "data" / ".words.txt.tmp").symlink_to("/dev/full")
    if config.fail == "no room for a message":
        (out / "logs" / ".result.json.tmp").symlink_to("/dev/full")
        (out / "data" / "words").read_bytes()
    if config.fail == "leave a process":
        subprocess.Popen(["sleep", "600"])
        os.kill(os.getpid(), 9)
    if config.fail == "nothing left":
        write_rows(out / "data" / "none.parquet", [], seed_schema())
        return Stats({"pages": Counts(1, 1), "words": Counts(7, 0, Counter(long=5), Counter(torn=2))})
    if config.fail == "nothing in":
        write_rows(out / "data" / "none.parquet", [], seed_schema())
        return Stats({"pages": Counts(9, 0, Counter(language=8), Counter(time=1)), "words": Counts()})
    before = [(folder / "data" / "words.txt").read_text() for folder in inputs]
    write_text(out / "data" / "words.txt", " ".join([*before, *config.words]))
    Progress(out, "words", len(config.words)).advance(len(config.words))
    details = {"pid": os.getpid(), "arrow_pool": pyarrow.default_memory_pool().backend_name}
    return Stats({"words": Counts(rows_in=len(config.words), kept=len(config.words))}, details)
