"""Fit the learned mask of main content, judge it on hosts it has not seen, and write its model.

usage: python scripts/train_mask.py CORPUS [CORPUS ...] [--manuals FILE] [--check SCRIPT] [--out FILE] [--fit NAME ...]

CORPUS is a folder with WARC files and their truth (*truth*.jsonl: url, set, segments). FILE holds pages of manuals as
`scripts/manual_pages.py` writes them. Every page is judged by a mask that was fitted on pages of other hosts only, in
folds; SCRIPT scores the segments, as for `scripts/bench_segments.py`. Then one is fitted on all of the pages (or those
of the WARC files NAME and the manuals) and written. The same pages, settings and LightGBM give the same file.

Points of words are fitted first; the trees learn from what words give on pages of hosts that they were not fitted on.
"""

import argparse
import hashlib
import json
import logging
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bench_segments
import numpy as np
from bench_segments import MIN_CHARS
from mask_words import Words, tokens_of
from true_content import SHORTEST, known_content, segments_of, truth_text

FOLDS, ROUNDS = 5, 160
SETTINGS = {
    "objective": "binary", "learning_rate": 0.07, "num_leaves": 31, "max_depth": 6, "min_data_in_leaf": 80,
    "feature_fraction": 0.25, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "max_bin": 63,
    "seed": 7, "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1,
}  # fmt: skip
MANUAL_WEIGHT = 0.5
"""Manuals are alike: a page of one says less than a page of the open web."""
NEEDED = 0.8
"""Probability from which a block is main content; the best on the folds of the 527 pages."""
SECTION_CHARS = 1_200
PAGE_POWER = 0.85
"""How a page counts by what the score can lose on it: at 1 large pages would count in full."""
SCALE = 1_000
"""Points per unit of log odds."""


@dataclass
class Example:
    """A page with known main content: its facts, and of each block its length and whether it is main content.

    `sure` are the blocks that the rules keep, if they leave no doubt: then the mask is not asked.
    """

    url: str
    source: str
    blocks: list[Any]
    names: list[str]
    table: Any
    body: Any
    lengths: Any
    true: Any
    weight: float
    sure: frozenset[int] | None


