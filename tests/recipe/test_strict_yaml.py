"""Recipes are read as TRL reads them, by PyYAML's rules; only what would be lost without a word is refused."""

import datetime
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from builder.data.resources import resource_folder
from builder.errors import RecipeError
from builder.recipe.strict_yaml import parse_yaml, read_settings, read_yaml

READ = {
    "yes": True, "Off": False, "y": "y", "N": "N", "~": None, "": None, "null": None, "nulL": "nulL",
    "1e-5": "1e-5", "1e5": "1e5", "1.0e5": "1.0e5", "1.0e-5": 1e-5, "1.": 1.0, ".5": 0.5, "-.5": "-.5",
    ".inf": math.inf, "017": 15, "0o17": "0o17", "0x1f": 31, "1_000": 1000, "08": "08", "20:00:00": 72_000,
    "0:30.5": 30.5, "2001-12-14": datetime.date(2001, 12, 14), "'yes'": "yes", '"1"': "1", "!!str 1": "1",
    "!!float 1": 1.0,
    "2001-12-14 21:59:43.1 -5": datetime.datetime(
        2001, 12, 14, 21, 59, 43, 100_000, datetime.timezone(datetime.timedelta(hours=-5))
    ),
}  # fmt: skip
"""Values that loaders of other rules read differently, and what recipes have always been read as."""

SCALARS = st.sampled_from(sorted(READ)) | st.text("019.:-+_eExXonyNf~'\"= ", max_size=8)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda below: (
        st.lists(below, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(SCALARS, below, max_size=3).map(
            lambda entries: "{" + ", ".join(f"? {key} : {value}" for key, value in entries.items()) + "}"
        )
    ),
    max_leaves=8,
)


@pytest.mark.parametrize("text", READ)
def test_a_value_is_read_as_it_has_always_been(text: str) -> None:
    value = parse_yaml(f"key: {text}\n", "build.yaml")["key"]
    assert (type(value), value) == (type(READ[text]), READ[text])


@given(DOCUMENTS)
def test_a_document_is_read_as_pyyaml_reads_it_or_refused(text: str) -> None:
    try:
        read = repr(parse_yaml(text, "build.yaml"))
    except RecipeError as error:
        read = str(error)
    if not read.startswith("build.yaml: not valid YAML: "):
        assert read == repr(yaml.safe_load(text))
    elif not any(said in read for said in ("is written twice", "a key must be a word", "2002:value")):
        with pytest.raises((yaml.YAMLError, ValueError, LookupError, AttributeError)):
            yaml.safe_load(text)


def test_every_shipped_file_is_read_as_pyyaml_reads_it() -> None:
    paths = sorted(resource_folder("recipes").rglob("*.yaml"))
    assert len(paths) > 10
    for path in paths:
        assert repr(read_yaml(path)) == repr(yaml.safe_load(path.read_text())), path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb:\n- c: 1\n  d: 2\n  c: 3\n", "the key 'c' is written twice .*line 5, column 3"),
        ("a: {1: x, 1.0: y}\n", r"the key 1\.0 is written twice .*line 1, column 11"),
        ("a: 1\n? [b]\n: 2\n", "a key must be a word .*line 2, column 3"),
        ("a: !!map [1]\n", "a !!map must be a mapping .*line 1, column 4"),
        ("day: 2001-99-99\n", "month must be in 1..12"),
        ("a: !!int x\n", "invalid literal"),
    ],
)
def test_what_would_be_lost_or_is_no_value_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=rf"^build\.yaml: not valid YAML: {said}"):
        parse_yaml(text, "build.yaml")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * 3_000, "nested too deep"),
        ("{a: " * 3_000 + "1" + "}" * 3_000, "nested too deep"),
        ("a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)), "aliases repeat"),
        (
            "a0: &a0 {x: x}\n" + "".join(f"a{n}: &a{n} {{x: *a{n - 1}, y: *a{n - 1}}}\n" for n in range(1, 60)),
            "aliases",
        ),
        ("a: &a [*a]", "recursive"),
        ("a: " + ":".join(["1"] * 2_000), "digits"),
        ("a: 0x" + "f" * 2_000, "digits"),
        ("a: " + ":".join(["1"] * 2_000) + ".5", "digits"),
        ("a: " + "9" * 2_000, "digits"),
        ("#" * 1_000_001, "characters"),
    ],
)
def test_a_few_lines_that_ask_for_far_more_are_refused(text: str, why: str) -> None:
    with pytest.raises(RecipeError, match=rf"^x\.yaml: .*{why}"):
        parse_yaml(text, "x.yaml")


def test_a_value_that_aliases_repeat_a_little_is_read() -> None:
    assert parse_yaml("a: &a [1, 2.5, 1:30]\nb: *a\n", "x.yaml") == {"a": [1, 2.5, 90], "b": [1, 2.5, 90]}


@pytest.mark.parametrize("read", [read_yaml, read_settings])
def test_a_file_that_cannot_be_read_is_named_once_with_the_reason(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    for path, why in ((tmp_path, "it is a folder"), (tmp_path / "latin.yaml", "it is no text in UTF-8")):
        with pytest.raises(RecipeError) as error:
            read(path)
        assert str(error.value) == f"{path}: cannot be read ({why})"


def test_a_text_that_is_read_again_gives_a_value_of_its_own() -> None:
    text = "section: {a: [1, 2]}\n"
    first = parse_yaml(text, "a.yaml")
    first["section"]["a"].append(3)
    assert parse_yaml(text, "b.yaml") == {"section": {"a": [1, 2]}}
    with pytest.raises(RecipeError, match=r"c\.yaml"):
        parse_yaml("a: 1\na: 2\n", "c.yaml")
    with pytest.raises(RecipeError, match=r"d\.yaml"):
        parse_yaml("a: 1\na: 2\n", "d.yaml")
