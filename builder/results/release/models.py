"""`models/<name>/`: each trained model as its own Hub repository, and a local base beside them."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from builder.data.accounting import Counts
from builder.data.paths import inside
from builder.data.storage import count_rows, parquet_files, read_json, write_text
from builder.errors import ReleaseError
from builder.llm.adapters import CONFIG_FILE, WEIGHTS_FILE, merge_adapter
from builder.llm.contract import load_contract
from builder.recipe.licences import licence_entries
from builder.results.evaluate.handover.lm_eval import DATASETS, RESULTS, eval_results
from builder.results.release.cards.card import front_matter_text, render_card
from builder.results.release.cards.values import AUGMENTATION, prompts
from builder.results.release.content.material import BASE, Material
from builder.results.release.content.numbers import refusals
from builder.results.release.content.trained import training_digest
from builder.results.release.content.training import hyperparameters
from builder.results.release.facts.local_base import local_base
from builder.results.release.facts.measured import Results, compared, figures_of, read_results
from builder.results.release.manifest import write_manifest
from builder.results.release.portable.model_files import in_words, libraries_of, write_for_both
from builder.workspace.stage_names import BACKWARD
from builder.workspace.workspace import Artifact

MODEL_FILES = frozenset({
    "config.json", "generation_config.json", "model.safetensors.index.json", "adapter_config.json",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.json",
    "vocab.txt", "merges.txt", "chat_template.jinja", "chat_contract.json",
})  # fmt: skip
MODEL_SUFFIXES = (".safetensors", ".model")
"""Weights and SentencePiece vocabularies; pickled weights and the state of a trainer are never released."""


def write_models(folder: Path, material: Material) -> None:
    """Write the folders of all released models, and of the base if it is on no Hub.

    Raises:
        ReleaseError: If a model folder has no safetensors weights, or is an adapter whose base nobody else has.
    """
    for name, artifact in material.models.items():
        write_weights(artifact.model, folder / name, merge=material.recipe.release.merge_adapters)
        libraries = libraries_of(folder / name)
        write_text(folder / name / "README.md", _card(name, artifact, material, libraries))
        for path, text in eval_results(_results(material).get(name, {})).items():
            write_text(folder / name / path, text)
        own: dict[str, Any] = {"stage": {"name": artifact.stage, "fingerprint": artifact.fingerprint}}
        own["libraries"] = libraries
        own["rows"] = material.trained.digest if artifact == material.build.final else training_digest(artifact)
        write_manifest(folder / name, material.recipe, material.version, kind="model", **own)
    if material.recipe.base.path:
        copy_model(material.recipe.base.path, folder / BASE)
        write_text(folder / BASE / "README.md", _base_card(material, material.recipe.base.path))
        libraries = libraries_of(folder / BASE)
        write_manifest(folder / BASE, material.recipe, material.version, kind="base", libraries=libraries)


def write_weights(model: Path, target: Path, *, merge: bool) -> None:
    """Copy a model, or an adapter as it is or merged into its base.

    Args:
        model: The folder of the trained model.
        target: The folder to make.
        merge: Whether an adapter is merged.

    Raises:
        ReleaseError: If there are no safetensors weights, or an adapter is not merged whose base nobody else has.
    """
    if not (model / CONFIG_FILE).is_file():
        copy_model(model, target)
    elif merge:
        with tempfile.TemporaryDirectory(dir=model.parent) as scratch:
            merged = Path(scratch) / "merged"
            merge_adapter(model, merged)
            for file in model.iterdir():
                if file.name in MODEL_FILES - {CONFIG_FILE} and not (merged / file.name).exists():
                    shutil.copyfile(inside(model, file.name, str(model)), merged / file.name)
            copy_model(merged, target)
    elif Path(read_json(model / CONFIG_FILE)["base_model_name_or_path"]).is_dir():
        raise ReleaseError(
            f"{model}: is an adapter of a base that is a folder here, which nobody else has; set "
            "release.merge_adapters: true"
        )
    else:
        copy_model(model, target)


def is_model_file(name: str) -> bool:
    """Whether a file of this name is part of a model that is released."""
    return name in MODEL_FILES or (name.endswith(MODEL_SUFFIXES) and "/" not in name)


def is_result_file(name: str) -> bool:
    """Whether a file of this name in a model repository is a result of an evaluation."""
    folder, _, file = name.partition("/")
    return folder == RESULTS and file.removesuffix(".yaml") in DATASETS and file.endswith(".yaml")


def copy_model(source: Path, target: Path) -> None:
    """Copy weights, configuration and tokenizer of a model folder, and nothing else that lies there.

    Both versions of transformers then read the settings; see `builder.results.release.portable.model_files`.

    Raises:
        ReleaseError: If there are no safetensors weights.
        UnsafePath: If one of them is a link to a file elsewhere.
    """
    files = [inside(source, file.name, str(source)) for file in sorted(source.iterdir()) if is_model_file(file.name)]
    if not any(file.suffix == ".safetensors" for file in files):
        raise ReleaseError(f"{source}: has no .safetensors weights; only those are released, convert the model first")
    target.mkdir(parents=True)
    for file in files:
        # By content only: a weights file may have been written readable by its owner alone.
        shutil.copyfile(file, target / file.name)
    write_for_both(target)


def _card(name: str, artifact: Artifact, material: Material, libraries: dict[str, str]) -> str:
    recipe, release = material.recipe, material.recipe.release
    is_adapter = (artifact.model / WEIGHTS_FILE).is_file() and not release.merge_adapters
    front: dict[str, Any] = {
        **licence_entries(recipe.base),
        "language": material.languages,
        "library_name": "peft" if is_adapter else "transformers",
        "pipeline_tag": "text-generation",
        **({"base_model": recipe.base.model} if recipe.base.model else {}),
        **({"base_model_relation": "adapter"} if is_adapter else {}),
        **({"datasets": [release.dataset]} if release.dataset else {}),
        "tags": ["instruction-backtranslation", "sft"],
    }
    metrics = artifact.model / "training.json"
    values = {
        "name": name,
        "material": material,
        "iteration": "backward" if artifact.name == BACKWARD else str(artifact.name.iteration),
        "contract": load_contract(artifact.model),
        "rows": {path.stem: count_rows(path) for path in parquet_files(artifact.path / "rows")},
        "counts": {kind: Counts.from_dict(value) for kind, value in artifact.record["counts"].items()},
        "metrics": {"held_out": None, **(read_json(metrics) if metrics.is_file() else {})},
        "prompts": _prompts(artifact, material),
        "sampling": _sampling(artifact),
        "merged": (artifact.model / WEIGHTS_FILE).is_file() and release.merge_adapters,
        "refusals": refusals(material),
        "settings": front_matter_text(hyperparameters(artifact)),
        "libraries": in_words(libraries),
        "local_base": local_base(recipe.base.path) if recipe.base.path else None,
        "compared": compared(release.evaluation, name, artifact.fingerprint),
        "benchmarks": figures_of(_results(material).get(name, {})),
    }
    return render_card("model.md.jinja", front, values)


def _results(material: Material) -> Results:
    path = material.recipe.release.results
    return read_results(path) if path else {}


def _sampling(artifact: Artifact) -> dict[str, Any]:
    """How a model samples where nobody says how."""
    path = artifact.model / "generation_config.json"
    given = read_json(path) if path.is_file() else {}
    return {"do_sample": bool(given.get("do_sample")), **{key: given.get(key, 1.0) for key in ("temperature", "top_p")}}


def _prompts(artifact: Artifact, material: Material) -> dict[str, str]:
    """The prompts with which the build asked a model: M_yx to write, those before the last to judge."""
    if artifact.name == BACKWARD:
        return {use: text for use, text in prompts(material, own=True).items() if use == AUGMENTATION}
    if artifact.name == material.build.final.name:
        return {}
    return {use: text for use, text in prompts(material, own=True).items() if use != AUGMENTATION}


def _base_card(material: Material, base_folder: Path) -> str:
    base, about = material.recipe.base, local_base(base_folder)
    front = front_matter_text({**licence_entries(base), "library_name": "transformers"})
    return (
        f"---\n{front}---\n\n# Base model\n\nA copy of the base model that every training of this release starts "
        "from, with its weights and its vocabulary as they are. It is here because it is published nowhere else.\n\n"
        f"It is {about}.\n"
    )
