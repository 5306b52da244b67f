"""`humpback preview`: what a build would make of a few pages, to look at."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from builder.cli.answer import Answer
from builder.cli.preview.loop import Loop
from builder.cli.preview.models import AtHand
from builder.cli.project import Project
from builder.cli.reference.reasons.table import keys_in
from builder.cli.rows.layout import describe_row, indented, terminal_width, wrapped
from builder.cli.rows.scored import SELECTED, with_segments
from builder.data.storage import read_rows
from builder.method.curate.histogram import BINS, histogram
from builder.recipe.sections.curate import Curate
from builder.text.counted import counted
from builder.text.escape import escape
from builder.workspace.aside.scratch import scratch
from builder.workspace.console import describe_counts
from builder.workspace.layout import PREVIEW
from builder.workspace.stage_names import SEGMENTS, parse

_EXAMPLES = 3
_SHOWN_REASONS = 4
_MORE = 5
"""So many times as many pages may show a segment where some showed none."""
_NOT_SELECTED = "not_selected"


def preview_pages(
    project: Project, pages: int, rows: int = _EXAMPLES, say: Callable[[str], None] = lambda line: None
) -> Answer:
    """Run the loop on some pages with the models at hand, and show the rows; nothing is kept.

    Args:
        project: The project.
        pages: How many pages.
        rows: How many rows of each outcome the text shows; the value has all pairs.
        say: Told what is done next.

    Raises:
        RecipeError: If there are no pages, or no model can be asked.
        StageError: If a stage fails; what it has left, its log too, stays until the next preview or build.
    """
    build = project.look_at_build(damaged_too=True)
    with scratch(project.work_dir, PREVIEW) as place:
        loop = Loop(build, place, say)
        loop.run(pages)
        value = _value(loop)
    return Answer(value, lambda: _text(value, rows, terminal_width()))


def _value(loop: Loop) -> dict[str, Any]:
    sample, recipe = loop.sample, loop.build.recipe
    return {
        "pages": {
            "taken": len(sample.pages),
            "files": sample.files,
            "lost": dict(sample.lost.most_common()),
            "ids": [page.page_id for page in sample.pages],
        },
        "writer": _hand(loop.writer),
        "judges": {judge: _hand(model) for judge, model in loop.judges.items()},
        "seeds": loop.seeds,
        "rule": _rule(recipe.curate),
        "counts": loop.counts,
        "pairs": _pairs(loop),
        "rejected": {stage: groups for stage in loop.folders if (groups := _rejected(loop, stage))},
        "notes": list(_notes(loop)),
    }


def _hand(model: AtHand | None) -> dict[str, Any] | None:
    return None if model is None else {"model": model.name, "trained": model.trained}


def _rule(config: Curate) -> str:
    rules = {name: getattr(config, name) for name in ("threshold", "top", "share")}
    return next(f"curate.{name}: {value:g}" for name, value in rules.items() if value is not None)


def _notes(loop: Loop) -> Iterator[str]:
    recipe = loop.build.recipe
    yield from _none_left(loop)
    if loop.writer is not None and not loop.writer.trained and recipe.augment.model is None:
        yield (
            "M_yx is not trained yet: the base was prompted in its place, which writes worse; of what "
            "it did not end, the first line was taken"
        )
    if any(not model.trained and model.name.startswith("base ") for model in loop.judges.values()):
        yield "no model is trained yet: the base has judged, and its scores say little"
    if recipe.curate.top is not None:
        yield "curate.top is a number of all pairs of a build: of a few pages it selects far more than it would there"
    if recipe.curate.share is not None:
        yield "curate.share is taken of these pairs alone"
    if recipe.dedup.sample is not None:
        yield "dedup.sample is left out"


def _none_left(loop: Loop) -> Iterator[str]:
    """What took the segments where none is left, or the pages where none gave one."""
    if "dedup" in loop.counts:
        return
    counts = loop.counts["segments"]
    lost = Counter[str]()
    for kind in counts.values():
        lost.update(kind["dropped"] | kind["failed"])
    told = ", ".join(f"{number:,} {reason}" for reason, number in lost.most_common(_SHOWN_REASONS))
    reason = next(iter(dict(lost.most_common(1))), None)
    keys = [] if reason is None else keys_in(SEGMENTS, reason)
    entry = "" if reason is None else f"; `humpback help {reason}` says more"
    decided = f"; {' and '.join(keys)} {'decides' if len(keys) == 1 else 'decide'}" if keys else ""
    pages = len(loop.sample.pages)
    yield (
        f"no segment is left of these pages ({told or 'no page was cut'}){decided}{entry}; "
        f"look at more pages: -n {_MORE * pages}"
    )


def _pairs(loop: Loop) -> list[dict[str, Any]]:
    """The pairs that passed the gate, the best first, those without a score last."""
    if "augment" not in loop.folders:
        return []
    lost: dict[str, str] = {}
    if "curate" in loop.folders:
        lost = {row["id"]: row["reason"] for row in read_rows(loop.folders["curate"] / "rejected", ["id", "reason"])}
    selects = SELECTED if "curate" in loop.folders else _NOT_SELECTED
    columns = ["id", "page_id", "url", "header", "instruction", "output"]
    data = loop.folders["augment"] / "data"
    pairs = []
    for row in read_rows(data, columns) if loop.counts["augment"]["pairs"]["kept"] else ():
        score = loop.scores.get(row["id"])
        outcome = lost.get(row["id"], selects if score is not None else "no_score")
        pairs.append({"id": row["id"], "score": score, "outcome": outcome, **row})
    return sorted(pairs, key=lambda row: (row["score"] is None, -(row["score"] or 0.0), row["id"]))


def _rejected(loop: Loop, stage: str) -> dict[str, dict[str, Any]]:
    """What a stage has rejected, by reason: the number, the keys that decide, some of the rows."""
    folder = loop.folders[stage] / "rejected"
    if stage not in ("segments", "dedup", "augment") or not folder.is_dir():
        return {}
    counts, examples = Counter[str](), dict[str, list[dict[str, Any]]]()
    for row in read_rows(folder, ["id", "reason", "page_id", "header", "text"]):
        reason = row.pop("reason")
        counts[reason] += 1
        if len(shown := examples.setdefault(reason, [])) < _EXAMPLES:
            shown.append(row)
    if stage == "augment":
        segments = loop.folders["dedup"] / "data"
        examples = {reason: with_segments(rows, segments) for reason, rows in examples.items()}
    name = parse(stage)
    return {
        reason: {"rows": count, "keys": keys_in(name, reason), "examples": examples[reason]}
        for reason, count in counts.most_common()
    }


def _text(value: dict[str, Any], rows: int, width: int | None) -> str:
    parts = ["\n".join(_overview(value, width))]
    scores = [row["score"] for row in value["pairs"]]
    if len(scores) >= BINS:
        parts.append(histogram(scores))
    outcomes = dict.fromkeys([SELECTED, *(row["outcome"] for row in value["pairs"])])
    for outcome in outcomes:
        found = [row for row in value["pairs"] if row["outcome"] == outcome]
        parts += (
            [_group(f"{outcome}: {counted(len(found), 'pairs')}", [], found[:rows], width)] if found and rows else []
        )
    for stage, groups in value["rejected"].items():
        shown = list(groups.items())[:_SHOWN_REASONS] if rows else []
        parts += [
            _group(f"{stage}: {reason}: {group['rows']:,}", group["keys"], group["examples"][:1], width)
            for reason, group in shown
        ]
    return "\n\n".join(parts)


def _group(heading: str, keys: list[str], rows: list[dict[str, Any]], width: int | None) -> str:
    decided = f"  ({', '.join(keys)})" if keys else ""
    inner = None if width is None else width - 4
    shown = (indented(describe_row({**row, "outcome": None, "id": None}, inner)) for row in rows)
    return "\n".join([wrapped(escape(f"{heading}{decided}", "terminal"), width, "  "), *shown])


def _overview(value: dict[str, Any], width: int | None) -> Iterator[str]:
    pages = value["pages"]
    lost = ", ".join(f"{escape(reason, 'terminal')} {count:,}" for reason, count in pages["lost"].items())
    lines = [
        f"{counted(pages['taken'], 'pages')} of {counted(pages['files'], 'files')}{f' (lost: {lost})' if lost else ''}"
    ]
    if value["writer"] is not None:
        lines.append(f"instructions by {_named(value['writer'])}")
    lines += [f"score {judge} by {_named(model)}" for judge, model in value["judges"].items()]
    lines += [f"{stage:<20} {describe_counts(counts)}" for stage, counts in value["counts"].items()]
    if value["pairs"]:
        selected = sum(row["outcome"] == SELECTED for row in value["pairs"])
        lines.append(f"{selected:,} of {counted(len(value['pairs']), 'pairs')} would be selected by {value['rule']}")
    if value["seeds"]:
        lines.append(f"seeds: {', '.join(f'{key} {seed}' for key, seed in value['seeds'].items())}")
    lines += [f"note: {note}" for note in value["notes"]]
    lines.append("nothing was kept")
    for line in lines:
        yield wrapped(line, width, "  ")


def _named(model: dict[str, Any]) -> str:
    return f"{escape(model['model'], 'terminal')}{'' if model['trained'] else ', not trained by this build'}"
