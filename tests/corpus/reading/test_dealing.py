"""Every record of every file is some task's, and the tasks have much the same to do."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from builder.method.corpus.reading.crawl import Format, Input, Shard
from builder.method.corpus.reading.dealing import dealt

FORMATS: tuple[Format, ...] = ("warc", "html", "jsonl", "parquet")


def files(sizes: list[int | None], form: Format = "warc") -> list[Input]:
    return [Input(Path(f"{number}"), f"{number}", form, size=size) for number, size in enumerate(sizes)]


@given(
    st.lists(st.tuples(st.sampled_from(FORMATS), st.none() | st.integers(0, 10**12)), min_size=1, max_size=9),
    st.integers(1, 40),
)
def test_each_record_of_each_file_is_one_tasks_and_one_is_the_first(
    given_files: list[tuple[Format, int | None]], tasks: int
) -> None:
    inputs = [Input(Path(f"{at}"), f"{at}", form, size=size) for at, (form, size) in enumerate(given_files)]
    records = {item.name: 1 if item.format == "html" else 100 for item in inputs}
    seen, firsts = [], []
    for rank in range(tasks):
        for item, part, first in dealt(inputs, Shard(rank, tasks)):
            seen += [(item.name, number) for number in range(records[item.name]) if part.has(number)]
            firsts += [item.name] if first else []
    assert sorted(seen) == sorted((name, number) for name, count in records.items() for number in range(count))
    assert sorted(firsts) == sorted(records)


def test_a_task_reads_two_files_at_most_where_they_are_of_one_size() -> None:
    inputs = files([1_000] * 5)
    assert max(len(list(dealt(inputs, Shard(rank, 64)))) for rank in range(64)) == 2


def test_tasks_have_as_much_to_do_whatever_the_sizes_of_the_files() -> None:
    sizes: list[int | None] = [9_000, 10, 3_000]
    done = [0] * 8
    for rank in range(8):
        for item, part, _ in dealt(files(sizes), Shard(rank, 8)):
            done[rank] += sum(part.has(number) for number in range(item.size or 0))
    assert sum(done) == 12_010
    assert max(done) - min(done) < 10


def test_as_many_files_as_tasks_are_read_once() -> None:
    inputs = files([5, 1, 1])
    assert [[item.name for item, _, _ in dealt(inputs, Shard(rank, 2))] for rank in range(2)] == [["0", "2"], ["1"]]
