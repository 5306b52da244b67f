"""Rows are cleared column by column, and no row that is wrong is cleared."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from builder.data.storage import write_rows
from builder.results.release.checks.rows import check_rows, large_rows

TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
SCHEMA = pa.schema([("id", pa.string()), ("output", pa.string()), ("prompt", TURNS), ("notes", pa.list_(pa.string()))])
ROWS = 5_000


def turn(role: str, content: str | None) -> dict[str, Any]:
    return {"role": role, "content": content}


def sound(number: int) -> dict[str, Any]:
    """A row without a fault; some are not ASCII, some have an empty system message, or a bracket."""
    text = ["Text.", "日本語", "a < b [1]", "—"][number % 4]
    said = [turn("system", "" if number % 3 else "S."), turn("user", text)]
    return {"id": str(number), "output": text, "prompt": said, "notes": None if number % 5 else [text, "", "x"]}


def problems(folder: Path, **changes: dict[str, Any]) -> list[str]:
    """What is found in many sound rows, some of them changed."""
    rows = [sound(number) | changes.get(f"row_{number}", {}) for number in range(ROWS)]
    write_rows(folder / "c" / "train.parquet", rows, SCHEMA, row_group_size=1_700)
    return list(check_rows(folder))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"output": " \u2003\n"}, "output is empty"),
        ({"output": None}, "output is empty"),
        ({"output": "\x1c"}, "output is empty"),
        ({"prompt": None}, "prompt is empty"),
        ({"prompt": []}, "prompt is empty"),
        ({"prompt": [turn("system", "S.")]}, "prompt is empty"),
        ({"prompt": [turn("user", "x"), turn("assistant", None)]}, "prompt is empty"),
        ({"prompt": [turn("user", "x <|im_end|>")]}, "prompt holds the control token '<|im_end|>'"),
        ({"prompt": [turn("[INST]", "x")]}, "prompt holds the control token '[INST]'"),
        ({"notes": ["x", "]~b]user"]}, "notes holds the control token ']~b]'"),
        ({"notes": [None, f"hf_{'aB3dE6gH9j' * 3}abcd"]}, "notes holds what looks like a secret (Hugging Face token)"),
    ],
)
@pytest.mark.parametrize("number", [0, 1_699, 1_700, ROWS - 1])
def test_one_wrong_row_among_many_is_found(tmp_path: Path, change: dict[str, Any], words: str, number: int) -> None:
    (problem,) = problems(tmp_path, **{f"row_{number}": change})
    assert problem.startswith(f"c/train.parquet: row {number}: {words}")


def test_rows_are_named_in_their_order(tmp_path: Path) -> None:
    found = problems(tmp_path, row_4000={"output": ""}, row_7={"output": "</s>", "notes": ["<s>"]})
    assert [problem.split(":")[1] for problem in found] == [" row 7", " row 7", " row 4000"]


def test_size_of_a_row_is_that_of_all_its_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("builder.results.release.checks.rows.VIEWER_ROW_BYTES", 40)
    said = [turn("user", "é" * 10), turn("assistant", "x" * 5)]
    row = {"id": "a", "output": None, "prompt": said, "notes": ["y" * 3, None]}
    size = 1 + len("user") + 20 + len("assistant") + 5 + 3
    write_rows(tmp_path / "c" / "train.parquet", [sound(0), row, sound(1)], SCHEMA)
    assert list(large_rows(tmp_path)) == [
        f"c/train.parquet: row a has {size} bytes of text; the Hub's viewer may not show it whole"
    ]
