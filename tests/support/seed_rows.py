"""Trees and pairs as seed files hold them, and a run of the stage that reads them."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from builder.data.accounting import Stats
from builder.data.records import rejected_schema, seed_schema
from builder.data.storage import read_rows
from builder.method.seed.stage import select_seed
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed


def message(identifier: str, role: str, text: str, **keys: Any) -> dict[str, Any]:
    return {"message_id": identifier, "role": role, "text": text, "lang": "en", "deleted": False, **keys}


def tree(name: str, *replies: dict[str, Any], state: str = "ready_for_export", **keys: Any) -> dict[str, Any]:
    prompt = message(name, "prompter", f"Question {name}?", **keys) | {"replies": list(replies)}
    waiting = [prompt]
    while waiting:
        parent = waiting.pop()
        parent["replies"] = [{**reply, "parent_id": parent["message_id"]} for reply in parent.get("replies", [])]
        waiting += parent["replies"]
    return {"message_tree_id": name, "tree_state": state, "prompt": prompt}


def write_lines(path: Path, rows: list[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def source(path: Path, form: str = "pairs", **keys: Any) -> dict[str, Any]:
    return {"name": "people", "path": path, "format": form, "license": "apache-2.0", **keys}


def run(out: Path, *sources: dict[str, Any], **keys: Any) -> tuple[list[dict[str, Any]], Stats]:
    config = Seed.model_validate({"sources": list(sources), **keys})
    stats = select_seed(out, config, runtime=Runtime())
    stats.check("seed")
    assert pq.read_schema(out / "data" / "seed.parquet").equals(seed_schema())
    assert pq.read_schema(out / "rejected" / "seed.parquet").equals(rejected_schema())
    counts = stats.counts["pairs"]
    assert pq.read_metadata(out / "rejected" / "seed.parquet").num_rows == counts.rows_in - counts.kept
    return list(read_rows(out / "data")), stats


def answer(name: str, **keys: Any) -> dict[str, Any]:
    return message(name, "assistant", f"Answer {name}.", **keys)
