"""Where the segments of a build stand in the crawl, and which instructions quote them; for stand-off releases."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from builder.data.records import Row
from builder.data.row_groups import read_batches, row_groups
from builder.errors import ReleaseError
from builder.results.release.content.columns import column_of
from builder.results.release.facts.origins import SegmentOrigins
from builder.text.words import holds_run, runs, units, words
from builder.workspace.workspace import Artifact

if TYPE_CHECKING:
    import pyarrow as pa

SOURCE_TEXTS = ("title", "header", "header_path", "text")
CONVERSATION = ("prompt", "id", "source", "score", "license", "judge")
CANDIDATE = ("id", "segment_id", "page_id", "instruction", "logprob", "tokens", "split", "judge")
_COMPUTED = ("score_", "selected_")
OF_SEGMENTS = ("source_file", "record_offset", "payload_digest", "position", "kept_blocks", "walk")


@dataclass
class Places:
    """All distinct segments.

    Attributes:
        table: `segment_id`, `page_id` and the columns of `place_schema`.
        quoting: Ids of the candidates whose instruction quotes its page.
    """

    table: "pa.Table"
    quoting: frozenset[str]

    def rows(self, segments: "pa.Array") -> "pa.Array":
        """The rows of `table` for some segments; nulls for those that are null.

        Raises:
            ReleaseError: If a segment is not there.
        """
        import pyarrow.compute as pc

        rows = pc.index_in(segments, value_set=self.table["segment_id"])
        lost = segments.filter(pc.and_(pc.is_null(rows), pc.is_valid(segments)))
        if len(lost):
            raise ReleaseError(f"segment {lost[0]} is not in stage dedup; the stages do not belong together")
        return rows


def place_schema() -> "pa.Schema":
    """Where the text of a row stands: file and record of the page, heading, blocks; and digests to check it by.

    `payload_digest` is the blake2b-128 of the raw page; `text_sha256` and `text_chars` are those of the text as
    published, masked and escaped.
    """
    import pyarrow as pa

    from builder.data.records import segment_schema

    digests = [pa.field("text_sha256", pa.string()), pa.field("text_chars", pa.int32())]
    return pa.schema([*(segment_schema().field(name) for name in OF_SEGMENTS), *digests])


def stand_off_schema(schema: "pa.Schema") -> "pa.Schema":
    """Columns of a stand-off release instead of those of a full one."""
    import pyarrow as pa

    if "completion" in schema.names:
        own = [schema.field(column) for column in CONVERSATION if column in schema.names]
        own += [pa.field("segment_id", pa.string()), pa.field("page_id", pa.string())]
    else:
        own = [field for field in schema if may_stay(field.name)]
    return pa.schema([*own, *place_schema()])


def may_stay(column: str) -> bool:
    """Whether a column of `augmented` is no text of the crawl."""
    return column in CANDIDATE or column.startswith(_COMPUTED)


def stand_off(batch: "pa.RecordBatch", schema: "pa.Schema", places: Places, rows: "pa.Array") -> "pa.RecordBatch":
    """Rows with the places of their texts instead of the texts.

    Args:
        batch: Rows as a release has them with their texts.
        schema: The columns that are wanted, of `stand_off_schema`.
        places: The places.
        rows: Which one each row has; null for a row of the seed.
    """
    import pyarrow as pa

    of_rows = places.table.take(rows)
    columns = [
        column_of(of_rows[name].chunks) if name in of_rows.column_names else batch.column(name) for name in schema.names
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def segments_of(ids: "pa.Array") -> "pa.Array":
    """The segment of each pair, by its id."""
    import pyarrow.compute as pc

    return pc.replace_substring_regex(ids, r"-[^-]*$", "")


def text_digest(text: str) -> str:
    """The sha256 of a text in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_places(segments: Artifact, kept: SegmentOrigins, asked: "pa.Table", most_words: int) -> Places:
    """Read the texts of the segments, which pass by, beside what is kept of them.

    Args:
        segments: The stage.
        kept: What is known of them, with the columns `page_id` and `OF_SEGMENTS`.
        asked: Id, segment and instruction of all candidates.
        most_words: So many words in a row an instruction may share with its page.
    """
    import pyarrow as pa

    groups = row_groups(segments.data)
    table = kept.table.select(["id", "page_id", *OF_SEGMENTS])
    table = table.rename_columns(["segment_id", *table.column_names[1:]])
    asking = _Asking(asked, column_of(table["segment_id"].chunks))
    digests, chars, quoting = [], [], set[str]()
    for start, batch in read_batches(groups, list(SOURCE_TEXTS)):
        rows = batch.to_pylist()
        digests.append(pa.array([text_digest(row["text"]) for row in rows], pa.string()))
        chars += [len(row["text"]) for row in rows]
        for place, candidate in asking.between(start, start + len(rows)):
            if quotes(candidate["instruction"], _source_text(rows[place - start]), most_words):
                quoting.add(str(candidate["id"]))
    table = table.append_column("text_sha256", column_of(digests))
    return Places(table.append_column("text_chars", pa.array(chars, pa.int32())), frozenset(quoting))


class _Asking:
    """Candidates in the order of their segments."""

    def __init__(self, asked: "pa.Table", segments: "pa.Array") -> None:
        import pyarrow.compute as pc

        places = pc.index_in(column_of(asked["segment_id"].chunks), value_set=segments)
        if places.null_count:
            raise ReleaseError(
                "a candidate has a segment unknown to dedup; its stages do not belong together, build them again"
            )
        self._order = pc.sort_indices(places)
        self._asked, self._places = asked, places.take(self._order).to_numpy()

    def between(self, start: int, end: int) -> Iterator[tuple[int, Row]]:
        """The candidates of the segments from a place on, each with the place of its segment."""
        import numpy as np

        low, high = np.searchsorted(self._places, (start, end))
        rows = self._asked.take(self._order[low:high]).to_pylist()
        yield from zip(map(int, self._places[low:high]), rows, strict=True)


def quotes(instruction: str, page: str, limit: int) -> bool:
    """Whether an instruction has more than `limit` words in a row in common with a text of its page."""
    asked = words(instruction)
    length = units(limit, asked) + 1
    return holds_run(words(page), runs(asked, length), length)


def _source_text(segment: Row) -> str:
    """What the build has of the page of a segment: title, headings and text."""
    return "\n".join([segment["title"], *segment["header_path"], segment["header"], segment["text"]])