def main() -> None:
    """Judge, fit, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path, nargs="+")
    parser.add_argument("--manuals", type=Path)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--fit", nargs="*", help="WARC files to fit the written model on; all without this")
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    from builder.method.corpus.cutting.content.learned import MODEL

    pages, truths, digest = gather(options.corpus, options.manuals)
    print(f"{len(pages)} pages, {sum(int(page.body.sum()) for page in pages)} blocks, {len(pages[0].names)} facts")
    model, points = learn(pages, options.fit)
    if options.check:
        judge(pages, points, truths, bench_segments.load(options.check))
    chosen = sum(not options.fit or page.source in (*options.fit, "manuals") for page in pages)
    version = hashlib.sha256(json.dumps(model).encode()).hexdigest()[:8]
    model = {"version": version, "data": digest, "pages": chosen, **model}
    out = options.out or MODEL
    text = json.dumps(model, separators=(",", ":"), ensure_ascii=False)
    out.write_text(text + "\n", encoding="utf-8")
    print(f"{out}: {out.stat().st_size} bytes, version {version}, pages {digest}")


def learn(pages: list[Example], fitted: list[str] | None) -> tuple[dict[str, Any], Any]:
    """The model, and points of all blocks by models that have not seen their hosts."""
    look = look_at(pages, fitted)
    words = learn_words(look, pages)
    booster, points = learn_trees(look)
    trees = export(booster, look.names)
    agree(booster, look, trees)
    return {"words": words, **trees, "needed": needed()}, points


def gather(folders: list[Path], manuals: Path | None) -> tuple[list[Example], dict[str, Path], str]:
    """All pages that can be used, the truth of each WARC file, and a digest of the pages and their truth."""
    examples, truths, digest = [], {}, hashlib.sha256()
    for path in sorted(path for folder in folders for path in folder.glob("*.warc.gz")):
        pages = bench_segments.read(path)
        truth = bench_segments.truth_of(path.parent, pages)
        if truth is None:
            continue
        known = {page["url"]: page for page in map(json.loads, truth.open(encoding="utf-8"))}
        for page in pages:
            if text := truth_text(known.get(page.url, {})):
                digest.update(f"{page.url}\n{page.html}\n{text}\n".encode("utf-8", "replace"))
                examples += example(page.url, path.name, page.html, text, 1.0)
                truths[path.name] = truth
    for row in map(json.loads, manuals.open(encoding="utf-8") if manuals else ()):
        digest.update(f"{row['url']}\n{row['html']}\n{row['text']}\n".encode("utf-8", "replace"))
        examples += example(row["url"], "manuals", row["html"], row["text"], MANUAL_WEIGHT)
    return examples, truths, digest.hexdigest()


def example(url: str, source: str, html: str, text: str, weight: float) -> list[Example]:
    """The page as an example; nothing if it cannot be cut."""
    from builder.method.corpus.cutting.content.extractors import LEARNED_DOUBT, evidence_of
    from builder.method.corpus.cutting.content.features import facts
    from builder.method.corpus.cutting.markup.source import TooDeepError, parse_html, refuse
    from builder.method.corpus.cutting.walk import walk

    if refuse(html):
        return []
    try:
        blocks = walk(tree := parse_html(html))
    except (TooDeepError, ValueError, SyntaxError):
        return []
    body = np.array([not block.level for block in blocks])
    if not blocks or body.all() or not body.any():
        return []
    lengths = np.array([len(block.text) for block in blocks])
    rules = (evidence := evidence_of(html, tree, blocks)).main_content()
    names, table = facts(evidence, rules, html, {})
    true, sure = np.array(known_content(blocks, text)), rules.kept if rules.doubt <= LEARNED_DOUBT else None
    return [Example(url, source, blocks, names, table, body, lengths, true, weight, sure)]


@dataclass
class Look:
    """All pages, and what the steps so far say about their blocks.

    Attributes:
        names: Of the facts.
        table: Facts of all blocks.
        body: Which of them are no headings.
        true: Which are main content.
        weights: What each counts.
        folds: In which fold each is judged.
        taught: Which may be learned from.
    """

    names: list[str]
    table: Any
    body: Any
    true: Any
    weights: Any
    folds: Any
    taught: Any

    def rows(self, fold: int | None) -> Any:
        """Rows to learn from for a fold; of all for None."""
        return np.flatnonzero(self.body & self.taught & (self.folds != (-1 if fold is None else fold)))

    def drawn(self) -> tuple[Any, Any]:
        """Which rows the trees are taught, and what each then counts: a light one stands for others like it."""
        chance = np.minimum(self.weights, 1.0)
        kept = np.random.default_rng(SETTINGS["seed"]).random(len(chance)) < chance
        return kept, self.weights / np.maximum(chance, 1e-9)

    def replace(self, names: Sequence[str], tables: list[Any]) -> None:
        """Give facts other values."""
        self.table[:, [self.names.index(name) for name in names]] = np.concatenate(tables)


def look_at(pages: list[Example], fitted: list[str] | None) -> Look:
    """The pages before the first step."""
    folds = [np.full(len(page.blocks), fold_of(page)) for page in pages]
    taught = [
        np.full(len(page.blocks), not fitted or page.source in (*fitted, "manuals")) for page in pages
    ]  # fmt: skip
    parts = [[page.table for page in pages], [page.body for page in pages], [page.true for page in pages]]
    table, body, true = (np.concatenate(part) for part in parts)
    weights = np.concatenate([weights_of(page) for page in pages])
    return Look(
        pages[0].names, table, body, true, weights / weights[body].mean(), np.concatenate(folds), np.concatenate(taught)
    )


def weights_of(page: Example) -> Any:
    """What each block counts: as much as the score of the segments suffers if it is judged wrongly.

    A section of the truth that is lost costs its share of the segments, however long it is; what is kept and false
    costs by its length, and some `SECTION_CHARS` of it as much as a section. Large pages count less than that.
    """
    sizes = np.where(page.body, page.lengths, 0).astype(float)
    section = np.cumsum(~page.body)
    whole = np.bincount(section, sizes * page.true)[section]
    lost = sizes / np.maximum(whole, MIN_CHARS) + 0.13 * sizes / SECTION_CHARS
    lost = np.where(section > 0, lost, 0.2 * sizes / SECTION_CHARS)  # no segment has what is before any heading
    costs = np.where(page.true, lost, sizes / SECTION_CHARS)
    total = float(costs.sum())
    return page.weight * costs / max(total, 1e-9) * max(total, 0.3) ** PAGE_POWER


def learn_words(look: Look, pages: list[Example]) -> dict[str, int]:
    """Points of words; the facts that they give are added, for each page by those of other hosts."""
    from builder.method.corpus.cutting.content.wording import WORDING, wording_facts

    words = Words([tokens_of(page.blocks) for page in pages], [host(page.url) for page in pages])
    place = np.cumsum(look.body) - 1

    def points(fold: int | None) -> dict[str, int]:
        rows = look.rows(fold)
        return words.fit(place[rows], look.true[look.body], look.weights[look.body])

    by_fold = [points(fold) for fold in range(FOLDS)]
    look.replace(WORDING, [wording_facts(page.blocks, by_fold[fold_of(page)]) for page in pages])
    return points(None)


def learn_trees(look: Look) -> tuple[Any, Any]:
    """Trees fitted on all rows, and points of all blocks by trees that have not seen their hosts."""
    drawn = look.drawn()
    found = np.zeros(len(look.table))
    for fold in range(FOLDS):
        judged = look.folds == fold
        found[judged] = fit(look, look.rows(fold), *drawn).predict(look.table[judged], raw_score=True, num_threads=1)
    return fit(look, look.rows(None), *drawn), np.rint(SCALE * found).astype(int)


def fit(look: Look, rows: Any, kept: Any, weights: Any) -> Any:
    """Boosted trees on those of the rows that are kept."""
    import lightgbm

    rows = rows[kept[rows]]
    data = lightgbm.Dataset(look.table[rows], look.true[rows], weight=weights[rows], params=SETTINGS)
    return lightgbm.train(SETTINGS, data, ROUNDS)


def parts_of(points: Any, pages: list[Example]) -> list[Any]:
    """Points of all blocks, page by page."""
    return np.split(points, np.cumsum([len(page.blocks) for page in pages])[:-1])


def host(url: str) -> str:
    """The host of a page; what belongs together is in one fold."""
    return (urlsplit(url).hostname or url).removeprefix("www.")


def fold_of(page: Example) -> int:
    """In which fold a page is judged."""
    return zlib.crc32(host(page.url).encode()) % FOLDS


def judge(pages: list[Example], points: Any, truths: dict[str, Path], check: Any) -> None:
    """Print the scores of masks that have not seen the host of what they judge, beside a perfect mask's."""
    rows: dict[str, list[Any]] = {name: [] for name in truths}
    perfect: dict[str, list[Any]] = {name: [] for name in truths}
    for page, own in zip(pages, parts_of(points, pages), strict=True):
        if page.source in truths:
            rows[page.source] += cut_at(page, own, needed())
            perfect[page.source] += segments_of(page.url, page.blocks, true_blocks(page), MIN_CHARS)
    for name, truth in truths.items():
        for title, found in (("learned, hosts left out", rows[name]), ("perfect mask", perfect[name])):
            print(f"{name}, {title}")
            for line in bench_segments.run_rows(check, bench_segments.long_enough(found, MIN_CHARS), truth):
                print("   ", line.strip())
            print(f"{name}, {title}, with segments from {SHORTEST} characters")
            for line in bench_segments.run_rows(check, found, truth):
                print("   ", line.strip())


