"""Which rows will be longer than a TRL recipe allows, before anything is trained or written.

The trainings leave such rows out, and stop where they are many; by then instructions have been written and scored for
hours. Here the texts are counted alone, without the marks of a chat template: what is too long here is so there.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from builder.data.sampled import spread
from builder.data.storage import parquet_files, read_rows
from builder.errors import RecipeError, StageError
from builder.llm.token_counts import TokenCounter, token_counter
from builder.method.train.recipe import read_training_recipe
from builder.method.train.rows import are_too_many

if TYPE_CHECKING:
    from builder.recipe.recipe import Recipe
    from builder.recipe.sections.models import Chat

ROWS = 2_000
"""So many pairs, and so many segments, are counted before a build goes on."""
_FILES = 20
_TRL_DEFAULT = 1024


class Limit(NamedTuple):
    """The most tokens that rows of a training may have, by its TRL recipe."""

    file: Path
    direction: Literal["forward", "backward"]
    tokens: int


def limits(recipe: "Recipe") -> list[Limit]:
    """The limits of all trainings that have one; a TRL recipe that cannot be read is for others to name."""
    training, found = recipe.training, list[Limit]()
    files: list[tuple[Path, Literal["forward", "backward"]]] = [(training.forward, "forward")]
    files += [(training.initial, "forward")] if training.initial else []
    for file, direction in (*files, (training.backward, "backward")):
        try:
            tokens = read_training_recipe(file).get("max_length", _TRL_DEFAULT)
        except RecipeError:
            continue
        if isinstance(tokens, int):
            found.append(Limit(file, direction, tokens))
    return found


def least_tokens(
    count: TokenCounter, chat: "Chat", direction: Literal["forward", "backward"], pair: Mapping[str, Any]
) -> int:
    """How many tokens a row of this pair has at least."""
    system = chat.system_backward if direction == "backward" else min(chat.system_seed, chat.system_web, key=len)
    return count(system, pair["instruction"], pair["output"])


def too_long(count: TokenCounter, chat: "Chat", limit: Limit, pairs: Iterable[Mapping[str, Any]]) -> int:
    """How many of these pairs are surely longer than a limit."""
    return sum(least_tokens(count, chat, limit.direction, pair) > limit.tokens for pair in pairs)


def refuse_too_long(recipe: "Recipe", seed: Path, segments: Path) -> None:
    """See that the rows of the trainings to come fit them, as far as a sample tells.

    The seed is trained on as it is. Which segments are, and with which instruction, is not known yet: they are taken
    with their headers, and refused where twice as many as `runtime.max_too_long` allows are too long.

    Raises:
        StageError: If more rows than `runtime.max_too_long` allows would be left out.
    """
    count = token_counter(recipe.base)
    if count is None:
        return
    pairs = _sample(seed / "data", ["instruction", "output"])
    texts = _sample(segments / "data", ["header", "text"])
    sections = [{"instruction": row["header"], "output": row["text"]} for row in texts]
    allowed = recipe.runtime.max_too_long
    for limit in limits(recipe):
        of = [("seed pairs", pairs, allowed)]
        of += [("segments", sections, 2 * allowed)] if limit.direction == "forward" else []
        for what, rows, share in of:
            number = too_long(count, recipe.chat, limit, rows)
            if are_too_many(number, len(rows), share):
                raise StageError(_complaint(limit, number, len(rows), what, allowed))


def _complaint(limit: Limit, number: int, rows: int, what: str, allowed: float) -> str:
    return (
        f"{number:,} of {rows:,} {what} ({number / rows:.1%}) are longer than max_length: {limit.tokens} tokens of "
        f"{limit.file} and could not be trained on; raise max_length there, lower segments.max_chars, or allow it with "
        f"runtime.max_too_long (now {allowed:g})"
    )


def _sample(folder: Path, columns: list[str]) -> list[dict[str, Any]]:
    """The first rows of some files of a stage."""
    files = spread(parquet_files(folder), _FILES)
    each = -(-ROWS // max(1, len(files)))
    return [row for file in files for row in islice(read_rows(file, columns), each)]
