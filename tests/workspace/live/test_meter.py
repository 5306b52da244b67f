import pytest

from builder.workspace.live.meter import Meter
from builder.workspace.progress import Seen


def seen(done, total=None, unit="rows", **more):
    return Seen(done, total, unit, 0, **more)


def watched(*looks):
    """A meter that has looked at these things, each after so many seconds."""
    meter = Meter(100.0)
    for at, what in looks:
        meter.look(what, 100.0 + at)
    return meter


def test_the_start_of_an_engine_is_in_the_time_and_not_in_the_rate():
    meter = watched((5, None), (60, seen(0, 100, phase="loading the model")), (61, seen(0, 100)), (71, seen(20, 100)))
    assert (meter.elapsed, meter.rate, meter.left) == (71, 2.0, 40.0)


def test_what_earlier_runs_have_done_is_not_in_the_rate():
    meter = watched((0, seen(900, 1000, before=900)), (10, seen(910, 1000, before=900)))
    assert (meter.rate, meter.left) == (1.0, 90.0)


def test_rows_of_a_chunk_in_hand_count():
    meter = watched((0, seen(0, 512)), (4, seen(0, 512, doing=128)))
    assert (meter.rate, meter.left) == (32.0, 12.0)


def test_a_stage_that_is_started_again_loses_neither_its_rate_nor_its_time():
    before = ((0, seen(0, 100)), (10, seen(30, 100, doing=10)), (10, None), (20, None))
    meter = watched(*before, (20, seen(30, 100, before=30)), (30, seen(70, 100, before=30)))
    assert (meter.elapsed, meter.rate, meter.left) == (30, 4.0, 7.5)


def test_another_unit_is_another_rate():
    meter = watched(
        (0, seen(0, 8, "signature tasks")), (8, seen(8, 8, "signature tasks")), (9, seen(0, 600, "segments"))
    )
    assert meter.rate is None
    meter.look(seen(300, 600, "segments"), 100.0 + 12)
    assert meter.rate == pytest.approx(100)
    assert meter.mixed


def test_what_was_told_before_anything_was_counted_mixes_nothing():
    loading = seen(0, 16, "steps", phase="loading the model")
    meter = watched((0, seen(0)), (9, loading), (20, seen(0, 16, "steps")), (28, seen(4, 16, "steps")))
    assert (meter.rate, meter.mixed) == (0.5, False)


@pytest.mark.parametrize(
    "looks", [(), ((1, seen(0, 9)),), ((0, seen(0, 9)), (1, seen(4, 9))), ((0, seen(0)), (9, seen(0)))]
)
def test_a_rate_is_said_when_there_is_something_to_go_by(looks):
    meter = watched(*looks)
    assert (meter.rate, meter.left) == (None, None)


def test_what_a_stage_does_after_its_last_row_is_not_in_the_rate():
    meter = watched((0, seen(0, 20)), (10, seen(20, 20)), (30, seen(20, 20)))
    assert (meter.is_over, meter.rate, meter.elapsed) == (True, 2.0, 30)


def test_what_nobody_knows_the_end_of_has_a_rate_and_no_time_left():
    meter = watched((0, seen(0, unit="pages")), (10, seen(50, unit="pages")))
    assert (meter.rate, meter.left) == (5.0, None)
