import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.data.records import candidate_schema, score_schema
from builder.data.storage import write_rows
from builder.method.curate.near_instructions import NearInstructions
from builder.method.curate.selection import (
    Limits,
    choose,
    finite_scores,
    in_order,
    not_finite,
    read_columns,
    rows_in_share,
    select_by,
    wanted_rows,
)
from builder.recipe.sections.curate import Curate

keys = st.text("abcdef", min_size=1, max_size=4)
scores = st.dictionaries(keys, st.none() | st.floats(1, 5) | st.sampled_from([2.0, 3.0]), max_size=30)
rules = st.one_of(
    st.fixed_dictionaries({"threshold": st.floats(1, 5)}),
    st.fixed_dictionaries({"top": st.integers(1, 30)}),
    st.fixed_dictionaries({"share": st.floats(0.01, 1)}),
)
limited = st.fixed_dictionaries(
    {}, optional={"leave_out_top": st.sampled_from([0.0, 0.1, 0.5]), "per_domain": st.integers(1, 4)}
)
DOMAINS = {"a": "a.com", "b": "b.org", "c": "", "d": "a.com", "e": "b.org", "f": "f.net"}
ASKED = {
    "a": "How do I store figs?",
    "b": "What is tea?",
    "c": "How do I store FIGS",
    "d": "Why?",
    "e": "why",
    "f": "e",
}


def limits_for(given_scores, config):
    """The domain and the instruction of a pair follow from the first and the last letter of its id."""
    domains = {key: DOMAINS[key[0]] for key in given_scores}
    return Limits(config.per_domain, domains, NearInstructions(((key, ASKED[key[-1]]) for key in given_scores), 0.8))


@given(scores, rules, limited, st.randoms(use_true_random=False))
def test_limits_hold_and_every_pair_has_one_fate_whatever_the_order(given_scores, rule, changes, random):
    config = Curate(judge="expected", **rule, **changes)
    limits = limits_for(given_scores, config)
    chosen = choose(given_scores, config, limits)
    scored = [key for key, value in given_scores.items() if value is not None]
    assert chosen.isdisjoint(limits.reasons)
    assert chosen | limits.reasons.keys() <= set(scored)
    if config.per_domain:
        counted = Counter(DOMAINS[key[0]] for key in chosen)
        assert all(count <= config.per_domain for domain, count in counted.items() if domain)
    asked = Counter(ASKED[key[-1]].lower().strip("?") for key in chosen)
    assert all(count == 1 for count in asked.values())
    for key, twin in limits.twins.items():
        assert twin in chosen
        assert (-given_scores[twin], twin) < (-given_scores[key], key)
    shuffled = random.sample(list(given_scores), len(given_scores))
    again = limits_for(given_scores, config)
    assert choose({key: given_scores[key] for key in shuffled}, config, again) == chosen
    assert (again.reasons, again.twins) == (limits.reasons, limits.twins)


@given(scores, limited, st.floats(1, 5), st.floats(1, 5))
def test_a_higher_threshold_never_adds_a_pair(given_scores, changes, one, other):
    lax, strict = (
        choose(given_scores, config, limits_for(given_scores, config))
        for config in (Curate(judge="expected", threshold=value, **changes) for value in sorted([one, other]))
    )
    assert strict <= lax


@given(scores, limited, st.integers(1, 30))
def test_what_limits_keep_out_makes_room_while_there_are_others(given_scores, changes, top):
    config = Curate(judge="expected", top=top, **changes)
    limits = limits_for(given_scores, config)
    chosen = choose(given_scores, config, limits)
    left = set(in_order(given_scores)) - chosen - limits.reasons.keys()
    assert len(chosen) == top or not left


@given(scores, st.sampled_from([0.1, 0.25, 0.5]))
def test_the_highest_share_of_the_scored_pairs_is_left_out(given_scores, share):
    config = Curate(judge="likelihood", top=30, leave_out_top=share)
    limits = Limits()
    chosen = choose(given_scores, config, limits)
    order = in_order(given_scores)
    highest = min(math.floor(share * len(order) + 0.5), max(len(order) - 1, 0))
    assert set(order[:highest]) == {key for key, reason in limits.reasons.items() if reason == "too_high"}
    assert chosen == set(order[highest:])


def test_pairs_without_a_domain_have_no_limit():
    given_scores = {"ca": 3.0, "cb": 2.0, "cd": 1.0}
    config = Curate(judge="likelihood", top=9, per_domain=1)
    assert choose(given_scores, config, limits_for(given_scores, config)) == set(given_scores)


@pytest.mark.parametrize(("rule", "wanted"), [({"top": 7}, 7), ({"share": 0.25}, 10), ({"threshold": 3}, None)])
def test_how_many_rows_a_rule_asks_for(rule, wanted):
    assert wanted_rows(Curate(judge="expected", **rule), 40) == wanted


