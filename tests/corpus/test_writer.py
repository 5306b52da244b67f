import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.corpus_pages import sentence, settings

from builder.data.records import segment_id
from builder.data.storage import read_rows
from builder.method.corpus.cutting.page import CutPage
from builder.method.corpus.cutting.segmenter import Segment
from builder.method.corpus.reading.readers import Loss, Page
from builder.method.corpus.tasks import TaskFiles
from builder.method.corpus.writer import WriteSegments


def a_page(number: int) -> Page:
    return Page(f"p{number}", f"https://example.org/{number}", "<h1>", "file", 0, "en", "digest")


def outcomes(texts: list[str], header: str = "How it works") -> Iterator[Any]:
    for number, text in enumerate(texts):
        yield a_page(number), CutPage("Title of a@b.org", "en", [Segment(header, 2, ("Mail a@b.org",), 1, text, (1,))])


def write(out: Path, data: Iterator[Any], **keys: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Any]:
    files = TaskFiles(out, "mark", 1)
    config = settings(out, **{"min_chars": 1, **keys})
    assert list(WriteSegments(config, files)(data, 0, 1)) == []
    (result,) = files.results()
    return list(read_rows(files.data(0))), list(read_rows(files.rejected(0))), result


def test_rows_are_written_as_they_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    monkeypatch.setattr("builder.method.corpus.writer.ROW_GROUP", 3)
    texts = [sentence(random.Random(n), 20) for n in range(8)]
    lost = [Loss("records", f"r{n}", "not_response") for n in range(4)]
    rows, rejected, result = write(tmp_path, iter([*outcomes([*texts, "short"]), *lost]), min_chars=20)
    assert [row["text"] for row in rows] == texts
    assert [row["reason"] for row in rejected] == ["too_short", *["not_response"] * 4]
    sizes = pq.read_metadata(tmp_path / "data" / "00000.parquet")
    assert [sizes.row_group(n).num_rows for n in range(sizes.num_row_groups)] == [3, 3, 2]
    assert pq.read_metadata(tmp_path / "rejected" / "00000.parquet").num_row_groups == 2
    assert result["counts"]["segments"] == {"in": 9, "kept": 8, "dropped": {"too_short": 1}, "failed": {}}
    assert result["details"]["chars"] == sum(map(len, texts))
    assert result["details"]["chars_squared"] == sum(len(text) ** 2 for text in texts)


def test_a_task_that_fails_leaves_no_file_under_a_final_name(tmp_path: Path) -> None:
    def broken() -> Iterator[Any]:
        yield from outcomes(["Some text that is kept."])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write(tmp_path, broken())
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".parquet", ".json", ".tmp")]


def test_addresses_are_masked_before_the_id_is_made(tmp_path: Path) -> None:
    text = "Write to jane@corp.org or to 93.184.216.34."
    masked = "Write to email@example.com or to 192.0.2.1."
    rows, _, result = write(tmp_path / "on", outcomes([text], header="Ask bob@corp.org"))
    assert (rows[0]["text"], rows[0]["header"]) == (masked, "Ask email@example.com")
    assert (rows[0]["title"], rows[0]["header_path"]) == ("Title of email@example.com", ["Mail email@example.com"])
    assert rows[0]["id"] == segment_id("p0", 1, masked)
    assert (result["details"]["masked_emails"], result["details"]["masked_ips"]) == (2, 1)
    rows, _, result = write(tmp_path / "off", outcomes([text]), mask_pii=False)
    assert (rows[0]["text"], rows[0]["id"]) == (text, segment_id("p0", 1, text))
    assert (result["details"]["masked_emails"], result["details"]["masked_ips"]) == (0, 0)


def test_rejected_segments_are_masked_too(tmp_path: Path) -> None:
    _, rejected, _ = write(tmp_path, outcomes(["Write to jane@corp.org."]), min_chars=500)
    assert rejected[0]["text"] == "Write to email@example.com."
    assert rejected[0]["twin"] is None
