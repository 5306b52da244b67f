import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.paths import distinct, inside
from builder.errors import UnsafePath

ATTACKS = [
    "", ".", "..", "/", "//", "/etc/passwd", "../a", "a/../../b", "a/..", "a/./b", "a//b", "a/", "./a",
    "..\\a", "a\\..\\b", "C:\\a", "C:a", "c:/a", "\\\\server\\share", "file:///etc/passwd", "a:stream",
    "a\0", "a\n", "a\x1b[31m", "a\x7f", "a\x85",
    "a\u202etxt.exe", "a\u200b", "\ud800", "a\udcff", "a\u2028b", "\ufeffa",
    "CON", "nul", "Aux.txt", "com1.tar.gz", "lpt9", "COM¹", "conin$", "a/NUL/b", "nul .txt", "a.", "a ", "a /b", "...",
    "x" * 256, "é" * 128, "/".join(["x" * 100] * 11), "~/../a",
]  # fmt: skip
SOUND = [
    "a",
    "a/b.parquet",
    "train-00000-of-00001.parquet",
    ".gitattributes",
    "..a",
    "a..b",
    "conx",
    "~",
    "é",
    "名",
    "a b",
]


@pytest.mark.parametrize("name", ATTACKS)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnsafePath, match=r"^the card: the name ") as caught:
        inside(tmp_path, name, "the card")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", [None, 1, b"a", ["a"], Path("a")])
def test_a_name_that_is_no_text_is_refused(tmp_path: Path, name: object) -> None:
    with pytest.raises(UnsafePath, match="is no text"):
        inside(tmp_path, name, "the card")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", SOUND)
def test_a_plain_name_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    assert inside(tmp_path / "new", name, "the card") == tmp_path / "new" / name


@given(st.one_of(st.text(max_size=40), st.text(alphabet="./\\a:~ \0", max_size=12)))
def test_any_name_is_refused_or_stays_below_its_root(name: str) -> None:
    root = Path("/nowhere/at all")
    try:
        path = inside(root, name, "the card")
    except UnsafePath as error:
        assert str(error).isprintable()  # noqa: PT017
    else:
        assert path.is_relative_to(root)
        assert path != root
        assert Path(os.path.realpath(path)).is_relative_to(root)


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with links of all kinds, and what they must not reach."""
    root, elsewhere = tmp_path / "root", tmp_path / "root-elsewhere"
    for folder in (root / "own", elsewhere):
        folder.mkdir(parents=True)
        (folder / "file").write_text("text")
    (root / "file-out").symlink_to(elsewhere / "file")
    (root / "folder-out").symlink_to(elsewhere)
    (root / "relative-out").symlink_to("../root-elsewhere")
    (root / "up").symlink_to("..")
    (root / "dangling-out").symlink_to(tmp_path / "not there")
    (root / "itself").symlink_to("itself")
    (root / "ping").symlink_to("pong")
    (root / "pong").symlink_to("ping")
    (root / "twice-out").symlink_to("folder-out")
    (root / "absolute-root").symlink_to("/")
    (root / "own" / "deep-out").symlink_to("../../root-elsewhere/file")
    (root / "file-in").symlink_to("own/file")
    (root / "folder-in").symlink_to("own")
    (root / "dangling-in").symlink_to("own/later")
    return root


@pytest.mark.parametrize(
    "name",
    [
        "file-out", "folder-out", "folder-out/file", "folder-out/new", "relative-out/file", "up",
        "up/root-elsewhere/file",
        "dangling-out", "dangling-out/new", "twice-out/file", "absolute-root/etc/passwd", "own/deep-out",
        "folder-in/deep-out", "itself", "itself/file", "ping", "pong/file",
    ],
)  # fmt: skip
def test_a_link_that_leads_out_or_nowhere_is_refused(linked: Path, name: str) -> None:
    with pytest.raises(UnsafePath, match="link"):
        inside(linked, name, "the card")


@pytest.mark.parametrize("name", ["own/file", "file-in", "folder-in/file", "dangling-in", "own/new"])
def test_a_link_within_the_root_is_followed(linked: Path, name: str) -> None:
    assert inside(linked, name, "the card") == linked / name


def test_the_root_itself_may_be_a_link(linked: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(linked)
    assert inside(tmp_path / "alias", "own/file", "the card").read_text() == "text"


def test_a_snapshot_of_the_hub_s_cache_may_link_to_its_blobs_alone(tmp_path: Path) -> None:
    repository = tmp_path / "datasets--owner--name"
    snapshot = repository / "snapshots" / ("0a" * 20)
    snapshot.mkdir(parents=True)
    (repository / "blobs").mkdir()
    (repository / "blobs" / "1").write_text("text")
    (repository / "refs").write_text("not a blob")
    (snapshot / "README.md").symlink_to("../../blobs/1")
    (snapshot / "refs").symlink_to("../../refs")
    assert inside(snapshot, "README.md", "the card").read_text() == "text"
    with pytest.raises(UnsafePath, match="leads out"):
        inside(snapshot, "refs", "the card")
    other = repository / "elsewhere" / ("0a" * 20)
    other.mkdir(parents=True)
    (other / "README.md").symlink_to("../../blobs/1")
    with pytest.raises(UnsafePath, match="leads out"):
        inside(other, "README.md", "the card")


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["README.md", "readme.md"], "differ in case"),
        (["a/x", "A/y"], "differ in case"),
        (["a/x", "A"], "differ in case"),
        (["straße", "STRASSE"], "differ in case"),
        ([unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")], "differ in case"),
        ([unicodedata.normalize("NFC", "É"), unicodedata.normalize("NFD", "é")], "differ in case"),
        (["a", "a"], "twice"),
        (["a", "a/b"], "twice"),
        (["a/b", "a"], "twice"),
    ],
)
def test_names_of_which_a_file_system_keeps_one_are_refused(names: list[str], why: str) -> None:
    with pytest.raises(UnsafePath, match=f"^the card: .*{why}"):
        distinct(names, "the card")


def test_names_that_every_file_system_tells_apart_pass() -> None:
    distinct(["a/x", "a/y", "b/x", "c", "ab", "README.md", "é", "e"], "the card")
