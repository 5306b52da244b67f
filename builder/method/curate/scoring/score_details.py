"""What the end of a score stage says of its rows; they pass one by one, so that many take little memory."""

from array import array
from collections import Counter
from collections.abc import Iterable

from builder.data.accounting import Counts
from builder.data.records import Row
from builder.recipe.sections.judges import Judge, Reasoned, Sampled, Verdict

MANY = 0.2
"""The share of replies without a verdict, or without an end, from which on a stage warns."""


def columns(judge: Judge) -> list[str]:
    """The columns of the judge's rows that `ScoreDetails` looks at; no text is among them."""
    own = {
        "expected": ["mass", "spread", "fallback", "verdicts", "unfinished"],
        "reasoned": ["mass", "spread", "fallback", "verdicts", "unfinished", "read_again"],
        "verdict": ["verdicts", "unfinished"],
    }
    return ["score", "reason", *own.get(judge.judge, [])]


class ScoreDetails:
    """Counts, figures and warnings of score rows.

    Args:
        judge: The judge's section of the recipe.
        rows: Score rows with the `columns` of the judge.
    """

    def __init__(self, judge: Judge, rows: Iterable[Row]) -> None:
        self._judge, self.counts = judge, Counts()
        self._scores = array("d")
        self._verdicts = Counter[float | None]()
        self._sums = {"mass": 0.0, "spread": 0.0}
        self._rated = self._fallback = self._replies = self._unfinished = self._unread = self._read_again = 0
        for row in rows:
            self._add(row)

    def _add(self, row: Row) -> None:
        self.counts.rows_in += 1
        if row["score"] is None:
            self.counts.failed[row["reason"]] += 1
        else:
            self.counts.kept += 1
            self._scores.append(row["score"])
        verdicts, unfinished = row.get("verdicts") or [], row.get("unfinished")
        self._verdicts.update(verdicts)
        self._fallback += bool(row.get("fallback"))
        if row.get("mass") is not None:
            self._rated += 1
            for name in self._sums:
                self._sums[name] += row[name]
        self._unread += max(0, verdicts.count(None) - (unfinished or 0))
        self._read_again += row.get("read_again") or 0
        if unfinished is not None:
            self._unfinished += unfinished
            self._replies += self._judge.samples if isinstance(self._judge, Reasoned) else len(verdicts)

    def figures(self) -> Row:
        """For the record of the stage: how the scores lie, and what became of the replies.

        Returns:
            `scores`, their quantiles; of ratings the `mean_mass` of the digits and the `mean_spread` of a pair, and how
            many pairs the `fallback` was asked for; of verdicts `replies`, those `without_verdict`, and `verdicts`, how
            often each was given; of replies in words, how many are `unfinished`, their `unfinished_share`, and how many
            were `read_again`.
        """
        figures: Row = {"scores": quantiles(self._scores)}
        if self._rated:
            figures |= {f"mean_{name}": total / self._rated for name, total in self._sums.items()}
        if self._judge.judge in ("expected", "reasoned"):
            figures["fallback"] = self._fallback
        if isinstance(self._judge, Verdict) or self._verdicts:
            figures |= {
                "replies": self._verdicts.total(),
                "without_verdict": self._verdicts[None],
                "verdicts": self._ratings_given(),
            }
        if isinstance(self._judge, Reasoned) or self._replies:
            share = self._unfinished / self._replies if self._replies else 0.0
            figures |= {"replies": self._replies, "unfinished": self._unfinished, "unfinished_share": share}
        if isinstance(self._judge, Reasoned):
            figures["read_again"] = self._read_again
        return figures

    def _ratings_given(self) -> dict[str, int]:
        """How often each rating was given: the five of the scale, and what else was."""
        given = {rating for rating in self._verdicts if rating is not None}
        return {f"{rating:g}": self._verdicts[rating] for rating in sorted(given | {1, 2, 3, 4, 5})}

    def warnings(self) -> list[str]:
        """What the user should know before selecting by these scores."""
        return [*_without_score(self.counts), *self._lost_replies(), *self._two_scales()]

    def _lost_replies(self) -> list[str]:
        lost_replies = []
        total, lost = self._verdicts.total(), self._unread
        if lost > MANY * total:
            better = "" if self._fallback else "; judge reasoned needs none"
            lost_replies.append(f'{lost:,} of {total:,} replies hold no "Score: n" from 1 to 5{better}')
        if self._unfinished > MANY * self._replies:
            asked = self._judge if isinstance(self._judge, Sampled) else Verdict(judge="verdict")
            filled = f"filled max_tokens ({asked.max_tokens}) before they came to a score"
            todo = "; raise it" if asked is self._judge else ""
            lost_replies.append(f"{self._unfinished:,} of {self._replies:,} replies {filled}{todo}")
        return lost_replies

    def _two_scales(self) -> list[str]:
        if not (self._fallback and self._rated):
            return []
        return [
            f"{self._fallback:,} pairs were scored by verdict, since the engine gave no "
            f"log-probabilities, and {self._rated:,} by {self._judge.judge}; the two are not quite the same scale"
        ]


def _without_score(counts: Counts) -> list[str]:
    lost = counts.failed.total()
    if not lost:
        return []
    reasons = ", ".join(f"{reason} {count:,}" for reason, count in counts.failed.most_common())
    share = lost / counts.rows_in
    return [f"{lost:,} of {counts.rows_in:,} pairs ({share:.0%}) have no score and cannot be selected: {reasons}"]


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """Minimum, deciles 10 to 90 and maximum of some values; empty for none."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {f"{10 * tenth}%": ordered[round(tenth / 10 * (len(ordered) - 1))] for tenth in range(11)}
