"""The stage on real pages; skipped where there are none."""

from pathlib import Path

from builder.data.records import segment_id
from builder.data.storage import read_rows
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.stage import extract_segments
from builder.recipe.sections.corpus import CorpusSource, Dedup, Segments
from builder.recipe.sections.runtime import Runtime


def test_real_pages_give_segments_and_foreign_ones_do_not(real_corpus: Path, tmp_path: Path) -> None:
    config = Segments(sources=[CorpusSource(path=real_corpus, format="warc")])
    stats = extract_segments(tmp_path / "segments", config, runtime=Runtime(workers=2))
    stats.check("segments")
    assert not stats.counts["records"].failed
    assert stats.counts["pages"].failed.total() <= 2
    rows = list(read_rows(tmp_path / "segments" / "data"))
    assert len(rows) > 1_000
    assert sum(row["source_file"].startswith("other") for row in rows) <= 3
    assert all(600 <= len(row["text"]) <= 3_000 for row in rows)
    assert all(row["id"] == segment_id(row["page_id"], row["position"], row["text"]) for row in rows)

    unique = deduplicate(tmp_path / "dedup", Dedup(sample=500), tmp_path / "segments", runtime=Runtime())
    unique.check("dedup")
    assert unique.counts["segments"].kept == 500
    assert unique.counts["segments"].rows_in == len(rows)
