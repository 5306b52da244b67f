"""What a build says of its end, from rates that were measured."""

from pathlib import Path

import pytest
from support.small_project import write_small_project

from builder.cli.planning.ahead import ahead_of
from builder.cli.planning.calls import calls_of, settings_mark
from builder.cli.planning.rates import Rate, Rates, write_rates
from builder.cli.project import Project, open_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return open_project(write_small_project(tmp_path / "project"))


def write(project: Project, *, without: str = "") -> None:
    """Every stage takes ten seconds and nothing for its units; rates of one kind may be missing."""
    calls = {call.key: call for call in reversed(calls_of(project).values()) if call.key != without}
    known = {
        key: Rate(
            10.0, 0.0, "rows", units=5.0, kept=(5.0, 5.0, 5.0), step_rows=8, settings=settings_mark(call, project)
        )
        for key, call in calls.items()
    }
    write_rates(project.work_dir, Rates(known))


def test_a_stage_and_those_after_it_are_summed(project: Project) -> None:
    write(project)
    stages = len(calls_of(project))
    assert ahead_of(project, "seed") == (10.0, 10.0 * (stages - 1))


def test_only_what_will_run_counts(project: Project) -> None:
    write(project)
    assert ahead_of(project, "seed", until="dedup") == (10.0, 20.0)


@pytest.mark.parametrize("stage", ["seed", "model-1"])
def test_nothing_is_said_where_a_stage_was_not_measured(project: Project, stage: str) -> None:
    write(project, without="score-likelihood")
    assert ahead_of(project, stage) is None


def test_nothing_is_said_where_nothing_was_measured(project: Project) -> None:
    assert ahead_of(project, "seed") is None
