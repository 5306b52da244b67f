"""Hub inputs are pinned by the real client against a stand-in of the Hub."""

import json
import stat
import subprocess
import sys

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from support.hub_server import TOKEN, Fault
from support.output_schema import answered

from builder.build import run_build
from builder.errors import RecipeError
from builder.recipe.edit import write_revisions
from builder.recipe.pins import hub_inputs, refuse_unpinned, unpinned
from builder.recipe.recipe import load_recipe
from builder.workspace.workspace import Workspace

HUMPBACK = [sys.executable, "-m", "builder"]
A, B = "a" * 40, "0123456789" * 4
GATED = Fault(403, "/api/datasets/org/pairs", headers={"X-Error-Code": "GatedRepo"})

RECIPE = f"""\
# a recipe of mine
name: mine
base:   # the model
  model: org/base   # small
  license: apache-2.0
seed:
  sources:
    - {{name: local, path: seed.jsonl, license: mit}}
    - {{name: one, dataset: org/pairs, license: mit}}
    - name: two
      dataset: org/trees
      revision: v2   # the second edition
      license: mit
    - {{name: three, dataset: org/old, revision: {A}, license: mit}}
segments: {{sources: [{{path: pages, format: html}}]}}
score: [{{judge: likelihood}}]
curate: {{judge: likelihood, share: 0.5}}
training: {{forward: sft.yaml, backward: sft.yaml}}
release: {{title: Mine, license: apache-2.0}}
"""
PINNED = (
    RECIPE.replace("  model: org/base   # small\n", f"  model: org/base   # small\n  revision: {B}  # main\n")
    .replace("dataset: org/pairs, license: mit}", f"dataset: org/pairs, revision: {A}, license: mit}}  # main")
    .replace("revision: v2   # the second edition", f"revision: {A}   # the second edition  # v2")
    .replace(f"revision: {B}", f'revision: "{B}"')
)


BEANS = "Dried beans are put into cold water in the evening, and they are cooked on the next day for an hour. " * 9


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "seed.jsonl").write_text('{"instruction": "How?", "output": "So."}')
    (tmp_path / "sft.yaml").write_text("learning_rate: 1.0e-3\n")
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "a.html").write_text(f"<h1>Beans</h1><p>{BEANS}</p><h1>Peas</h1><p>{BEANS}</p>")
    (tmp_path / "build.yaml").write_text(RECIPE)
    return tmp_path / "build.yaml"


@pytest.fixture
def full_hub(hub, without_model_libraries, tmp_path):
    """With three repositories, and without TRL, which takes seconds to load and is not what is tested here."""
    hub.add("org/base", "models", oid=B)
    hub.add("org/pairs", oid=A)
    trees = hub.add("org/trees", oid=A, tag="v2")
    trees.add({}, "go on", "somebody")
    hub.open = hub.environment(tmp_path / "home", None) | {"PYTHONPATH": without_model_libraries["PYTHONPATH"]}
    return hub


def asked(hub):
    """What was asked for, but the list of tools that the client looks at once in a while."""
    return [request for request in hub.requests if "agent-harnesses" not in request]


def humpback(*arguments, env=None):
    return subprocess.run([*HUMPBACK, *map(str, arguments)], capture_output=True, text=True, check=False, env=env)


def test_every_hub_input_is_named_with_its_place(recipe):
    loaded = load_recipe(recipe)
    assert [item.key for item in hub_inputs(loaded)] == [
        "base.revision", "seed.sources.1.revision", "seed.sources.2.revision", "seed.sources.3.revision",
    ]  # fmt: skip
    assert [(item.kind, item.repository, item.revision) for item in unpinned(loaded)] == [
        ("model", "org/base", None),
        ("dataset", "org/pairs", None),
        ("dataset", "org/trees", "v2"),
    ]
    with pytest.raises(RecipeError) as caught:
        refuse_unpinned(loaded, recipe)
    assert str(caught.value).splitlines()[2] == (
        f"{recipe}: seed.sources.2.revision is 'v2'; org/trees must be read at a 40-hex commit, "
        f"`humpback check --pin {recipe}` writes it in"
    )


@pytest.mark.parametrize("command", [["build"], ["plan"], ["release", "--version", "1.0.0"], ["check"]])
def test_no_command_goes_on_with_a_branch(recipe, command, without_model_libraries):
    result = humpback(command[0], recipe, *command[1:], env=without_model_libraries)
    assert result.returncode == 2
    assert f"{recipe}: base.revision is missing; org/base must be read at a 40-hex commit" in result.stderr
    assert result.stderr.count("`humpback check --pin") == 3
    assert not (recipe.parent / "work").exists()


