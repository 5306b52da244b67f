import base64
import gzip
import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from builder.results.report.columns import packed, packed_json, scores_column, small_numbers

NUMBERS = {"Float32Array": np.float32, "Uint16Array": np.uint16, "Uint8Array": np.uint8}


@given(st.lists(st.tuples(st.floats(-9, 9, width=32), st.integers(0, 99_999), st.integers(0, 255)), max_size=50))
def test_a_browser_reads_back_what_was_packed(rows: list[tuple[float, int, int]]) -> None:
    given_ = {
        "small": np.array([row[2] for row in rows], dtype=np.uint8),
        "score": scores_column([row[0] for row in rows]),
        "length": small_numbers([row[1] for row in rows]),
    }
    found = packed(given_)
    data = gzip.decompress(base64.b64decode(found["data"]))
    assert found["rows"] == len(rows)
    for column in found["columns"]:
        kind = NUMBERS[column["kind"]]
        assert column["start"] % np.dtype(kind).itemsize == 0
        read = np.frombuffer(data, dtype=kind, count=len(rows), offset=column["start"])
        assert (read == given_[column["name"]]).all()


def test_no_score_is_no_number_and_a_long_text_the_longest_there_is() -> None:
    assert np.isnan(scores_column([None])[0])
    assert small_numbers([70_000])[0] == 65_535


def test_the_same_rows_give_the_same_text() -> None:
    value = [{"text": "é </script>"}]
    assert packed_json(value) == packed_json(value)
    assert json.loads(gzip.decompress(base64.b64decode(packed_json(value)))) == value
