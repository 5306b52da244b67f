"""Near duplicates in every script; `test_stage.py` has the stage itself."""

from pathlib import Path

import pytest
from support.languages import LANGUAGES, Language, composed, decomposed

from builder.data.records import segment_id, segment_schema
from builder.data.storage import read_rows, write_rows
from builder.method.corpus.dedup.index import loose_digest
from builder.method.corpus.dedup.stage import deduplicate
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.runtime import Runtime


def kept(folder: Path, texts: list[str]) -> tuple[set[str], dict[str, int]]:
    """The texts that stay, and how many go for which reason."""
    rows = [
        {"id": segment_id(str(number), 0, text), "page_id": str(number), "source_file": "a", "record_offset": 0,
         "url": "", "header": "h", "text": text, "kept_blocks": [1]}
        for number, text in enumerate(texts)
    ]  # fmt: skip
    write_rows(folder / "in" / "data" / "0.parquet", rows, segment_schema())
    stats = deduplicate(folder / "out", Dedup(), folder / "in", runtime=Runtime())
    return {row["text"] for row in read_rows(folder / "out" / "data")}, dict(stats.counts["segments"].dropped)


def test_a_page_with_another_name_is_a_near_duplicate_in_every_language(tmp_path: Path) -> None:
    copies = {name: [spoken.text(number) for number in (0, 1)] for name, spoken in LANGUAGES.items()}
    stay, dropped = kept(tmp_path, [text for pair in copies.values() for text in pair])
    assert {name: len(stay & set(pair)) for name, pair in copies.items()} == dict.fromkeys(LANGUAGES, 1)
    assert dropped == {"near_duplicate": len(LANGUAGES)}


def test_other_pages_of_a_language_stay(tmp_path: Path) -> None:
    halves = []
    for spoken in LANGUAGES.values():
        sentences = [sentence.replace("{}", spoken.names[0]) for sentence in spoken.sentences]
        halves += [" ".join(sentences[:3]), " ".join([*sentences[3:], spoken.question])]
    stay, dropped = kept(tmp_path, halves)
    assert stay == set(halves)
    assert dropped == {}


@pytest.mark.parametrize("spoken", LANGUAGES.values(), ids=LANGUAGES)
def test_texts_are_equal_however_they_are_composed(spoken: Language) -> None:
    assert loose_digest(decomposed(spoken.text())) == loose_digest(composed(spoken.text()))
    assert loose_digest(spoken.text(1)) != loose_digest(spoken.text(2))
