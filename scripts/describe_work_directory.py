"""Write `docs/work-directory.md`: the tree of a work directory and every column of every stage's files.

    make docs

Columns and types come from the schemas that the stages write with, texts from `work_directory_texts.py` and
`work_directory_files.py`. A column, a key of the chat contract or a count without a text, and a text without its
column, end the program.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import work_directory_files as inside
import work_directory_texts as texts

from builder.build import augment, deduplicate, extract_segments, score, select, select_seed
from builder.data import records
from builder.data.accounting import REJECTED_TEXTS_PER_REASON, Counts
from builder.llm.contract import ChatContract
from builder.method.seed.decontaminate import clean_seed
from builder.method.train.stage import train_backward, train_forward
from builder.recipe.sections.judges import Judge
from builder.sample.answers import answer_questions, answer_schema

PAGE = Path(__file__).parents[1] / "docs" / "work-directory.md"
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "seed": select_seed,
    "seed-clean": clean_seed,
    "segments": extract_segments,
    "dedup": deduplicate,
    "model-backward": train_backward,
    "augment": augment,
    "model": train_forward,
    "score": score,
    "curate": select,
    "answers-model": answer_questions,
}
"""The function of each kind of stage."""
ROWS = {
    "seed": {"data": "seed", "rejected": "rejected"},
    "seed-clean": {"data": "seed", "rejected": "rejected"},
    "segments": {"data": "segments", "rejected": "rejected"},
    "dedup": {"data": "segments", "rejected": "rejected"},
    "model-backward": {"rows": "training", "held_out": "training", "rejected": "rejected"},
    "augment": {"data": "candidates", "rejected": "rejected"},
    "model": {"rows": "training", "held_out": "training", "rejected": "rejected"},
    "score": {"data": "scores", "rejected": "rejected"},
    "curate": {"data": "curated", "rejected": "rejected"},
    "answers-model": {"data": "answers"},
}
"""By kind of stage the folders of its Parquet files, and the table of their columns."""
INTRODUCTION = """\
# The work directory

A build keeps what it makes in one folder: `work/` beside `build.yaml`, or what `--work-dir` or `runtime.work_dir`
names. Each stage has a folder in it, named after the stage and its fingerprint, such as `augment-315372912718`. The
fingerprint stands for all that the result depends on, so another recipe makes other folders and the old ones stay.
Delete a folder to run its stage again.

A file that has its final name is whole. A name that begins with a dot is a file that was not finished, or a folder for
the while; systems and editors may leave others, and a build looks at none of them. When a stage is done, `stage.json`
lists its files: one that was cut, changed, removed, replaced or added since is found before it is used, and the message
says which folder to remove. Names and sizes are always compared, digests by `humpback plan --verify`,
`humpback build --verify` and every release.

## How inputs are known again

An input is known by what it holds. Neither its place nor that of the work directory is part of a fingerprint: a project
or a work directory that is moved, files that are copied, touched or fetched again, and a link in their place leave
every stage as it is. In a fingerprint a file stands with its name below the input, its size, and the time at which it
had been modified when the work directory first saw it. `inputs.jsonl` keeps what it held then, so move that file along.

Of a file that a stage has read:

- In the same state (size, time of modification, time of the last change of any kind, inode) it is taken for the same,
  and not read.
- In any other state it is read once, by `plan` too, and its sha256 decides. The next look reads nothing.
- With one other byte, and size and time of modification as they were, it is found to be another: no program sets the
  time of the last change of any kind back.
- With a content back that it has had before, the stages of that content are found.

What is not known is not guessed: of a file that no stage has read yet, or where `inputs.jsonl` is gone, name, size and
time of modification decide. A file on another machine is known by what its store says of it (name, size, ETag or date).
A stage that was done before there was an `inputs.jsonl` is found as long as the times are as they were, and the next
`humpback build` reads its inputs for it where they are 1 GiB at most together.

What it costs: looking at files costs a look at each (`stat`). Files of seed and models are read once for their digest
before the first stage that needs them. WARC, JSON lines and HTML get theirs while `segments` reads them; Parquet, files
that `segments` does not read, and those that changed in the last 20 ms are read once more at its end. So a corpus of
archives is never read twice, and a corpus that was moved is read once.

