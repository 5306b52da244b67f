"""The stage that plants: a candidates folder of pairs whose label is known, and beside it what each of them is."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from builder.data.accounting import Counts, Stats
from builder.data.records import Row, candidate_schema, pair_id, stable_id
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.section import Section, Share
from planted.fit import is_one_request, is_question
from planted.good import Good, Limits, Pages, good_pairs
from planted.kinds import KINDS, Source, bad_pairs

if TYPE_CHECKING:
    import pyarrow as pa

VERSION = 1
LEAST_BAD = 3
"""So many bad pairs are made of each good one, and more of fewer."""
TRUTH = "truth"
"""Folder of what each pair is."""
HERE = Path(__file__).parent


def code_digest() -> str:
    """Of the modules of the planting: pairs that others have made are not taken for those of this code."""
    names = ("common_words.txt", "fit.py", "good.py", "kinds.py", "plant.py", "texts.py", "written.py")
    return stable_id(*((HERE / name).read_text(encoding="utf-8") for name in names))


class Planting(Section):
    """How the pairs are made."""

    seed: int = 0
    pairs: Annotated[int, Field(ge=2)] = 416
    max_tokens: Annotated[int, Field(ge=1)] = 400
    least: Share = 0.6
    more: Share = 0.25
    per_page: Annotated[int, Field(ge=1)] = 4
    code: str


class Part(Section):
    """How many of the planted pairs a slow judge is asked about; whole groups, the first ones."""

    pairs: Annotated[int, Field(ge=2)]


def truth_schema() -> "pa.Schema":
    """What is known of each pair: whether it is good, else its kind, whose text it has, and in which half that is."""
    import pyarrow as pa

    texts = ("id", "page_id", "segment_id", "half", "kind", "origin")
    columns = [*(pa.field(name, pa.string()) for name in texts), pa.field("good", pa.bool_())]
    return pa.schema([*columns, pa.field("tokens", pa.int32())])


def plant(
    out: Path, config: Planting, candidates: Path, segments: Path, model: Path, siblings: Path | None = None,
    *, runtime: Runtime,
) -> Stats:  # fmt: skip
    """Make the labelled pairs.

    Args:
        out: Stage folder; `data/` gets the pairs, `truth/` what each of them is.
        config: How they are made.
        candidates: Stage folder of the build's candidate pairs.
        segments: That of all segments that were cut from its pages.
        model: That of M_yx, whose tokenizer counts tokens.
        siblings: That of pairs whose instructions are only used as wrong ones for texts of the same page.
        runtime: Not used; part of every stage's signature.

    Raises:
        StageError: If no pair of the build is taken for good.
    """
    tokenizer = load_tokenizer(model / "model")
    rows = list(read_rows(candidates / "data"))
    cut = list(read_rows(segments / "data", ["id", "page_id", "header", "text"]))
    pages = Pages().add(cut)
    beside = list(read_rows(siblings / "data")) if siblings else []

    def count(text: str) -> int:
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    limits = Limits(config.max_tokens, config.least, config.more, config.per_page)
    good, lost = good_pairs(rows, pages, limits, count, config.seed)
    if not good:
        raise StageError(f"no candidate pair is taken for good ({_listed(lost)}); try --max-tokens, or a larger build")
    number = max(LEAST_BAD, min(len(KINDS), -(-config.pairs // len(good)) - 1))
    taken = good[: -(-config.pairs // (1 + number))]
    source = Source(good, _asked([*rows, *beside], cut, good), pages, config.seed, config.more)
    made = list(_made(taken, source, number))
    write_rows(out / "data" / "pairs.parquet", ({**row, **truth} for row, truth in made), candidate_schema())
    planted = ({**truth, "tokens": count(row["output"])} for row, truth in made)
    write_rows(out / TRUTH / "truth.parquet", planted, truth_schema())
    lost["not_needed"] += len(good) - len(taken)
    counts = {"candidates": Counts(len(rows), len(taken), lost), "pairs": Counts(len(made), len(made))}
    few = [f"{len(made)} of {config.pairs} pairs: the build has {len(good)} good ones"]
    return Stats(counts, {"bad_of_each": number}, few if len(made) < config.pairs else [])


def _made(taken: list[Good], source: Source, number: int) -> Iterator[tuple[Row, Row]]:
    """Rows and their truth, group by group."""
    for at, pair in enumerate(taken):
        own = [("good", pair.instruction, pair.text)]
        for kind, instruction, text in chain(own, bad_pairs(pair, source, number, at * number)):
            row = {**pair.row, "instruction": instruction, "output": text, "logprob": None, "tokens": None}
            truth = {
                "id": pair_id(stable_id("planted", source.seed, pair.segment, kind), 0),
                "page_id": pair.page,
                "segment_id": pair.segment,
                "half": pair.half,
                "kind": kind,
                "origin": pair.origin,
                "good": kind == "good",
            }
            yield row, truth


def _asked(rows: list[Row], cut: list[Row], good: list[Good]) -> dict[str, list[tuple[str, str]]]:
    """By page its segments with their instructions: of a good pair its own, else what was written, or a heading."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for pair in good:
        found[pair.page][pair.segment] = pair.instruction
    for row in sorted(rows, key=lambda row: str(row["id"])):
        if is_one_request(row["instruction"], row["output"]):
            found[row["page_id"]].setdefault(row["segment_id"], row["instruction"])
    for row in cut:
        if is_question(row["header"]):
            found[row["page_id"]].setdefault(row["id"], row["header"].strip())
    return {page: list(of.items()) for page, of in found.items()}


def _listed(lost: dict[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in lost.items()) or "there is none"


def read_truth(folder: Path) -> list[Row]:
    """What is known of the pairs, in their order."""
    return list(read_rows(folder / TRUTH))


def take_part(out: Path, config: Part, planted: Path, *, runtime: Runtime) -> Stats:
    """Take the first groups of the planted pairs, good and bad of the same texts.

    Args:
        out: Stage folder, as that of `plant`.
        config: How many pairs it has at least, if there are so many.
        planted: Stage folder of all.
        runtime: Not used; part of every stage's signature.
    """
    truth = read_truth(planted)
    taken: set[str] = set()
    for _, group in groupby(truth, key=lambda row: row["segment_id"]):
        if len(taken) >= config.pairs:
            break
        taken |= {row["id"] for row in group}
    rows = (row for row in read_rows(planted / "data") if row["id"] in taken)
    write_rows(out / "data" / "pairs.parquet", rows, candidate_schema())
    write_rows(out / TRUTH / "truth.parquet", (row for row in truth if row["id"] in taken), truth_schema())
    counts = Counts(len(truth), len(taken))
    counts.dropped["not_taken"] = len(truth) - len(taken)
    return Stats({"pairs": counts})
