"""What of a recipe needs consent: found by the types of its keys, so that a new one cannot be forgotten."""

import json
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from builder.cli.init import copy_recipe
from builder.data.resources import resource_folder
from builder.recipe.recipe import Recipe, load_recipe
from builder.recipe.sections.section import Asks, InputPath, OnHub
from builder.recipe.trust import needs_of, recipe_file, recipe_needs

# Texts that stand in rows, cards and reports, and names of columns, languages and licences: nothing is opened, run or
# asked by them. A key that is not here, and is not marked, fails the test below.
TEXT = {
    "Recipe": {"name"},
    "Base": {"license", "license_link", "license_name", "revision"},
    "Chat": {"date", "system_backward", "system_seed", "system_web"},
    "Seed": {"language"},
    "SeedSource": {"input", "instruction", "license", "name", "output", "revision", "split"},
    "Segments": {"languages"},
    "KnownSet": {"column", "config", "name", "revision", "split"},
    "CorpusSource": {"about", "base_url", "html", "id", "language", "license", "name", "url"},
    "Engine": {"quantization"},
    "Loaded": {"revision"},
    "Other": {"revision", "served"},
    "Decontaminate": {"column"},
    "Release": {
        "authors", "contact", "dataset", "date", "doi", "language",
        "license", "license_link", "license_name", "models", "repositories", "title",
    },
    "Slurm": {"cpu_partition", "partition", "qos", "time"},
}  # fmt: skip
KINDS = (Asks, InputPath, OnHub)
VALUES = {"sbatch_args": {"account": "theirs"}}


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in typing.get_args(annotation):
        yield from models_in(part)


def sections(model: type[BaseModel] = Recipe) -> set[type[BaseModel]]:
    found, left = set(), [model]
    while left:
        if (here := left.pop()) not in found:
            found.add(here)
            left += [below for field in here.model_fields.values() for below in models_in(field.annotation)]
    return found


def types_in(annotation: Any) -> set[type]:
    if typing.get_origin(annotation) is typing.Literal:
        return set()
    if hasattr(annotation, "__metadata__"):
        return types_in(annotation.__origin__)
    parts = typing.get_args(annotation)
    return set().union(*map(types_in, parts)) if parts else {annotation}


def marks_of(field: FieldInfo) -> list[Any]:
    def below(annotation: Any) -> Iterator[Any]:
        for part in typing.get_args(annotation):
            yield from getattr(part, "__metadata__", ())
            yield from below(part)

    return [*field.metadata, *below(field.annotation)]


HARMLESS = {int, float, bool, type(None), *sections()}
FIELDS = sorted(
    (section.__name__, name, section)
    for section in sections()
    for name, field in section.model_fields.items()
    if not types_in(field.annotation) <= HARMLESS
)


