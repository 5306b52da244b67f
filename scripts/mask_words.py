"""Points of words for the learned mask: a logistic regression on the words of headings and containers."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

LEAST_HOSTS = 10
"""A word that stands on pages of fewer hosts has no points."""
HELD_BACK, STEPS = 30.0, 40
SCALE = 100
"""Points per unit of log odds."""


def tokens_of(blocks: list[Any]) -> list[list[str] | None]:
    """What is looked up for each block, as `wording.wording_facts` does; None for headings."""
    from builder.method.corpus.cutting.content import wording

    total = max(1, sum(0 if block.level else len(block.text) for block in blocks))
    frame = wording.WRAPPER_SHARE * total
    around: dict[Any, list[str]] = {}
    under, found = wording.NO_HEADING, list[list[str] | None]()
    for block in blocks:
        if block.level:
            under = wording.heading_tokens(block.text)
            found.append(None)
            continue
        chain, at = [], block.region
        while at is not None and at not in around:
            chain.append(at)
            at = at.parent
        names = around[at] if at is not None else []
        for inner in reversed(chain):
            names = around[inner] = names + (wording.class_tokens(inner) if inner.chars <= frame else [])
        found.append(under + names + wording.place_tokens(block.region))
    return found


class Words:
    """The words of all pages as a table, and what is fitted on a part of them."""

    def __init__(self, pages: Sequence[list[list[str] | None]], hosts: Sequence[str]) -> None:
        from scipy import sparse

        on: dict[str, set[str]] = defaultdict(set)
        for page, host in zip(pages, hosts, strict=True):
            for tokens in page:
                for token in tokens or ():
                    on[token].add(host)
        self.names = sorted(token for token, seen in on.items() if len(seen) >= LEAST_HOSTS)
        place = {name: index for index, name in enumerate(self.names)}
        columns, ends = list[int](), [0]
        for page in pages:
            for tokens in page:
                if tokens is not None:
                    columns += [place[token] for token in tokens if token in place]
                    ends.append(len(columns))
        ones = np.ones(len(columns), dtype=np.float32)
        shape = (len(ends) - 1, len(place))
        self.table = sparse.csr_matrix((ones, np.array(columns, dtype=np.int32), np.array(ends)), shape=shape)

    def fit(self, rows: Any, true: Any, weights: Any) -> dict[str, int]:
        """Points of the words, fitted on some rows of the table."""
        from scipy import optimize

        part, sign, weight = self.table[rows], np.where(true[rows], 1.0, -1.0), weights[rows] / weights[rows].mean()
        turned = part.T.tocsr()

        def loss(values: Any) -> tuple[float, Any]:
            margin = sign * (part @ values[:-1] + values[-1])
            wrong = -weight * sign / (1 + np.exp(np.clip(margin, -30, 30)))
            value = (weight * np.logaddexp(0, -margin)).sum() + HELD_BACK / 2 * (values[:-1] @ values[:-1])
            return value, np.append(turned @ wrong + HELD_BACK * values[:-1], wrong.sum())

        start = np.zeros(len(self.names) + 1)
        found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
        points = np.rint(SCALE * found[:-1]).astype(int).tolist()
        return {name: value for name, value in zip(self.names, points, strict=True) if value}
