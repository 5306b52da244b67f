import errno
import os
import shutil

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from support.recipe_changes import (
    CHANGES,
    CLEAN,
    CURATES,
    EVERY_PROMPT,
    FORWARD,
    INPUTS,
    MODELS,
    SCORES,
    SEED,
    changed,
    fields,
    judged,
    stages,
    with_all_that_follows,
    write_recipe,
    write_small_recipe,
)

from builder.cli.project import open_project
from builder.errors import RecipeError
from builder.recipe.recipe import Training, load_recipe
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.seed import SeedSource
from builder.workspace.fingerprint import config_identity, fingerprint
from builder.workspace.inputs.listing import Inputs

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


def test_inputs_that_no_stage_has_read_count_by_names_sizes_and_times(tmp_path):
    folder = tmp_path / "pages"
    folder.mkdir()
    (folder / "a.html").write_text("x")
    source = SeedSource(name="s", path=folder, license="mit")
    before = config_identity(source)
    moved = tmp_path / "moved"
    shutil.copytree(folder, moved)
    assert config_identity(source.model_copy(update={"path": moved})) == before
    os.utime(folder / "a.html", (1, 1))
    assert config_identity(source) != before
    (moved / "b.html").write_text("y")
    assert len(Inputs().listing(moved)) == 2


def test_missing_and_empty_inputs_are_named(tmp_path):
    with pytest.raises(RecipeError, match="none: no such file or folder"):
        Inputs().listing(tmp_path / "none")
    with pytest.raises(RecipeError, match="the folder is empty"):
        Inputs().listing(tmp_path)
    missing = Training(forward=tmp_path / "f.yaml", backward=tmp_path / "b.yaml")
    with pytest.raises(RecipeError, match=r"f\.yaml: cannot be read"):
        config_identity(missing)


def test_optional_named_files_keep_their_mark(tmp_path):
    from builder.recipe.sections.corpus import Segments

    path = tmp_path / "headers.txt"
    path.write_text("news")
    sources = [{"path": tmp_path, "format": "html"}]
    one = config_identity(Segments(sources=sources, navigation_headers=path))
    path.write_text("shop")
    two = config_identity(Segments(sources=sources, navigation_headers=path))
    assert one["navigation_headers"] != two["navigation_headers"]


def test_the_packages_own_templates_count_by_content_too(tmp_path):
    import hashlib

    from builder.data.resources import template_path
    from builder.recipe.sections.judges import Expected

    own = hashlib.sha256(template_path("humpback").read_bytes()).hexdigest()
    assert config_identity(Expected(judge="expected"))["rubric"] == own
    copy = tmp_path / "copy.jinja"
    shutil.copy(template_path("humpback"), copy)
    assert config_identity(Expected(judge="expected", rubric=copy)) == config_identity(Expected(judge="expected"))


def test_linked_folders_are_part_of_an_input_and_circles_end(tmp_path):
    corpus, other = tmp_path / "corpus", tmp_path / "other"
    for folder in (corpus, other / "deep"):
        folder.mkdir(parents=True)
        (folder / "a.html").write_text("x")
    (corpus / "linked").symlink_to(other)
    (other / "back").symlink_to(corpus)
    (corpus / "gone.html").symlink_to(tmp_path / "nowhere")
    assert [name for name, _, _ in Inputs().listing(corpus)] == ["a.html", "gone.html", "linked/deep/a.html"]


def test_a_folder_that_cannot_be_listed_is_named_and_never_left_out(tmp_path, monkeypatch):
    locked = tmp_path / "corpus" / "locked"
    locked.mkdir(parents=True)
    (locked.parent / "a.html").write_text("x")

    def scandir(path, scandir=os.scandir):
        if os.fspath(path) == str(locked):
            raise PermissionError(errno.EACCES, "Permission denied", str(locked))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(RecipeError, match=r"corpus/locked: the folder cannot be listed \(Permission denied\); give"):
        Inputs().listing(locked.parent)