def test_a_build_from_python_refuses_a_branch_too(recipe, tmp_path):
    loaded = load_recipe(recipe)
    with pytest.raises(RecipeError, match=r"base\.revision is missing"):
        run_build(loaded, Workspace(tmp_path / "work", loaded.runtime))


def test_pin_writes_commits_in_and_leaves_everything_else_as_it_was(recipe, full_hub):
    recipe.chmod(0o640)
    result = humpback("check", recipe, "--pin", env=full_hub.open | {"HF_TOKEN": TOKEN})
    assert result.returncode == 0, result.stderr
    assert recipe.read_text() == PINNED
    assert stat.S_IMODE(recipe.stat().st_mode) == 0o640
    assert f"{recipe}: seed.sources.2.revision: v2 is now {A}" in result.stdout
    assert "fine: mine" in result.stdout
    assert asked(full_hub) == [
        "GET /api/models/org/base/revision/main",
        "GET /api/datasets/org/pairs/revision/main",
        "GET /api/datasets/org/trees/revision/v2",
    ]
    assert f"Bearer {TOKEN}" in full_hub.tokens
    assert TOKEN not in result.stdout + result.stderr
    full_hub.requests.clear()
    again = humpback("check", recipe, "--pin", "--json", env=full_hub.open)
    said = json.loads(again.stdout)
    assert (said["recipe"], said["name"], said["ok"], said["pinned"]) == (str(recipe), "mine", True, [])
    assert [note for note in said["notes"] if "gated" in note or str(recipe) in note] == []
    assert said["unchecked"][:2] == [
        "TRL is not installed: its keys were not checked",
        "transformers is not installed: chat templates were not tried",
    ]
    assert asked(full_hub) == []
    assert humpback("plan", recipe).returncode == 0


def test_pin_as_json_names_what_was_pinned(recipe, full_hub):
    full_hub.repository("org/base", "models").gated = "manual"
    result = humpback("check", recipe.parent, "--pin", "--json", env=full_hub.open)
    said = answered("check", json.loads(result.stdout))
    gated = [note for note in said["notes"] if "gated" in note or str(recipe) in note]
    assert gated == ["org/base is gated; accept its terms on its page and log in before a build"]
    assert said["pinned"][2] == {"key": "seed.sources.2.revision", "repository": "org/trees", "ref": "v2", "commit": A}
    assert recipe.read_text() == PINNED


def test_overrides_are_checked_and_never_written(recipe, full_hub):
    result = humpback("check", recipe, "--pin", "--set", "base.model=org/other", env=full_hub.open)
    assert result.returncode == 0, result.stderr
    assert recipe.read_text() == PINNED


@pytest.mark.parametrize(
    ("break_it", "code", "message"),
    [
        (
            lambda hub: hub.hub.repositories.pop(("models", "org/base")),
            2,
            "the model org/base is not on the Hub, or private",
        ),
        (
            lambda hub: setattr(hub.repository("org/pairs"), "private", True),
            2,
            "the dataset org/pairs is not on the Hub, or",
        ),
        (lambda hub: hub.repository("org/trees").tags.pop("v2"), 2, "org/trees has no branch, tag or commit 'v2'"),
        (lambda hub: hub.faults.append(GATED), 1, "org/pairs is gated; accept its terms on its page"),
        (lambda hub: hub.faults.append(Fault(503, times=99)), 1, "the Hub answers 503; try again later"),
        (lambda hub: hub.open.update(HF_ENDPOINT="http://127.0.0.1:9"), 1, "the Hub does not answer; check"),
        (lambda hub: hub.open.update(HF_HUB_OFFLINE="1"), 1, "while HF_HUB_OFFLINE is set; unset it"),
    ],
)
def test_if_one_commit_cannot_be_found_nothing_is_written(recipe, full_hub, break_it, code, message):
    break_it(full_hub)
    result = humpback("check", recipe, "--pin", env=full_hub.open)
    assert (result.returncode, result.stdout) == (code, "")
    assert message in result.stderr
    assert "nothing was written" in result.stderr
    assert "Traceback" not in result.stderr
    assert TOKEN not in result.stderr
    assert recipe.read_text() == RECIPE


