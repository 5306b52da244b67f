"""A finished build with as many candidates as one likes, whose texts are as long as the paper's."""

import random
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.accounting import Counts
from builder.data.records import segment_schema, stable_id
from builder.data.storage import open_rows
from builder.workspace.workspace import Artifact
from support.release_build import FakeBuild, recipe_of

HOSTILE = "\u202edne\u202c \x1b[31mred\x1b[0m <script>document.title='mine'</script> " + "x" * 100_000
TEST_SHARE = 0.05
_SOUNDS = ("ba", "ce", "di", "fo", "gu", "har", "jen", "kil", "lom", "mun", "par", "quen", "ris", "sol", "tur", "ven")
_BATCH = 5_000


class LargeBuild(FakeBuild):
    """Of a hundred candidates the first is hostile."""

    def __init__(self, root: Path, rows: int) -> None:
        self.rows = rows
        draw = random.Random(0)
        self.words = ["".join(draw.choices(_SOUNDS, k=draw.randint(1, 3))) for _ in range(6_000)]
        super().__init__(root, TEST_SHARE)
        with open_rows(self.artifacts["dedup"].data / "rows.parquet", segment_schema()) as write:
            for start in range(0, rows, _BATCH):
                write([_segment(row) for row in self.candidates[start : start + _BATCH]])

    def data(self, name: str, rows: list[dict[str, Any]], schema: Any, counts: Counts) -> None:
        """In row groups as stages write them."""
        counts.check(name)
        with open_rows(self.stage(name, pairs=counts).data / "rows.parquet", schema) as write:
            for start in range(0, len(rows), _BATCH):
                write(rows[start : start + _BATCH])

    def made(self) -> list[dict[str, Any]]:
        """The candidate pairs."""
        return [self.candidate(number) for number in range(self.rows)]

    def candidate(self, number: int) -> dict[str, Any]:
        draw = random.Random(number)
        row = super().candidate(number)
        # Words as frequent as those of a language.
        words = [self.words[int(draw.paretovariate(0.6)) % len(self.words)] for _ in range(draw.randint(100, 480))]
        host = f"site-{int(draw.paretovariate(0.8))}.org"
        return row | {
            "url": f"https://{host}/page-{number}",
            "header": " ".join(words[:4]),
            "instruction": HOSTILE if number % 100 == 0 else f"What of {' '.join(words[4:12])}?",
            "output": " ".join(words) + ".",
        }


def segment(number: int) -> str:
    """The id of the segment of a candidate."""
    return stable_id("segment", number)


def reopened(root: Path) -> Build:
    """The build that was written to a folder, by another process."""
    recipe, stages = recipe_of(root, TEST_SHARE), {}
    for folder in sorted((root / "work").iterdir()):
        name, _, fingerprint = folder.name.rpartition("-")
        stages[name] = Artifact(name, fingerprint, folder)
    return Build(recipe, stages)


def _segment(row: dict[str, Any]) -> dict[str, Any]:
    same = {name: row[name] for name in ("page_id", "url", "header")}
    return same | {"id": row["segment_id"], "header_path": ["Top", row["header"]], "text": row["output"]}
