"""A small build and its release, made once for all files that only read them."""

from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.results.release.folder import assemble


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> FakeBuild:
    """A finished build; a test that changes a stage copies it first."""
    return FakeBuild(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="session")
def release(build: FakeBuild, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its release; a test that changes it copies it first."""
    return assemble(tmp_path_factory.mktemp("release") / "1.0.0", build.build, "1.0.0")
