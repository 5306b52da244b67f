"""Which rows hold prompts of an evaluation; they must not be trained on.

Departure: the paper does not say whether it looked. Its seed and 188 of its 1,130 test prompts come from the same
source, Open Assistant.

A row is contaminated by a set of prompts when its instruction equals a prompt of the set after normalisation, or
when instruction or output share `ngram` words in a row with one, which a prompt shorter than that cannot. Of prompts
given as hashes only equal instructions are found. A change of these rules comes with a new VERSION here and in
curate.py.

The rows that the forward models train on are looked at: the seed (`clean_seed`) and every selection (`curate.select`).
M_yx trains on the whole seed, since what it writes is looked at afterwards; so new prompts run no generation again.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builder.data.accounting import Counts, Rejects, Stats
from builder.data.named_text import named_text
from builder.data.records import rejected_schema, seed_schema
from builder.data.storage import read_rows, write_rows
from builder.data.tables.file_rows import file_rows
from builder.errors import RecipeError, StageError
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Decontaminate
from builder.text.words import normalise, units

VERSION = 2
COLUMNS = ("instruction", "prompt", "question", "turns", "text")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass
class PromptSets:
    """The prompts of some sets; a prompt of two sets counts for the first.

    Attributes:
        ngram: So many shared words in a row are too many; 0 with no sets.
        sizes: Prompts of each set.
        whole: Set of each normalised prompt.
        hashes: Set of each SHA-256 of a stripped prompt.
        grams: Set of each run of `ngram` words, joined by spaces.
        lengths: How many entries of a list of words the runs have: `ngram`, and more in scripts without spaces.
        vocabulary: All words of `grams`, so that most runs of a row need not be looked up.
    """

    ngram: int = 0
    sizes: dict[str, int] = field(default_factory=dict)
    whole: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    grams: dict[str, str] = field(default_factory=dict)
    lengths: set[int] = field(default_factory=set)
    vocabulary: set[str] = field(default_factory=set)

    @property
    def details(self) -> dict[str, Any]:
        """Prompts of each set, for the record of a stage; nothing without sets."""
        return {"evaluation_prompts": self.sizes} if self.sizes else {}

    def add(self, name: str, prompt: str) -> None:
        """Take a prompt into the set `name`."""
        words = normalise(prompt).split()
        self.sizes[name] = self.sizes.get(name, 0) + 1
        self.whole.setdefault(" ".join(words), name)
        length = units(self.ngram, words)
        for start in range(len(words) - length + 1):
            self.grams.setdefault(" ".join(words[start : start + length]), name)
            self.lengths.add(length)
            self.vocabulary.update(words[start : start + length])

    def add_hash(self, name: str, value: str) -> None:
        """Take the SHA-256 of a stripped prompt into the set `name`."""
        self.sizes[name] = self.sizes.get(name, 0) + 1
        self.hashes.setdefault(value, name)

    def why(self, instruction: str, output: str) -> str | None:
        """`contaminated:<set>` if a row holds a prompt of a set, else None."""
        if not self.sizes:
            return None
        asked = normalise(instruction)
        name = (
            self.whole.get(asked) or self._hashed(instruction) or self._shared(asked) or self._shared(normalise(output))
        )
        return f"contaminated:{name}" if name else None

    def find(self, rows: Iterable[dict[str, Any]]) -> dict[str, str]:
        """The reason of each contaminated row, by id; without sets no row is read."""
        if not self.sizes:
            return {}
        reasons = ((row["id"], self.why(row["instruction"], row["output"])) for row in rows)
        return {identity: reason for identity, reason in reasons if reason}

    def _hashed(self, instruction: str) -> str | None:
        """The set of a prompt that is known by its hash, whichever way its maker composed it."""
        forms = {instruction.strip(), *(unicodedata.normalize(form, instruction.strip()) for form in ("NFC", "NFD"))}
        digests = (hashlib.sha256(form.encode("utf-8", "surrogatepass")).hexdigest() for form in sorted(forms))
        return next(filter(None, map(self.hashes.get, digests)), None) if self.hashes else None

    def _shared(self, text: str) -> str | None:
        words = text.split()
        known = 0  # words of the vocabulary up to here, in a row
        for end, word in enumerate(words, 1):
            known = known + 1 if word in self.vocabulary else 0
            for length in self.lengths:
                if known >= length and (name := self.grams.get(" ".join(words[end - length : end]))):
                    return name
        return None


def clean_seed(out: Path, config: Decontaminate, seed: Path, *, runtime: Runtime) -> Stats:
    """Leave out the seed pairs that hold a prompt of an evaluation.

    Args:
        out: Stage folder; gets `data/seed.parquet` and `rejected/seed.parquet`.
        config: The prompt sets.
        seed: Stage folder of the seed pairs.
        runtime: Unused; every stage takes it.

    Returns:
        Counts of `pairs`; the sizes of the prompt sets in the details.

    Raises:
        RecipeError: If a prompt file cannot be read or holds no prompt.
        StageError: If no pair is left.
    """
    prompts = load_prompts(config)
    counts, rejects, kept = Counts(), Rejects(), []
    for row in read_rows(seed / "data"):
        counts.rows_in += 1
        reason = prompts.why(row["instruction"], row["output"])
        if reason is None:
            kept.append(row)
        else:
            counts.dropped[reason] += 1
            rejects.add(row["id"], reason, text=f"{row['instruction']}\n\n{row['output']}")
    counts.kept = len(kept)
    write_rows(out / "rejected" / "seed.parquet", rejects.rows, rejected_schema())
    write_rows(out / "data" / "seed.parquet", kept, seed_schema())
    if not kept:
        raise StageError("every seed pair holds an evaluation prompt; see decontaminate.prompts")
    return Stats({"pairs": counts}, prompts.details)


def load_prompts(config: Decontaminate | None) -> PromptSets:
    """The prompt sets of the recipe, named after their files; none if it has no such section.

    Raises:
        RecipeError: If a file cannot be read or holds no prompt.
    """
    if config is None:
        return PromptSets()
    sets = PromptSets(config.ngram)
    for path in config.prompts:
        _load(sets, path, config)
    return sets


def _load(sets: PromptSets, path: Path, config: Decontaminate) -> None:
    if path.suffix == ".tsv":
        for value in _hashes(path):
            sets.add_hash(path.stem, value)
    elif path.suffix == ".txt":
        for line in filter(str.strip, named_text(path, "decontaminate.prompts").splitlines()):
            sets.add(path.stem, line)
    else:
        for _, row in file_rows(path):
            for prompt in _prompts(row, config.column) if isinstance(row, dict) else ():
                sets.add(path.stem, prompt)
    if not sets.sizes.get(path.stem):
        wanted = "a column of SHA-256 hashes" if path.suffix == ".tsv" else config.column or " or ".join(COLUMNS)
        raise RecipeError(f"{path}: holds no prompt (looked for {wanted}); set decontaminate.column, or take it out")


def _hashes(path: Path) -> Iterator[str]:
    for line in named_text(path, "decontaminate.prompts").splitlines():
        yield from (cell for cell in line.lower().split("\t") if _HASH.fullmatch(cell))


def _prompts(row: dict[str, Any], column: str | None) -> Iterator[str]:
    """The prompts of a row: each turn of a conversation, an instruction with each of its inputs."""
    value = next((row[name] for name in ([column] if column else COLUMNS) if row.get(name)), None)
    if isinstance(value, list):
        turns = (turn.get("content") if isinstance(turn, dict) else turn for turn in value)
        yield from (turn for turn in turns if isinstance(turn, str) and turn.strip())
    elif isinstance(value, str) and value.strip():
        instances = row.get("instances")
        examples = instances if isinstance(instances, list) and instances else [row]
        for example in examples:
            given = example.get("input") if isinstance(example, dict) else None
            yield f"{value}\n\n{given}" if isinstance(given, str) and given.strip() else value
