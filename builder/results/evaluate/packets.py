"""Packets for a human evaluation as in the paper (its appendix B): two answers side by side, and no model's name."""

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from builder.data.records import Row, row_seed, stable_id
from builder.data.storage import write_json, write_text
from builder.errors import RecipeError
from builder.results.evaluate.labels.forms import form_page
from builder.results.evaluate.statistics.raters import agreement
from builder.results.evaluate.statistics.win_rates import DRAW, paired, win_rate

SCREENING = 10
PASSED = 0.85
"""Agreement with the screening items above which a rater counts, `neither` being half an agreement."""
CHOICES = ("first", "second", "neither")
LABEL_STUDIO = """<View>
  <Text name="instruction" value="$instruction"/>
  <View style="display: flex">
    <Text name="first" value="$first"/>
    <Text name="second" value="$second"/>
  </View>
  <Choices name="better" toName="instruction" choice="single" required="true">
    <Choice value="first" hotkey="1"/>
    <Choice value="second" hotkey="2"/>
    <Choice value="neither" hotkey="0"/>
  </Choices>
</View>
"""


def write_packet(
    folder: Path, answers: Mapping[str, Sequence[Row]], reference: str, screening: Sequence[Row] = (), *, seed: int = 0
) -> int:
    """Write `items.jsonl`, `form.html`, `label_studio.json` and its config; the key, which stays at home, beside it.

    Args:
        folder: Where.
        answers: By name of the model its answers, rows with `id`, `instruction` and `output`; the reference's too.
        reference: Whose answers stand on the other side of every item.
        screening: Items that all agree on, with `instruction`, `first`, `second` and `better`; at most ten are used.
        seed: Of sides and order.

    Returns:
        How many items there are.

    Raises:
        RecipeError: If an item would name a model.
    """
    theirs = {row["id"]: row["output"] for row in answers[reference] if row["output"] is not None}
    items, key = [], []
    for model, rows in answers.items():
        for row in rows if model != reference else ():
            if row["output"] is None or row["id"] not in theirs:
                continue
            name = stable_id(seed, "packet", model, row["id"])[:12]
            first = random.Random(row_seed(seed, "side", model, row["id"])).random() < 0.5
            sides = (row["output"], theirs[row["id"]]) if first else (theirs[row["id"]], row["output"])
            items.append({"id": name, "instruction": row["instruction"], "first": sides[0], "second": sides[1]})
            key.append({"id": name, "prompt": row["id"], "model": model, "model_is": "first" if first else "second"})
    for number, row in enumerate(screening[:SCREENING]):
        name = stable_id(seed, "packet", "screening", number)[:12]
        items.append({"id": name, **{part: row[part] for part in ("instruction", "first", "second")}})
        key.append({"id": name, "prompt": "", "model": "", "model_is": row["better"]})
    items.sort(key=lambda item: stable_id(seed, "order", item["id"]))
    _refuse_names(items, list(answers))
    write_text(folder / "items.jsonl", "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items))
    write_text(folder / "form.html", form_page(items, "packets"))
    write_json(folder / "label_studio.json", [{"data": item} for item in items])
    write_text(folder / "label_studio.xml", LABEL_STUDIO)
    text = io.StringIO()
    writer = csv.DictWriter(text, ["id", "prompt", "model", "model_is"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(key, key=lambda entry: entry["id"]))
    write_text(key_file(folder), text.getvalue())
    return len(items)


def key_file(folder: Path) -> Path:
    """The key of the packet in a folder; not in it, for the folder is handed out."""
    return folder.with_name(f"{folder.name}-key.csv")


def _refuse_names(items: Sequence[Row], names: Sequence[str]) -> None:
    """Model names that are words of their own in an answer tell the rater whose it is.

    Raises:
        RecipeError: If there are some.
    """
    wanted = re.compile("|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in names if len(name) > 3))
    if not wanted.pattern:
        return
    for item in items:
        if found := wanted.search(f"{item['first']}\n{item['second']}"):
            raise RecipeError(
                f"an answer to {item['instruction'][:60]!r} says {found.group()!r}, the name of a model in the plan; "
                "name the models otherwise in evaluate.yaml, or leave that prompt out"
            )


def read_key(path: Path) -> dict[str, Row]:
    """The key of a packet, by item.

    Raises:
        RecipeError: If it is none.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["id"]: {name: row[name] for name in ("prompt", "model", "model_is")} for row in rows}
    except (OSError, UnicodeDecodeError, KeyError, csv.Error) as error:
        raise RecipeError(f"{path}: is no key of a packet ({error!r})") from error


def read_packet_answers(path: Path) -> dict[str, str]:
    """What a rater said of each item: what form.html saved, or an export of Label Studio as JSON.

    Raises:
        RecipeError: If the file is neither.
    """
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8-sig"))
        if isinstance(found, dict):
            given = {str(row["id"]): str(row["answer"]) for row in found["answers"]}
        else:
            given = {
                str(task["data"]["id"]): str(result["value"]["choices"][0])
                for task in found
                for annotation in task["annotations"][-1:]
                for result in annotation["result"]
            }
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise RecipeError(f"{path}: holds no answers to a packet ({error!r})") from error
    wrong = next((value for value in given.values() if value not in CHOICES), None)
    if wrong is not None:
        raise RecipeError(f"{path}: has the answer {wrong!r}; answers are {', '.join(CHOICES)}")
    return given


def packet_report(key: Mapping[str, Row], raters: Mapping[str, Mapping[str, str]], *, seed: int = 0) -> dict[str, Any]:
    """Win, tie and lose of each model against the reference, and how far the raters can be trusted.

    Args:
        key: From `read_key`.
        raters: By rater what was said of each item.
        seed: Of intervals.

    Returns:
        `raters`: of each the agreement with the `screening` items and whether it `passed`; `models`: of each the win
        rate over items, raters who did not pass left out; `apart`: the same of those; `agreement` of those who passed.
    """
    screening = {name: row["model_is"] for name, row in key.items() if not row["model"]}
    said = {rater: _screened(given, screening) for rater, given in raters.items()}
    trusted = [rater for rater, (value, _) in said.items() if value is None or value > PASSED]
    others = [rater for rater in raters if rater not in trusted]
    answers: dict[str, dict[str, str]] = {}
    for rater in trusted:
        for item, answer in raters[rater].items():
            if item in key and key[item]["model"]:
                answers.setdefault(item, {})[rater] = answer
    return {
        "raters": {
            rater: {"screening": value, "items": n, "passed": rater in trusted} for rater, (value, n) in said.items()
        },
        "models": _models(key, {rater: raters[rater] for rater in trusted}, seed),
        "apart": _models(key, {rater: raters[rater] for rater in others}, seed) if others else {},
        "agreement": agreement(answers, seed=seed) if len(trusted) > 1 else None,
        "unknown": sum(item not in key for given in raters.values() for item in given),
    }


def _screened(given: Mapping[str, str], screening: Mapping[str, str]) -> tuple[float | None, int]:
    """Agreement with the screening items that were answered; `neither` is half of one."""
    there = [(given[item], right) for item, right in screening.items() if item in given]
    points = sum(1.0 if answer == right else 0.5 if answer == "neither" else 0.0 for answer, right in there)
    return (points / len(there) if there else None), len(there)


def _models(key: Mapping[str, Row], raters: Mapping[str, Mapping[str, str]], seed: int) -> dict[str, Any]:
    """By model the win rate over prompts, each the mean over raters; and the counts of answers."""
    values: dict[str, dict[str, list[float]]] = {}
    counts: dict[str, Counter[str]] = {}
    for given in raters.values():
        for item, answer in given.items():
            row = key.get(item)
            if row is None or not row["model"]:
                continue
            score = DRAW if answer == "neither" else float(answer == row["model_is"])
            values.setdefault(row["model"], {}).setdefault(row["prompt"], []).append(score)
            word = "tie" if answer == "neither" else "win" if score == 1 else "lose"
            counts.setdefault(row["model"], Counter())[word] += 1
    scores = {name: {prompt: sum(given) / len(given) for prompt, given in of.items()} for name, of in values.items()}
    names = sorted(scores)
    return {
        name: {
            "win_rate": win_rate(scores[name], seed=seed),
            "answers": {word: counts[name][word] for word in ("win", "tie", "lose")},
            "against_first": paired(scores[name], scores[names[0]], seed=seed) if name != names[0] else None,
        }
        for name in names
    }