@pytest.mark.parametrize(("section", "name", "model"), FIELDS, ids=[f"{section}.{name}" for section, name, _ in FIELDS])
def test_every_key_that_can_name_something_needs_consent_or_is_known_to_be_text(
    tmp_path: Path, section: str, name: str, model: type[BaseModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    field = model.model_fields[name]
    marked = [mark for mark in marks_of(field) if isinstance(mark, KINDS)]
    assert bool(marked) or Path in types_in(field.annotation) or name in TEXT.get(section, set()), "say what it may do"
    if name in TEXT.get(section, set()):
        assert not marked
        return
    outside = Path("/etc/passwd") if Path in types_in(field.annotation) else "elsewhere"
    value = VALUES.get(name, outside)
    if isinstance(field.default, list) or typing.get_origin(field.annotation) is list:
        value = [value]
    folder = tmp_path / "recipe"
    assert len(list(needs_of(model.model_construct(**{name: value}), folder))) == 1
    if isinstance(value, Path):
        assert not list(needs_of(model.model_construct(**{name: folder / "file"}), folder))


def theirs(folder: Path, **settings: Any) -> Path:
    """The quickstart's recipe as a stranger's, with keys changed."""
    copy_recipe(folder)
    for name in ("base", "corpus/pages", "corpus/warc", "seed"):
        (folder / name).mkdir(parents=True)
    (folder / "seed" / "pairs.jsonl").touch()
    values = yaml.safe_load((folder / "build.yaml").read_text())
    for key, value in settings.items():
        *parents, last = key.split("__")
        place = values
        for part in parents:
            place = place.setdefault(part, {}) if isinstance(place, dict) else place[int(part)]
        place[last] = value
    (folder / "build.yaml").write_text(yaml.safe_dump(values))
    return folder


def needs(folder: Path, *overrides: str, work_dir: Path | None = None) -> list[tuple[str, str]]:
    found = recipe_needs(load_recipe(folder, overrides), folder, overrides, work_dir=work_dir)
    return [(need.key, need.value) for need in found]


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"runtime__launcher": "touch stolen"}, "runtime.launcher"),
        ({"runtime__endpoint": "http://theirs.example/v1"}, "runtime.endpoint"),
        ({"runtime__work_dir": "../elsewhere"}, "runtime.work_dir"),
        ({"runtime__work_dir": "/"}, "runtime.work_dir"),
        ({"base__path": "/etc"}, "base.path"),
        ({"base__path": "base/../../elsewhere"}, "base.path"),
        ({"chat__template": "/etc/passwd"}, "chat.template"),
        ({"training__forward": "/etc/passwd"}, "training.forward"),
        ({"augment__template": "/etc/passwd"}, "augment.template"),
        ({"segments__navigation_headers": "/etc/passwd"}, "segments.navigation_headers"),
        ({"segments__phrases": "/etc/passwd"}, "segments.phrases"),
        ({"decontaminate": {"prompts": ["/etc/passwd"]}}, "decontaminate.prompts.0"),
        ({"segments__sources": [{"path": "file:///etc", "format": "html"}]}, "segments.sources.0.path"),
        ({"segments__sources": [{"path": "s3://yours/pages", "format": "warc"}]}, "segments.sources.0.path"),
        ({"release__labels": "/etc/passwd"}, "release.labels"),
        ({"score": [{"judge": "likelihood"}, {"judge": "expected", "rubric": "/etc/passwd"}]}, "score.1.rubric"),
        ({"runtime__slurm": {"partition": "a", "time": "1", "env_command": "id"}}, "runtime.slurm.env_command"),
        (
            {"runtime__slurm": {"partition": "a", "time": "1", "sbatch_args": {"output": "/home/me/.bashrc"}}},
            "runtime.slurm.sbatch_args.output",
        ),
    ],
)
def test_what_runs_sends_or_leaves_the_folder_needs_consent(tmp_path: Path, settings: dict[str, Any], key: str) -> None:
    assert [found for found, _ in needs(theirs(tmp_path / "theirs", **settings))] == [key]


@pytest.mark.parametrize(
    ("link", "key"),
    [
        ("corpus/pages/more", "segments.sources.1.path"),
        ("seed/pairs.jsonl", "seed.sources.0.path"),
        ("sft_forward.yaml", "training.forward"),
        ("work", "work"),
        ("work/seed-0123456789ab", "work"),
        ("releases", "releases"),
        ("build.yaml", "build.yaml"),
    ],
)
def test_a_link_that_leads_out_of_the_folder_counts_as_outside(tmp_path: Path, link: str, key: str) -> None:
    folder, outside = theirs(tmp_path / "theirs"), tmp_path / "outside"
    place = folder / link
    place.parent.mkdir(exist_ok=True)
    place.rename(outside) if place.exists() else outside.mkdir()
    place.symlink_to(outside)
    assert key in {found for found, _ in needs(folder)}


def test_links_within_the_folder_need_nothing_and_may_lead_round_in_a_circle(tmp_path: Path) -> None:
    folder = theirs(tmp_path / "theirs")
    (folder / "corpus" / "pages" / "again").symlink_to(folder / "corpus")
    assert needs(folder) == []
    (tmp_path / "linked").symlink_to(folder)
    assert needs(tmp_path / "linked") == []


@pytest.mark.parametrize(
    "file", sorted(resource_folder("recipes").glob("*/build.yaml")), ids=lambda file: file.parent.name
)
def test_recipes_of_the_package_need_nothing(file: Path) -> None:
    assert needs(file) == []


