import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.stages import Words, write_words

from builder.data.storage import write_json
from builder.errors import StageError
from builder.recipe.sections.runtime import Runtime
from builder.workspace.finished.stage_file import write_stage_file
from builder.workspace.locks import locked
from builder.workspace.processes import last_words
from builder.workspace.workspace import Finished, Workspace


@pytest.fixture(autouse=True)
def _importable_by_children(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def workspace(tmp_path, **options):
    runtime = Runtime(**options.pop("runtime", {}))
    events = []
    made = Workspace(tmp_path, runtime, lambda artifact, event: events.append((artifact.stage, event)), **options)
    return made, events


def test_a_stage_runs_once_in_a_child_and_is_cached_afterwards(tmp_path):
    first, _ = workspace(tmp_path)
    artifact = first.run("words", write_words, Words())
    second, events = workspace(tmp_path)
    again = second.run("words", write_words, Words())
    assert again == artifact
    assert events == [("words", "cached")]
    assert artifact.record["details"]["pid"] != os.getpid()
    assert artifact.record["counts"]["words"] == {"in": 1, "kept": 1, "dropped": {}, "failed": {}}
    assert artifact.record["status"] == "done"
    assert "datatrove" in artifact.record["versions"]


def test_what_is_looked_at_first_is_looked_at_only_before_a_run(tmp_path):
    def refuse():
        raise StageError("no words are left")

    made, events = workspace(tmp_path)
    with pytest.raises(StageError, match="no words are left"):
        made.run("words", write_words, Words(), first=refuse)
    assert (events, made.artifacts["words"].status) == ([], "missing")
    seen = []
    made.run("words", write_words, Words(), first=lambda: seen.append(True))
    for options in ({}, {"dry_run": True}):
        workspace(tmp_path, **options)[0].run("words", write_words, Words(), first=refuse)
    workspace(tmp_path, dry_run=True)[0].run("other", write_words, Words(), first=refuse)
    assert seen == [True]


@pytest.mark.parametrize(("named", "taken"), [(None, "system"), ("mimalloc", "mimalloc")])
def test_arrow_gives_memory_back_unless_the_environment_names_its_allocator(tmp_path, monkeypatch, named, taken):
    if named:
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", named)
    else:
        monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    made, _ = workspace(tmp_path)
    assert made.run("words", write_words, Words()).record["details"]["arrow_pool"] == taken


def test_a_changed_configuration_reruns_the_stage_and_what_follows_and_nothing_else(tmp_path):
    def build(first_words, last_words):
        made, events = workspace(tmp_path)
        left = made.run("left", write_words, Words(words=("l",)))
        right = made.run("right", write_words, Words(words=tuple(first_words)))
        both = made.run("both", write_words, Words(words=tuple(last_words)), left, right)
        return both, [stage for stage, event in events if event == "done"]

    both, ran = build(["r"], ["b"])
    assert ran == ["left", "right", "both"]
    assert (both.data / "words.txt").read_text() == "l r b"
    assert build(["r"], ["c"])[1] == ["both"]
    assert build(["s"], ["b"])[1] == ["right", "both"]
    assert build(["r"], ["b"])[1] == []


def test_a_failed_stage_says_why_and_runs_again(tmp_path):
    made, _ = workspace(tmp_path)
    with pytest.raises(StageError, match=r"words: the words are wrong; choose others"):
        made.run("words", write_words, Words(fail="error"))
    artifact = made.artifacts["words"]
    assert artifact.status == "partial"
    assert "choose others" in artifact.record["error"]


@pytest.mark.parametrize(
    ("fail", "message"),
    [
        ("lost row", r"2 rows came in but 1 are accounted for"),
        ("crash", r"exit code 1; see .*child\.log\n(.|\n)*ValueError: boom"),
        ("kill", r"was killed, most likely because memory ran out"),
        ("nothing left", r"words: no words are left of 7 \(long 5, torn 2\); what was rejected is in .*rejected"),
        ("nothing in", r"no words are left of 0 \(none came in; of 9 pages: language 8, time 1\); what was rejected"),
        ("memory", r"words: memory ran out \(.*; lower runtime"),
        ("full disk", r"words: the disk is full \(.*free some space"),
        ("no room for a message", r"words: the disk is full \(.*free some space"),
    ],
)
def test_a_child_that_breaks_is_reported_with_its_log(tmp_path, fail, message):
    made, _ = workspace(tmp_path)
    with pytest.raises(StageError, match=message):
        made.run("words", write_words, Words(fail=fail))
    assert made.artifacts["words"].status == "partial"


def test_a_failure_shows_no_traceback_but_keeps_it_in_the_log(tmp_path):
    made, _ = workspace(tmp_path)
    with pytest.raises(StageError) as caught:
        made.run("words", write_words, Words(fail="crash"))
    assert "Traceback" not in str(caught.value)
    assert "Traceback" in (made.artifacts["words"].path / "logs" / "child.log").read_text()


def test_nothing_half_written_stands_after_a_full_disk_and_the_next_run_goes_on(tmp_path):
    made, _ = workspace(tmp_path)
    with pytest.raises(StageError):
        made.run("words", write_words, Words(fail="full disk"))
    artifact = made.artifacts["words"]
    assert list(artifact.data.iterdir()) == []
    again, _ = workspace(tmp_path)
    assert again.run("words", write_words, Words(fail="full disk")).status == "done"


def test_what_a_killed_child_has_started_ends_with_it(tmp_path):
    made, _ = workspace(tmp_path)
    before = _sleepers()
    with pytest.raises(StageError):
        made.run("words", write_words, Words(fail="leave a process"))
    deadline = time.monotonic() + 5
    while _sleepers() != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _sleepers() == before


def _sleepers():
    found = subprocess.run(["pgrep", "-f", "^sleep 600$"], capture_output=True, text=True, check=False)
    return set(found.stdout.split())


def test_a_child_whose_parent_is_gone_before_it_starts_does_nothing(tmp_path):
    folder = tmp_path / "words-1"
    (folder / "logs").mkdir(parents=True)
    write_json(folder / "logs" / "request.json", {"function": "support.stages:write_words"})
    gone = subprocess.Popen(["true"])
    gone.wait()
    code = subprocess.run(
        [sys.executable, "-m", "builder.workspace.child", str(folder), str(gone.pid)], check=False
    ).returncode
    assert code == 1
    assert not (folder / "logs" / "result.json").exists()


def test_the_last_words_are_the_error_of_this_run_with_its_reason(tmp_path):
    log = tmp_path / "log"
    log.write_text("MemoryError: of an earlier run\n")
    start = log.stat().st_size
    log.write_text(
        log.read_text() + "Traceback (most recent call last):\n  File 'x.py', line 1, in f\n    f()\n"
        "[rank0]: pydantic_core.ValidationError: 1 validation error for ModelConfig\n  the length is too large\n"
    )
    said = last_words(log, start)
    assert (
        "  | pydantic_core.ValidationError: 1 validation error for ModelConfig\n  |   the length is too large" in said
    )
    assert "MemoryError" not in said
    assert "x.py" not in said


def test_a_stage_folder_that_cannot_be_written_is_an_error_of_the_stage(tmp_path):
    planned, _ = workspace(tmp_path, dry_run=True)
    path = planned.run("words", write_words, Words()).path
    path.write_text("a file in the way")
    made, _ = workspace(tmp_path)
    with pytest.raises(StageError, match=f"words: {path}.*"):
        made.run("words", write_words, Words())


def test_a_stage_begun_with_another_library_version_says_so(tmp_path):
    made, _ = workspace(tmp_path)
    with pytest.raises(StageError):
        made.run("words", write_words, Words(fail="crash"))
    artifact = made.artifacts["words"]
    record = artifact.record
    write_stage_file(artifact.path, record | {"versions": record["versions"] | {"datatrove": "0.1"}})
    with pytest.raises(StageError):
        made.run("words", write_words, Words(fail="crash"))
    (warning,) = artifact.record["warnings"]
    assert warning.startswith("begun with datatrove 0.1, now 0.10")


def test_a_child_without_progress_is_killed_and_started_again(tmp_path):
    made, _ = workspace(tmp_path, runtime={"stall_minutes": 0.05, "restarts": 1})
    artifact = made.run("words", write_words, Words(fail="hang once"))
    assert artifact.status == "done"


def test_a_child_that_never_moves_is_given_up(tmp_path):
    made, _ = workspace(tmp_path, runtime={"stall_minutes": 0.04, "restarts": 0})
    with pytest.raises(StageError, match=r"no progress for 0\.04 minutes"):
        made.run("words", write_words, Words(fail="hang once"))


def test_a_dry_run_runs_nothing(tmp_path):
    made, events = workspace(tmp_path, dry_run=True)
    artifact = made.run("words", write_words, Words())
    assert events == [("words", "missing")]
    assert artifact.status == "missing"
    assert list(tmp_path.iterdir()) == []


def test_until_stops_after_the_named_stage(tmp_path):
    made, _ = workspace(tmp_path, until="words")
    with pytest.raises(Finished):
        made.run("words", write_words, Words())
    assert made.artifacts["words"].status == "done"


def test_a_work_directory_has_one_build_at_a_time(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", "from builder.workspace.locks import locked\nfrom pathlib import Path\nimport time\n"
         f"with locked(Path({str(tmp_path)!r})):\n    print('held', flush=True); time.sleep(60)"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StageError, match=f"in use by process {holder.pid}"), locked(tmp_path):
            pass
    finally:
        holder.kill()
        holder.wait()
    with locked(tmp_path):
        pass


def test_a_child_dies_with_its_parent(tmp_path):
    script = (
        "from support.stages import Words, write_words\nfrom builder.recipe.sections.runtime import Runtime\n"
        "from builder.workspace.workspace import Workspace\nfrom pathlib import Path\n"
        f"Workspace(Path({str(tmp_path)!r}), Runtime()).run('words', write_words, Words(fail='hang once'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", script])
    try:
        deadline = time.monotonic() + 20
        while not list(tmp_path.glob("words-*/tried")) and time.monotonic() < deadline:
            time.sleep(0.1)
        children = _children(parent.pid)
        assert children
    finally:
        parent.kill()
        parent.wait()
    time.sleep(0.5)
    assert [pid for pid in children if _is_running(pid)] == []


def _children(pid):
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def _is_running(pid):
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
