import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import StageError
from builder.method.train.schedule import PAPER_STEPS, global_batch, paper_steps, share_of_a_process


@pytest.mark.parametrize(
    ("rows", "steps"),
    [
        (100, 30), (800, 300), (1_600, 600), (3_200, 500), (6_400, 600), (12_800, 600), (25_600, 1_200),
        (51_200, 1_600),
    ],
)  # fmt: skip
def test_the_papers_table_is_kept_to(rows, steps):
    assert paper_steps(rows) == steps


@pytest.mark.parametrize(
    ("rows", "steps"), [(1, 30), (2_999, 600), (3_000, 500), (3_180, 500), (45_021, 1_600), (500_000, 1_600)]
)
def test_other_numbers_of_rows_take_the_nearest_entry_with_their_batch(rows, steps):
    assert paper_steps(rows) == steps


def test_a_step_has_32_rows_and_8_below_3000():
    assert [global_batch("paper", rows) for rows in (100, 2_999, 3_000, 51_200)] == [8, 8, 32, 32]
    assert set(PAPER_STEPS) == {8, 32}
    assert (global_batch(16, 100), global_batch(None, 100)) == (16, None)


@given(st.integers(1, 512), st.integers(1, 64), st.integers(1, 64))
def test_processes_share_the_rows_of_a_step_evenly_or_not_at_all(rows, processes, most):
    if rows % processes:
        with pytest.raises(StageError, match=f"{rows} rows a step cannot be shared evenly by {processes} processes"):
            share_of_a_process(rows, processes, most)
        return
    share = share_of_a_process(rows, processes, most)
    assert share.device_rows * share.accumulation * processes == rows
    assert 1 <= share.device_rows <= most
