"""`make real-build`: what it writes into the recipe."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from real_build import RECIPE, sections, with_section, write_recipe

from builder.cli.init import copy_recipe
from builder.cli.project import open_project

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"


def given(folder: Path, *, gpu: bool) -> dict[str, dict[str, Any]]:
    places = [folder / name for name in ("it's here/pages.warc.gz", "b.warc.gz", "pairs.v2.jsonl")]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        place.touch()
    return sections(BASE, places[:2], places[2:], "apache-2.0", 12, gpu=gpu)


@pytest.mark.parametrize("gpu", [False, True])
def test_the_recipe_names_what_is_at_hand_and_keeps_all_else(tmp_path: Path, gpu: bool) -> None:
    copy_recipe(tmp_path / "real", RECIPE)
    file = tmp_path / "real" / "build.yaml"
    before = file.read_text()
    write_recipe(tmp_path / "real", given(tmp_path, gpu=gpu))
    recipe = open_project(tmp_path / "real", only_looks=True, trust=True).recipe
    assert [source.path for source in recipe.segments.sources] == [
        tmp_path / "it's here" / "pages.warc.gz",
        tmp_path / "b.warc.gz",
    ]
    assert [source.name for source in recipe.seed.sources] == ["pairs"]
    assert (recipe.base.path, recipe.dedup.sample) == (BASE, 12)
    assert recipe.training.forward.name == ("sft_forward.yaml" if gpu else "sft_forward_cpu.yaml")
    changed = {"base", "seed", "segments", "dedup", "release"} | (set() if gpu else {"training", "runtime"})
    old, new = yaml.safe_load(before), yaml.safe_load(file.read_text())
    assert {key for key in old if old[key] != new[key]} == changed
    assert [line for line in before.splitlines() if line.startswith("#")] == [
        line for line in file.read_text().splitlines() if line.startswith("#")
    ]


def test_a_section_is_replaced_whole_and_once() -> None:
    text = "# a\na: 1\n# b\nb:\n  # in it\n  c: 2\n\n  d: [1,\n    2]\n# e\ne: 3\nbb: 4\n"
    assert with_section(text, "b", {"x": "y"}) == "# a\na: 1\n# b\nb: {x: y}\n# e\ne: 3\nbb: 4\n"
    with pytest.raises(ValueError, match="0 sections nothing"):
        with_section(text, "nothing", {})
