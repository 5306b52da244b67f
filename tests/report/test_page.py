"""The page without a browser: its policy, what stands in it, and that texts of others are data."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.build import Build
from builder.errors import RecipeError
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import funnel, text_statistics
from builder.results.report.content import content_of
from builder.results.report.page import page_of
from builder.results.report.rows import of_build, pairs_of
from builder.workspace.stage_names import StageName


def keys_of(stage: StageName, reason: str) -> Sequence[str]:
    return [f"{stage.kind}.{reason}"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Build, Path]:
    folder = tmp_path_factory.mktemp("build")
    return FakeBuild(folder).build, folder


@pytest.fixture(scope="module")
def page(made: tuple[Build, Path]) -> str:
    build, folder = made
    return page_of(content_of(build, of_build(build), folder, keys_of), pairs_of(of_build(build)))


def test_only_its_own_scripts_may_run_and_nothing_is_loaded(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert len(digests) == 2
    assert all(f"'sha256-{digest}'" in policy[1] for digest in digests)
    assert "src=" not in page.partition("<main")[0]
    assert not re.search(r"@[A-Z]+@", page)


def test_it_is_read_without_scripts(page: str) -> None:
    for title in ("Summary", "What is left after each step", "Scores", "From one iteration to the next", "Warnings"):
        assert f">{title}</h2>" in page or title == "Warnings"
    assert page.count("<table") > 5
    assert page.count("<caption>") == page.count("<table")


def test_hostile_texts_are_no_markup(page: str) -> None:
    assert "<| a | b |" not in page
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert "<" not in data[1]
    json.loads(data[1])


def test_its_figures_are_those_of_the_card(made: tuple[Build, Path]) -> None:
    build, folder = made
    content, material = content_of(build, of_build(build), folder, keys_of), Material(build, "0.0.0")
    assert content["funnel"] == funnel(material)
    assert content["lengths"] == text_statistics(material)


def test_a_build_that_is_not_finished_is_named(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path).build
    (build.final.path / "stage.json").unlink()
    with pytest.raises(RecipeError, match=r"the build is not finished \(model-2\)"):
        content_of(build, of_build(build), tmp_path, keys_of)


def test_the_bundle_of_charts_is_the_one_that_was_built() -> None:
    from importlib.resources import files

    assets = files("builder.results.report") / "assets"
    digest = hashlib.sha256((assets / "plot.js").read_bytes()).hexdigest()
    assert digest == "54373ae5c44430d1e9638d1b266d5d3e42ea1e2fe88ddd48661302504bc0cf0d"
    licences = (assets / "plot-licences.txt").read_text(encoding="utf-8")
    assert "@observablehq/plot 0.6.17 (ISC)" in licences
