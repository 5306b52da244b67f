"""What a rubric shows, and the rating that the probabilities of the five digits come to."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.judging import ROWS, judged

from builder.errors import StageError
from builder.llm.conversations import rating_prompt
from builder.method.curate.scoring.ratings import check_rubric, rated
from builder.recipe.sections.judges import Expected, Reasoned


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_all_that_stands_before_the_pair_is_the_same_tokens_for_all_pairs(renderer, rubric):
    pairs = [*ROWS, {"instruction": "\n\nWhy?", "output": "1."}, {"instruction": "9" * 40, "output": "é" * 40}]
    prompts = [renderer.prompt(rating_prompt(renderer.contract, rubric, pair)) for pair in pairs]
    shared = next(at for at, ids in enumerate(zip(*prompts, strict=False)) if len(set(ids)) > 1)
    text = renderer.tokenizer.decode(prompts[0][:shared], clean_up_tokenization_spaces=False)
    assert text.rstrip().endswith(
        '"Score: " and the number' + (", from 1 to 5" * (rubric == "additive")) + ".\n\nInstruction:"
    )
    assert shared > 300
    # What comes after the pair is the opening of the reply, where the score is forced.
    tails = [renderer.tokenizer.decode(ids, clean_up_tokenization_spaces=False) for ids in prompts]
    assert all(
        tail.endswith(f"{pair['output']}<|im_end|>\n<|im_start|>assistant\n")
        for tail, pair in zip(tails, pairs, strict=True)
    )


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_the_rubrics_of_the_package_show_the_whole_pair(rubric):
    check_rubric(rubric)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Rate {{ instruction }}.", r"does not show {{ output }} to the judge"),
        ("{{ output }}{% if reasons %}{{ instruction }}{% endif %}", r"does not show {{ instruction }} to the judge"),
        ("Rate it.", r"does not show {{ instruction }} and {{ output }} to the judge"),
        ("{{ instruction }} {{ output }} {{ level }}", r"may use only instruction, output, reasons"),
    ],
)
def test_a_rubric_of_your_own_shows_the_whole_pair(tmp_path, text, message):
    (tmp_path / "own.jinja").write_text(text)
    with pytest.raises(StageError, match=message):
        check_rubric(tmp_path / "own.jinja")


@given(st.lists(st.lists(st.floats(-30, 0), min_size=5, max_size=5), min_size=1, max_size=4))
def test_a_rating_is_the_mean_of_its_readings_weighed_by_their_mass(readings):
    row = rated(readings, 0)
    alone = [rated([reading], 0) for reading in readings]
    masses = [one["mass"] for one in alone]
    means = sum(one["score"] * mass for one, mass in zip(alone, masses, strict=True)) / sum(masses)
    assert row["score"] == pytest.approx(means)
    assert row["mass"] == pytest.approx(sum(masses) / len(masses))
    assert sum(row["probabilities"]) == pytest.approx(1)
    assert 1 <= row["score"] <= 5.000001
    assert rated([[-math.inf] * 5, *readings], 0) == row


def test_a_reading_with_too_little_mass_gives_no_score():
    certain, doubtful = [-9, -9, -9, -9, -0.01], [math.log(0.018)] * 5
    assert rated([doubtful], 0.1) is None
    assert rated([doubtful], 0.09)["score"] == pytest.approx(3)
    assert rated([doubtful, certain], 0.1) == rated([certain], 0.1)
    weighed = rated([doubtful, certain], 0.05)["score"]
    assert (rated([certain], 0)["score"] * 0.99 + 3 * 0.09) / 1.08 == pytest.approx(weighed, abs=1e-3)


@pytest.mark.parametrize("kind", [Expected, Reasoned])
def test_the_recipe_says_how_much_mass_a_score_needs(renderer, engine, kind):
    name = kind.__name__.lower()
    for mass, reason in ((0.9, "no_mass"), (0.0, None)):
        rows = judged(renderer, engine, kind(judge=name, min_mass=mass))
        assert [row.get("reason") for row in rows] == [reason] * 2
