"""Builds under unusual circumstances: they work, or the message says what is needed."""

import ast
import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from support.small_project import HUMPBACK, humpback, stage_folder

import builder
from builder.cli.init import write_recipe_folder
from builder.data.storage import count_rows, read_json
from builder.errors import StageError
from builder.workspace.locks import locked

C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
OPENS = {"read_text", "write_text", "fdopen", "TextIOWrapper", "NamedTemporaryFile"}
WALL_CLOCK = {"time", "time_ns", "now", "utcnow", "today"}
KEPT = 862
"""Rows of `dedup` in the quickstart, 21 near duplicates less."""


@cache
def sources():
    root = Path(builder.__file__).parent
    return {
        path.relative_to(root).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in root.rglob("*.py")
    }


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield node, name, {keyword.arg: keyword.value for keyword in node.keywords}


def is_binary(call, name, keywords):
    """Whether what a call opens is bytes: its mode says so, or it has none of Python's."""
    given = [*call.args, keywords.get("mode")]
    modes = [item.value for item in given if isinstance(item, ast.Constant) and isinstance(item.value, str)]
    if (
        name != "fdopen"
        and isinstance(call.func, ast.Attribute)
        and ast.unparse(call.func.value) in ("os", "gzip", "tarfile")
    ):
        return True
    return any("b" in mode and len(mode) <= 3 for mode in modes)


def test_no_file_is_opened_in_the_encoding_of_the_locale():
    found = [
        f"{name}:{call.lineno}"
        for name, tree in sources().items()
        for call, called, keywords in calls(tree)
        if "encoding" not in keywords
        if (called in OPENS - {"fdopen"} and not (called == "write_text" and isinstance(call.func, ast.Name)))
        or (called in ("open", "fdopen") and not is_binary(call, called, keywords))
        or ("text" in keywords and ast.unparse(call.func).startswith("subprocess."))
    ]
    assert found == []


def test_no_span_of_time_is_measured_with_a_clock_that_can_be_set():
    found = {
        f"{name} {ast.unparse(node)}"
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in WALL_CLOCK
        if ast.unparse(node.value) in ("time", "datetime", "datetime.datetime", "date", "datetime.date")
    }
    # The day that a server names, a mark that is unique, the day of a release, the hour until which a build may run,
    # which processes and machines share; the time of day at which one will end; times of files are of that clock.
    assert {line.split()[0] for line in found} <= {
        "llm/engines/reply_log.py",
        "llm/engines/request_failures.py", "workspace/child.py", "llm/frozen_date.py", "workspace/inputs/known.py",
        "results/release/facts/dates.py", "results/report/newest.py", "workspace/limits/deadline.py",
        "workspace/workspace.py", "cli/planning/probe_training.py", "workspace/console.py",
    }, found  # fmt: skip


def write_project(folder):
    write_recipe_folder(folder)
    return folder


@pytest.fixture
def project(tmp_path):
    return write_project(tmp_path / "p")


def test_a_locale_without_unicode_changes_nothing(tmp_path):
    project = write_project(tmp_path / "größe 中 'a' \"b\" $c")
    result = humpback("build", project, "--until", "seed", env=os.environ | C_LOCALE)
    assert (result.returncode, "169 pairs" in result.stderr) == (0, True), result.stderr
    record = read_json(stage_folder(project, "seed") / "stage.json")
    shown = humpback("show", project, "seed", "-n", 1, env=os.environ | C_LOCALE)
    assert (record["counts"]["pairs"]["kept"], shown.returncode, "größe 中" in shown.stdout) == (169, 0, True)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a*b", r"has \*, which would be taken for a pattern"),
        ("what?", r"has \?, which"),
        ("[x]", r"has \[, which"),
        ("[a]*?", r"has \* and \? and \[, which"),
        (os.fsdecode(b"caf\xe9"), r"is not UTF-8; rename it, or use --work-dir"),
    ],
)
def test_names_that_libraries_misread_are_refused(tmp_path, name, says):
    with pytest.raises(StageError, match=rf": the name of the work directory {says}"), locked(tmp_path / name / "work"):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("code", ["ENOLCK", "ENOTSUP", "ENOSYS", "EINVAL"])
