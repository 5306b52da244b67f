"""Whether a base was ever trained on the tokens that a chat template puts around a turn.

A base may have tokens that its training never showed, for others to use. Training all weights teaches it what they
mean; an adapter leaves the embeddings as they are, so a model may never learn where a turn ends.
"""

from collections.abc import Iterable
from typing import Any

ALIKE = 0.99
"""From this cosine on, two embeddings are the same one: those of tokens that were never trained often are."""
SHORT = 0.3
"""Embeddings of less than this share of the median norm were never trained."""
_ROWS = 1 << 14


def untrained_tokens(model: Any, ids: Iterable[int]) -> list[int]:
    """Those of some tokens whose embeddings, of input or output, look as if they were never trained, and stay so.

    Args:
        model: As its trainer has it, before it is shared over processes.
        ids: The tokens.
    """
    asked = sorted(set(ids))
    found: set[int] = set()
    for module in (model.get_input_embeddings(), model.get_output_embeddings()):
        weight = getattr(module, "weight", None)
        # Trained along, not a plain matrix (quantised), or not on this process: nothing is known of it.
        if weight is None or weight.ndim != 2 or weight.is_meta or not weight.is_floating_point():
            continue
        if not any(parameter.requires_grad for parameter in module.parameters()):
            found |= _untrained_rows(weight.detach(), [token for token in asked if token < len(weight)])
    return sorted(found)


def _untrained_rows(weight: Any, ids: list[int]) -> set[int]:
    """Rows that are short, or the same as another one."""
    import torch

    if not ids:
        return set()
    rows = torch.nn.functional.normalize(weight[ids].float(), dim=1)
    norms, alike = [], torch.zeros(len(ids), dtype=torch.long, device=weight.device)
    for part in weight.split(_ROWS):
        part = part.float()
        norms.append(part.norm(dim=1))
        alike += (torch.nn.functional.normalize(part, dim=1) @ rows.T > ALIKE).sum(dim=0)
    norm = torch.cat(norms)
    is_short = norm[ids] < SHORT * norm.median()
    return {
        token for token, short, same in zip(ids, is_short.tolist(), alike.tolist(), strict=True) if short or same > 1
    }