@pytest.mark.parametrize(
    ("launcher", "known"),
    [
        ("accelerate launch --config_file recipes/accelerate/fsdp2.yaml", True),
        ("accelerate launch --config_file recipes/accelerate/ddp.yaml --num_processes 8", True),
        ("accelerate launch --config_file recipes/accelerate/theirs.yaml", False),
        ("accelerate launch --config_file ./recipes/accelerate/ddp.yaml", False),
        ("accelerate launch --config_file recipes/accelerate/../../ddp.yaml", False),
        ("accelerate launch --config_file recipes/accelerate/ddp.yaml --num_processes 8 -m theirs", False),
        ("accelerate launch --config_file recipes/accelerate/ddp.yaml\n", False),
        ("./accelerate launch --config_file recipes/accelerate/ddp.yaml", False),
        ("accelerate launch", False),
        (" ", False),
    ],
)
def test_of_launchers_only_those_of_the_packages_recipes_are_known(tmp_path: Path, launcher: str, known: bool) -> None:
    assert bool(needs(theirs(tmp_path / "theirs", runtime__launcher=launcher))) is not known


def test_what_the_command_line_says_needs_no_consent(tmp_path: Path) -> None:
    folder = theirs(tmp_path / "theirs", runtime__launcher="theirs", runtime__work_dir="/", segments__mode="fast")
    all_of_it = [("runtime.work_dir", "/"), ("runtime.launcher", "theirs")]
    assert needs(folder) == all_of_it
    assert needs(folder, "runtime.launcher=mine") == all_of_it[:1]
    assert needs(folder, "segments.sources.0.path=/etc", work_dir=Path("/")) == all_of_it[1:]
    assert needs(folder, "segments.sources.0.format=html") == all_of_it
    assert needs(folder, "runtime={launcher: mine}") == []


def test_a_folder_here_that_has_the_name_of_a_repository_needs_consent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = theirs(tmp_path / "theirs", base={"model": "mine/model", "revision": "0" * 40, "license": "mit"})
    monkeypatch.chdir(tmp_path)
    assert needs(folder) == []
    (tmp_path / "mine" / "model").mkdir(parents=True)
    assert needs(folder) == [("base.model", "mine/model")]


def test_a_consent_is_bound_to_the_recipe_its_values_and_the_files_that_a_command_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = theirs(tmp_path / "theirs", runtime__launcher="bash run.sh")
    monkeypatch.chdir(folder)

    def digests() -> set[str]:
        return {need.digest(recipe_file(folder)) for need in recipe_needs(load_recipe(folder), folder)}

    (folder / "run.sh").write_text("train\n")
    first = digests()
    assert len(first) == 1
    theirs_too = theirs(tmp_path / "copy", runtime__launcher="bash run.sh")
    (need,) = recipe_needs(load_recipe(theirs_too), theirs_too)
    assert need.digest(recipe_file(theirs_too)) not in first
    values = yaml.safe_load((folder / "build.yaml").read_text())
    (folder / "build.yaml").write_text(yaml.safe_dump({**values, "curate": {**values["curate"], "share": 0.5}}))
    assert digests() == first
    (folder / "run.sh").write_text("touch stolen\n")
    assert digests().isdisjoint(first)


def test_a_value_is_shown_on_one_line_with_its_length(tmp_path: Path) -> None:
    folder = theirs(tmp_path / "theirs", runtime__launcher="true\n" + " " * 10_000 + "touch stolen")
    (need,) = recipe_needs(load_recipe(folder), folder)
    assert "\n" not in str(need)
    assert "and 6,017 more characters" in str(need)


@pytest.mark.parametrize(
    ("base", "asks"), [("../outside", True), ("theirs/base", False), ("org/name", False), (7, False)]
)
def test_the_base_of_an_adapter_counts_as_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: object, asks: bool
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "outside").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    folder = tmp_path / "here" / "theirs"
    for name in ("base", "adapter"):
        (folder / name).mkdir(parents=True)
    (folder / "adapter" / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    needs = list(needs_of(folder / "adapter", folder, "augment.model.path"))
    assert [need.key for need in needs] == ["augment.model.path"] * asks
    assert all(str(tmp_path / "outside") in need.why and need.looks for need in needs)


def test_a_link_is_named_where_there_is_one_and_not_where_a_path_leads_out_by_itself(tmp_path: Path) -> None:
    (folder := tmp_path / "theirs").mkdir()
    (tmp_path / "mine").mkdir()
    (folder / "link").symlink_to(tmp_path / "mine")
    (plain,) = needs_of(folder / ".." / "mine" / "pages", folder, "segments.sources.0.path")
    assert plain.why == "it is outside the recipe's folder and is read"
    for through in ("link", "link/../mine"):
        (linked,) = needs_of(folder / through, folder, "segments.sources.0.path")
        assert linked.why == f"{plain.why}, through a link to {tmp_path / 'mine'}"
