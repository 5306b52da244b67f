import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.errors import RecipeError
from builder.fingerprint import describe, fingerprint, listing
from builder.recipe import Augment, SeedSource, Training
from builder.recipe_curate import Curate

shares = st.floats(0.01, 1).map(lambda share: round(share, 3))


@given(shares, shares)
def test_a_fingerprint_changes_exactly_when_the_configuration_does(left, right):
    one, other = (Curate(judge="expected", share=share) for share in (left, right))
    assert (fingerprint("s", 1, one, {}) == fingerprint("s", 1, other, {})) == (left == right)


def test_stage_version_and_inputs_count():
    config = Augment()
    base = fingerprint("augment", 1, config, {"dedup": "a"})
    assert len(base) == 12
    assert base == fingerprint("augment", 1, Augment(), {"dedup": "a"})
    changed = [
        fingerprint("score", 1, config, {"dedup": "a"}),
        fingerprint("augment", 2, config, {"dedup": "a"}),
        fingerprint("augment", 1, config, {"dedup": "b"}),
        fingerprint("augment", 1, config, {"segments": "a"}),
    ]
    assert base not in changed
    assert len(set(changed)) == 4


def test_named_files_count_by_content_and_not_by_place(tmp_path):
    prints = []
    for folder, text in (("a", "x: 1"), ("b", "x: 1"), ("c", "x: 2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "sft.yaml").write_text(text)
        path = tmp_path / folder / "sft.yaml"
        prints.append(fingerprint("model-0", 1, Training(forward=path, backward=path), {}))
    assert prints[0] == prints[1] != prints[2]


def test_inputs_count_by_names_sizes_and_times(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_text("x")
    source = SeedSource(name="s", path=folder, license="mit")
    before = describe(source)
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert describe(source.model_copy(update={"path": moved})) == before
    os.utime(folder / "a.html", (1, 1))
    assert describe(source) != before
    (moved / "b.html").write_text("y")
    assert len(listing(moved)) == 2


def test_missing_and_empty_inputs_are_named(tmp_path):
    with pytest.raises(RecipeError, match="none: no such file or folder"):
        listing(tmp_path / "none")
    with pytest.raises(RecipeError, match="the folder is empty"):
        listing(tmp_path)
    missing = Training(forward=tmp_path / "f.yaml", backward=tmp_path / "b.yaml")
    with pytest.raises(RecipeError, match=r"f\.yaml: cannot be read"):
        describe(missing)


def test_optional_named_files_keep_their_mark(tmp_path):
    from builder.recipe_segments import Segments

    path = tmp_path / "headers.txt"
    path.write_text("news")
    sources = [{"path": tmp_path, "format": "html"}]
    one = describe(Segments(sources=sources, navigation_headers=path))
    path.write_text("shop")
    two = describe(Segments(sources=sources, navigation_headers=path))
    assert one["navigation_headers"] != two["navigation_headers"]


def test_the_packages_own_templates_count_by_content_too(tmp_path):
    import hashlib

    from builder.llm.prompts import template_path
    from builder.recipe_curate import Expected

    own = hashlib.sha256(template_path("humpback").read_bytes()).hexdigest()
    assert describe(Expected(judge="expected"))["rubric"] == own
    copy = tmp_path / "copy.jinja"
    shutil.copy(template_path("humpback"), copy)
    assert describe(Expected(judge="expected", rubric=copy)) == describe(Expected(judge="expected"))
