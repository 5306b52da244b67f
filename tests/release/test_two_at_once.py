"""Two releases beside each other use the same temporary names: the second one has to wait."""

from pathlib import Path

import pytest
from support.release_build import FakeBuild

from builder.errors import ReleaseError
from builder.results.release.content.material import Material
from builder.results.release.folder import assemble, assembled
from builder.workspace.locks import alone_in


def test_a_release_leaves_alone_what_another_one_is_writing(tmp_path: Path) -> None:
    """Else the first one would give its name to what the second one has only begun."""
    build = FakeBuild(tmp_path / "build").build
    (tmp_path / "releases").mkdir()
    begun = tmp_path / "releases" / ".1.0.0.tmp"
    begun.mkdir()
    with alone_in(tmp_path / "releases") as alone:
        assert alone
        with pytest.raises(ReleaseError, match="releases: another release is written there now; wait for it"):
            assemble(tmp_path / "releases" / "1.0.0", build, "1.0.0")
        with (
            pytest.raises(ReleaseError, match="another release is written there now"),
            assembled(tmp_path / "releases" / "1.0.0", Material(build, "1.0.0")),
        ):
            pass
        assert begun.is_dir()
    with alone_in(tmp_path / "releases") as alone:
        assert alone
