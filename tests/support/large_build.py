"""A finished build with as many candidates as one likes, whose texts are as long as the paper's."""

import random
from pathlib import Path
from typing import Any

from support.release_build import FakeBuild

HOSTILE = "\u202edne\u202c \x1b[31mred\x1b[0m <script>document.title='mine'</script> " + "x" * 100_000
_SOUNDS = ("ba", "ce", "di", "fo", "gu", "har", "jen", "kil", "lom", "mun", "par", "quen", "ris", "sol", "tur", "ven")


class LargeBuild(FakeBuild):
    """Of a hundred candidates the first is hostile."""

    def __init__(self, root: Path, rows: int, **given: Any) -> None:
        self.rows = rows
        draw = random.Random(0)
        self.words = ["".join(draw.choices(_SOUNDS, k=draw.randint(1, 3))) for _ in range(6_000)]
        super().__init__(root, **given)

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