# The stages of a whole recipe: which of them a change reaches, and no other.


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    return write_small_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture(scope="module")
def plain(recipe):
    """The fingerprints of the recipe as it is."""
    return prints(recipe)


def prints(path, values=None):
    """Fingerprints by stage of a recipe file, or of other values in its place."""
    if values is not None:
        path = write_recipe(path.with_name("variant.yaml"), values)
    return {
        stage: artifact.fingerprint
        for stage, artifact in open_project(path, trust=True).look_at_build().artifacts.items()
    }


def differing(before, after):
    return {stage for stage in before.keys() & after.keys() if before[stage] != after[stage]}


def test_every_field_of_the_recipe_has_an_entry_in_the_table():
    assert sorted(fields()) == sorted(CHANGES), (
        "add the field to tests/support/recipe_changes.py, with the stages it changes"
    )


def test_the_table_knows_the_stages_of_the_recipe(recipe):
    assert list(prints(recipe)) == list(INPUTS)


@pytest.mark.parametrize("place", CHANGES)
def test_a_field_changes_its_stages_and_those_that_follow_and_no_other(recipe, plain, place):
    change = CHANGES[place]
    values = changed(yaml.safe_load(recipe.read_text()), change.before)
    before = prints(recipe, values) if change.before else plain
    found = differing(before, prints(recipe, changed(values, change.keys)))
    assert found == with_all_that_follows(change.first)


def test_a_weight_for_each_iteration_changes_the_iterations_whose_weight_differs(recipe):
    values = changed(yaml.safe_load(recipe.read_text()), {"score.0.prior_weight": [1.0, 0.5]})
    first = frozenset({"score-2-likelihood"})
    assert differing(prints(recipe), prints(recipe, values)) == with_all_that_follows(first)


@pytest.mark.parametrize(
    ("place", "first"),
    [("seed.sources", SEED), ("segments.sources", stages("segments"))],
)
def test_another_source_and_the_order_of_sources_count(recipe, place, first):
    values = yaml.safe_load(recipe.read_text())
    section, _ = place.split(".")
    (source,) = values[section]["sources"]
    other = source | ({"name": "other"} if section == "seed" else {"path": "corpus/other"})
    both, reversed_ = (changed(values, {place: sources}) for sources in ([source, other], [other, source]))
    wanted = with_all_that_follows(first)
    assert differing(prints(recipe), prints(recipe, both)) == wanted
    assert differing(prints(recipe, both), prints(recipe, reversed_)) == wanted


NAMED = {
    "training.forward": ("forward.yaml", {}, FORWARD),
    "training.backward": ("backward.yaml", {}, stages("model-backward")),
    "training.initial": ("other.yaml", {"training.initial": "other.yaml"}, stages("model-0")),
    "augment.template": ("own.jinja", {"augment.template": "own.jinja"}, stages("augment", "model-backward")),
    "chat.template": ("own.jinja", {"chat.template": "own.jinja"}, EVERY_PROMPT),
    "decontaminate.prompts": ("prompts.jsonl", {}, CLEAN),
    "segments.navigation_headers": ("headers.txt", {"segments.navigation_headers": "headers.txt"}, stages("segments")),
    "segments.phrases": ("phrases.txt", {"segments.phrases": "phrases.txt"}, stages("segments")),
    "score.expected.rubric": ("own.jinja", {"score.1.rubric": "own.jinja"}, judged("expected")),
    "score.verdict.rubric": ("own.jinja", {"score.2.rubric": "own.jinja"}, judged("verdict")),
    "score.reasoned.rubric": ("own.jinja", {"score.3.rubric": "own.jinja"}, judged("reasoned")),
}


