"""The benchmark of `check` fails where a check takes more than its limit."""

import sys

import pytest
from bench_check import Run, main


@pytest.mark.parametrize(("seconds", "megabytes", "over"), [(0.4, 90, ""), (0.6, 90, "recipe"), (0.4, 501, "whole")])
def test_a_check_over_its_limit_fails_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, seconds: float, megabytes: float, over: str
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench_check.py"])
    monkeypatch.setattr("bench_check.write_inputs", lambda folder, *_: folder)
    monkeypatch.setattr("bench_check.check", lambda *_: Run(seconds, seconds, megabytes, "fine"))
    if not over:
        main()
        return
    with pytest.raises(SystemExit, match=rf"^over the limit: .*{over}"):
        main()
