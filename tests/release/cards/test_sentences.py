"""Every sentence of the card is true for the build it speaks of."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.browser import chromium, program
from support.crawl_build import CrawlBuild
from support.release_build import HOSTILE, FakeBuild

from builder.data.storage import read_json, read_rows, write_json
from builder.errors import RecipeError
from builder.recipe.recipe import Recipe
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.judges import Reverse, Verdict
from builder.recipe.sections.models import Other
from builder.results.release.cards.markdown import examples, own_text, quoted
from builder.results.release.cards.method import judged, limit_of_scores, origin, selecting
from builder.results.release.cards.plots import cut_lines, funnel_figure, scores_figure, steps
from builder.results.release.cards.values import dataset_card, named
from builder.results.release.content.material import Material
from builder.results.release.content.parquet import write_config
from builder.results.release.content.tables import configs
from builder.results.release.facts.about import read_about
from builder.results.release.facts.citation import bibtex
from builder.text.escape import escape

ADDRESS = r"https://example\.org/"


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> FakeBuild:
    return FakeBuild(tmp_path_factory.mktemp("build"), title="Tiny pages")


def changed(recipe: Recipe, section: str, **values: Any) -> Recipe:
    return recipe.model_copy(update={section: getattr(recipe, section).model_copy(update=values)})


def material(build: FakeBuild, section: str = "", date: str = "", **values: Any) -> Material:
    recipe = changed(build.recipe, section, **values) if section else build.recipe
    return Material(type(build.build)(recipe, build.artifacts), "1.0.0", date=date)


def card(tmp_path: Path, made: Material) -> str:
    return dataset_card(made, [write_config(tmp_path, name, rows) for name, rows in configs(made)], [])


def sentences(text: str) -> list[str]:
    """Those of the first paragraph."""
    paragraph = text.partition("\n# ")[2].split("\n\n")[1]
    return re.split(r"(?<=[.)]\.)\s|(?<=[a-z)]\.)\s", " ".join(paragraph.replace("et al. ", "et al ").split()))


def test_first_lines_say_what_it_is_how_many_rows_and_which_model_in_three_sentences(
    build: FakeBuild, tmp_path: Path
) -> None:
    what, rows, model = sentences(card(tmp_path / "a", material(build, "release", dataset="org/tiny")))
    assert "instruction" in what
    assert "answer" in what
    assert rows == (
        "It has 18 selected pairs (`curated`) of 40 candidates (`augmented`), and 5 human-written pairs (`seed`)."
    )
    assert "[`org/tiny-final`](https://huggingface.co/org/tiny-final) was trained from `base`" in model
    assert "`base`, the toy model of humpback's quickstart: 0.75 million parameters" in model
    *_, local = sentences(card(tmp_path / "b", material(build)))
    assert "`models/final`, was trained" in local
    *_, none = sentences(card(tmp_path / "c", material(build, "release", models=[])))
    assert "a model that is not released was trained" in none


def test_whom_to_ask_for_a_removal_is_the_contact_or_where_the_dataset_is(build: FakeBuild, tmp_path: Path) -> None:
    text = card(tmp_path / "a", material(build, "release", contact="them@example.org"))
    shown = escape("them@example.org", "markdown")
    assert f"To have a page removed, write to {shown} with its `url` or the `id` of the row" in text
    assert "open a discussion" not in text
    assert "open a discussion where this dataset is published" in card(tmp_path / "b", material(build))


def test_domains_are_counted_and_named() -> None:
    top = [{"name": "a.org", "rows": 3, "share": 0.75}, {"name": "b.org", "rows": 1, "share": 0.25}]
    assert origin({"number": 1_234, "top": top, "without": 0}) == (
        "The final selection comes from 1,234 registered domains; the most frequent are a.org (75.0 %), b.org (25.0 %)."
    )
    assert origin({"number": 1, "top": top[:1], "without": 7}) == (
        "All rows of the final selection whose address is known are of a.org. No address of the web is known of 7 of "
        "its rows."
    )


def test_scores_are_spoken_of_where_a_judge_gave_some() -> None:
    def said(*judges: str) -> str | None:
        return limit_of_scores(Curate.model_validate({"judge": [*judges], "top": 9}))

    assert said("random", "longest") is None
    assert str(said("likelihood", "longest")).startswith("Scores order pairs under one judge;")
    assert str(said("likelihood", "reverse")).startswith("Scores order pairs under the judges `likelihood`, `reverse`;")


def test_nothing_is_said_of_pages_that_is_not_known(build: FakeBuild, tmp_path: Path) -> None:
    text = card(tmp_path, material(build))
    for claim in (
        "published openly",
        "pages of the crawl",
        "web pages as it stands there",
        "Refusals and safe behaviour",
    ):
        assert claim not in text
    assert "Nothing here shows" not in text
    assert "So nothing here shows a model when to decline." in text
    assert "0 of 5 in\n  the seed, 0 of 18 selected from pages" in text


def test_refusals_are_those_that_the_gate_would_find(tmp_path: Path) -> None:
    class Refusing(FakeBuild):
        def candidate(self, number: int) -> dict[str, Any]:
            said = ("I'm sorry, but I cannot help with that.", "I'm sorry to hear that your tap drips.")[number % 2]
            return super().candidate(number) | {"output": said}

    made = material(Refusing(tmp_path / "build", models=[]))
    rows = list(read_rows(made.build.curated[-1].data, ["output"]))
    found = sum("cannot" in row["output"] for row in rows)
    assert 0 < found < len(rows)
    text = card(tmp_path / "dataset", made)
    assert f"{found} of {len(rows)} selected from pages." in text
    assert "So nothing here" not in text


def test_a_sampled_segment_is_no_duplicate(tmp_path: Path) -> None:
    build = FakeBuild(tmp_path / "build", models=[])
    counts = {"in": 60, "kept": 40, "dropped": {"near_duplicate": 5, "domain_cap": 4, "not_sampled": 11}, "failed": {}}
    stage = build.artifacts["dedup"].path / "stage.json"
    write_json(stage, read_json(stage) | {"counts": {"segments": counts}})
    made = material(build, "dedup", sample=40, per_domain=9)
    text = card(tmp_path / "dataset", made)
    assert "left out but for one of each (5 repeated another)" in text
    assert "At most 9 stayed of a registered domain (4 went)." in text
    assert "Of what was left 40 were drawn by a hash of their id; 11 were not." in text
    assert dict(steps(made)) | {"no duplicates": 55, "within the limit of a domain": 51, "drawn": 40} == dict(
        steps(made)
    )


def test_the_funnel_never_grows(build: FakeBuild, tmp_path: Path) -> None:
    rows = [number for _, number in steps(material(build))]
    assert rows == sorted(rows, reverse=True)
    other = FakeBuild(tmp_path / "build", models=[])
    stage = other.artifacts["augment"].path / "stage.json"
    several = {"pairs": {"in": 90, "kept": 90, "dropped": {}, "failed": {}}}
    write_json(stage, read_json(stage) | {"counts": several})
    assert steps(material(other)) == [("with an instruction", 90), ("selected", 18)]


def test_the_line_of_a_selection_is_that_of_the_judge_that_made_it_alone(build: FakeBuild) -> None:
    for t, lowest in ((1, 2.1), (2, 2.2)):
        stage = build.artifacts[f"curate-{t}"].path / "stage.json"
        write_json(stage, read_json(stage) | {"details": {"lowest_score": lowest}})
    assert cut_lines(material(build)) == {"score_1_likelihood": 2.1, "score_2_likelihood": 2.2}
    for axes, lowest in zip(scores_figure(material(build)).axes, (2.1, 2.2), strict=True):
        (line,) = axes.get_lines()
        assert list(line.get_xdata()) == [lowest, lowest]
        assert line.get_label() == "least that its iteration selected"
    assert [axes.get_lines() for axes in scores_figure(material(build, "curate", judge="longest")).axes] == [[], []]
    assert cut_lines(material(build, "curate", judge="longest")) == {}
    assert cut_lines(material(build, "curate", judge=["likelihood", "longest"])) == {}


def test_figures_say_what_their_axes_are_and_which_way_is_better(build: FakeBuild) -> None:
    made = material(build)
    figure = scores_figure(made)
    assert [axes.get_title("left") for axes in figure.axes] == ["score_1_likelihood", "score_2_likelihood"]
    assert {(axes.get_xlabel(), axes.get_ylabel()) for axes in figure.axes} == {("score (higher is better)", "pairs")}
    assert all(tick == int(tick) for axes in figure.axes for tick in axes.get_yticks())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:2] == ["all candidates", "final selection"]
    (bars,) = funnel_figure(made).axes
    assert bars.get_xlabel() == "segments, later pairs, that are left"
    assert [label.get_text() for label in bars.get_yticklabels()] == [name for name, _ in steps(made)]
    assert [text.get_text() for text in bars.texts] == [f"{rows:,}" for _, rows in steps(made)]


@pytest.mark.parametrize(
    ("rule", "words", "never"),
    [
        ({"judge": "likelihood", "threshold": -0.5}, "Selected was what likelihood gives -0.5 or more.", "best"),
        ({"judge": "likelihood", "top": 1000, "leave_out_top": 0.05}, "1,000 best by its score, without the", ""),
        ({"judge": "likelihood", "share": 0.083, "per_domain": 9}, "the best 8.3 % by its score, at most 9 of a", ""),
        ({"judge": "likelihood", "share": 0.5, "near_duplicates": 0.8}, "no instruction that repeats a better one", ""),
        ({"judge": "random", "top": 10}, "draws pairs by a hash of their id", "A forward model"),
        ({"judge": "longest", "top": 10}, "counts the characters of the answer", "A forward model"),
        ({"judge": ["likelihood", "longest"], "top": 9}, "by the mean of the ranks that they give", "its score"),
    ],
)  # fmt: skip
def test_the_rule_of_the_selection_is_that_of_the_recipe(
    build: FakeBuild, rule: dict[str, Any], words: str, never: str
) -> None:
    recipe = build.recipe.model_copy(update={"curate": Curate.model_validate(rule)})
    said = selecting(Material(type(build.build)(recipe, build.artifacts), "1.0.0"))
    assert words in said
    assert not never or never not in said


def test_a_judge_that_the_build_has_not_trained_is_named_once(build: FakeBuild, tmp_path: Path) -> None:
    score = [Verdict(judge="verdict", model=Other(served="rater")), Reverse(judge="reverse")]
    for judge, words in (("verdict", "the model that a server calls `rater`"), ("reverse", "asks the backward model")):
        curate = Curate.model_validate({"judge": judge, "share": 0.5})
        recipe = build.recipe.model_copy(update={"score": score, "curate": curate})
        made = Material(type(build.build)(recipe, build.artifacts), "1.0.0")
        assert ("backward model" in selecting(made)) is (judge == "reverse")
        assert "A forward model, tuned on the seed, scored" not in selecting(made)
        entries = [entry["name"] for entry in judged(made)]
        assert entries == ["verdict"]
        assert words in " ".join([selecting(made), str(named(judged(made)[0]["model"]))])


def test_what_was_held_out_or_started_elsewhere_is_said(build: FakeBuild, tmp_path: Path) -> None:
    plain = card(tmp_path / "a", material(build))
    assert "| the human-written pairs |" in plain
    assert "trains the final model again from the base" in " ".join(plain.split())
    text = card(tmp_path / "b", material(build, "training", held_out=0.1, init="previous"))
    assert "| the human-written pairs; some of them no model was trained on |" in text
    assert "which started from the model of the iteration before, but from the base" in " ".join(text.split())
    assert "Each model started from that of the iteration before." in text


def test_who_wrote_in_the_place_of_the_backward_model_is_said_with_a_link_that_is_one(
    build: FakeBuild, tmp_path: Path
) -> None:
    text = card(tmp_path, material(build, "augment", model=Other(served="writer")))
    assert (
        "2. The model that a server calls `writer`, an instruction model that this build did not train, wrote" in text
    )
    assert "So does LongForm ([arXiv 2304.08460](https://arxiv.org/abs/2304.08460))." in text
    assert r"\[arXiv" not in text


def test_one_iteration_scores_once(build: FakeBuild) -> None:
    recipe = build.recipe.model_copy(update={"iterations": 1})
    said = selecting(Material(type(build.build)(recipe, build.artifacts), "1.0.0"))
    assert said.endswith("Seed and selection trained the final model; there was one iteration.")
    assert "again" not in said
    assert "there were 2 iterations. Each scored the same pairs again" in selecting(material(build))


def test_sources_are_named_with_their_licences_and_nameless_ones_are_one(build: FakeBuild, tmp_path: Path) -> None:
    (source,) = build.recipe.segments.sources
    assert "| `web` | not stated; the terms of each page hold | 40 |" in card(tmp_path / "a", material(build))
    named = source.model_copy(update={"name": "Our | docs", "license": "cc-by-4.0", "about": "All of *v1*."})
    text = card(tmp_path / "b", material(build, "segments", sources=[named]))
    assert r"| Our \| docs: All of \*v1\*. | cc-by-4.0 | 40 |" in text
    assert "or of the pages of the source; null where nobody has stated one" in text
    assert yaml.safe_load(text.split("---\n")[1])["license"] == "odc-by"


def test_addresses_are_spoken_of_where_there_are_some(tmp_path: Path) -> None:
    class NoAddress(FakeBuild):
        def candidate(self, number: int) -> dict[str, Any]:
            return super().candidate(number) | {"url": "" if number % 2 else "file:///home/jane/a.html"}

    text = card(tmp_path / "a", material(NoAddress(tmp_path / "build", models=[])))
    assert "No address of the web is known of the pages." in text
    assert "domain" not in text.partition("## Biases")[2].partition("## Limits")[0]
    assert "file:/" not in text
    assert "jane" not in text


def test_languages_are_those_of_the_rows_and_of_the_recipe(tmp_path: Path) -> None:
    build = CrawlBuild(tmp_path / "build", models=[])
    assert material(build).languages == ["en"]
    stated = build.recipe.release.model_validate({**build.recipe.release.model_dump(), "language": "de"})
    recipe = build.recipe.model_copy(update={"release": stated})
    assert Material(type(build.build)(recipe, build.artifacts), "1.0.0").languages == ["de", "en"]
    several = stated.model_copy(update={"language": ["fr", "en"]})
    recipe = build.recipe.model_copy(update={"release": several})
    assert Material(type(build.build)(recipe, build.artifacts), "1.0.0").languages == ["fr", "en"]
    text = card(tmp_path / "dataset", material(build))
    assert "Languages of the texts of the final selection: en 100.0 %." in text


def test_a_release_of_places_says_that_they_may_not_be_passed_on_where_that_is_so(tmp_path: Path) -> None:
    build = CrawlBuild(tmp_path / "build", text="standoff", models=[])
    text = card(tmp_path / "a", material(build))
    assert "which may not be passed on" in text
    assert "is answered by" not in text
    assert "1 candidate is left out because its instruction shares more than 8 words in a row" in text
    sources = [source.model_copy(update={"redistributable": True}) for source in build.recipe.segments.sources]
    text = card(tmp_path / "b", material(build, "segments", sources=sources))
    assert "may not be passed on" not in text
    assert "**This release holds no text of the pages**: rows" in text


def test_pairs_of_high_low_and_no_selection_come_before_any_json_and_none_is_called_good(
    build: FakeBuild, tmp_path: Path
) -> None:
    text = card(tmp_path, material(build))
    shown = text.partition("## Examples")[2].partition("## What is released")[0]
    assert re.findall(r"\*\*(.+)\*\*", shown) == [
        "Of the selected pairs to train on, one of the 6 with the highest scores",
        "Of the selected pairs to train on, one of the 6 with the lowest scores",
        "Of those that were not selected, one of the 20 with the lowest scores",
    ]
    assert " good" not in shown
    scores = [float(score) for score in re.findall(r"\(score ([-0-9.]+)\)", shown)]
    assert scores[0] > scores[1] > 2 > scores[2]
    assert "```json" in text.partition("## What is released")[2]
    assert "```json" not in text.partition("## What is released")[0]
    controlled = card(tmp_path / "b", material(build, "curate", judge="random"))
    assert "**A selected pair**" in controlled
    assert "**A pair that was not selected**" in controlled
    assert "scores" not in controlled.partition("## Examples")[2].partition("## What is released")[0]


def test_an_example_at_the_line_is_said_to_be_there_where_the_rule_has_one(build: FakeBuild, tmp_path: Path) -> None:
    text = card(tmp_path, material(build, "curate", threshold=2.0, share=None))
    assert "with the lowest scores; the line is at 2** (score 2." in text


def test_no_pair_is_an_example_of_two_things_where_few_were_selected(tmp_path: Path) -> None:
    class OneShort(FakeBuild):
        def candidate(self, number: int) -> dict[str, Any]:
            return super().candidate(number) | {"output": "short" if number == 16 else "A long one. " * 99}

    text = card(tmp_path / "dataset", material(OneShort(tmp_path / "build", models=[])))
    shown = text.partition("## Examples")[2].partition("## What is released")[0]
    asked = re.findall(r"What about (\d+)", shown)
    assert len(asked) == len(set(asked)) == 3
    assert asked[1] == "16"


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE, "<script>x</script>\n> # a", "- a\n\n\n    code\n1. b\\", "| a |\n===", "", "a " * 999,
        "a\n```python\nimport os\n````\n# b", "```\n> ```\n# x\n\n\n<b>", "~~~\n# a\n~~~", "``` a`b\n# c",
        "\n  ```sql\n  ```\n", "12. ```\n# a\n```\n# b",
    ],
)  # fmt: skip
def test_a_quotation_is_lines_and_code_in_which_nothing_is_markup(text: str) -> None:
    from markdown_it import MarkdownIt

    tokens = MarkdownIt("commonmark").enable("table").parse(quoted(text, 700))
    kinds = [token.type for token in tokens if not token.type.endswith("_close")]
    assert kinds[0] == "blockquote_open"
    assert tokens[-1].type == "blockquote_close"
    assert set(kinds[1:]) <= {"paragraph_open", "inline", "fence"}
    assert kinds.count("blockquote_open") == 1
    assert {token.info for token in tokens if token.type == "fence"} <= {""}
    inner = [child.type for token in tokens if token.type == "inline" for child in token.children or []]
    assert set(inner) <= {"text", "hardbreak", "softbreak", "text_special"}
    assert own_text(f"before\n\n{quoted(text, 700)}\n\nafter").split() == ["before", "after"]
    assert examples(quoted(text, 700)) == []


def test_code_in_a_quotation_stands_in_a_fence_with_its_indents_and_no_marks_are_words() -> None:
    text = (
        "So:\n\n```python\ndef f(x):\n\n    return x\n```\nThen *run* it.\n  - As in\n    ```\n    a\n      b\n    ```"
    )
    assert quoted(text).split("\n") == [
        "> So:", "> ```", "> def f(x):", ">", ">     return x", "> ```", "> Then \\*run\\* it.\\",
        r"> \- As in", "> ```", "> a", ">   b", "> ```",
    ]  # fmt: skip
    assert quoted("- ```\na\n```\nb").split("\n") == [r"> \-", "> ```", "> a", "> ```", "> b"]
    assert quoted("a\n```\nb = 1\nc = 22", 17).split("\n") == ["> a", "> ```", "> b = 1", "> c = …", "> ```"]


def test_owners_words_are_text_and_bounded(build: FakeBuild, tmp_path: Path) -> None:
    path = tmp_path / "about.txt"
    path.write_text("We wrote <b>this</b>.\nFor you.\n\n\n# Not a heading\n\n- [x](javascript:y)\n")
    text = card(tmp_path / "a", material(build, "release", about=path))
    about = text.partition("## About\n\n")[2].partition("## Examples")[0]
    assert about.split("\n\n")[0] == r"We wrote \<b\>this\</b\>. For you."
    assert r"\# Not a heading" in about
    assert r"\- \[x\](javascript:y)" in about
    path.write_text("x" * 20_001)
    with pytest.raises(RecipeError, match="more than 20,000 characters"):
        read_about(path)
    path.write_bytes(b"\xff")
    with pytest.raises(RecipeError, match="must be a text file in UTF-8"):
        read_about(path)


def test_the_dataset_has_an_entry_of_its_own_for_a_bibliography(build: FakeBuild, tmp_path: Path) -> None:
    values = {"dataset": "org/tiny", "authors": ["Doe, Jane", "A {Team} & Co"], "doi": "10.57967/hf/1234"}
    made = material(build, "release", "2026-03-04", title="Tiny_web \\input{x} 100%", **values)
    entry = bibtex(made)
    assert entry.splitlines()[0] == "@misc{tiny-1.0.0,"
    for line in (
        r"title = {Tiny\_web  input x  100\%}", r"author = {{Doe, Jane} and {A  Team  \& Co}}", "year = {2026}",
        "month = {3}", "version = {1.0.0}", "url = {https://huggingface.co/datasets/org/tiny}",
        "doi = {10.57967/hf/1234}",
    ):  # fmt: skip
        assert f"  {line}" in entry
    text = card(tmp_path, made)
    assert f"```bibtex\n{entry}\n```" in text
    assert "Version 1.0.0, 2026-03-04. DOI [10\\.57967/hf/1234](https://doi.org/10.57967/hf/1234)." in text


def test_no_line_of_a_fence_is_wider_than_a_page(build: FakeBuild, tmp_path: Path) -> None:
    """Of 1,000 pixels, at the width of a letter in the fences of the Hub and GitHub."""
    text = card(tmp_path, material(build, "release", dataset="organisation/" + "a-long-name-" * 3))
    inside = False
    for line in text.partition("\n# ")[2].splitlines():
        inside = inside != line.startswith("```")
        assert not inside or len(line) <= 112, line


@pytest.mark.skipif(program() is None, reason="Chromium is not installed")
def test_a_page_of_1000_pixels_scrolls_to_no_side(build: FakeBuild, tmp_path: Path) -> None:
    from markdown_it import MarkdownIt

    text = card(tmp_path, material(build, "release", dataset="organisation/" + "a-long-name-" * 3))
    body = MarkdownIt("commonmark").enable("table").render(text.partition("\n---\n")[2])
    style = "body{margin:0 auto;padding:16px;font:16px/1.5 sans-serif}td,th{padding:4px 8px;border:1px solid}"
    style += "pre{padding:12px;overflow:auto;font:13.6px monospace}code{font-size:85%}pre code{font-size:100%}"
    with chromium() as tab:
        tab.set_viewport_size({"width": 1000, "height": 800})
        tab.set_content(f"<meta charset=utf-8><style>{style}</style>{body}")
        wide = tab.evaluate(
            "[...document.querySelectorAll('pre,table,p,blockquote')].filter("
            "e => e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > innerWidth).map("
            "e => e.innerText.slice(0, 80))"
        )
    assert wide == []
