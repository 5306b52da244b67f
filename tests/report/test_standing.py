"""Where a pair stands: as the order of the selection says, for every judge."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.release_build import FakeBuild

from builder.data.records import score_schema
from builder.data.storage import write_rows
from builder.method.curate.iterations import read_iterations
from builder.method.curate.selection import in_order
from builder.results.report.standing import of_column, standings


@pytest.mark.parametrize("judge", [["likelihood"], ["likelihood", "random"], ["longest"], ["likelihood", "longest"]])
def test_every_pair_stands_where_the_order_of_the_selection_has_it(tmp_path: Path, judge: list[str]) -> None:
    fake = FakeBuild(tmp_path)
    curate = fake.recipe.curate.model_copy(update={"judge": judge})
    fake.recipe = fake.recipe.model_copy(update={"curate": curate})
    build = fake.build
    for item in read_iterations(curate, map(build.iteration, build.steps)):
        stages = build.iteration(item.number)
        for pair in (row["id"] for row in fake.candidates):
            found = {standing.judge: standing for standing in standings(curate, stages, pair)}
            assert found.keys() == item.scores.keys()
            for name, scores in item.scores.items():
                order = in_order(scores)
                rank = order.index(pair) + 1 if pair in order else None
                assert (found[name].score, found[name].rank) == (scores[pair], rank)
                assert found[name].scored == len(order)


_SCORES = st.dictionaries(
    st.text("abc", min_size=1, max_size=3), st.none() | st.sampled_from([0.0, 1.0, 2.5, float("nan"), float("inf")])
)


@settings(deadline=None, max_examples=50)
@given(_SCORES, st.integers(1, 3))
def test_ties_and_scores_that_are_no_numbers_stand_as_in_the_order(
    tmp_path_factory: pytest.TempPathFactory, scores: dict[str, float | None], files: int
) -> None:
    folder = tmp_path_factory.mktemp("scores")
    rows = [{"id": key, "score": value, "reason": None} for key, value in scores.items()]
    for number in range(files):
        write_rows(folder / f"{number}.parquet", rows[number::files], score_schema("likelihood"))
    order = in_order(scores)
    for key in (*scores, "unknown"):
        found = of_column("likelihood", folder, key)
        assert found.rank == (order.index(key) + 1 if key in order else None)
        assert found.scored == len(order)
