"""Section of the recipe for prompt sets that no training row may hold."""

from typing import Annotated

from pydantic import Field

from builder.section import Named, Section


class Decontaminate(Section):
    """Prompt sets for evaluation; rows that hold their prompts are left out of the seed and of every selection."""

    prompts: Annotated[list[Named], Field(min_length=1)]
    """Files of prompts (.jsonl, .json, .parquet, .txt), or of SHA-256 hashes of prompts (.tsv)."""
    column: str | None = None
    """The key of the prompt in rows; else the first that is there of instruction, prompt, question, turns, text."""
    ngram: Annotated[int, Field(ge=4)] = 13
    """So many words in a row, shared with a prompt, are too many."""
