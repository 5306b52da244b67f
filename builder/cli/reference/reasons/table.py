"""The table of all reasons, and how a row's reason is looked up in it."""

from builder.cli.reference.reasons.of_pages import OF_PAGES
from builder.cli.reference.reasons.of_pairs import OF_PAIRS
from builder.cli.reference.reasons.reason import Reason
from builder.workspace.stage_names import (
    AUGMENT,
    BACKWARD,
    CURATE,
    DEDUP,
    MODEL,
    SCORE,
    SEED,
    SEED_CLEAN,
    SEGMENTS,
    StageName,
)

_ORDER = (*map(str, (SEED, SEED_CLEAN, SEGMENTS, DEDUP, AUGMENT)), SCORE, CURATE, MODEL)
REASONS: list[Reason] = sorted([*OF_PAGES, *OF_PAIRS], key=lambda reason: _ORDER.index(reason.stage))


def reasons_of(name: str) -> list[Reason]:
    """All that is known of a reason; stages and kinds of rows may share its name."""
    return [reason for reason in REASONS if reason.is_that_of(name) or reason.name == name]


def keys_in(stage: StageName, name: str) -> list[str]:
    """The keys that decide on a reason which a stage has given; of a judge those that it has itself."""
    kind = MODEL if stage == BACKWARD else stage.kind
    keys = [key for reason in reasons_of(name) if reason.stage == kind for key in reason.keys]
    others = "training.forward" if stage == BACKWARD else "training.backward"
    return [key for key in dict.fromkeys(keys) if key != others and _is_of_judge(key, stage.judge)]


def _is_of_judge(key: str, judge: str | None) -> bool:
    return judge is None or not key.startswith(f"{SCORE}.") or key.split(".")[1] == judge
