"""How fast pages are cut, and how well, beside datatrove's stock trafilatura block; one core, pages in turn.

usage: python scripts/bench_segments.py CORPUS [--check SCRIPT] [--pages N] [--min-chars N]

CORPUS is a WARC file or a folder of them. Truth files (*truth*.jsonl with the urls of the corpus) that lie beside it
are used with SCRIPT, a program that scores segments: it is run with a JSONL file of url, header, text and --truth.
Segments shorter than --min-chars are left out, and in further lines they are not: a program such as SCRIPT, for which a
heading counts by all the text below it, says that they should be there. Where headers of a truth end in edit or
permalink marks, which we take off ours, there is one more line: the same rows against a temporary copy of the truth
whose headers are cleaned in the same way.
"""

import argparse
import contextlib
import importlib.util
import io
import json
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from true_content import SHORTEST, known_content, segments_of, truth_text

TURN = 20
MIN_CHARS = 200
MODES = ("learned", "cascade", "overlay", "fast")
Row = dict[str, str]


def main() -> None:
    """Measure each WARC file of the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--pages", type=int, help="only the first N pages of each file")
    parser.add_argument(
        "--min-chars", type=int, default=MIN_CHARS, help="shortest segment; a scoring program has its own"
    )
    options = parser.parse_args()
    logging.disable(logging.ERROR)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    check = load(options.check) if options.check else None
    for path in sorted(options.corpus.glob("*.warc.gz")) if options.corpus.is_dir() else [options.corpus]:
        pages = read(path)[: options.pages]
        print(f"\n{path.name}: {len(pages)} pages, {sum(len(page.html) for page in pages) / 1e6:.1f} M characters")
        speed(pages, options.min_chars)
        shares(path, pages, options.min_chars)
        truth = truth_of(path.parent, pages)
        if check is not None and truth is not None:
            score(check, truth, pages, options.min_chars)


def read(path: Path) -> list[Any]:
    """All pages of a WARC file."""
    from builder.method.corpus.reading.readers import Page, Shard, list_inputs, read_pages
    from builder.recipe.sections.corpus import CorpusSource

    inputs = list_inputs([CorpusSource(path=path, format="warc")])
    return [page for page in read_pages(inputs, Shard()) if isinstance(page, Page)]


def settings(mode: str, min_chars: int) -> Any:
    """Every segment of at least `min_chars`, cut at every heading, so that nothing but the cut is measured."""
    from builder.recipe.sections.corpus import Segments

    source = {"path": str(Path.cwd()), "format": "warc"}
    return Segments.model_validate(
        {"sources": [source], "mode": mode, "boundary": "any", "min_chars": min_chars, "max_chars": 10**9}
    )


def contestants(min_chars: int) -> dict[str, Callable[[Any], object]]:
    """What is done with a page, by name."""
    from datatrove.pipeline.extractors import Trafilatura

    from builder.method.corpus.cutting.page import cut_page

    stock = Trafilatura()
    by_name: dict[str, Callable[[Any], object]] = {"stock": lambda page: stock.extract(page.html)}
    return by_name | {mode: partial(cut_page, config=settings(mode, min_chars)) for mode in MODES}


def speed(pages: list[Any], min_chars: int) -> None:
    """Pages per second of each contestant; they take turns so that a busy machine slows all alike."""
    runs, seconds = contestants(min_chars), Counter[str]()
    for run in runs.values():  # imports and caches
        for page in pages[:3]:
            attempt(run, page)
    for start in range(0, len(pages), TURN):
        for name, run in runs.items():
            began = time.process_time()
            for page in pages[start : start + TURN]:
                attempt(run, page)
            seconds[name] += time.process_time() - began
    for name in runs:
        rate = len(pages) / seconds[name]
        print(f"  {name:8} {rate:7.1f} pages/s   {seconds['stock'] / seconds[name]:5.2f} x stock")


def attempt(run: Callable[[Any], object], page: Any) -> object:
    """A contestant's result; an exception counts as none, since the time was spent."""
    try:
        return run(page)
    except Exception:
        return None


