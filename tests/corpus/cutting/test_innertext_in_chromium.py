"""Kept text beside what Chromium shows of the same elements, on pages of a real corpus."""

import logging
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from support.browser import chromium, program
from support.seen_text import LEFT_OUT, Pair, pairs, stamp, total

from builder.method.corpus.cutting.blocks import Block
from builder.method.corpus.cutting.content.extractors import main_blocks
from builder.method.corpus.cutting.markup.source import parse_html, refuse
from builder.method.corpus.cutting.walk import walk
from builder.method.corpus.reading.crawl import Page, Shard
from builder.method.corpus.reading.readers import list_inputs, read_pages
from builder.recipe.sections.corpus import CorpusSource

pytestmark = [pytest.mark.full, pytest.mark.skipif(program() is None, reason="Chromium is not installed")]
ARCHIVES = ("en0001-00.warc.gz", "en0002-00.warc.gz", "train/en0003-00.warc.gz")
_log = logging.getLogger(__name__)
PAGES = 100
"""Of each archive, spread over it."""
UNFOLDED = ("panel that a control unfolds", "frame that a script shows")
"""Hidden, and text here by intent: unfolded in the browser too."""


def spread(archive: Path) -> list[str]:
    """Pages of an archive that the tool does not refuse."""
    inputs = list_inputs([CorpusSource(path=archive, format="warc")])
    pages = [item.html for item in read_pages(inputs, Shard()) if isinstance(item, Page) and not refuse(item.html)]
    return pages[:: max(1, len(pages) // PAGES)][:PAGES]


def main_content(blocks: list[Block], kept: frozenset[int]) -> frozenset[int]:
    """What the default mask keeps, and the headings right above it."""
    heads = (block.number for block, below in pairwise(blocks) if below.number in kept)
    return kept | {number for number in heads if blocks[number].level}


def test_kept_blocks_of_real_pages_are_what_a_browser_shows(real_corpus: Path) -> None:
    """Its figures are logged: `--log-cli-level=INFO` shows them."""
    plain: list[list[Pair]] = []
    apart: list[Pair] = []
    counts: Counter[str] = Counter()
    with chromium() as tab:
        for html in [html for name in ARCHIVES if (real_corpus / name).exists() for html in spread(real_corpus / name)]:
            stamped = stamp(html)
            tree = parse_html(stamped)
            blocks = walk(tree)
            assert [block.text for block in blocks] == [block.text for block in walk(parse_html(html))]
            kept = main_content(blocks, main_blocks(stamped, tree, blocks, "learned"))
            found, left = pairs(tab, stamped, tree, blocks, kept)
            counts += left
            plain.append([pair for pair in found if not pair.apart])
            apart += [pair for pair in found if pair.apart]
    of_pages = [score for page in plain if (score := total(pair.score() for pair in page)).ours + score.shown]
    whole, mean = total(of_pages), sum(score.f1 for score in of_pages) / len(of_pages)
    different = total(pair.score() for pair in apart)
    count = sum(map(len, plain))
    _log.info("%d pages, %d blocks: %s, F1 %.4f, mean %.4f", len(of_pages), count, whole, whole.f1, mean)
    _log.info("with marks that are written in another way here: %d blocks, F1 %.4f", len(apart), different.f1)
    _log.info("left out or unfolded in the browser too: %s", dict(counts))
    assert set(counts) <= {*LEFT_OUT, *UNFOLDED}
    assert sum(pair.missing for page in plain for pair in page) <= sum(map(len, plain)) / 1_000
    assert whole.f1 >= 0.98
    assert mean >= 0.98
    assert different.f1 >= 0.9
    assert len(apart) <= sum(map(len, plain)) / 50
