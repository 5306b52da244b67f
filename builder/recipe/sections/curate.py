"""Section of the recipe for the rule of selection (paper 2.3)."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from builder.recipe.sections.section import Section, Share

Selector = Literal["likelihood", "expected", "verdict", "reasoned", "reverse", "random", "longest"]
RATINGS = ("expected", "verdict", "reasoned")
"""Judges whose scores are ratings from 1 to 5."""
MEANS = ("expected", "reasoned")
"""Those of them whose scores are means of the model's probabilities of 1 to 5."""
CONTROLS = ("random", "longest")
"""Selectors without a score stage: what a judge has to beat."""
Similarity = Annotated[float, Field(ge=0.5, le=1)]
SIMILAR = 0.8
"""What `near_duplicates: true` stands for."""


def _selectors(value: Any) -> Any:
    """One known name, or several different ones; one message instead of one for each branch of the union."""
    names = value if isinstance(value, list) else [value]
    known = get_args(Selector)
    for name in names:
        if name not in known:
            raise ValueError(f"is {value!r}; it must be one of {', '.join(map(repr, known))}, or a list of them")
    if isinstance(value, list) and (len(names) < 2 or len(set(names)) < len(names)):
        raise ValueError(f"is {value!r}; a list must have two or more names, each once")
    return value


def _similarity(value: Any) -> Any:
    return (SIMILAR if value else None) if isinstance(value, bool) else value


class Curate(Section):
    """Which scored pairs are selected; exactly one of threshold, top and share."""

    judge: Annotated[Selector | list[Selector], BeforeValidator(_selectors)]
    """A judge of `score`, or a control: `random` (a hash of id and `seed`) or `longest` (characters of the output).
    A list selects by the mean of the ranks that its members give, among the pairs that all of them score."""
    threshold: float | None = None
    """The lowest score that is selected; not for `random` and lists, whose numbers mean nothing by themselves."""
    top: Annotated[int, Field(ge=1)] | None = None
    """How many pairs are selected, the best ones."""
    share: Share | None = None
    """Share of the scored pairs: the nearest number of them, the higher of two, and at least one."""
    leave_out_top: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the scored pairs that is left out at the upper end, to the nearest number; at least one stays. For
    `reverse`, whose highest scores belong to instructions that copy their text; how many do depends on M_yx, so look at
    them before more than 0.05 goes."""
    per_domain: Annotated[int, Field(ge=1)] | None = None
    """Select at most this many pairs of a registered domain, the best ones."""
    near_duplicates: Annotated[
        Similarity | None, BeforeValidator(_similarity, json_schema_input_type=Similarity | bool | None)
    ] = None
    """The Jaccard index of word pairs from which an instruction that repeats a better selected one goes; `true` is
    0.8. Lower than 0.5 would call different questions the same."""
    seed: int = 0
    """Which pairs `judge: random` selects."""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Share of the pages that are withheld from every model; their selected pairs are the test rows."""
    test_rows: Annotated[int, Field(ge=0)] = 1_000
    """The most selected pairs that are test rows. Where A_1 has more of them, fewer pages are withheld; a later
    selection, whose pages are those of A_1, leaves out what is more."""

    @model_validator(mode="after")
    def _one_rule(self) -> "Curate":
        given = [name for name in ("threshold", "top", "share") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"has {' and '.join(given) or 'none of threshold, top and share'}; give exactly one of the three"
            )
        if self.threshold is not None:
            self._check_threshold(self.threshold)
        return self

    def _check_threshold(self, threshold: float) -> None:
        if isinstance(self.judge, list) or self.judge == "random":
            rule = "random" if self.judge == "random" else "a list of judges"
            raise ValueError(f"has a threshold, but {rule} gives ranks, no scores; give top or share instead")
        if self.judge in RATINGS and not 1 <= threshold <= 5:
            raise ValueError(f"threshold is {threshold:g}; it must be from 1 to 5")
        if self.judge == "longest" and threshold < 1:
            raise ValueError(f"threshold is {threshold:g}; for longest it is a number of characters, from 1")

    @property
    def judges(self) -> list[str]:
        """The names in `judge`, in order."""
        return list(self.judge) if isinstance(self.judge, list) else [self.judge]

    @property
    def scored(self) -> list[str]:
        """Those of the judges that have a score stage."""
        return [name for name in self.judges if name not in CONTROLS]
