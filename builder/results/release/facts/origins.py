"""Which source and language the segments of a build are of, and under which licence their pages stand."""

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

from builder.build import Build
from builder.data.row_groups import read_batches, row_groups
from builder.method.corpus.reading.crawl import printable

if TYPE_CHECKING:
    import pyarrow as pa

WEB = "web"
"""`source` of all rows that were made from pages, whatever the recipe calls their source."""
KNOWN = ("id", "source_file", "language")


class SegmentOrigins:
    """What is known of the distinct segments; nothing is read before it is asked for, and nothing twice.

    Args:
        build: A finished build.
        columns: Further columns that are kept, for who needs them.
    """

    def __init__(self, build: Build, columns: tuple[str, ...] = ()) -> None:
        self._build, self._columns = build, tuple(dict.fromkeys([*KNOWN, *columns]))
        self._sources = build.recipe.segments.sources

    @cached_property
    def table(self) -> "pa.Table":
        """Those columns of all distinct segments."""
        import pyarrow as pa

        groups = row_groups(self._build.segments.data)
        batches = [batch for _, batch in read_batches(groups, list(self._columns))]
        empty = pa.schema([(name, pa.string()) for name in KNOWN])
        return pa.Table.from_batches(batches, None if batches else empty).combine_chunks()

    def languages(self, segments: "pa.Array") -> Counter[str]:
        """How many of these segments are in which language; of those whose language nobody knows, `""`."""
        return Counter(code or "" for code in self._of(segments, "language").to_pylist())

    def sources(self, segments: "pa.Array") -> "pa.Array":
        """The number of the source of each of these segments; null where two sources have a file of its name."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if len(self._sources) == 1:
            return pa.repeat(pa.scalar(0, pa.int32()), len(segments))
        numbers = self._numbers
        files = self._of(segments, "source_file")
        known = pa.array(numbers.values(), pa.int32())
        return known.take(pc.index_in(files, value_set=pa.array(numbers, pa.string())))

    def licences(self, segments: "pa.Array") -> "pa.Array":
        """The licence of the page of each of these segments; null where nobody has stated one."""
        import pyarrow as pa

        stated = [source.license for source in self._sources]
        if len(set(stated)) == 1:
            return pa.repeat(pa.scalar(stated[0], pa.string()), len(segments))
        return pa.array(stated, pa.string()).take(self.sources(segments))

    @cached_property
    def _numbers(self) -> dict[str, int]:
        """The source of every file, by its name, as the stage lists its inputs; without names that two sources have."""
        listed: list[Any] = self._build.extracted.record.get("config", {}).get("sources", [])
        numbers, twice = dict[str, int](), set[str]()
        for number, source in enumerate(listed):
            for name, *_ in source["path"]:
                known = printable(name)
                if numbers.setdefault(known, number) != number:
                    twice.add(known)
        return {name: number for name, number in numbers.items() if name not in twice}

    def _of(self, segments: "pa.Array", column: str) -> "pa.Array":
        import pyarrow.compute as pc

        return self._values(column).take(pc.index_in(segments, value_set=self._values("id")))

    def _values(self, column: str) -> "pa.Array":
        """A column as one array, without a copy where it is one already."""
        values = self.table.column(column)
        return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