def shares(path: Path, pages: list[Any], min_chars: int) -> None:
    """Where the time of the modes goes, step by step, and the floors: reading alone, parsing alone."""
    from fastwarc import ArchiveIterator

    from builder.method.corpus.cutting.content.extractors import DOUBT, resiliparse_text, trafilatura_text
    from builder.method.corpus.cutting.content.mask import Evidence
    from builder.method.corpus.cutting.markup.source import TooDeepError, parse_html, refuse
    from builder.method.corpus.cutting.page import page_language
    from builder.method.corpus.cutting.segmenter import cut
    from builder.method.corpus.cutting.walk import walk
    from builder.method.corpus.reading.decode import Payload, decode
    from builder.method.corpus.rules.heuristics import why_reject_segment

    spent, doubtful, config = Counter[str](), 0, settings("cascade", min_chars)

    def timed(step: str, work: Callable[[], Any]) -> Any:
        began = time.process_time()
        result = work()
        spent[step] += time.process_time() - began
        return result

    def payloads() -> list[bytes]:
        with path.open("rb") as stream:
            return [record.reader.read() for record in ArchiveIterator(stream, parse_http=False)]

    for body in timed("read", payloads)[: len(pages)]:
        timed("decode", lambda body=body: decode(Payload(body), utf8=True))
    for page in pages:
        html = page.html
        if timed("guard", lambda html=html: refuse(html)):
            continue
        try:
            tree = timed("parse", lambda html=html: parse_html(html))
        except (TooDeepError, ValueError, SyntaxError):
            continue
        blocks = timed("walk", lambda tree=tree: walk(tree))
        timed("language", lambda page=page, blocks=blocks: page_language(page, blocks, ["en"]))
        resiliparse = timed("Resiliparse", lambda tree=tree: resiliparse_text(tree))
        evidence = timed("mask", lambda b=blocks, r=resiliparse: Evidence(b, r))
        content = timed("mask", evidence.main_content)
        if content.doubt > DOUBT:
            doubtful += 1
            trafilatura = timed("trafilatura", lambda tree=tree: trafilatura_text(tree))
            content = timed("mask", lambda e=evidence, t=trafilatura: e.main_content(t))
        whole = partial(cut, boundary="any", max_chars=10**9, min_chars=min_chars)
        segments = timed("segments", lambda b=blocks, k=content.kept, whole=whole: whole(b, k))
        timed("heuristics", lambda segments=segments: [why_reject_segment(segment, config) for segment in segments])
    total = sum(spent.values())
    print("  cascade by step:", ", ".join(f"{step} {100 * value / total:.0f} %" for step, value in spent.items()))
    print(f"  trafilatura was asked for {doubtful} of {len(pages)} pages")
    rate = len(pages) / max(spent["read"], 1e-9), len(pages) / max(spent["parse"], 1e-9)
    print(f"  floors: gzip and WARC alone {rate[0]:.0f} pages/s, parsing alone {rate[1]:.0f} pages/s")


def load(path: Path) -> ModuleType:
    """A program as a module."""
    spec = importlib.util.spec_from_file_location("check", path)
    if spec is None or spec.loader is None:
        sys.exit(f"{path}: is not a Python program; --check names the one that scores segments")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def truth_of(folder: Path, pages: list[Any]) -> Path | None:
    """The truth file in a folder that knows the most of the pages."""
    urls = {page.url for page in pages}
    known = {
        path: sum(json.loads(line)["url"] in urls for line in path.open(encoding="utf-8"))
        for path in sorted(folder.glob("*truth*.jsonl"))
    }
    best = max(known, key=lambda path: known[path], default=None)
    return best if best is not None and known[best] else None


def score(check: ModuleType, truth: Path, pages: list[Any], min_chars: int) -> None:
    """Print the program's figures for each contestant, how far from a perfect mask it is, how code and tables fare."""
    true = true_shingles(check, truth)
    blocks = {page.url: special_blocks(page) for page in pages}
    best = perfect_rows(truth, pages, min_chars)
    ceiling = scores(run_rows(check, long_enough(best, min_chars), truth))
    with tempfile.TemporaryDirectory() as folder:
        clean = Path(folder) / "truth.jsonl"
        marked = without_marks(truth, clean)
        for name in ("stock", *MODES, "perfect"):
            every = best if name == "perfect" else [row for page in pages for row in rows_of(name, page, min_chars)]
            rows = long_enough(every, min_chars)
            print(f"  {name}")
            lines = run_rows(check, rows, truth)
            for line in lines:
                print("   ", line.strip())
            print(f"    with segments from {SHORTEST} characters:")
            for line in run_rows(check, every, truth):
                print("     ", line.strip())
            below = [f"{part} {ceiling[part] - value:.1f}" for part, value in scores(lines).items() if part in ceiling]
            print("    below the perfect mask:", ", ".join(below))
            if marked:
                print(f"    the same without the marks that {marked} headers of the truth end in, such as [edit]:")
                for line in run_rows(check, rows, clean):
                    print("     ", line.strip())
            for kind in ("code", "table"):
                print(f"    {kind}: {special_score(check, rows, true, blocks, kind)}")


def long_enough(rows: list[Row], min_chars: int) -> list[Row]:
    """Those of so many characters."""
    return [row for row in rows if len(row["text"]) >= min_chars]


def scores(lines: list[str]) -> dict[str, float]:
    """The score of each set in lines of a scoring program, where it names one."""
    found = {}
    for line in lines:
        values = dict(part.split("=", 1) for part in line.split() if "=" in part)
        with contextlib.suppress(KeyError, ValueError):
            found[values["set"]] = float(values["SCORE"])
    return found


