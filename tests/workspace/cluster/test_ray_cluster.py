"""Engines as tasks of Ray itself, where it is installed."""

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from support.even_numbers import SCHEMA, OnlyEven, by_one, source, told_by, under, written
from support.variables import OWN

from builder.data.storage import read_json
from builder.errors import StageError
from builder.llm.batch.runner import run_rows


@pytest.mark.full
def test_tasks_of_ray_write_what_one_engine_writes_although_one_dies(tmp_path, ray_here):
    rows, out = source(tmp_path), tmp_path / "out"
    run_rows(out, rows, OnlyEven(tmp_path, "dies", 5), SCHEMA, under("ray"))
    assert written(out) == by_one(tmp_path)
    assert read_json(out / "logs/deaths.json") == [[1, None]]


@pytest.mark.full
def test_what_a_task_of_ray_says_ends_the_stage_and_the_other_tasks(tmp_path, ray_here):
    rows, out = source(tmp_path), tmp_path / "out"
    with pytest.raises(StageError, match=r"^the model is not where the recipe says$"):
        run_rows(out, rows, TwoMinds(tmp_path), SCHEMA, under("ray"))
    assert not (out / "data" / "part-00000.parquet").exists()


@dataclass
class TwoMinds(OnlyEven):
    """Gives up at chunk 1 and never ends at chunk 0."""

    def answer(self, rows, rejects, tick):
        (self.cannot if rows[0]["n"] else self.waits)()


def test_a_ray_that_is_not_installed_or_not_there_ends_the_stage(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StageError, match=r"ray is not installed: pip install 'humpback-builder\[ray\]'"):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, under("ray"))


@pytest.mark.full
def test_a_task_of_ray_has_the_environment_of_a_stage(tmp_path, ray_here, bare):
    assert told_by("ray", tmp_path) == ({**OWN, "HF_HOME": "/a cache"}, True, False)


def test_ray_is_told_the_environment_of_its_tasks_and_no_secret(tmp_path, monkeypatch, bare):
    told = {}

    def init(**options):
        told.update(options)
        raise ConnectionError("nobody there")

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(init=init, shutdown=lambda: None))
    monkeypatch.setenv("RAY_ADDRESS", "elsewhere:6379")
    with pytest.raises(StageError, match="RAY_ADDRESS is elsewhere:6379, where no Ray can be used: nobody there"):
        run_rows(tmp_path / "out", source(tmp_path), OnlyEven(tmp_path), SCHEMA, under("ray", threads=3))
    assert told == {"address": "elsewhere:6379", "runtime_env": {"env_vars": {**OWN, "HF_HOME": "/a cache"}}}
