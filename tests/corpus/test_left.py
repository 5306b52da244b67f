"""What is said where no segment is left."""

import pytest

from builder.errors import StageError
from builder.method.corpus.left import refuse_nothing_left

PAGES = {"in": 9, "kept": 2, "dropped": {"language": 3, "no_headings": 4}, "failed": {}}
RECORDS = {"in": 12, "kept": 9, "dropped": {"request": 2}, "failed": {"corrupt": 1}}


def test_no_segment_left_names_what_took_records_pages_and_segments() -> None:
    segments = {"in": 5, "kept": 0, "dropped": {"too_short": 4, "garbled": 1}, "failed": {}}
    nothing = {"segments": {"in": 0, "kept": 0, "dropped": {}, "failed": {}}}
    with pytest.raises(StageError) as caught:
        refuse_nothing_left({"records": RECORDS, "pages": PAGES, "segments": segments}, nothing)
    assert str(caught.value).startswith(
        "no segments are left (records: 9 of 12 stay, 2 request, 1 corrupt; pages: 2 of 9 stay, 4 no_headings, "
        "3 language; segments: 0 of 5 stay, 4 too_short, 1 garbled); "
    )


def test_segments_that_go_as_duplicates_are_named_and_any_that_stays_is_enough() -> None:
    found = {"pages": PAGES, "segments": {"in": 5, "kept": 5, "dropped": {}, "failed": {}}}
    taken = {"segments": {"in": 5, "kept": 0, "dropped": {"not_sampled": 5}, "failed": {}}}
    with pytest.raises(StageError, match=r"distinct segments: 0 of 5 stay, 5 not_sampled\)"):
        refuse_nothing_left(found, taken)
    refuse_nothing_left(found, {"segments": {"in": 5, "kept": 1, "dropped": {"duplicate": 4}, "failed": {}}})