Of the folder of a model only what is loaded counts: weights (`.safetensors`), settings, tokenizer, chat templates and
adapters. A README, a licence, pictures, `.gitattributes`, other forms of the weights and folders beside them do not.

`make docs` writes this page from the schemas; the texts are in `scripts/work_directory_texts.py` and
`scripts/work_directory_files.py`. [architecture.md](architecture.md) says which function writes what.
"""


def schemas() -> dict[str, dict[str, pa.Schema]]:
    """By table the schemas of its files: one, under the empty name, or for scores one a judge."""
    judges = [get_args(section.model_fields["judge"].annotation)[0] for section in get_args(get_args(Judge)[0])]
    return {
        "seed": {"": records.seed_schema()},
        "segments": {"": records.segment_schema()},
        "candidates": {"": records.candidate_schema()},
        "scores": {judge: records.score_schema(judge) for judge in judges},
        "curated": {"": records.curated_schema()},
        "training": {"": records.training_schema()},
        "rejected": {"": records.rejected_schema()},
        "answers": {"": answer_schema()},
    }


def files_of(kind: str) -> dict[str, str]:
    """The files of a stage folder and what they are; a path that ends with a slash stands for all below it."""
    return {path: text for kinds, files in inside.FILES if kind in kinds or not kinds for path, text in files.items()}


def keys_of(path: str) -> dict[str, str] | None:
    """The keys of a JSON file and what they are; None for one that holds no object with keys of ours."""
    return next((keys for place, keys in inside.KEYS.items() if fits(place, path)), None)


def details_of(kind: str) -> dict[str, str]:
    """The keys of `details` in the record of a stage."""
    return inside.DETAILS["model" if kind == "model-backward" else kind]


def fits(place: str, path: str) -> bool:
    """Whether a path is one of those that a described one stands for."""
    pattern = re.sub(r"<\w+>", "[^/]+", re.sub(r"[.]", r"[.]", place))
    return re.fullmatch(pattern + (".+" if place.endswith("/") else ""), path) is not None


def page() -> str:
    """The whole page.

    Raises:
        SystemExit: If a column has no text, or a text no column.
    """
    _refuse(_differences())
    parts = [INTRODUCTION, _stages(), _tree(), "## Columns\n", *_columns(), "## JSON files\n", *_json()]
    return "\n".join(parts)


def _refuse(differences: Iterable[str]) -> None:
    if lines := list(differences):
        raise SystemExit("\n".join([*lines, "give each column one text in scripts/work_directory_{texts,files}.py"]))


def _differences() -> Iterator[str]:
    """What has no text, and which text is of nothing."""
    for table, by_judge in schemas().items():
        for judge, schema in by_judge.items():
            yield from _differ(f"table {table} {judge}".rstrip(), schema.names, _texts_of(table, judge))
    yield from _differ("table scores", schemas()["scores"], [judge for judge in texts.SCORES if judge])
    yield from _differ("counts", Counts().as_dict(), inside.COUNTS)
    yield from _differ(
        "chat contract", [field.name for field in fields(ChatContract)], inside.KEYS["chat_contract.json"]
    )
    yield from _differ("stages", FUNCTIONS, texts.STAGES)
    yield from _differ("details", [kind for kind in FUNCTIONS if kind != "model-backward"], inside.DETAILS)


def _differ(subject: str, named: Iterable[str], described: Iterable[str]) -> Iterator[str]:
    names, known = list(named), list(described)
    yield from (f"{subject}: {name} has no text" for name in names if name not in known)
    yield from (f"{subject}: there is a text for {name}, which is not there" for name in known if name not in names)


def _texts_of(table: str, judge: str) -> dict[str, str]:
    return texts.SCORES[""] | texts.SCORES.get(judge, {}) if table == "scores" else texts.COLUMNS[table]


def _stages() -> str:
    rows = []
    for kind, (folder, section, says) in texts.STAGES.items():
        function = FUNCTIONS[kind]
        written = f"`{function.__module__.removeprefix('builder.')}.{function.__name__}`"
        rows.append((folder, section, says, written, ", ".join(_link(table) for table in ROWS[kind].values())))
    heading = ("folder, less its fingerprint", "paper", "what it holds", "function", "columns")
    return "\n".join(["## Stages\n", *_table(heading, [(*row[:4], _once(row[4])) for row in rows]), ""])


def _once(names: str) -> str:
    return ", ".join(dict.fromkeys(names.split(", ")))


def _link(table: str) -> str:
    title = texts.TABLES[table]
    return f"[{title.lower()}](#{title.lower().replace(' ', '-')})"


def _tree() -> str:
    width = max(len(_folder(kind)) for kind in FUNCTIONS)
    lines = ["## Tree\n", "```", "work/", *(f"  {name}" for name in inside.OF_BUILD)]
    for kind in FUNCTIONS:
        entries = dict.fromkeys(path.partition("/")[0] + "/" * ("/" in path) for path in files_of(kind))
        lines.append(f"  {_folder(kind):<{width}}  {'  '.join(entries)}")
    lines += ["```", "", "### Files of a build", "", *_table(("file", "what it is"), _named(inside.OF_BUILD))]
    for kinds, files in inside.FILES:
        of = " and ".join(texts.STAGES[kind][0] for kind in kinds) or "every stage"
        lines += ["", f"### Files of {of}", "", *_table(("file", "what it is"), _named(files))]
    return "\n".join(line.rstrip() for line in [*lines, ""])


def _folder(kind: str) -> str:
    return f"{texts.STAGES[kind][0].strip('`')}-<fingerprint>/"


def _named(described: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"`{name}`", text) for name, text in described.items()]


def _columns() -> Iterator[str]:
    for table, by_judge in schemas().items():
        yield f"### {texts.TABLES[table]}\n"
        for judge, schema in by_judge.items():
            own = [field for field in schema if not judge or field.name not in texts.SCORES[""]]
            if judge == next(iter(by_judge)) and judge:
                shared = [field for field in schema if field.name in texts.SCORES[""]]
                yield from [*_schema(shared, texts.SCORES[""]), ""]
            if judge:
                yield f"Judge `{judge}` adds:\n"
            yield from [*_schema(own, _texts_of(table, judge)), ""]


def _schema(columns: Iterable[pa.Field], described: Mapping[str, str]) -> list[str]:
    rows = []
    for column in columns:
        text = described[column.name].format(texts=REJECTED_TEXTS_PER_REASON)
        rows.append((f"`{column.name}`", kind_of(column.type), text))
    return _table(("column", "type", "what it is"), rows)


def kind_of(kind: pa.DataType) -> str:
    """An Arrow type in words."""
    if pa.types.is_fixed_size_list(kind):
        return f"list of {kind.list_size} {kind_of(kind.value_type)}"
    if pa.types.is_list(kind):
        return f"list of {kind_of(kind.value_type)}"
    if pa.types.is_struct(kind):
        return f"({', '.join(f'{field.name}: {kind_of(field.type)}' for field in kind)})"
    return str(kind)


def _json() -> Iterator[str]:
    for place, keys in inside.KEYS.items():
        yield from [f"### `{place}`\n", *_table(("key", "what it is"), _named(keys)), ""]
        if place == "stage.json":
            yield from [
                "Of each kind of row, `counts` has:\n",
                *_table(("key", "what it is"), _named(inside.COUNTS)),
                "",
            ]
            yield from _details()


def _details() -> Iterator[str]:
    yield "And `details`:\n"
    rows = [
        (" and ".join(names), f"`{key}`", text)
        for kind, keys in inside.DETAILS.items()
        for names in [["`model-backward`", texts.STAGES[kind][0]] if kind == "model" else [texts.STAGES[kind][0]]]
        for key, text in keys.items()
    ]
    yield from [*_table(("stage", "key", "what it is"), rows), ""]


def _table(heading: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    lines = [heading, ("---",) * len(heading), *rows]
    return [f"| {' | '.join(line)} |" for line in lines]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
