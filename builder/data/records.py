"""Row types of every stage as pyarrow schemas, stable ids, and the counts a stage ends with."""

import hashlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


def stable_id(*parts: object) -> str:
    """Return the blake2b-128 of the parts as 32 hex digits; equal parts give equal ids on every machine."""
    joined = "\x1f".join(str(part) for part in parts)
    return hashlib.blake2b(joined.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def segment_id(page_id: str, ordinal: int, text: str) -> str:
    """Id of a segment: its page, the ordinal of its heading in the page's DOM before any filter, its text."""
    return stable_id(page_id, ordinal, text)


def pair_id(segment: str, sample: int) -> str:
    """Id of the `sample`-th candidate pair of a segment."""
    return f"{segment}-{sample}"


def segment_of(pair: str) -> str:
    """The segment of a candidate pair, by its id."""
    return pair.rpartition("-")[0]


def row_seed(run_seed: int, *parts: object) -> int:
    """A 32-bit sampling seed that depends on the row and not on batch, order, shard or restart."""
    return int(stable_id(run_seed, *parts)[:8], 16)


def _schema(*columns: tuple[str, "pa.DataType"]) -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([pa.field(name, kind) for name, kind in columns])


def seed_schema() -> "pa.Schema":
    """Human-written pairs (paper 3.1): one row a pair, with the source it came from and its licence."""
    import pyarrow as pa

    text = pa.string()
    return _schema(("id", text), ("instruction", text), ("output", text), ("source", text), ("license", text))


def segment_schema() -> "pa.Schema":
    """Header-delimited segments (paper 2.1) with everything needed to find them in the crawl again.

    `record_offset` is the byte offset of the record in `source_file` (-1 for folders of HTML); `position` the
    ordinal of the heading in the page's DOM; `kept_blocks` the block numbers of our DOM walk (`walk`) that make
    up the text; `payload_digest` the blake2b-128 of the raw page.
    """
    import pyarrow as pa

    return _schema(
        ("id", pa.string()),
        ("page_id", pa.string()),
        ("url", pa.string()),
        ("source_file", pa.string()),
        ("record_offset", pa.int64()),
        ("title", pa.string()),
        ("header", pa.string()),
        ("header_level", pa.int8()),
        ("header_path", pa.list_(pa.string())),
        ("position", pa.int32()),
        ("text", pa.string()),
        ("language", pa.string()),
        ("kept_blocks", pa.list_(pa.int32())),
        ("walk", pa.string()),
        ("payload_digest", pa.string()),
    )


def candidate_schema() -> "pa.Schema":
    """Candidate pairs (paper 2.2); `logprob` is log p(x|y) under M_yx, end token included, over `tokens`."""
    import pyarrow as pa

    return _schema(
        ("id", pa.string()),
        ("segment_id", pa.string()),
        ("page_id", pa.string()),
        ("url", pa.string()),
        ("header", pa.string()),
        ("instruction", pa.string()),
        ("output", pa.string()),
        ("logprob", pa.float64()),
        ("tokens", pa.int32()),
    )


def curated_schema() -> "pa.Schema":
    """Selected pairs (paper 2.3): a candidate with the score it was selected by and its split.

    `score` is the judge's; of several judges the combined ranks from 0 to 1, of `longest` characters, of `random` a
    number below 1. What each judge gave stays in the score stages, and in the `augmented` rows of a release.
    """
    import pyarrow as pa

    return candidate_schema().append(pa.field("score", pa.float64())).append(pa.field("split", pa.string()))


def rejected_schema() -> "pa.Schema":
    """Rows that did not go on: id and reason for all, `text` for the first ones of each reason.

    `twin` is the id of the row that a duplicate repeats, and `twin_text` the text of that row, where `text` is given.
    """
    import pyarrow as pa

    columns = ("id", "reason", "page_id", "header", "text", "twin", "twin_text")
    return _schema(*((name, pa.string()) for name in columns))


def score_schema(judge: str) -> "pa.Schema":
    """Scores are attributes: an id, `score` (null where the judge gave none) and the judge's own values.

    `mass` is the probability of 1 to 5 together, `spread` the standard deviation of the rating; `unfinished` counts
    the replies that were cut before they came to a score, `read_again` those that hold no digit of the model's own to
    read, so that it was asked a second time. `fallback` says of a pair with a rating whether it is the one
    in `verdicts` and `replies`, for want of log-probabilities. The `tokens` of `likelihood` count the end token, those
    of `reverse` do not, like the scores that are divided by them.
    """
    import pyarrow as pa

    spoken: list[tuple[str, pa.DataType]] = [
        ("verdicts", pa.list_(pa.float64())),  # a judge may write 4.5
        ("replies", pa.list_(pa.string())),
        ("unfinished", pa.int32()),
    ]
    rating = [
        ("probabilities", pa.list_(pa.float64(), 5)),
        ("spread", pa.float64()),
        ("mass", pa.float64()),
        ("fallback", pa.bool_()),
        *spoken,
    ]
    own: dict[str, list[tuple[str, pa.DataType]]] = {
        "likelihood": [
            ("logp_answer", pa.float64()),
            ("logp_end", pa.float64()),
            ("logp_prior", pa.float64()),
            ("tokens", pa.int32()),
        ],
        "expected": rating,
        "verdict": spoken,
        "reasoned": [*rating, ("reasonings", pa.list_(pa.string())), ("read_again", pa.int32())],
        "reverse": [
            ("logp_instruction", pa.float64()),
            ("logp_end", pa.float64()),
            ("logp_prior", pa.float64()),
            ("tokens", pa.int32()),
        ],
    }
    common = [("id", pa.string()), ("score", pa.float64()), ("reason", pa.string()), ("message", pa.string())]
    return _schema(*common, *own[judge])


def training_schema() -> "pa.Schema":
    """Rows as TRL reads them: a `prompt` and a `completion`, both lists of chat messages."""
    import pyarrow as pa

    message = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
    return _schema(("id", pa.string()), ("prompt", message), ("completion", message))
