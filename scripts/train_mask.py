"""Fit the learned mask of main content, judge it on hosts it has not seen, and write its model.

usage: python scripts/train_mask.py CORPUS [CORPUS ...] [--manuals FILE] [--check SCRIPT] [--out FILE] [--fit NAME ...]

CORPUS is a folder with WARC files and their truth (*truth*.jsonl: url, set, segments). FILE holds pages of manuals as
`scripts/manual_pages.py` writes them. Every page is judged by a mask that was fitted on pages of other hosts only, in
folds; SCRIPT scores the segments, as for `scripts/bench_segments.py`. Then one is fitted on all of the pages (or those
of the WARC files NAME and the manuals) and written. The same pages, settings and LightGBM give the same file.
"""

import argparse
import hashlib
import json
import logging
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bench_segments
import numpy as np
from true_content import known_content, segments_of, truth_text

FOLDS, ROUNDS = 5, 100
SETTINGS = {
    "objective": "binary", "learning_rate": 0.1, "num_leaves": 31, "max_depth": 6, "min_data_in_leaf": 150,
    "feature_fraction": 0.35, "bagging_fraction": 0.8, "bagging_freq": 1, "lambda_l2": 5.0, "max_bin": 63,
    "seed": 7, "deterministic": True, "force_row_wise": True, "num_threads": 1, "verbose": -1,
}  # fmt: skip
MANUAL_WEIGHT = 0.5
"""Manuals are alike: a page of one says less than a page of the open web."""
NEEDED = 0.5
"""Probability from which a block is main content; it was not searched for."""
SCALE = 1_000
"""Points per unit of log odds."""


@dataclass
class Example:
    """A page with known main content: its facts, and of each block its length and whether it is main content."""

    url: str
    source: str
    blocks: list[Any]
    names: list[str]
    table: Any
    body: Any
    lengths: Any
    true: Any
    weight: float


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

    examples, truths, digest = gather(options.corpus, options.manuals)
    names = examples[0].names
    print(f"{len(examples)} pages, {sum(int(page.body.sum()) for page in examples)} blocks, {len(names)} facts")
    if options.check:
        judge(examples, truths, bench_segments.load(options.check), options.fit)
    chosen = [page for page in examples if not options.fit or page.source in (*options.fit, "manuals")]
    booster = fit(*arrays(chosen))
    model = export(booster, names, digest, len(chosen))
    out = options.out or MODEL
    out.write_text(json.dumps(model, separators=(",", ":")) + "\n", encoding="utf-8")
    agree(booster, names, out, examples[:20])
    print(f"{out}: {out.stat().st_size} bytes, version {model['version']}, pages {digest}")


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
    from builder.method.corpus.cutting.content.extractors import resiliparse_text
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
    names, table = facts(blocks, resiliparse_text(tree), html)
    return [Example(url, source, blocks, names, table, body, lengths, np.array(known_content(blocks, text)), weight)]


def arrays(pages: list[Example]) -> tuple[Any, Any, Any]:
    """Facts, truth and weight of all blocks; a page weighs by the root of how many it has, a block by its length."""
    weights = []
    for page in pages:
        sizes = page.lengths[page.body].astype(float)
        weights.append(sizes / sizes.sum() * min(len(sizes), 2_000) ** 0.5 * page.weight)
    table = np.concatenate([page.table[page.body] for page in pages])
    return table, np.concatenate([page.true[page.body] for page in pages]), np.concatenate(weights)


def fit(table: Any, true: Any, weights: Any) -> Any:
    """Boosted trees."""
    import lightgbm

    return lightgbm.train(SETTINGS, lightgbm.Dataset(table, true, weight=weights, params=SETTINGS), ROUNDS)


def host(url: str) -> str:
    """The host of a page; what belongs together is in one fold."""
    return (urlsplit(url).hostname or url).removeprefix("www.")


def fold_of(page: Example) -> int:
    """In which fold a page is judged."""
    return zlib.crc32(host(page.url).encode()) % FOLDS


def judge(examples: list[Example], truths: dict[str, Path], check: Any, fitted: list[str] | None) -> None:
    """Print the scores of masks that have not seen the host of what they judge, beside a perfect mask's."""
    rows: dict[str, list[Any]] = {name: [] for name in truths}
    perfect: dict[str, list[Any]] = {name: [] for name in truths}
    for fold in range(FOLDS):
        judged = [page for page in examples if fold_of(page) == fold and page.source in truths]
        taught = [page for page in examples if fold_of(page) != fold]
        taught = [page for page in taught if not fitted or page.source in (*fitted, "manuals")]
        booster = fit(*arrays(taught))
        for page in judged:
            points = np.rint(SCALE * booster.predict(page.table, raw_score=True, num_threads=1)).astype(int)
            rows[page.source] += cut_at(page, points, needed())
            perfect[page.source] += segments_of(page.url, page.blocks, true_blocks(page), bench_segments.MIN_CHARS)
    for name, truth in truths.items():
        for title, found in (("learned, hosts left out", rows[name]), ("perfect mask", perfect[name])):
            print(f"{name}, {title}")
            for line in bench_segments.run_rows(check, found, truth):
                print("   ", line.strip())


def cut_at(page: Example, points: Any, least: int) -> list[dict[str, str]]:
    """What is cut from a page with these points."""
    from builder.method.corpus.cutting.content.learned import main_content

    return segments_of(page.url, page.blocks, main_content(page.blocks, points, least), bench_segments.MIN_CHARS)


def true_blocks(page: Example) -> frozenset[int]:
    """Numbers of the blocks of the true main content."""
    return frozenset(np.flatnonzero(page.true & page.body).tolist())


def needed() -> int:
    """Points from which a block is main content."""
    return round(SCALE * float(np.log(NEEDED / (1 - NEEDED))))


def export(booster: Any, names: list[str], digest: str, pages: int) -> dict[str, Any]:
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
    body = {
        "facts": [names[column] for column in asked], "conditions": conditions, "levels": levels, "leaves": leaves,
        "needed": needed(),
    }  # fmt: skip
    version = hashlib.sha256(json.dumps(body).encode()).hexdigest()[:8]
    return {"version": version, "data": digest, "pages": pages, **body}


def condition(node: dict[str, Any], used: dict[tuple[int, int], int]) -> int:
    """Number of the condition of a node; below a leaf, any will do."""
    if "leaf_value" in node:
        return 0
    asked = node["split_feature"], int(np.floor(node["threshold"]))
    return used.setdefault(asked, len(used))


def children(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The two nodes below one; a leaf repeats itself."""
    return [node, node] if "leaf_value" in node else [node["left_child"], node["right_child"]]


def agree(booster: Any, names: list[str], out: Path, pages: list[Example]) -> None:
    """Refuse a file whose points are not the booster's."""
    from builder.method.corpus.cutting.content.learned import load

    model = load(out)
    for page in pages:
        expected = SCALE * booster.predict(page.table, raw_score=True, num_threads=1)
        difference = np.abs(model.points(names, page.table) - expected).max()
        if difference > ROUNDS:  # half a point of rounding a tree, and as much again
            raise SystemExit(f"{out}: gives other points than LightGBM, by up to {difference}")


if __name__ == "__main__":
    main()