def test_a_name_that_cannot_be_a_repository_is_refused(recipe, full_hub):
    recipe.write_text(RECIPE.replace("org/base", "org/base/model"))
    result = humpback("check", recipe, "--pin", env=full_hub.open)
    assert result.returncode == 2
    assert "base.model is 'org/base/model'; it is no name of a repository; write it as owner/name" in result.stderr


@pytest.mark.parametrize(
    ("text", "edited"),
    [
        ("base: {model: a/b}", f"base: {{model: a/b, revision: {A}}}  # main"),
        ("base: {model: a/b, revision: main}\n", f"base: {{model: a/b, revision: {A}}}  # main\n"),
        ('{"base": {"model": "a/b"}}\n', f'{{"base": {{"model": "a/b", revision: {A}}}}}  # main\n'),
        ("base: {revision: ,\n  model: a/b}\n", f"base: {{revision: {A} ,  # main\n  model: a/b}}\n"),
        ("base:\n  revision:\n  model: a/b\n", f"base:\n  revision: {A}  # main\n  model: a/b\n"),
        ("base:\n  revision: ~ # none\n  model: a/b\n", f"base:\n  revision: {A} # none  # main\n  model: a/b\n"),
        ("base:\n  model: a/b\n\n\nx: 1\n", f"base:\n  model: a/b\n  revision: {A}  # main\n\n\nx: 1\n"),
        ("base:\r\n  model: a/b\r\nx: 1\r\n", f"base:\r\n  model: a/b\r\n  revision: {A}  # main\r\nx: 1\r\n"),
        ("base:\n  model: 'a/b'", f"base:\n  model: 'a/b'\n  revision: {A}  # main"),
        ("a: &b {model: a/b}\nbase: *b\n", f"a: &b {{model: a/b, revision: {A}}}  # main\nbase: *b\n"),
        ("base: {t: 'x\n y', model: a/b, u: 'x\n y'}", f"base: {{t: 'x\n y', model: a/b, revision: {A}, u: 'x\n y'}}"),
        ("\ufeffbase:\n  model: a/b # 😀\n", f"\ufeffbase:\n  model: a/b # 😀\n  revision: {A}  # main\n"),
    ],
)
def test_a_revision_is_written_in_every_style(text, edited):
    assert write_revisions(text, {("base",): (A, "main")}, "build.yaml") == edited


@pytest.mark.parametrize(
    "text",
    [
        "hub: &h {model: a/b}\nbase:\n  <<: *h\n",
        "base: &b\n  ? model\n  : a/b\n",
    ],
)
def test_what_cannot_be_edited_safely_is_left_to_the_user(text):
    with pytest.raises(RecipeError, match=f"cannot be edited in place; write in yourself: base.revision: {A}"):
        write_revisions(text, {("base",): (A, "main")}, "build.yaml")


WORDS = st.text("ab/ #:'\"{}[],&*-é😀", max_size=12)
SOURCES = st.lists(
    st.fixed_dictionaries({"dataset": WORDS, "name": WORDS}, optional={"revision": WORDS | st.none()}),
    min_size=1,
    max_size=4,
)


@given(SOURCES, st.booleans(), st.data())
def test_only_revisions_change_whatever_stands_beside_them(sources, flow, data):
    text = yaml.safe_dump({"sources": sources, "z": 1}, default_flow_style=flow, allow_unicode=True, sort_keys=False)
    chosen = data.draw(st.sets(st.integers(0, len(sources) - 1), min_size=1))
    edited = write_revisions(text, {("sources", number): (B, "main") for number in chosen}, "build.yaml")
    expected = [{**source, "revision": B} if n in chosen else source for n, source in enumerate(sources)]
    assert yaml.safe_load(edited) == {"sources": expected, "z": 1}


def test_a_licence_the_hub_does_not_know_is_noted(recipe, full_hub):
    assert humpback("check", recipe, "--pin", env=full_hub.open).returncode == 0
    licences = ("--set", "base.license=Apache 2.0", "--set", "release.license=mine-own")
    result = humpback("check", recipe, *licences, env=full_hub.open)
    assert result.returncode == 0, result.stderr
    assert "note: base.license is 'Apache 2.0', not one of the Hub's licence identifiers; did you mean apache-2.0?" in (
        result.stdout
    )
    assert "note: release.license is 'mine-own'" in result.stdout