def perfect_rows(truth: Path, pages: list[Any], min_chars: int) -> list[Row]:
    """What the same cut gives with a mask that keeps just the blocks of the truth: no mask can do better."""
    from builder.method.corpus.cutting.markup.source import parse_html, refuse
    from builder.method.corpus.cutting.walk import walk

    known, rows = {page["url"]: page for page in map(json.loads, truth.open(encoding="utf-8"))}, list[Row]()
    for page in pages:
        text = truth_text(known.get(page.url, {}))
        blocks: Any = (
            attempt(lambda page: walk(parse_html(page.html)), page) if text and not refuse(page.html) else None
        )
        if blocks:
            content = zip(blocks, known_content(blocks, text), strict=True)
            kept = {block.number for block, true in content if true and not block.level}
            rows += segments_of(page.url, blocks, kept, min_chars)
    return rows


def run_rows(check: ModuleType, rows: list[Row], truth: Path) -> list[str]:
    """Lines the program prints for these segments."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "segments.jsonl"
        out.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return list(run_check(check, [str(out), "--truth", str(truth), "--by-set"]))


def without_marks(truth: Path, clean: Path) -> int:
    """Copy a truth, marks at the end of its headers taken off as the walk does; how many headers had one."""
    from builder.method.corpus.cutting.cleaning import clean_heading, one_line

    marked, lines = 0, []
    for line in truth.open(encoding="utf-8"):
        page = json.loads(line)
        for part in page.get("segments", ()):
            header = clean_heading(part["header"])
            if header != one_line(part["header"]):
                part["header"] = header
                marked += 1
        lines.append(json.dumps(page) + "\n")
    clean.write_text("".join(lines), encoding="utf-8")
    return marked


def run_check(check: ModuleType, arguments: list[str]) -> Iterator[str]:
    """Lines the program prints for the given arguments."""
    before, printed = sys.argv, io.StringIO()
    sys.argv = ["check", *arguments]
    try:
        with contextlib.redirect_stdout(printed):
            check.main()
    finally:
        sys.argv = before
    yield from printed.getvalue().splitlines()


def rows_of(name: str, page: Any, min_chars: int) -> list[Row]:
    """Segments of a page, short ones too."""
    from builder.method.corpus.cutting.page import CutPage, cut_page

    if name == "stock":
        return stock_rows(page)
    cut = cut_page(page, settings(name, min_chars))
    segments = cut.segments if isinstance(cut, CutPage) else []
    enough = [segment for segment in segments if len(segment.text) >= SHORTEST]
    return [{"url": page.url, "header": segment.header, "text": segment.text} for segment in enough]


def stock_rows(page: Any) -> list[Row]:
    """What the stock block's options leave, split at the headings that they keep: more than the block itself gives."""
    from trafilatura import bare_extraction

    options = {"favor_precision": True, "include_comments": False, "deduplicate": True, "with_metadata": False}
    content = attempt(lambda page: bare_extraction(page.html, **options), page)
    rows: list[Row] = []
    for element in content.body.iter() if content is not None else ():
        if element.tag == "head":
            rows.append({"url": page.url, "header": "".join(element.itertext()).strip(), "text": ""})
        elif rows and element.getparent() is content.body:
            rows[-1]["text"] += "\n" + " ".join(element.itertext())
    return [row for row in rows if row["text"].strip()]


def special_blocks(page: Any) -> dict[str, list[str]]:
    """Code blocks and tables of a page, as text."""
    from builder.method.corpus.cutting.blocks import render
    from builder.method.corpus.cutting.markup.source import parse_html
    from builder.method.corpus.cutting.walk import walk

    blocks = attempt(lambda page: walk(parse_html(page.html)), page)
    tables: dict[int, list[Any]] = {}
    for block in blocks or ():
        if block.row >= 0:
            tables.setdefault(block.unit, []).append(block)
    return {
        "code": [block.text for block in blocks or () if block.kind == "code"],
        "table": [render(table) for table in tables.values()],
    }


def true_shingles(check: ModuleType, truth: Path) -> dict[str, set[Any]]:
    """Five-word runs of the true main content of each page."""
    shingles = {}
    for line in truth.open(encoding="utf-8"):
        page = json.loads(line)
        words = [word for part in page.get("segments", ()) for word in check.toks(part["header"] + " " + part["text"])]
        if words:
            shingles[page["url"]] = check.shingles(words)
    return shingles


def special_score(
    check: ModuleType, rows: list[Row], true: dict[str, set[Any]], blocks: dict[str, dict[str, list[str]]], kind: str
) -> str:
    """Precision and recall of the five-word runs in the code, or the tables, of all pages with a truth."""
    produced: dict[str, set[Any]] = {}
    for row in rows:
        produced.setdefault(row["url"], set()).update(check.shingles(check.toks(row["text"])))
    given = right = wanted = 0
    for url, content in true.items():
        runs = {run for text in blocks.get(url, {}).get(kind, ()) for run in check.shingles(check.toks(text))}
        ours = runs & produced.get(url, set())
        given, right, wanted = given + len(ours), right + len(ours & content), wanted + len(runs & content)
    precision, recall = right / given if given else float("nan"), right / wanted if wanted else float("nan")
    return f"precision {precision:.3f}, recall {recall:.3f} of {wanted} runs of five words"


if __name__ == "__main__":
    main()