def cut_at(page: Example, points: Any, least: int) -> list[dict[str, str]]:
    """What is cut from a page with these points."""
    from builder.method.corpus.cutting.content.learned import main_content

    kept = main_content(page.blocks, points, least) if page.sure is None else page.sure
    return segments_of(page.url, page.blocks, kept, MIN_CHARS)


def true_blocks(page: Example) -> frozenset[int]:
    """Numbers of the blocks of the true main content."""
    return frozenset(np.flatnonzero(page.true & page.body).tolist())


def needed() -> int:
    """Points from which a block is main content."""
    return round(SCALE * float(np.log(NEEDED / (1 - NEEDED))))


def export(booster: Any, names: list[str]) -> dict[str, Any]:
    """The trees as data, all of one depth, with the facts they ask for."""
    trees = [tree["tree_structure"] for tree in booster.dump_model()["tree_info"]]
    depth = SETTINGS["max_depth"]
    used: dict[tuple[int, int], int] = {}
    levels: list[list[list[int]]] = [[] for _ in range(depth)]
    leaves = []
    for tree in trees:
        row = [tree]
        for level in levels:
            level.append([condition(node, used) for node in row])
            row = [below for node in row for below in children(node)]
        leaves.append([round(SCALE * node["leaf_value"]) for node in row])
    asked = sorted({column for column, _ in used})
    place = {column: index for index, column in enumerate(asked)}
    conditions = [[place[column], threshold] for column, threshold in used]
    return {
        "facts": [names[column] for column in asked], "conditions": conditions, "levels": levels, "leaves": leaves
    }  # fmt: skip


def condition(node: dict[str, Any], used: dict[tuple[int, int], int]) -> int:
    """Number of the condition of a node; below a leaf, any will do."""
    if "leaf_value" in node:
        return 0
    asked = node["split_feature"], int(np.floor(node["threshold"]))
    return used.setdefault(asked, len(used))


def children(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The two nodes below one; a leaf repeats itself."""
    return [node, node] if "leaf_value" in node else [node["left_child"], node["right_child"]]


def agree(booster: Any, look: Look, trees: dict[str, Any]) -> None:
    """Refuse data whose points are not the booster's."""
    from builder.method.corpus.cutting.content.learned import read

    table = look.table[:5_000]
    expected = SCALE * booster.predict(table, raw_score=True, num_threads=1)
    model = read({"version": "", "needed": 0, "words": {}, **trees})
    difference = np.abs(model.points(look.names, table) - expected).max()
    if difference > ROUNDS:  # half a point of rounding a tree, and as much again
        raise SystemExit(f"the exported trees give other points than LightGBM, by up to {difference}")


if __name__ == "__main__":
    main()
