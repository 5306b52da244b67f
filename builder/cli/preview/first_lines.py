"""What a base has written that does not know where an instruction ends: its first line is taken for one."""

import shutil
from collections import Counter
from pathlib import Path

from builder.data.accounting import Counts
from builder.data.records import Row, candidate_schema, rejected_schema, segment_of
from builder.data.storage import read_rows, write_rows
from builder.llm.conversations import backward_prompt
from builder.method.augment.gate.rules import why_reject_instruction
from builder.method.augment.stage import AugmentStage
from builder.text.control_tokens import find_control_token

_UNFINISHED = "unfinished"


def take_first_lines(out: Path, config: AugmentStage, segments: Path) -> Counts:
    """Make candidates of unfinished instructions, as far as their first lines pass the gate.

    A model that was trained ends its instructions, so this is for a base that was prompted in its place.

    Args:
        out: Folder of the written instructions; candidates are added, and what stays rejected is written anew.
        config: What they were written with.
        segments: Folder of the segments.

    Returns:
        The counts of pairs as they are now.
    """
    texts = {row["id"]: row for row in read_rows(segments / "data")}
    counts, kept, lost = Counts(), list[Row](), list[Row]()
    for row in read_rows(out / "rejected"):
        reason, line = row["reason"], _first_line(row["text"] or "")
        segment = texts.get(segment_of(row["id"]))
        if reason == _UNFINISHED and line and segment is not None:
            reason = _why_reject(line, segment, config)
            row = {**row, "text": line}
            if reason is None:
                kept.append(_candidate(row["id"], line, segment))
                continue
        lost.append({**row, "reason": reason})
    kept += read_rows(out / "data") if (out / "data").is_dir() else []
    for name, rows, schema in (("data", kept, candidate_schema()), ("rejected", lost, rejected_schema())):
        shutil.rmtree(out / name, ignore_errors=True)
        write_rows(out / name / "rows.parquet", rows, schema)
    counts.kept, counts.dropped = len(kept), Counter(row["reason"] for row in lost)
    counts.rows_in = counts.kept + counts.dropped.total()
    return counts


def _first_line(text: str) -> str:
    """The first line with words, as far as the first token of a template."""
    token = find_control_token(text)
    return (text.partition(token)[0] if token else text).strip().partition("\n")[0].strip()


def _why_reject(line: str, segment: Row, config: AugmentStage) -> str | None:
    prompt = backward_prompt(config.chat, config.augment.template, "")
    return why_reject_instruction(
        line,
        segment["text"],
        config=config.augment.gate,
        prompt="\n".join(turn["content"] for turn in prompt),
        language=segment["language"],
    )


def _candidate(identity: str, line: str, segment: Row) -> Row:
    return {
        "id": identity,
        "segment_id": segment["id"],
        **{name: segment[name] for name in ("page_id", "url", "header")},
        "instruction": line,
        "output": segment["text"],
        "logprob": None,
        "tokens": None,
    }
