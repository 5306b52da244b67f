from pathlib import Path

import pytest
from pin_versions import differences, read_pins
from stage_sources import Package

BUILD = """
from small.room import stage

def build(run):
    run("cut", stage, {})
"""
ROOM = '''
"""A stage."""
from pathlib import Path
from typing import TYPE_CHECKING

import math as numbers

from small import words
from small.errors import Wrong
from small.rules import is_kept as kept

if TYPE_CHECKING:
    from small.elsewhere import Other

VERSION = 3
LIMIT = 200
"""What fits."""


def stage(rows: "list[Other]") -> float:
    """Cut rows."""
    from small.log import log

    log("rows")
    if not rows:
        raise Wrong("there are no rows")  # nothing to cut
    return numbers.floor(len([row for row in rows if kept(row, LIMIT) and words.known(row)]) / 2)
'''
RULES = """
LEAST = 2

def is_kept(row, limit):
    return LEAST < row < limit

def unused():
    return 1
"""
WORDS = """
from pathlib import Path

LIST = Path(__file__).with_name("list.txt")

def known(row):
    return row in LIST.read_text()
"""
FILES = {
    "__init__.py": "",
    "build.py": BUILD,
    "room/__init__.py": "from small.room.cut import stage\n",
    "room/cut.py": ROOM,
    "rules.py": RULES,
    "words.py": WORDS,
    "list.txt": "a\nb\n",
    "elsewhere.py": "class Other:\n    size = 1\n",
    "errors.py": "class Wrong(Exception):\n    code = 1\n",
    "log.py": "def log(text):\n    print(text)\n",
}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A package with one stage, which leads to a rule, a constant and a list of words."""
    for name, text in FILES.items():
        path = tmp_path / "small" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "small"


def change(package: Path, name: str, old: str, new: str) -> None:
    text = (package / name).read_text()
    assert text.count(old) == 1
    (package / name).write_text(text.replace(old, new))


def read(package: Path) -> Package:
    return Package(package, ["errors", "log"])


def test_a_pin_names_the_version_the_stage_and_the_files_it_leads_to(small):
    pins = read_pins(read(small))
    assert pins["stages"].keys() == {"stage"}
    assert pins["stages"]["stage"]["VERSION"] == 3
    assert pins["sources"].keys() == {"small/room/cut.py", "small/rules.py", "small/words.py", "small/list.txt"}


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("rules.py", "LEAST = 2", "LEAST = 3"),
        ("rules.py", "< limit", "<= limit"),
        ("room/cut.py", "LIMIT = 200", "LIMIT = 201"),
        ("list.txt", "b", "c"),
        ("words.py", '"list.txt"', '"none.txt"'),
        ("room/cut.py", "import math as numbers", "import cmath as numbers"),
        ("room/cut.py", "if not rows:", "if len(rows) < 2:"),
    ],
)
def test_a_change_that_may_change_a_result_is_told_with_where_it_is_and_what_to_do(small, name, old, new):
    pinned = read_pins(read(small))
    change(small, name, old, new)
    (told,) = differences(read(small), pinned)
    assert told == (
        f"stage: what its result depends on has changed: small/{name}. Raise VERSION in small/room/cut.py if results "
        "may change, else accept the new digest with `make pin-versions`"
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("room/cut.py", "  # nothing to cut", "", id="comment"),
        pytest.param("room/cut.py", '"""Cut rows."""', '"""Cut all rows."""', id="docstring"),
        pytest.param("room/cut.py", '"""What fits."""', "", id="docstring of a constant"),
        pytest.param("room/cut.py", "LIMIT = 200", "LIMIT = (\n    200\n)", id="formatting"),
        pytest.param("room/cut.py", '"there are no rows"', 'f"{__file__}: no rows; give some"', id="words of an error"),
        pytest.param("room/cut.py", "import Other", "import Other as Another", id="import for a type checker"),
        pytest.param("elsewhere.py", "size = 1", "size = 2", id="module that only a type checker reads"),
        pytest.param("rules.py", "return 1", "return 2", id="definition that nothing leads to"),
        pytest.param("errors.py", "code = 1", "code = 2", id="error"),
        pytest.param("log.py", "print(text)", "print(text, flush=True)", id="plumbing"),
        pytest.param("build.py", '"cut"', '"cut-again"', id="name of the stage, which is in its fingerprint"),
    ],
)
def test_a_change_that_changes_no_result_is_not_told(small, name, old, new):
    pinned = read_pins(read(small))
    change(small, name, old, new)
    assert read_pins(read(small)) == pinned


def test_a_definition_that_moves_keeps_its_digest(small):
    pinned = read_pins(read(small))
    (small / "text").mkdir()
    (small / "text" / "__init__.py").touch()
    (small / "words.py").rename(small / "text" / "vocabulary.py")
    (small / "list.txt").rename(small / "text" / "list.txt")
    (small / "rules.py").rename(small / "text" / "limits.py")
    change(small, "room/cut.py", "from small import words", "from small.text import vocabulary")
    change(small, "room/cut.py", "words.known", "vocabulary.known")
    change(small, "room/cut.py", "from small.rules import is_kept as kept", "from small.text.limits import is_kept")
    change(small, "room/cut.py", "kept(row, LIMIT)", "is_kept(row, LIMIT)")
    assert differences(read(small), pinned) == []


def test_a_move_is_not_named_among_the_changes_that_come_with_it(small):
    pinned = read_pins(read(small))
    (small / "words.py").rename(small / "vocabulary.py")
    change(small, "room/cut.py", "from small import words", "from small import vocabulary as words")
    change(small, "rules.py", "LEAST = 2", "LEAST = 3")
    (told,) = differences(read(small), pinned)
    assert "has changed: small/rules.py. Raise" in told


def test_an_import_that_leads_elsewhere_is_told(small):
    (small / "other_rules.py").write_text(RULES.replace("LEAST = 2", "LEAST = 3"))
    pinned = read_pins(read(small))
    change(small, "room/cut.py", "from small.rules import", "from small.other_rules import")
    (told,) = differences(read(small), pinned)
    assert "has changed: small/other_rules.py. Raise" in told
    pinned["sources"] = read_pins(read(small))["sources"]  # as where another stage depends on it already
    (told,) = differences(read(small), pinned)
    assert "has changed: what it imports. Raise" in told


def test_a_change_in_a_folder_of_data_is_told_by_its_files(small):
    (small / "text" / "lists").mkdir(parents=True)
    (small / "list.txt").rename(small / "text" / "lists" / "list.txt")
    change(small, "words.py", '.with_name("list.txt")', '.parents[0] / "text" / "lists"')
    pinned = read_pins(read(small))
    (small / "text" / "lists" / "more.txt").write_text("c\n")
    (told,) = differences(read(small), pinned)
    assert "has changed: small/text/lists/more.txt. Raise" in told


def test_a_module_that_is_started_by_its_name_is_followed(small):
    change(small, "room/cut.py", "    log(", '    command = ["python", "-m", "small.elsewhere"]\n    log(')
    pinned = read_pins(read(small))
    change(small, "elsewhere.py", "size = 1", "size = 2")
    (told,) = differences(read(small), pinned)
    assert "has changed: small/elsewhere.py. Raise" in told


def test_a_raised_version_a_new_stage_and_one_that_is_gone_ask_for_new_pins(small):
    pinned = read_pins(read(small))
    change(small, "room/cut.py", "VERSION = 3", "VERSION = 4")
    again = "run `make pin-versions`"
    assert differences(read(small), pinned) == [f"stage: VERSION is 4 and pinned as 3; {again}"]
    pinned["stages"] = {"gone": pinned["stages"]["stage"]}
    assert differences(read(small), pinned) == [
        f"gone: is no stage any more; {again}",
        f"stage: VERSION is 4 and not pinned; {again}",
    ]
