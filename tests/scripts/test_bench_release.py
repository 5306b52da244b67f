"""The bench of releases: the build it makes can be released, and it sees any byte that differs but the version's."""

import json
from pathlib import Path

import bench_release
import finished_build
import pytest

from builder.cli.project import open_project
from builder.data.storage import count_rows, read_json
from builder.results.release.folder import assemble

RELEASE = "dataset/seed/train-00000-of-00001.parquet"


@pytest.mark.parametrize("text", ["full", "standoff"])
def test_build_without_a_build_can_be_released(tmp_path: Path, text: str) -> None:
    finished_build.write_build(tmp_path / "project", candidates=120, seed_rows=12, text=text)
    build = open_project(tmp_path / "project").look_at_build()
    assert {artifact.status for artifact in build.artifacts.values()} == {"done"}
    folder = assemble(tmp_path / "release", build, "1.0.0")
    assert count_rows(folder / "dataset" / "augmented") == 120
    assert count_rows(folder / "dataset" / "seed") == 12
    assert 0 < count_rows(folder / "dataset" / "curated") < 40
    assert read_json(folder / "dataset" / "manifest.json")["text"] == text


def write_release(folder: Path, version: str) -> Path:
    """A folder with what tells releases apart: rows, a card and a manifest with digests."""
    (folder / RELEASE).parent.mkdir(parents=True)
    (folder / RELEASE).write_bytes(b"rows")
    (folder / "dataset" / "README.md").write_text(f"Made by {version} from 10 rows.")
    files = [{"path": "README.md", "sha256": version}, {"path": "seed/train-00000-of-00001.parquet", "sha256": "1"}]
    manifest = {"tool": {"name": "x", "version": version}, "history": [{"tool": version}], "files": files}
    (folder / "dataset" / "manifest.json").write_text(json.dumps(manifest))
    return folder


def test_only_the_version_may_differ(tmp_path: Path) -> None:
    differences = bench_release.differences
    one, other = write_release(tmp_path / "one", "0.1.0"), write_release(tmp_path / "other", "0.2.0.dev1")
    assert differences(one, other) == []
    (other / RELEASE).write_bytes(b"rowz")
    (other / "dataset" / "README.md").write_text("Made by 0.2.0.dev1 from 11 rows.")
    (other / "dataset" / "more.yaml").write_text("")
    assert differences(one, other) == ["dataset/README.md", "dataset/more.yaml", RELEASE]
    manifest = (other / "dataset" / "manifest.json").read_text()
    (other / "dataset" / "manifest.json").write_text(manifest.replace('"sha256": "1"', '"sha256": "2"'))
    assert "dataset/manifest.json" in differences(one, other)
