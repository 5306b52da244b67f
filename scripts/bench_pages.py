"""A crawl for benches: pages of English words, each with a few sections that the rules keep."""

import gzip
import itertools
import json
import random
from collections.abc import Iterator
from pathlib import Path

SECTIONS = 3
FILES = 8
SOURCE = {"format": "jsonl", "html": "html", "url": "url", "id": "id"}
"""How a recipe reads it, but for its path."""
_TEXT = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which "
    "one you were all her she there would their we him been has when who will no more if out so up said what time "
    "water people house river garden stone letter bread winter market engine picture window bridge table season road "
    "field paper music answer light plant animal colour kitchen village island harbour machine morning evening story"
)
_WORDS = _TEXT.split()
_WEIGHTS = list(itertools.accumulate(1 / rank for rank in range(3, len(_WORDS) + 3)))


def write_crawl(folder: Path, pages: int, seed: int = 0) -> None:
    """Write so many pages, in `FILES` files of JSON lines."""
    folder.mkdir(parents=True)
    for number in range(FILES):
        with gzip.open(folder / f"{number:02}.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
            for page in range(number, pages, FILES):
                url = f"https://site-{page % 997}.example.org/{page}.html"
                file.write(json.dumps({"id": f"page-{page}", "url": url, "html": page_of(page, seed)}) + "\n")


def page_of(number: int, seed: int = 0) -> str:
    """A page with navigation, a footer and `SECTIONS` sections of some 1,000 characters."""
    rng = random.Random(f"{seed} {number}")
    sections = "".join(
        f"<h2>How the {rng.choice(_WORDS[60:])} of part {at} works</h2>{''.join(_paragraphs(rng))}"
        for at in range(SECTIONS)
    )
    return (
        f'<html lang="en"><head><title>Page {number}</title></head><body><nav><a href="/">Home</a><a href="/all">All'
        f"</a></nav><main><h1>Page {number}</h1>{sections}</main><footer>Contact us</footer></body></html>"
    )


def _paragraphs(rng: random.Random) -> Iterator[str]:
    for _ in range(3):
        sentences = (
            " ".join(rng.choices(_WORDS, cum_weights=_WEIGHTS, k=rng.randint(8, 16))).capitalize() for _ in range(6)
        )
        yield f"<p>{'. '.join(sentences)}.</p>"
