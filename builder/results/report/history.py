"""The history of a row: from its page to the configs of releases, with what decided at each step."""

from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from builder.build import Build
from builder.data.storage import parquet_files
from builder.method.corpus.rules.body import letter_share, repeated_sentences, teasers, thread_lines
from builder.method.curate.iterations import IterationStages
from builder.recipe.sections.corpus import Segments
from builder.results.report.standing import Standing, standings
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
    for t in takewhile(lambda step: build.curated[step - 1].status == "done", build.steps):
        stages = build.iteration(t)
        steps += [_stands(t, found, pair) for found in standings(build.recipe.curate, stages, pair)]
        steps.append(_selected_or_not(build, stages, pair, keys_of))
    return steps


def _stands(t: int, found: Standing, pair: str) -> Step:
    where = "no score" if found.rank is None else f"{found.score:.4g}, {found.rank:,} of {found.scored:,}"
    stage = str(score(t, found.judge))
    return {
        "stage": stage, "what": f"{found.judge}: {where}", "id": pair, "score": found.score, "rank": found.rank
    }  # fmt: skip


def _selected_or_not(build: Build, stages: IterationStages, pair: str, keys_of: KeysOf) -> Step:
    curated = stages.curated
    row = _one(curated.data, pair)
    if row:
        file = stages.model.path / "rows" / "curated.parquet"
        trained = row["split"] == "train" and (not file.is_file() or _holds(file, pair))
        said = f"selected, split {row['split']}"
        return {"stage": curated.stage, "what": said, "id": pair, "score": row["score"], "trained": trained}
    found = _one(curated.path / "rejected", pair)
    step = _rejected(curated, found, build, keys_of) if found else {"stage": curated.stage, "what": "not selected"}
    return step | {"least_selected": _least(curated.data)}


def _least(folder: Path) -> float | None:
    """The least score of a selection."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    least = [pc.min(pq.read_table(path, columns=["score"])["score"]).as_py() for path in parquet_files(folder)]
    return min((value for value in least if value is not None), default=None)


def _one(folder: Path, pair: str) -> dict[str, Any]:
    import pyarrow.compute as pc

    rows = matching(folder, "id", lambda values: pc.equal(values, pair))
    return rows[0] if rows else {}


def _released(releases: Path, pair: str) -> list[Step]:
    """The configs of the releases beside the recipe that hold a pair."""
    steps = []
    for release in sorted(path for path in releases.iterdir() if path.is_dir()) if releases.is_dir() else ():
        held = [
            f"{file.parent.name}/{file.name.partition('-')[0]}"
            for file in parquet_files(release / "dataset")
            if _holds(file, pair)
        ]
        if held:
            steps.append({"stage": "release", "what": f"{release.name}: {', '.join(dict.fromkeys(held))}", "id": pair})
    return steps


def _holds(file: Path, pair: str) -> bool:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    return (
        "id" in pq.read_schema(file).names and pc.any(pc.equal(pq.read_table(file, columns=["id"])["id"], pair)).as_py()
    )


def summary_of(steps: Sequence[Step]) -> str:
    """The last thing that happened."""
    return str(steps[-1]["what"])
