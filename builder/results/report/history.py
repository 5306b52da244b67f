"""The history of a row: from its page to the configs of releases, with what decided at each step."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.storage import parquet_files
from builder.method.corpus.rules.body import letter_share, repeated_sentences, teasers, thread_lines
from builder.method.curate.iterations import read_iterations
from builder.method.curate.selection import in_order
from builder.recipe.sections.corpus import Segments
from builder.results.report.subjects import Subject, matching
from builder.text.scripts import size
from builder.workspace.stage_names import StageName, score
from builder.workspace.workspace import Artifact

KeysOf = Callable[[StageName, str], list[str]]
Step = dict[str, Any]
"""What happened: its `stage`, `what` in words, and further values."""


def history_of(build: Build, subject: Subject, releases: Path, keys_of: KeysOf) -> list[Step]:
    """All that is known of a segment and its pairs, in the order in which it happened.

    Args:
        build: As far as it is done.
        subject: The segment.
        releases: Folder of the releases beside the recipe.
        keys_of: Which keys of the recipe govern a reason.
    """
    steps = [_cut(build, subject)]
    gone = subject.place.endswith(" rejected")
    if gone:
        stage = build.extracted if subject.place.startswith(build.extracted.stage) else build.segments
        return [*steps, _rejected(stage, subject.row, build, keys_of)]
    if subject.place == build.extracted.stage:
        return [*steps, {"stage": build.segments.stage, "what": "is not there; the stage has not run, or left it out"}]
    steps.append({"stage": build.segments.stage, "what": "kept: no other segment says the same"})
    pairs = _of_segment(build.candidates.data, subject.segment)
    steps += [_written(build.candidates, row) for row in pairs]
    steps += [
        _rejected(build.candidates, row, build, keys_of)
        for row in _of_segment(build.candidates.path / "rejected", subject.segment)
    ]
    for row in pairs:
        steps += _judged(build, row["id"], keys_of)
        steps += _released(releases, row["id"])
    return steps


def _of_segment(folder: Path, segment: str) -> list[dict[str, Any]]:
    import pyarrow.compute as pc

    return matching(folder, "id", lambda values: pc.starts_with(values, f"{segment}-"))


def _cut(build: Build, subject: Subject) -> Step:
    row = subject.row
    path = " > ".join(row.get("header_path") or [row.get("header") or ""])
    known = {name: row[name] for name in ("url", "source_file", "record_offset", "page_id") if row.get(name)}
    return {"stage": build.extracted.stage, "what": f"cut from its page under {path!r}", "id": subject.segment, **known}


def _rejected(stage: Artifact, row: dict[str, Any], build: Build, keys_of: KeysOf) -> Step:
    """Why a row went, with the value that decided where it can be told, and the keys that would let it through."""
    reason, keys = row["reason"], keys_of(stage.name, row["reason"])
    step: Step = {"stage": stage.stage, "what": f"left out: {reason}", "id": row["id"], "reason": reason}
    step["keys"] = {key: _value(build, key) for key in keys}
    if row.get("twin"):
        step["twin"] = row["twin"]
    value = deciding_value(reason, row.get("text") or "", build.recipe.segments)
    if value is not None:
        step["value"] = value
    if row.get("text"):
        step["text"] = row["text"]
    return step


def _value(build: Build, key: str) -> Any:
    """What a key of the recipe is."""
    value: Any = build.recipe.model_dump(mode="json")
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def deciding_value(reason: str, text: str, config: Segments) -> float | None:
    """The number that a rule of the segments compares with its key; None where the text alone does not give it."""
    if not text:
        return None
    measures: dict[str, Callable[[], float]] = {
        "too_short": lambda: size(text) if config.weigh_scripts else len(text),
        "too_long": lambda: size(text) if config.weigh_scripts else len(text),
        "few_letters": lambda: letter_share(text),
        "teasers": lambda: teasers(text),
        "thread": lambda: thread_lines(text),
        "repeated_sentences": lambda: repeated_sentences(text, config.sentence_similarity),
    }
    return float(measures[reason]()) if reason in measures else None


def _written(stage: Artifact, row: dict[str, Any]) -> Step:
    tokens = row.get("tokens")
    known = {"logprob": row["logprob"], "per_token": row["logprob"] / tokens} if row.get("logprob") and tokens else {}
    return {
        "stage": stage.stage,
        "what": f"M_yx wrote {row['instruction']!r}, which passed the gate",
        "id": row["id"],
        **known,
    }


def _judged(build: Build, pair: str, keys_of: KeysOf) -> list[Step]:
    """Score, rank and what the rule made of a pair, by iteration."""
    steps: list[Step] = []
    if build.curated[0].status != "done":
        return [{"stage": build.curated[0].stage, "what": "has not run yet", "id": pair}]
    for item in read_iterations(build.recipe.curate, map(build.iteration, build.steps)):
        for judge, scores in item.scores.items():
            order = in_order(scores)
            given = scores.get(pair)
            rank = order.index(pair) + 1 if given is not None else None
            where = f"{given:.4g}, {rank:,} of {len(order):,}" if given is not None else "no score"
            stage = str(score(item.number, judge))
            steps.append({"stage": stage, "what": f"{judge}: {where}", "id": pair, "score": given, "rank": rank})
        curated = build.curated[item.number - 1]
        if pair in item.selected:
            row = _one(curated.data, pair)
            steps.append({
                "stage": curated.stage, "what": f"selected, split {row['split']}", "id": pair, "score": row["score"],
                "trained": pair in item.trained,
            })  # fmt: skip
        else:
            found = _one(curated.path / "rejected", pair)
            steps.append(
                _rejected(curated, found, build, keys_of) if found else {"stage": curated.stage, "what": "not selected"}
            )
            least = min((item.selector.get(key) or 0.0 for key in item.selected), default=None)
            steps[-1]["least_selected"] = least
    return steps


def _one(folder: Path, pair: str) -> dict[str, Any]:
    import pyarrow.compute as pc

    rows = matching(folder, "id", lambda values: pc.equal(values, pair))
    return rows[0] if rows else {}


def _released(releases: Path, pair: str) -> list[Step]:
    """The configs of the releases beside the recipe that hold a pair."""
    import pyarrow.compute as pc

    steps = []
    for release in sorted(path for path in releases.iterdir() if path.is_dir()) if releases.is_dir() else ():
        held = [
            f"{file.parent.name}/{file.name.partition('-')[0]}"
            for file in parquet_files(release / "dataset")
            if _holds(file, pair, pc)
        ]
        if held:
            steps.append({"stage": "release", "what": f"{release.name}: {', '.join(dict.fromkeys(held))}", "id": pair})
    return steps


def _holds(file: Path, pair: str, pc: Any) -> bool:
    import pyarrow.parquet as pq

    return (
        "id" in pq.read_schema(file).names and pc.any(pc.equal(pq.read_table(file, columns=["id"])["id"], pair)).as_py()
    )


def summary_of(steps: Sequence[Step]) -> str:
    """The last thing that happened."""
    return str(steps[-1]["what"])
