from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.accounting import Counts, Rejects, Stats
from builder.data.records import (
    candidate_schema,
    curated_schema,
    pair_id,
    row_seed,
    score_schema,
    segment_id,
    segment_schema,
    stable_id,
)
from builder.errors import StageError


def test_ids_are_the_same_on_every_machine():
    assert stable_id("page", 3, "text") == "ae175a1d6681c3c0fec2fa9fc157f4bd"
    assert segment_id("page", 3, "text") == stable_id("page", 3, "text")
    assert pair_id("abc", 2) == "abc-2"


@given(st.lists(st.text(), min_size=2, max_size=4))
def test_ids_tell_where_one_part_ends_and_the_next_begins(parts):
    assert stable_id(*parts) == stable_id(*parts)
    assert stable_id(*parts) != stable_id(*parts, "")
    moved = [parts[0] + "x", *parts[1:]]
    assert stable_id(*moved) != stable_id(*parts)


@given(st.integers(), st.text())
def test_row_seeds_fit_32_bits_and_depend_on_the_row(seed, row):
    assert 0 <= row_seed(seed, row) < 2**32
    assert row_seed(seed, row) == row_seed(seed, row)
    assert row_seed(seed, row) != row_seed(seed, row + "x")


counters = st.dictionaries(st.sampled_from(["short", "long", "odd"]), st.integers(1, 9)).map(Counter)


@given(st.integers(0, 99), counters, counters, st.integers(-3, 3))
def test_counts_pass_exactly_when_every_row_is_accounted_for(kept, dropped, failed, off):
    counts = Counts(kept + dropped.total() + failed.total() + off, kept, dropped, failed)
    assert Counts.from_dict(counts.as_dict()) == counts
    if off:
        with pytest.raises(StageError, match=r"stage \(rows\): .* rows came in but .* are accounted for"):
            Stats({"rows": counts}).check("stage")
    else:
        Stats({"rows": counts}).check("stage")


def test_counts_of_parts_add_up():
    total = Counts(1, 1)
    total.add(Counts(4, 1, Counter(short=2), Counter(error=1)))
    total.add(Counts(1, 0, Counter(short=1)))
    assert total.as_dict() == {"in": 6, "kept": 2, "dropped": {"short": 3}, "failed": {"error": 1}}


def test_rejects_keep_every_id_but_only_the_first_texts():
    rejects = Rejects(limit=2)
    for number in range(5):
        rejects.add(str(number), "short", text=f"text {number}")
    rejects.add("x", "long", text="text x")
    assert [row["id"] for row in rejects.rows] == ["0", "1", "2", "3", "4", "x"]
    assert [row["text"] for row in rejects.rows] == ["text 0", "text 1", None, None, None, "text x"]


def test_schemas_share_the_columns_they_are_joined_by():
    assert segment_schema().field("id").type == candidate_schema().field("segment_id").type
    assert set(curated_schema().names) - set(candidate_schema().names) == {"score", "split"}
    for judge in ("likelihood", "expected", "verdict", "reasoned", "reverse"):
        assert score_schema(judge).names[:3] == ["id", "score", "reason"]
        assert "output" not in score_schema(judge).names
