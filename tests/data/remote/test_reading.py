"""Files behind URLs are read to their end where a server fails on the way, and never end early in silence."""

import random
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.corpus_pages import archive
from support.web_files import Quiet, Ranged, serving

from builder.data.address import Address
from builder.data.inputs import open_binary
from builder.data.remote import reading
from builder.method.corpus.reading.readers import Loss, Shard, list_inputs, read_pages
from builder.recipe.sections.corpus import CorpusSource

CONTENT = random.Random(0).randbytes(12_000_000)
"""More than two of the blocks that fsspec asks the web for."""


class Failing(Ranged):
    """A server that fails each second time that it is asked for content: it says that it is busy, or hangs up."""

    asked: ClassVar[Counter[str]] = Counter()
    status: ClassVar[int] = 503

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        if self.asked[self.path] % 2:
            self.fail()
        else:
            super().do_GET()

    def fail(self) -> None:
        """Fail for once."""
        self.send_error(self.status)


class HangingUp(Failing):
    def fail(self) -> None:
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-999999/{len(CONTENT)}")
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 1_000)
        self.close_connection = True


class Broken(Failing):
    """A server that fails whenever it is asked for content."""

    def do_GET(self) -> None:
        self.asked[self.path] += 1
        self.fail()


class Refusing(Broken):
    status = 403


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "DELAYS", (0.0,) * len(reading.DELAYS))
    Failing.asked.clear()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "file").write_bytes(CONTENT)
    return tmp_path / "file"


@pytest.mark.parametrize("kind", [Failing, HangingUp])
def test_what_fails_on_the_way_is_asked_for_again_from_the_byte_that_was_reached(file: Path, kind: Any) -> None:
    with serving(file.parent, kind) as address, open_binary(Address(f"{address}file")) as handle:
        assert handle.read() == CONTENT
        handle.seek(5_000_000)
        assert handle.read(10) == CONTENT[5_000_000:5_000_010]
        handle.seek(-5, 2)
        assert handle.read() == CONTENT[-5:]
    assert Failing.asked["/file"] >= 6


def test_after_so_many_failures_the_file_is_given_up(file: Path) -> None:
    with serving(file.parent, Broken) as address, open_binary(Address(f"{address}file")) as handle:
        with pytest.raises(OSError, match="503"):
            handle.read(1)
        assert Failing.asked["/file"] == 1 + len(reading.DELAYS)


def test_what_the_server_refuses_is_not_asked_for_again(file: Path) -> None:
    with serving(file.parent, Refusing) as address, open_binary(Address(f"{address}file")) as handle:
        with pytest.raises(OSError, match="403"):
            handle.read(1)
        assert Failing.asked["/file"] == 1


def test_a_file_that_has_become_shorter_does_not_end_in_silence(file: Path) -> None:
    with serving(file.parent, Ranged) as address, open_binary(Address(f"{address}file")) as handle:
        assert handle.read(10) == CONTENT[:10]
        file.write_bytes(CONTENT[:7_000_000])
        handle.seek(11_000_000)
        with pytest.raises(OSError, match="opened first"):
            handle.read(10)


@pytest.mark.parametrize("place", [0, 6_000_000])
def test_a_server_without_ranges_is_read_from_its_beginning(file: Path, place: int) -> None:
    with serving(file.parent, Quiet) as address, open_binary(Address(f"{address}file")) as handle:
        handle.seek(place)
        assert handle.read() == CONTENT[place:]
        handle.seek(9_000_000)
        assert handle.read(1_000) == CONTENT[9_000_000:9_001_000]


def test_a_missing_and_a_failing_object_cost_their_files_alone(tmp_path: Path) -> None:
    class OneBroken(Ranged):
        def do_GET(self) -> None:
            if self.path.endswith("b.warc.gz"):
                self.send_error(500)
            else:
                super().do_GET()

    for name in "abc":
        archive(tmp_path / "crawl" / f"{name}.warc.gz", 3)
    with serving(tmp_path, OneBroken) as address:
        inputs = list_inputs([CorpusSource(path=f"{address}crawl/", format="warc")])
        (tmp_path / "crawl" / "c.warc.gz").unlink()
        found = list(read_pages(inputs, Shard()))
    lost = {outcome.identity: outcome.reason for outcome in found if isinstance(outcome, Loss) and outcome.failed}
    assert lost == {"b.warc.gz@0": "unreadable", "c.warc.gz": "unreadable"}
    assert len([outcome for outcome in found if not isinstance(outcome, Loss)]) == 3


@pytest.mark.parametrize("place", [0, 11_000_000])
def test_a_file_system_that_keeps_copies_gives_its_files_too(file: Path, tmp_path: Path, place: int) -> None:
    with serving(file.parent, Ranged) as address, open_binary(Address(f"simplecache::{address}file")) as handle:
        handle.seek(place)
        assert handle.read(1_000) == CONTENT[place : place + 1_000]


def test_a_task_that_loses_its_part_of_a_shared_file_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive(tmp_path / "a.warc.gz", 40)
    inputs = list_inputs([CorpusSource(path=tmp_path / "a.warc.gz", format="warc")])
    whole = [list(read_pages(inputs, Shard(rank, 4))) for rank in range(4)]
    assert sum(map(len, whole)) == 40

    def fail(location: Path) -> Any:
        raise OSError("no answer")

    monkeypatch.setattr("builder.method.corpus.reading.archives.open_binary", fail)
    for rank in range(4):
        (loss,) = read_pages(inputs, Shard(rank, 4))
        assert isinstance(loss, Loss)
        assert (loss.identity, loss.reason, loss.failed) == ("a.warc.gz", "unreadable", True)