@pytest.mark.parametrize("place", NAMED)
def test_a_named_file_counts_by_its_content_alone(tmp_path, place):
    name, keys, first = NAMED[place]
    path = write_small_recipe(tmp_path)
    values = changed(yaml.safe_load(path.read_text()), keys)
    before = prints(path, values)
    os.utime(tmp_path / name, (1, 1))
    assert prints(path, values) == before
    (tmp_path / name).write_text("news: 1 {{ output }}\n")
    assert differing(before, prints(path, values)) == with_all_that_follows(first)


ENDINGS = {".html": ".jsonl", ".jsonl": ".jsonl", ".json": ".json"}
INPUT_FILES = {"corpus/pages/a.html": stages("segments"), "seed/pairs.jsonl": SEED, "base/config.json": MODELS}


@pytest.mark.parametrize("name", INPUT_FILES)
@pytest.mark.parametrize("what", ["touched", "longer", "renamed", "added", "removed"])
def test_an_input_file_that_no_stage_has_read_counts_by_its_name_size_and_time(tmp_path, name, what):
    path = write_small_recipe(tmp_path)
    for place in ("seed/kept.jsonl", "corpus/pages/kept.jsonl", "base/kept.json"):
        (tmp_path / place).write_text("{}")
    values = changed(yaml.safe_load(path.read_text()), {"seed.sources.0.path": "seed"})
    before = prints(path, values)
    file = tmp_path / name
    if what == "touched":
        os.utime(file, (1, 1))
    elif what == "longer":
        state = file.stat()
        file.write_text(file.read_text() + " ")
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif what == "renamed":
        file.rename(file.with_name(f"renamed{ENDINGS[file.suffix]}"))
    elif what == "added":
        file.with_name(f"added{ENDINGS[file.suffix]}").write_text("")
    else:
        file.unlink()
    assert differing(before, prints(path, values)) == with_all_that_follows(INPUT_FILES[name])


def test_the_place_of_the_recipe_and_of_what_it_names_does_not_count(recipe, tmp_path):
    moved = tmp_path / "somewhere" / "else"
    shutil.copytree(recipe.parent, moved, copy_function=shutil.copy2)
    assert prints(moved / "build.yaml") == prints(recipe) == prints(recipe.parent)
    values = yaml.safe_load(recipe.read_text())
    absolute = {"base.path": str(moved / "base"), "training.forward": str(moved / "forward.yaml")}
    assert prints(recipe, changed(values, absolute)) == prints(recipe)


def test_defaults_and_comments_in_the_file_do_not_count(recipe):
    full = load_recipe(recipe).model_dump(mode="json")
    assert prints(recipe, full) == prints(recipe)
    commented = recipe.with_name("commented.yaml")
    commented.write_text("# A remark.\n\n" + recipe.read_text().replace("\n", "  # another\n"))
    assert prints(commented) == prints(recipe)


def in_any_order(values, random):
    if isinstance(values, dict):
        keys = list(values)
        random.shuffle(keys)
        return {key: in_any_order(values[key], random) for key in keys}
    return [in_any_order(item, random) for item in values] if isinstance(values, list) else values


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(recipe, random):
    full = load_recipe(recipe).model_dump(mode="json")
    assert prints(recipe, in_any_order(full, random)) == prints(recipe)


@pytest.mark.parametrize(
    ("module", "first"),
    [
        ("builder.method.seed.stage", SEED),
        ("builder.method.corpus.stage", stages("segments")),
        ("builder.method.corpus.dedup.stage", stages("dedup")),
        ("builder.method.train.stage", MODELS),
        ("builder.method.augment.stage", stages("augment")),
        ("builder.method.curate.scoring.score", SCORES),
        ("builder.method.curate.curate", CURATES),
    ],
)
def test_a_new_version_of_a_module_changes_its_stages(recipe, monkeypatch, module, first):
    before = prints(recipe)
    monkeypatch.setattr(f"{module}.VERSION", 99)
    assert differing(before, prints(recipe)) == with_all_that_follows(first)
