"""Checks of texts: nothing of this machine or of an account, no hole of a template, no forged turn."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builder.control_tokens import find_control_token
from builder.release.markdown import outside_fences
from builder.storage import parquet_files, read_rows

OURS = (".md", ".json", ".yaml", ".jinja")
NOT_OURS = ("tokenizer.json", "vocab.json", "added_tokens.json")
"""Vocabularies hold fragments of anything."""

_LOCAL_PATH = r"(?:(?<![\w./:-])|file://)/(?:home|root|tmp|Users|private|mnt|scratch)/[^\s\"']*|\b[A-Z]:\\+\w+"
_SECRET = re.compile(r"\bhf_[A-Za-z0-9]{20,}|\bsk-[A-Za-z0-9_-]{20,}")
_HOLE = re.compile(r"\[More Information Needed\]|\{\{|\{%|\bTODO\b|\bFIXME\b")


def check_texts(folder: Path) -> Iterator[str]:
    """No local path, secret or template hole in the texts we wrote; fenced blocks of Markdown are quotations."""
    here = Path.cwd()
    local = re.compile(_LOCAL_PATH + (rf"|(?<![\w./:-]){re.escape(str(here))}\b\S*" if len(here.parts) > 2 else ""))
    for path in sorted(item for item in folder.rglob("*") if item.suffix in OURS and item.name not in NOT_OURS):
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".md":
            text = outside_fences(text)
            for found in _HOLE.findall(text):
                yield f"{name}: holds {found!r}, which a template has left over"
        for found in local.findall(text):
            yield f"{name}: holds the local path {found!r}"
        for found in _SECRET.findall(text):
            yield f"{name}: holds what looks like a secret, {found[:6]}..."


def check_control_tokens(dataset: Path) -> Iterator[str]:
    """No published text holds a control token of a chat template."""
    for path in parquet_files(dataset):
        for row in read_rows(path):
            for column, value in row.items():
                token = next(filter(None, map(find_control_token, _strings(value))), None)
                if token:
                    name = path.relative_to(dataset).as_posix()
                    yield f"{name}: row {row.get('id')}: {column} holds the control token {token!r}"


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)
