"""What the templates of the cards are given: every figure is computed, every name is the recipe's."""

from pathlib import Path
from typing import Any

from builder.data.resources import __version__
from builder.recipe.licences import licence_entries
from builder.recipe.sections.judges import Rated
from builder.recipe.sections.models import Loaded
from builder.results.release.cards import method
from builder.results.release.cards.card import config_entries, render_card, size_category
from builder.results.release.content.material import Material
from builder.results.release.content.numbers import (
    domains,
    funnel,
    judge_quality,
    languages,
    licences,
    masked,
    page_licences,
    refusals,
    samples,
    score_summary,
    secrets,
    text_statistics,
    unseen,
)
from builder.results.release.content.parquet import Config
from builder.results.release.content.provenance import seed_sources
from builder.results.release.content.tables import DEFAULT_CONFIG
from builder.results.release.facts.about import read_about
from builder.results.release.facts.citation import bibtex
from builder.results.release.facts.examples import SHORT, example_pairs
from builder.results.release.facts.local_base import local_base

AUGMENTATION = "Self-augmentation, the user turn"


def dataset_card(material: Material, configs: list[Config], history: list[dict[str, Any]]) -> str:
    """The dataset's README.md.

    Args:
        material: What the release is made of.
        configs: The configs as written.
        history: What `manifest.history` says of this version and of those before it.
    """
    recipe = material.recipe
    writer = named(recipe.augment.model)
    values = {
        "material": material,
        "configs": configs,
        "rows": {config.name: config.rows for config in configs},
        "default": DEFAULT_CONFIG,
        "licences": licences(material),
        "pages": page_licences(material),
        "languages": languages(material),
        "funnel": funnel(material),
        "statistics": text_statistics(material),
        "scores": score_summary(material),
        "samples": samples(configs),
        "examples": example_pairs(recipe.curate, recipe.iterations, configs),
        "short": SHORT,
        "prompts": prompts(material),
        "history": history,
        "masked": masked(material),
        "unseen": unseen(material),
        "secrets": secrets(material),
        "domains": domains(material),
        "refusals": refusals(material),
        "quality": judge_quality(material),
        "tool": __version__,
        "place": place(material),
        "seeds": seed_sources(material.build),
        "own_judge": material.judged_by is not None,
        "writer": writer,
        "method": {
            "cutting": method.cutting(material),
            "writing": method.writing(material, writer),
            "selecting": method.selecting(material),
            "score": method.score_meaning(recipe.curate),
            "unchecked": method.unchecked(recipe.release.labels is not None),
            "scores": method.limit_of_scores(recipe.curate),
            "origin": method.origin(domains(material)),
        },
        "judges": [entry | {"model": named(entry["model"])} for entry in method.judged(material)],
        "local_base": local_base(recipe.base.path) if recipe.base.path else None,
        "about": read_about(recipe.release.about) if recipe.release.about else [],
        "citation": bibtex(material),
    }
    return render_card("dataset.md.jinja", _front_matter(material, configs), values)


def place(material: Material) -> str:
    """What stands before the name of a file in an example: the repository at the tag, or nothing in its folder."""
    repository = material.recipe.release.dataset
    return f"hf://datasets/{repository}@{material.tag}/" if repository else ""


def named(other: Loaded | None) -> str | None:
    """A model that the build has not trained, as a card names it; None for none."""
    if other is None:
        return None
    if other.served_name is not None:
        return f"the model that a server calls `{other.served_name}`"
    return f"`{other.model}` at `{other.revision}`" if other.model else f"`{Path(other.location).name}`"


def _front_matter(material: Material, configs: list[Config]) -> dict[str, Any]:
    release = material.recipe.release
    sources = [source.dataset for source in material.recipe.seed.sources if source.dataset]
    return {
        **licence_entries(release),
        "language": material.languages,
        "pretty_name": release.title,
        "size_categories": [size_category(sum(config.rows for config in configs))],
        "task_categories": ["text-generation"],
        "annotations_creators": ["machine-generated"],
        "language_creators": ["found", "machine-generated"],
        **({"source_datasets": sources} if sources else {}),
        "tags": ["synthetic", "instruction-backtranslation", "sft"],
        **config_entries(configs),
    }


def prompts(material: Material, *, own: bool = False) -> dict[str, str]:
    """Texts of the prompts that the build used, by what they are for.

    Args:
        material: What the release is made of.
        own: Leave out what other models than those of the build were asked.
    """
    from builder.data.resources import template_path

    augment, judges = material.recipe.augment, material.recipe.score
    paths = {} if own and augment.model else {AUGMENTATION: template_path(augment.template)}
    for judge in judges:
        if isinstance(judge, Rated) and not (own and judge.model):
            paths[f"Self-curation, judge {judge.judge}"] = template_path(judge.rubric)
    return {name: path.read_text(encoding="utf-8").rstrip("\n") for name, path in paths.items()}
