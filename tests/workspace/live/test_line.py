import pytest

from builder.workspace.live.line import duration, rate_of, running_line, total_time, where
from builder.workspace.live.meter import Meter
from builder.workspace.progress import Seen


def full(**more):
    return Seen(1200, 12345, "rows", 0, doing=34, kept=820, failed=3, judged=1000, **more)


LONG = "score-2-reasoned-even"


def meter(seen, seconds=200):
    found = Meter(0.0)
    found.look(seen and Seen(0, seen.total, seen.unit, 0, phase=seen.phase), 0)
    found.look(seen, seconds)
    return found


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0s"), (59.9, "59s"), (60, "1m00s"), (200, "3m20s"), (3_599, "59m59s"), (7_500, "2h05m"), (273_600, "3d04h")],
)
def test_a_time_is_said_in_its_two_largest_units(seconds, said):
    assert duration(seconds) == said


def test_a_stage_of_minutes_is_said_to_a_tenth_of_a_second():
    assert [total_time(seconds) for seconds in (0.04, 68.31, 7_500)] == ["0.0 s", "68.3 s", "2h05m"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [(12_345.6, "12,346/s"), (99.94, "99.9/s"), (1, "1.0/s"), (0.5, "0.50/s"), (0.05, "3.0/min"), (0.012, "0.72/min")],
)
def test_slow_rows_are_counted_by_the_minute(rows, said):
    assert rate_of(rows) == said


def test_a_line_says_all_there_is():
    assert running_line("augment", meter(full())) == (
        "augment              1,234 of 12,345 rows, 6.2/s, 3m20s, 30m00s left, 82 % kept, 3 failed"
    )


def test_phases_are_told_from_rows():
    loading = Seen(0, 512, "rows", 0, phase="loading the model")
    assert running_line("augment", meter(loading, 42)).split(maxsplit=1)[1] == "loading the model, 42s"
    assert running_line("augment", meter(None, 3)).split(maxsplit=1)[1] == "starting, 3s"
    again = Seen(256, 512, "rows", 0, before=256, phase="starting the engine")
    assert running_line("augment", meter(again, 7)).split(maxsplit=1)[1] == "starting the engine, 256 of 512 rows, 7s"
    assert running_line("curate-1", meter(Seen(0, None, "rows", 0), 7)).split(maxsplit=1)[1] == "working, 7s"


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (None, "starting"), (full(), "1,200 of 12,345 rows"), (Seen(0, None, "rows", 0), "working"),
        (Seen(0, None, "steps", 0, phase="loading the model"), "loading the model"),
        (Seen(7, None, "pages", 0), "7 pages"),
    ],
)  # fmt: skip
def test_of_a_stage_that_stops_the_rows_that_are_written_count(seen, said):
    assert where(seen) == said


def test_a_stage_that_has_done_its_rows_is_finishing():
    line = running_line("augment", meter(Seen(80, 80, "rows", 0), 40))
    assert line.split(maxsplit=1)[1] == "80 of 80 rows, 2.0/s, 40s, finishing"


def test_what_a_stage_notes_is_said_and_cannot_drive_the_terminal():
    line = running_line("model-1", meter(Seen(40, 100, "steps", 0, note="loss 2.31\x1b[2J")))
    assert line.endswith("loss 2.31␛[2J")


@pytest.mark.parametrize("stage", ["seed", LONG])
def test_a_line_fits_and_breaks_no_word(stage):
    found = meter(full(note="loss 2.31"))
    parts = running_line(stage, found).removeprefix(stage).strip().split(", ")
    for width in range(44, 130):
        line = running_line(stage, found, width)
        assert len(line) <= width
        shown = line.removeprefix(stage).strip().split(", ")
        assert [part for part in parts if part in shown] == shown
        assert shown[0] == parts[0]
        assert width < 79 or {"3m20s", "30m00s left"} <= set(shown)
    assert shown == parts
    assert running_line(stage, found, 20) == f"{stage}  1,234 of 12,345 rows"[:20]
