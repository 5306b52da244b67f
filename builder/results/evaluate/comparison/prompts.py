"""The prompts of an evaluation: read, each once, split, and held against what the models were trained on."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.data.accounting import Counts, Rejects, Stats
from builder.data.records import Row, rejected_schema, stable_id
from builder.data.storage import read_rows, write_rows
from builder.data.tables.file_rows import file_rows
from builder.errors import RecipeError
from builder.method.seed.decontaminate import COLUMNS, PromptSets
from builder.recipe.sections.runtime import Runtime
from builder.results.evaluate.comparison.annotations import prompt_key
from builder.results.evaluate.comparison.plan import Prompts, PromptSource
from builder.text.words import normalise

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
NGRAM = 13
"""So many words in a row that a training row shares with a prompt are too many; see `seed.decontaminate`."""
_COLUMNS = (*COLUMNS, "conversations")
SEEN = ("seed", "curated")


def prompt_schema() -> "pa.Schema":
    """Prompts: an id, the text, the set that it is from, `dev` or `test`, and what training rows hold it."""
    import pyarrow as pa

    names = ("id", "instruction", "source", "split", "seen_in")
    return pa.schema([(name, pa.string()) for name in names])


def select_prompts(out: Path, config: Prompts, seed: Path, *curated: Path, runtime: Runtime) -> Stats:
    """Read the prompts.

    Args:
        out: Stage folder; `data/` gets the prompts in the order of the files, `rejected/` those asked already.
        config: The prompts section of the plan.
        seed: Stage folder of the seed pairs.
        curated: Stage folder of the last selection, if there is one.
        runtime: Unused; every stage takes it.

    Returns:
        Counts of `prompts`; in the details how many each set has, and how many are in rows that models train on.

    Raises:
        RecipeError: If a file cannot be read or holds no prompt.
    """
    counts, rejects, rows = Counts(), Rejects(), []
    known: set[str] = set()
    for source in config.sources:
        for prompt, name in _prompts(source):
            counts.rows_in += 1
            key, same = prompt_key(prompt), normalise(prompt) or prompt
            if same in known:
                counts.dropped["duplicate"] += 1
                rejects.add(key, "duplicate", text=prompt)
            else:
                known.add(same)
                rows.append({"id": key, "instruction": prompt, "source": name, "split": "test"})
    rows = _chosen(rows, config, counts, rejects)
    _mark_seen(rows, seed, curated)
    counts.kept = len(rows)
    write_rows(out / "rejected" / "prompts.parquet", rejects.rows, rejected_schema())
    write_rows(out / "data" / "prompts.parquet", rows, prompt_schema())
    details: dict[str, Any] = {"sources": {}, "seen_in": dict.fromkeys(SEEN, 0)}
    for row in rows:
        details["sources"][row["source"]] = details["sources"].get(row["source"], 0) + 1
        if row["seen_in"]:
            details["seen_in"][row["seen_in"]] += 1
    seen = sum(details["seen_in"].values())
    warnings = [f"{seen:,} of {len(rows):,} prompts are in rows that models were trained on"] if seen else []
    return Stats({"prompts": counts}, details, warnings)


def _prompts(source: PromptSource) -> Iterator[tuple[str, str]]:
    """The prompts of a source with the set that each is from."""
    found = False
    for where, row in file_rows(source.path):
        if not isinstance(row, dict):
            raise RecipeError(f"{where}: is no row with columns; prompts.sources names its file")
        prompt = prompt_of(row, source.column)
        if prompt is None:
            wanted = source.column or " or ".join(_COLUMNS)
            raise RecipeError(f"{where}: holds no prompt (looked for {wanted}); set column of {source.name}")
        found = True
        part = row.get("dataset")
        yield prompt, part if isinstance(part, str) and part else source.name
    if not found:
        raise RecipeError(f"{source.path}: holds no prompt; prompts.sources names it")


def prompt_of(row: Row, column: str | None) -> str | None:
    """The first turn of a row, with what it is about below it; as it stands there, for others match it byte by byte."""
    value = next((row[name] for name in ([column] if column else _COLUMNS) if row.get(name)), None)
    if isinstance(value, list):
        turn = value[0]
        value = turn.get("content", turn.get("value")) if isinstance(turn, dict) else turn
        return value if isinstance(value, str) and value.strip() else None
    if not isinstance(value, str) or not value.strip():
        return None
    instances = row.get("instances")
    example = instances[0] if isinstance(instances, list) and instances else row
    given = example.get("input") if isinstance(example, dict) else None
    return f"{value}\n\n{given}" if isinstance(given, str) and given.strip() else value


def _chosen(rows: list[Row], config: Prompts, counts: Counts, rejects: Rejects) -> list[Row]:
    """The rows of the split that is asked, up to the limit; the others are counted."""
    order = sorted(rows, key=lambda row: stable_id(config.seed, "dev", row["id"]))
    for row in order[: config.dev]:
        row["split"] = "dev"
    kept: list[Row] = []
    for row in rows:
        reason = "other_split" if config.use not in ("all", row["split"]) else None
        if reason is None and config.limit is not None and len(kept) >= config.limit:
            reason = "over_limit"
        if reason is None:
            kept.append(row)
        else:
            counts.dropped[reason] += 1
            rejects.add(row["id"], reason, text=row["instruction"])
    return kept


def _mark_seen(rows: list[Row], seed: Path, curated: tuple[Path, ...]) -> None:
    """Say of each prompt which training rows hold it: the seed's, else the selection's."""
    for row in rows:
        row["seen_in"] = None
    prompts = PromptSets(NGRAM)
    for row in rows:
        prompts.add(row["id"], row["instruction"])
    named = {row["id"]: row for row in rows}
    for name, folders in zip(SEEN, ((seed,), curated), strict=True):
        for folder in folders:
            found = prompts.find(read_rows(folder / "data", ["id", "instruction", "output"]))
            for reason in found.values():
                row = named[reason.partition(":")[2]]
                row["seen_in"] = row["seen_in"] or name
