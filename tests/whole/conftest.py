"""A small project that nothing was built of."""

from pathlib import Path

import pytest
from support.small_project import copy_project, write_small_project


@pytest.fixture(scope="module")
def unbuilt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_project(tmp_path_factory.mktemp("small") / "project")


@pytest.fixture
def project(unbuilt: Path, tmp_path: Path) -> Path:
    """A fresh copy, nothing built."""
    return copy_project(unbuilt, tmp_path / "project", stages=())
