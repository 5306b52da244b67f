"""What of a few rows will be trained, looked at before the first step.

It is read from what TRL has made of the rows, and held against what the model will be given at inference.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import Path

from builder.data.records import Row
from builder.data.storage import parquet_files, read_rows
from builder.errors import StageError
from builder.llm.renderer import Renderer
from builder.text.escape import escape, shortened

SHOWN_ROWS = 3
SHOWN_CHARS = 600
MASKED = -100
"""Label of a token whose loss is not counted."""
_GREY, _GREEN, _PLAIN = "\x1b[90m", "\x1b[32m", "\x1b[0m"


@dataclass(frozen=True)
class Example:
    """A row as it will be trained on.

    Attributes:
        kind: Its source: `seed`, `curated`; with the role of the model before, where there are several.
        row: `id`, `prompt` and `completion`.
        ids: Its tokens.
        labels: The same, or `MASKED` where the loss is not counted.
    """

    kind: str
    row: Row
    ids: Sequence[int]
    labels: Sequence[int]


def first_training_rows(folder: Path) -> list[tuple[str, Row]]:
    """The first rows of each source of a training stage, with its name."""
    return [(path.stem, row) for path in parquet_files(folder) for row in islice(read_rows(path), SHOWN_ROWS)]


def made_by_trl(rows: Iterable[tuple[str, Row]], prepared: Iterable[Row]) -> list[Example]:
    """The rows with the tokens and labels that TRL has made of them, in whatever order.

    Raises:
        StageError: If TRL has dropped one.
    """
    waiting = list(prepared)
    examples = []
    for kind, row in rows:
        same = [at for at, made in enumerate(waiting) if _texts(made) == _texts(row)]
        if not same:
            raise StageError(f"preflight: TRL drops the {kind} row {row['id']}; nothing of it would be trained")
        made = waiting.pop(same[0])
        examples.append(Example(kind, row, made["input_ids"], made["labels"]))
    return examples


def _texts(row: Row) -> list[tuple[str, str]]:
    return [(turn["role"], turn["content"]) for turn in (*row["prompt"], *row["completion"])]


def example_problems(example: Example, renderer: Renderer) -> Iterator[str]:
    """What is wrong with a row, if anything: another prompt than at inference, or a loss on the wrong tokens."""
    said = f"preflight: {example.kind} row {example.row['id']}"
    expected, start = renderer.answered(example.row["prompt"], example.row["completion"][0]["content"])
    yield from (f"{said}: {lost}" for lost in _lost_systems(example, example.ids[:start], renderer))
    at = next((at for at, pair in enumerate(zip(example.ids, expected, strict=False)) if pair[0] != pair[1]), None)
    at = min(len(example.ids), len(expected)) if at is None and len(example.ids) < len(expected) else at
    if at is not None:
        part = "prompt" if at < start else "answer"
        ours, theirs = (_decode(renderer, list(ids[at : at + 8])) for ids in (example.ids, expected))
        yield f"{said}: from token {at} on, the {part} in training is {ours!r} and at inference {theirs!r}"
        return
    trained = [at for at, label in enumerate(example.labels) if label != MASKED]
    if trained[:1] != [start]:
        first = trained[0] if trained else "no token"
        yield f"{said}: the loss begins at {first}, and the answer at {start}"
    missing = [at for at in range(start, len(expected)) if example.labels[at] != expected[at]]
    if missing and missing != [len(expected) - 1]:
        yield f"{said}: {len(missing):,} tokens of the answer are not trained, the first is {missing[0]}"
    if example.labels[len(expected) - 1] != renderer.end_id:
        yield f"{said}: the end token {renderer.contract.end_token} is not trained, so the model would never end"


def _lost_systems(example: Example, ids: Sequence[int], renderer: Renderer) -> Iterator[str]:
    """The system texts of a row that the tokens of its prompt do not hold; a tokenizer may lose text too."""
    prompt = _bare(_decode(renderer, list(ids)))
    for turn in example.row["prompt"]:
        if turn["role"] != "system":
            continue
        text = _decode(renderer, renderer.tokenizer(turn["content"], add_special_tokens=False)["input_ids"])
        if _bare(text) not in prompt:
            yield f"the system text {turn['content']!r} is not among the tokens of the prompt"


def _bare(text: str) -> str:
    """A text without white space, which a tokenizer may add or take away where a text begins and ends."""
    return "".join(text.split())


def check_examples(examples: Iterable[Example], renderer: Renderer) -> None:
    """Raise a StageError that names everything wrong with rows that are about to be trained on."""
    if problems := [problem for example in examples for problem in example_problems(example, renderer)]:
        raise StageError("\n".join([*problems, "nothing was trained; correct the chat template of the recipe"]))


def describe_examples(examples: Iterable[Example], renderer: Renderer, *, colour: bool) -> str:
    """The rows decoded, masked tokens in grey and trained ones in green, or marked by words."""
    return "\n\n".join(_describe_example(example, renderer, colour=colour) for example in examples)


def _describe_example(example: Example, renderer: Renderer, *, colour: bool) -> str:
    trained = sum(label != MASKED for label in example.labels)
    end = f"{renderer.contract.end_token} ({renderer.end_id})"
    lines = [
        f"{example.kind}, row {escape(example.row['id'], 'terminal')}: {len(example.ids):,} tokens, {trained:,} of "
        f"them trained, ends with {escape(end, 'terminal')}"
    ]
    runs = groupby(zip(example.ids, example.labels, strict=True), key=lambda pair: pair[1] != MASKED)
    for is_trained, run in runs:
        text = shortened(_decode(renderer, [token for token, _ in run]), SHOWN_CHARS, both_ends=True)
        first, *rest = text.split("\n")
        mark = "trained" if is_trained else "masked"
        shown = [f"  {mark:<7} | {first}", *(f"          | {line}" for line in rest)]
        lines += [f"{_GREEN if is_trained else _GREY}{line}{_PLAIN}" for line in shown] if colour else shown
    return "\n".join(lines)


def _decode(renderer: Renderer, ids: list[int]) -> str:
    return str(renderer.tokenizer.decode(ids, skip_special_tokens=False))
