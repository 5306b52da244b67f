import re

import pytest

from builder.errors import StageError
from builder.llm.prompts import render


def test_the_rubric_stands_before_the_pair_so_that_prompts_share_their_beginning():
    one = render("humpback", instruction="How?", output="So.", reasons=True)
    other = render("humpback", instruction="Why?", output="Thus.", reasons=True)
    shared = one.index("How?")
    assert one[:shared] == other[:shared]
    assert shared > 1_000
    assert one.endswith("Answer:\nSo.")


@pytest.mark.parametrize("rubric", ["humpback", "additive"])
def test_a_rubric_names_what_the_paper_gives_its_lowest_level_whether_or_not_reasons_are_asked_for(rubric):
    cues = ["controversial", "starts? at its beginning", "opening (that )?only repeats the question",
            "personal experience", "blog", "forum", "promotion", "navigation"]  # fmt: skip
    for reasons in (True, False):
        shown = render(rubric, instruction="How?", output="So.", reasons=reasons)
        assert [cue for cue in cues if not re.search(cue, shown)] == []


def test_all_cues_of_the_lowest_level_stand_in_the_line_of_that_level():
    (lowest,) = re.findall(r"^1: .*$", render("humpback", instruction="How?", output="So.", reasons=True), re.M)
    for cue in ("controversial", "does not start at its beginning", "repeats the question", "personal experience",
                "blog", "forum", "promotion", "navigation"):  # fmt: skip
        assert cue in lowest


def test_the_backward_prompt_is_the_text_itself():
    assert render("backward", output="Some {{ text }}\nof a page") == "Some {{ text }}\nof a page"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ output }} {{ author }}", "'author' is undefined; a template may use only output"),
        ("{{ output", r"line 1: unexpected end of template"),
        ("{{ output.__class__.__mro__ }}", "unsafe"),
        ("{% include '/etc/passwd' %}", "/etc/passwd"),
    ],
    ids=["unknown value", "syntax", "sandbox", "other files"],
)
def test_a_template_can_use_its_values_and_nothing_else(tmp_path, template, message):
    path = tmp_path / "own.jinja"
    path.write_text(template)
    with pytest.raises(StageError, match=message):
        render(path, output="x")


def test_a_missing_template_is_named(tmp_path):
    with pytest.raises(StageError) as error:
        render(tmp_path / "none.jinja", output="x")
    assert str(error.value).endswith("none.jinja: the template cannot be read (no such file or directory)")
