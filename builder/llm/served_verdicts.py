"""The judge `verdict` by a model that only its server knows (AlpaGasus: Chen et al. 2023, arXiv 2307.08701)."""

from builder.llm.conversations import SystemPrompts, rating_prompt
from builder.llm.engine import Failed, Sampling
from builder.llm.ratings import Row, unscored
from builder.llm.speakers import Speaker
from builder.llm.verdicts import verdict_row
from builder.recipe.judges import Verdict
from builder.records import row_seed


def served_verdict(rows: list[Row], judge: Verdict, prompts: SystemPrompts, speaker: Speaker) -> list[Row]:
    """Reasoning and "Score: n" in words, `samples` times; the score is the mean of the parsed ones.

    Args:
        rows: Candidate pairs with `id`, `instruction` and `output`.
        judge: The judge's section of the recipe.
        prompts: The system prompts of the recipe.
        speaker: The model.
    """
    sampling = Sampling(judge.temperature, judge.top_p, judge.max_tokens)
    asked = [row for row in rows for _ in range(judge.samples)]
    prepared = speaker.prepare([rating_prompt(prompts, judge.rubric, row) for row in asked])
    seeds = [row_seed(judge.seed, "verdict", row["id"], sample) for row in rows for sample in range(judge.samples)]
    written = iter(speaker.write(prepared, sampling, seeds))
    scored = []
    for row in rows:
        replies = [next(written) for _ in range(judge.samples)]
        failed = next((reply for reply in replies if isinstance(reply, Failed)), None)
        texts = [reply.text for reply in replies if not isinstance(reply, Failed)]
        scored.append(verdict_row(row["id"], texts) if failed is None else unscored(row, failed.reason))
    return scored
