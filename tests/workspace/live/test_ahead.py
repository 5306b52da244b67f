from builder.workspace.live.ahead import Ahead


def test_a_stage_without_a_rate_of_its_own_is_taken_to_last_as_long_as_was_measured() -> None:
    assert Ahead(300.0, 60.0).left(100.0, None) == 260.0


def test_one_that_lasts_longer_than_was_measured_is_taken_to_end_now() -> None:
    assert Ahead(300.0, 60.0).left(400.0, None) == 60.0


def test_its_own_rate_goes_before_what_was_measured() -> None:
    assert Ahead(300.0, 60.0).left(100.0, 20.0) == 80.0
