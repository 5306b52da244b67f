"""Draw kept segments of a corpus and print them, to be read one by one; or their ids alone, for the docs.

usage: python scripts/read_segments.py CORPUS [--seed N] [--count N] [--ids]

CORPUS is a WARC file. Pages are cut with the defaults of the recipe, and segments that its rules keep are drawn by a
hash of page, place and seed, at most two of a page. Duplicates are not looked for. `--ids` prints rows of a table, in
which only judgement and reason are missing.
"""

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
OF_A_PAGE = 2


def main() -> None:
    """Draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--ids", action="store_true", help="rows of the table in docs/kept-segments.md, without text")
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    for number, (identity, page, segment) in enumerate(drawn(options.corpus, options.seed, options.count), start=1):
        if options.ids:
            print(f"| {number} | `{identity[:12]}` | `{page.page_id}` {segment.position} |  |  |")
        else:
            path = " > ".join(segment.path)
            print(f"##### {number} {identity[:12]} {page.url}\n{path}")
            print(f"H{segment.level} {segment.header}\n{segment.text}\n")


def drawn(corpus: Path, seed: int, count: int) -> list[tuple[str, Any, Any]]:
    """Id, page and segment of `count` kept segments."""
    of_page: Counter[str] = Counter()
    found = []
    for _, identity, page, segment in sorted(kept(corpus, seed), key=lambda row: row[0]):
        of_page[page.page_id] += 1
        if of_page[page.page_id] <= OF_A_PAGE:
            found.append((identity, page, segment))
    return found[:count]


def kept(corpus: Path, seed: int) -> Iterator[tuple[str, str, Any, Any]]:
    """Every segment that the rules keep, behind what it is drawn by."""
    from bench_segments import attempt, read

    from builder.data.records import segment_id
    from builder.method.corpus.cutting.page import CutPage, cut_page
    from builder.method.corpus.rules.heuristics import why_reject_segment
    from builder.recipe.sections.corpus import Segments

    config = Segments.model_validate({"sources": [{"path": str(corpus.resolve()), "format": "warc"}]})
    for page in read(corpus):
        cut = attempt(lambda page: cut_page(page, config), page)
        for segment in cut.segments if isinstance(cut, CutPage) else ():
            if why_reject_segment(segment, config) is None:
                place = f"{seed}:{page.page_id}:{segment.position}".encode()
                identity = segment_id(page.page_id, segment.position, segment.text)
                yield blake2b(place).hexdigest(), identity, page, segment


if __name__ == "__main__":
    main()