@given(st.floats(min_value=0, exclude_min=True, max_value=1), scores, st.sampled_from([0.0, 0.1, 0.6, 0.999]))
def test_a_positive_share_of_some_scored_pairs_selects_at_least_one(share, given_scores, highest):
    chosen = choose(given_scores, Curate(judge="expected", share=share, leave_out_top=highest))
    assert bool(chosen) == any(value is not None for value in given_scores.values())


@pytest.mark.parametrize(
    ("share", "rows", "wanted"),
    [(0.5, 3, 2), (0.5, 5, 3), (0.145, 100, 15), (0.07, 100, 7), (0.083, 502_133, 41_677), (1.0, 9, 9), (0.0, 9, 0)],
)
def test_a_share_is_the_nearest_number_of_rows_and_the_higher_of_two(share, rows, wanted):
    assert rows_in_share(share, rows) == wanted


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 10_000))
def test_a_larger_share_is_never_fewer_rows(one, other, rows):
    small, large = sorted([one, other])
    assert 0 <= rows_in_share(small, rows) <= rows_in_share(large, rows) <= rows
    assert abs(rows_in_share(small, rows) - small * rows) <= 0.5 + 1e-9 * rows


broken = st.sampled_from([math.nan, math.inf, -math.inf])


@given(scores, st.dictionaries(keys, broken, max_size=5), rules, limited, st.randoms(use_true_random=False))
def test_a_score_that_is_no_number_changes_nothing_but_the_fate_of_its_pair(
    given_scores, numberless, rule, changes, random
):
    config = Curate(judge="expected", **rule, **changes)
    both = {**given_scores, **numberless}
    without = {**given_scores, **dict.fromkeys(numberless)}
    mixed = {key: both[key] for key in random.sample(list(both), len(both))}
    clean, limits = limits_for(without, config), limits_for(both, config)
    assert choose(mixed, config, limits) == choose(without, config, clean)
    assert (limits.reasons, limits.twins) == (clean.reasons, clean.twins)
    assert finite_scores(mixed) == without
    assert in_order(mixed) == in_order(without)
    assert not_finite({"a": given_scores, "b": mixed}) == set(numberless)


@given(scores, st.dictionaries(keys, broken, max_size=5))
def test_ranks_of_several_judges_are_those_among_the_pairs_with_numbers(given_scores, numberless):
    other = dict.fromkeys({**given_scores, **numberless}, -1.0)
    columns = [{**given_scores, **fill} for fill in (numberless, dict.fromkeys(numberless))]
    with_them, without = (select_by({"a": column, "b": other}) for column in columns)
    assert with_them == without


def write(folder, outputs):
    rows = [{"id": key, "output": output} for key, output in outputs.items()]
    write_rows(folder / "augment" / "data" / "a.parquet", rows, candidate_schema())
    judged = [{"id": key, "score": float(at)} for at, key in enumerate(outputs)]
    write_rows(folder / "score" / "data" / "a.parquet", judged, score_schema("likelihood"))
    return folder / "augment", folder / "score"


def test_controls_need_no_score_stage(tmp_path):
    candidates, scores = write(tmp_path, {"a": "long text", "b": "text", "c": "é"})
    longest = read_columns(Curate(judge="longest", top=1), candidates, [])
    assert longest == {"longest": {"a": 9, "b": 4, "c": 1}}
    both = read_columns(Curate(judge=["random", "likelihood"], top=1), candidates, [scores])
    assert list(both) == ["random", "likelihood"]
    assert both["likelihood"] == {"a": 0.0, "b": 1.0, "c": 2.0}
    assert both["random"] == read_columns(Curate(judge="random", top=1), candidates, [])["random"]


def test_chance_depends_on_the_seed_and_the_id_alone(tmp_path):
    def draw(part, names, seed):
        candidates, _ = write(tmp_path / part, dict.fromkeys(names, "x"))
        return read_columns(Curate(judge="random", top=1, seed=seed), candidates, [])["random"]

    names = [str(number) for number in range(2_000)]
    first = draw("one", names, 0)
    assert draw("other", names[500::-1], 0) == {key: first[key] for key in names[500::-1]}
    assert draw("one", names, 1) != first
    assert all(0 <= value < 1 for value in first.values())
    assert 0.45 < sum(first.values()) / len(first) < 0.55


def test_pairs_that_are_left_out_take_no_rank():
    columns = {"expected": {"a": 5.0, "b": 4.0, "c": 1.0}, "likelihood": {"a": 0.0, "b": -2.0, "c": -1.0}}
    assert select_by(columns) == {"a": 1.0, "b": 0.25, "c": 0.25}
    assert select_by(columns, ["a"]) == {"b": 0.5, "c": 0.5}
    assert select_by({"expected": columns["expected"]}, ["a"]) == {"b": 4.0, "c": 1.0}
