"""The sheet for raters elsewhere: one HTML file that needs no network, and Label Studio's JSON with its config."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from builder.data.named_text import why_unread
from builder.data.storage import write_json, write_text
from builder.errors import RecipeError
from builder.results.evaluate.labels.session import Pairs
from builder.results.evaluate.labels.sheet import Sheet
from builder.results.evaluate.labels.store import Store

LABEL_STUDIO = """<View>
  <Header value="$header"/>
  <Text name="instruction" value="$instruction"/>
  <Text name="output" value="$output"/>
  <Choices name="good" toName="output" choice="single" required="true">
    <Choice value="good" hotkey="g"/>
    <Choice value="bad" hotkey="b"/>
  </Choices>
</View>
"""
"""The labelling interface of the tasks."""


def write_forms(folder: Path, sheet: Sheet, pairs: Pairs) -> list[Path]:
    """Write `form.html`, `label_studio.json` and `label_studio.xml`; what is in them says nothing of scores.

    Returns:
        The files.
    """
    rows = [
        {name: pairs[key][name] or "" for name in ("id", "header", "instruction", "output", "url")}
        for key, _ in sheet.items
    ]
    form, tasks, config = (folder / name for name in ("form.html", "label_studio.json", "label_studio.xml"))
    write_text(form, form_page(rows, "labels"))
    write_json(tasks, [{"data": row} for row in rows])
    write_text(config, LABEL_STUDIO)
    return [form, tasks, config]


def form_page(rows: Sequence[Mapping[str, str]], kind: str) -> str:
    """A page that shows rows one after the other and saves the answers as a file; it loads nothing and sends nothing.

    Texts stand in it as JSON that no markup can end, and are shown as text alone.

    Args:
        rows: What is shown, with an `id` each.
        kind: `labels`, or `packets`.
    """
    import base64
    import hashlib

    data = json.dumps({"kind": kind, "rows": list(rows)}, ensure_ascii=True).replace("<", "\\u003c")
    script = (files("builder.results.evaluate.labels") / "form.js").read_text(encoding="utf-8")
    page = (files("builder.results.evaluate.labels") / "form.html").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return page.replace("@DIGEST@", digest).replace("@SCRIPT@", script).replace("@DATA@", data)


def read_answers(path: Path) -> list[tuple[str, bool]]:
    """Answers that the form saved, or that Label Studio exported as JSON.

    Raises:
        RecipeError: If the file holds neither.
    """
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        why = why_unread(error) if isinstance(error, OSError | UnicodeDecodeError) else error
        raise RecipeError(f"{path}: cannot be read ({why}); it is not what form.html saves") from error
    try:
        if isinstance(found, dict):
            return [(str(row["id"]), _good(row["answer"])) for row in found["answers"]]
        return [(str(task["data"]["id"]), _good(choice)) for task in found for choice in _choices(task)]
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise RecipeError(
            f"{path}: holds neither answers of form.html nor an export of Label Studio as JSON ({error!r})"
        ) from error


def _choices(task: Mapping[str, Any]) -> list[str]:
    given = [item for item in task["annotations"] if not item.get("was_cancelled")]
    return [result["value"]["choices"][0] for item in given[-1:] for result in item["result"]]


def _good(answer: Any) -> bool:
    if answer not in ("good", "bad"):
        raise ValueError(f"{answer!r} is neither good nor bad")
    return bool(answer == "good")


def take_answers(path: Path, store: Store) -> tuple[int, int]:
    """Put answers from elsewhere among a rater's labels.

    Returns:
        How many were new or changed, and how many are of pairs that the sheet has not.
    """
    added, unknown = 0, 0
    for key, good in read_answers(path):
        if not store.knows(key):
            unknown += 1
        elif store.answers.get(key) is not good:
            store.add(key, good)
            added += 1
    return added, unknown
