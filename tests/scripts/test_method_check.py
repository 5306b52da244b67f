from method_check import Uncurated, draw_uncurated, share_again

from builder.data.records import candidate_schema, curated_schema
from builder.data.storage import read_rows, write_rows
from builder.recipe.sections.runtime import Runtime
from builder.workspace.workspace import Artifact


def pair(number, **more):
    return {"id": f"{number:02d}-0", "page_id": f"page {number}", "instruction": "i", "output": "o", **more}


def test_as_many_uncurated_rows_are_drawn_as_were_selected_and_none_of_a_withheld_page(tmp_path):
    write_rows(tmp_path / "augment/data/a.parquet", [pair(n) for n in range(40)], candidate_schema())
    selected = [pair(n, score=1.0, split="test" if n < 3 else "train") for n in range(15)]
    write_rows(tmp_path / "curate/data/a.parquet", selected, curated_schema())
    stats = draw_uncurated(tmp_path / "out", Uncurated(), tmp_path / "augment", tmp_path / "curate", runtime=Runtime())
    stats.check("uncurated")
    rows = list(read_rows(tmp_path / "out/data"))
    assert len(rows) == 12
    assert {row["split"] for row in rows} == {"train"}
    assert {row["page_id"] for row in rows}.isdisjoint({"page 0", "page 1", "page 2"})
    assert {row["id"] for row in rows} - {row["id"] for row in selected}


def test_the_share_that_is_selected_again_is_of_the_earlier_selection(tmp_path):
    chosen = {1: range(8), 2: range(6, 12)}
    for t, numbers in chosen.items():
        rows = [pair(n, score=1.0, split="train") for n in numbers]
        write_rows(tmp_path / f"curate-{t}/data/a.parquet", rows, curated_schema())
    assert share_again([Artifact(f"curate-{t}", "0", tmp_path / f"curate-{t}") for t in chosen]) == 2 / 8
