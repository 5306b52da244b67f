"""Which instructions ask for code, and which segments have some of that kind."""

import pytest

from builder.method.augment.gate.code import asks_for_code, has_such_code
from builder.text.words import fold


@pytest.mark.parametrize(
    ("instruction", "code"),
    [
        ("Write a Python script to download a file.", True),
        ("Can you write a function that sorts a list?", True),
        ("I keep apples. Can you write a function that sorts them?", True),
        ("Please generate an SQL query to find apples", True),
        ("Write a small C++ program", True),
        ("Design a regex for dates", True),
        ("Write a shell command", False),
        ("Write a program for the festival", False),
        ("Write code to parse this", True),
        ("What does this function do?", False),
        ("Where can you write a function?", False),
    ],
)
def test_what_asks_for_code_is_told_from_other_scripts_and_programs(instruction: str, code: bool) -> None:
    assert asks_for_code(fold(instruction)) is code


PYTHON = "Make a session first:\n\n```\ns = requests.Session()\ns.get('https://a.example/')\n```"
SQL = "```\nCREATE TABLE apples (\n    sort text\n);\n```"


@pytest.mark.parametrize(
    ("output", "asked", "has"),
    [
        (PYTHON, "Write a Python script", True),
        (SQL, "Write a Python script", False),
        (SQL, "Write an SQL query", True),
        (SQL + " from Python", "Write a Python script", True),
        (SQL, "Write a function", True),
        ("Use the Python library.", "Write a Python script", False),
        ("Count from 1;\nint i = 0;", "Write a function", True),
        ("<?php echo $apples;", "Write a PHP script", True),
        ("$ git log --oneline", "Write a bash script", True),
        ("Apples are fruit.", "Write a function", False),
    ],
)
def test_code_of_a_named_language_is_looked_for(output: str, asked: str, has: bool) -> None:
    assert has_such_code(fold(output), fold(asked)) is has