def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch, code):
    def refuse(file, operation):
        raise OSError(getattr(errno, code), "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    says = r"files cannot be locked there \(no locks\).*use a --work-dir on a file system with locks"
    with pytest.raises(StageError, match=says), locked(tmp_path):
        pass


def test_no_file_elsewhere_is_emptied_through_a_link_for_the_lock(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / ".lock").symlink_to(victim)
    says = r"cannot be written \(Too many levels of symbolic links\)"
    with pytest.raises(StageError, match=says), locked(tmp_path / "work"):
        pass
    assert victim.read_text() == "precious"


def in_namespace(project, mount):
    """Build with a mount that no other process sees."""
    command = f'{mount} && exec "$@"'
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("mounts need rights that this user has not")
    arguments = ["unshare", "-m", "sh", "-c", command, "sh", *HUMPBACK, "build", str(project), "--until", "dedup"]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


@pytest.mark.full
@pytest.mark.parametrize("options", ["size=4k", "ro"])
def test_shared_memory_that_is_full_or_closed_is_named(project, options):
    result = in_namespace(project, f"mount -t tmpfs -o {options} none /dev/shm")
    assert result.returncode == 1
    assert re.search(
        r"segments: shared memory cannot be used .*/dev/shm must be writable and have 64 MB", result.stderr
    )


@pytest.mark.full
@pytest.mark.parametrize(
    ("name", "before", "changes"),
    [
        ("no locale", "", C_LOCALE),
        ("a locale that is not there", "", {"LC_ALL": "xx_YY.ISO8859-1", "PYTHONUTF8": "0"}),
        ("64 open files", "ulimit -n 64", {}),
        ("no temporary folder", "", {"TMPDIR": "/nonexistent/tmp"}),
        ("a temporary folder that is a file", "", {"TMPDIR": "/etc/passwd"}),
        ("no home", "unset HOME", {}),
        ("a home that is a file", "", {"HOME": "/etc/passwd"}),
        ("nobody else may read", "umask 077", {}),
        ("everybody may write", "umask 000", {}),
        ("a current folder that is gone", "mkdir gone && cd gone && rmdir ../gone", {}),
        ("nothing to read from or print to", "exec <&- >&-", {}),
    ],
)
def test_the_quickstart_is_the_same_in_any_environment(tmp_path, name, before, changes):
    long = "d" * 100
    project = write_project(tmp_path / f"a 'b' \"c\" größe & $x (1) {{y}} {long}" / long / "p")
    command = [*HUMPBACK, "build", str(project), "--until", "dedup"]
    script = f'{before or "true"} && exec "$@"'
    result = subprocess.run(
        ["bash", "-c", script, "bash", *command], cwd=tmp_path, env=os.environ | changes, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert count_rows(stage_folder(project, "dedup") / "data") == KEPT


FEW_FILES = """
import resource, sys
from pathlib import Path
from builder.method.corpus.dedup import near
from builder.method.corpus.dedup.stage import deduplicate
from builder.data.records import segment_schema
from builder.data.storage import write_rows
from builder.recipe.sections.corpus import Dedup
from builder.recipe.sections.runtime import Runtime
from builder.workspace.failures import explain
near.TASK_ROWS = 1
empty = dict.fromkeys(segment_schema().names)
words = [f"word{n}" for n in range(400)]
rows = [
    empty | {"id": f"{n:03d}", "page_id": str(n), "url": f"http://{n}.example/", "text": " ".join(words[n : n + 60])}
    for n in range(120)
]
write_rows(Path(sys.argv[1]) / "source" / "data" / "rows.parquet", rows, segment_schema(), row_group_size=1)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
try:
    deduplicate(Path(sys.argv[1]) / "out", Dedup(), Path(sys.argv[1]) / "source", runtime=Runtime())
except Exception as error:
    print(explain(error))
"""


@pytest.mark.full
def test_more_signatures_than_files_may_be_open_say_which_limit_to_raise(tmp_path):
    result = subprocess.run(
        [sys.executable, "-c", FEW_FILES, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert re.match(r"too many files are open \(.*\); raise the limit \(`ulimit -n 4096`\)", result.stdout), (
        result.stderr
    )
