"""Two engines of which one takes twice as long, and how near they come to the best time there is (`make bench-engine`).

    python scripts/bench_lag.py [--rows N] [--chunk-rows N]

Both write instructions with the model of the sample, each in a process of its own, and begin when both are loaded. The
best time is that of rows which both end to do at the same moment, at the rates that they had.
"""

import argparse
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")

from bench_engine import ENGINE, INSTRUCTION_TOKENS, make_model, segments  # beside this file

from builder.data.accounting import Rejects
from builder.data.records import Row, candidate_schema, segment_schema
from builder.data.storage import write_rows
from builder.llm.batch.runner import run_rows
from builder.method.augment.stage import AugmentStage, InstructionWriter
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.models import Chat
from builder.recipe.sections.runtime import Runtime

ENGINES = 2


@dataclass
class Lagging:
    """Work that takes the second engine twice as long; what each has done is noted.

    Attributes:
        work: What is done.
        folder: Of the notes.
    """

    work: InstructionWriter
    folder: Path
    _place: int | None = None

    def answer(self, rows: list[Row], rejects: Rejects, tick: Any) -> list[Row]:
        """Answer, and in the slow engine wait as long again."""
        if self._place is None:
            self.work.answer(rows[:1], Rejects(), tick)  # loads the model
            self._place = self._begin()
        began = time.monotonic()
        kept = self.work.answer(rows, rejects, tick)
        time.sleep(self._place * (time.monotonic() - began))
        with (self.folder / f"{self._place}.jsonl").open("a") as notes:
            notes.write(json.dumps([began, time.monotonic(), len(rows)]) + "\n")
        return kept

    def _begin(self) -> int:
        """Take a place, and wait until every place is taken."""
        place = 0
        while True:
            try:
                (self.folder / f"{place}.taken").touch(exist_ok=False)
                break
            except FileExistsError:
                place += 1
        while len(list(self.folder.glob("*.taken"))) < ENGINES:
            time.sleep(0.05)
        return place

    def give_up(self, row: Row, reason: str, rejects: Rejects) -> list[Row]:
        """Hand on."""
        return self.work.give_up(row, reason, rejects)


def measured(folder: Path, rows: int, chunk_rows: int) -> tuple[float, float, list[int]]:
    """Seconds that the two took, the best there is at their rates, and the rows of each."""
    runtime = Runtime(chunk_rows=chunk_rows, engines=ENGINES, kv_cache_mb=512)
    model = make_model(folder, "backward")
    write_rows(folder / "source" / "rows.parquet", segments(rows), segment_schema())
    config = AugmentStage(augment=Augment(max_tokens=INSTRUCTION_TOKENS), engine=ENGINE, chat=Chat())
    work = Lagging(InstructionWriter(config, model, runtime), folder)
    run_rows(folder / "out", folder / "source", work, candidate_schema(), runtime)  # type: ignore[arg-type]
    notes = [[json.loads(line) for line in (folder / f"{at}.jsonl").read_text().splitlines()] for at in range(ENGINES)]
    took = max(end for of in notes for _, end, _ in of) - min(began for of in notes for began, _, _ in of)
    done = [sum(number for _, _, number in of) for of in notes]
    rates = [number / sum(end - began for began, end, _ in of) for number, of in zip(done, notes, strict=True)]
    return took, rows / sum(rates), done


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_024)
    parser.add_argument("--chunk-rows", type=int, default=32)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        took, best, done = measured(Path(folder), given.rows, given.chunk_rows)
    print(
        f"  two engines, one of half speed: {given.rows:,} rows in chunks of {given.chunk_rows} in {took:.1f} s, "
        f"{done[0]:,} and {done[1]:,} rows; the best there is {best:.1f} s: {took / best:.2f} x"
    )


if __name__ == "__main__":
    main()
