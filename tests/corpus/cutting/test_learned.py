"""The learned mask: its facts are whole numbers, its points are the sum of its trees."""

import json
import random
from pathlib import Path

import numpy as np
import pytest
from support.corpus_pages import page, paragraphs

from builder.method.corpus.cutting.content.extractors import evidence_of, main_blocks
from builder.method.corpus.cutting.content.features import facts
from builder.method.corpus.cutting.content.learned import MODEL, load, main_content
from builder.method.corpus.cutting.content.mask import Evidence
from builder.method.corpus.cutting.markup.source import parse_html
from builder.method.corpus.cutting.walk import walk

WORDS = {"rivers": 5, "#rivers": 70, ".related": -300}
TEXTS = paragraphs(21, count=14, words=40)


def read(html: str) -> tuple[list, dict]:
    blocks = walk(tree := parse_html(html))
    evidence = evidence_of(html, tree, blocks)
    names, table = facts(evidence, evidence.main_content(), html, WORDS)
    assert table.shape == (len(blocks), len(names))
    assert table.dtype == np.int32
    return blocks, {name: table[:, index] for index, name in enumerate(names)}


def kept(html: str) -> list[str]:
    blocks = walk(tree := parse_html(html))
    numbers = main_blocks(html, tree, blocks, "learned")
    return [block.text for block in blocks if block.number in numbers]


def test_the_model_is_small_plain_data_and_asks_for_facts_that_there_are() -> None:
    assert MODEL.stat().st_size < 1_000_000
    data = json.loads(MODEL.read_text())
    assert set(data["facts"]) <= set(read(page(1))[1])
    assert all(isinstance(value, int) for row in data["conditions"] + data["leaves"] for value in row)
    assert all(isinstance(value, int) for value in data["words"].values())


@pytest.mark.parametrize("html", [page(1), page(2), "<h1>One</h1>", "<h1>A</h1><table><tr><td>b<td>c</table>"])
def test_facts_are_whole_numbers_and_the_same_each_time(html: str) -> None:
    blocks, first = read(html)
    _, second = read(html)
    for name, values in first.items():
        assert len(values) == len(blocks)
        assert np.issubdtype(values.dtype, np.integer), name
        assert values.tolist() == second[name].tolist(), name


def test_facts_survive_half_of_a_surrogate_pair() -> None:
    blocks = walk(parse_html("<h1>x</h1><p>text"))
    blocks[1].text = "half \ud83d of it"
    evidence = Evidence(blocks, "")
    assert len(facts(evidence, evidence.main_content(), "", WORDS)[1]) == 2


def test_facts_tell_links_sentences_and_what_stands_around() -> None:
    html = f"<h1>On rivers</h1><p>{TEXTS[0]}</p><ul><li><a href=/x>one link</a><li><a href=/y>other</a></ul>"
    blocks, found = read(html)
    at = {block.text: block.number for block in blocks}
    assert found["linked"][at["one link"]] == 1000
    assert found["linked"][at[TEXTS[0]]] == 0
    assert found["sentence"][at[TEXTS[0]]] == 1
    assert found["unit linked"][at["other"]] == 1000
    assert found["since heading"][at["other"]] == 3
    assert found["heading level"][at["other"]] == 1


def tiny(folder: Path) -> Path:
    """A model of two trees of depth 2 over two facts."""
    path = folder / "tiny.json"
    data = {
        "version": "t", "facts": ["length", "linked"], "conditions": [[0, 10], [1, 500], [0, 99]],
        "levels": [[[0], [1]], [[1, 2], [0, 0]]], "leaves": [[1, 2, 4, 8], [16, 32, 64, 128]], "needed": 50,
        "words": {},
    }  # fmt: skip
    path.write_text(json.dumps(data))
    return path


@pytest.mark.parametrize(
    ("row", "points"), [((5, 0), 1 + 16), ((5, 501), 2 + 64), ((11, 0), 4 + 32), ((100, 501), 8 + 128), ((10, 500), 17)]
)
def test_points_are_the_sum_of_the_leaves_that_a_block_falls_to(
    row: tuple[int, int], points: int, tmp_path: Path
) -> None:
    model = load(tiny(tmp_path))
    assert model.points(["linked", "other", "length"], np.array([(row[1], 7, row[0])], dtype=np.int32)).tolist() == [
        points
    ]


def test_many_blocks_are_judged_as_one_by_one(tmp_path: Path) -> None:
    model, rng = load(tiny(tmp_path)), random.Random(1)
    rows = np.array([(rng.randrange(200), rng.randrange(1000)) for _ in range(2_500)], dtype=np.int32)
    names = ["length", "linked"]
    assert model.points(names, rows).tolist() == [int(model.points(names, row[None])[0]) for row in rows]
    assert model.points(names, rows[:0]).tolist() == []


def test_tables_stay_whole_or_go() -> None:
    blocks = walk(parse_html("<h1>A</h1><table><tr><td>long cell<td>b<tr><td>c<td>d</table><p>end</p>"))
    points = np.array([0, 10, -5, -5, -5, -9])
    assert main_content(blocks, points, 0) == frozenset({1, 2, 3, 4})
    assert main_content(blocks, points - 9, 0) == frozenset()


def test_the_article_stays_and_what_is_around_it_goes() -> None:
    menu = "".join(f"<li><a href=/{n}>Section {n}</a>" for n in range(12))
    prose = "".join(f"<h2>Part {n}</h2><p>{TEXTS[2 * n]}</p><p>{TEXTS[2 * n + 1]}</p>" for n in range(4))
    teasers = "".join(
        f"<div><h3><a href=/t{n}>Other story {n}</a></h3><a href=/t{n}>Read more</a></div>" for n in range(6)
    )
    html = (
        f"<html><body><nav><ul>{menu}</ul></nav><main><article><h1>On rivers</h1>{prose}</article></main>"
        f"<aside class=related><h2>Related stories</h2>{teasers}</aside><footer><p>© 2024 River Press</p></footer>"
        "</body></html>"
    )
    assert kept(html) == TEXTS[:8]


def test_links_of_the_navigation_alone_are_no_main_content() -> None:
    assert kept("<h1>x</h1><nav><a href=/a>the only text</a> <a href=/b>and more of it</a></nav>") == []
