"""Names that attack: whatever a recipe calls a model, a licence or a source, nothing of it is markup in a card."""

import json
import re
from pathlib import Path

import pytest
import yaml
from markdown_it import MarkdownIt
from support.release_build import FakeBuild

from builder.build import Build
from builder.results.release.cards.card import inert
from builder.results.release.cards.croissant import write_croissant
from builder.results.release.cards.values import dataset_card
from builder.results.release.content.material import Material
from builder.results.release.content.parquet import write_config
from builder.results.release.content.tables import configs
from builder.workspace.console import describe_counts

EVIL = {
    "html": "<img src=x onerror=alert(1)><script>x</script>",
    "link": "[win](https://evil.example) ![x](https://evil.example/x.png)",
    "code": "a` [win](https://evil.example) `b",
    "lines": "a\n\n# Evil\n\n---\n- x: y\n| a | b |",
    "cell": "a | b || <b>c</b>",
    "jinja": "{{ 7*7 }}{% raw %}<b>",
    "yaml": 'x"\nlicense: mit\n---\n# Evil',
    "bidi": "mit\u202egnp\x1b]0;x\x07<b>",
}


def rendered(markdown: str) -> tuple[str, str]:
    """HTML of a card's body, and its front matter."""
    _, front, body = re.split(r"^---\n", markdown, maxsplit=2, flags=re.MULTILINE)
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(body), front


@pytest.mark.parametrize("kind", EVIL)
def test_no_name_of_a_recipe_is_markup_in_the_card(tmp_path: Path, kind: str) -> None:
    evil, made = EVIL[kind], FakeBuild(tmp_path / "b", title="A title", license="other")
    recipe = made.build.recipe
    base = recipe.base.model_copy(
        update={
            "model": evil,
            "revision": "0" * 40,
            "path": None,
            "license": evil,
            "license_name": evil,
            "license_link": evil,
        }
    )
    release = recipe.release.model_copy(
        update={"title": evil, "license_name": evil, "license_link": f"javascript:{evil}", "contact": evil}
    )
    sources = [source.model_copy(update={"name": source.name, "license": evil}) for source in recipe.seed.sources]
    seed = recipe.seed.model_copy(update={"sources": sources})
    segments = recipe.segments.model_copy(update={"languages": [evil]})
    changed = recipe.model_copy(update={"base": base, "release": release, "seed": seed, "segments": segments})

    material = Material(Build(changed, made.build.artifacts), "1.0.0")
    written = [write_config(tmp_path, name, tables) for name, tables in configs(material)]
    card = dataset_card(material, written, [])
    body, front = rendered(card)
    tags = (
        "<img src=x",
        "<script",
        "<b>",
        'href="https://evil',
        'example/x.png"',
        "<h1>Evil",
        'href="javascript:',
    )
    for markup in tags:
        assert markup not in body
    assert not set("\u202e\x1b\x07") & set(card)
    assert yaml.safe_load(front)["pretty_name"] == evil

    write_croissant(tmp_path, material, written)
    description = (tmp_path / "croissant.json").read_text(encoding="utf-8")
    assert description.isascii()
    assert not set("<\x1b\x07") & set(description)
    assert json.loads(description)["name"] == evil


def test_what_a_template_prints_is_left_alone_where_it_is_no_markup() -> None:
    for text in ("org/name-1.5_b", "`a`, `b`", "{x}", "", "https://example.org/a?b=c", 'a "b" (c)'):
        assert inert(text) == text
    assert inert(5) == 5
    assert inert("<b>") == r"\<b\>"


def test_a_reason_with_a_name_of_others_drives_no_terminal() -> None:
    counts = {"pairs": {"in": 2, "kept": 1, "dropped": {"contaminated:\x1b[2J": 1}, "failed": {}}}
    assert describe_counts(counts) == "1 pair of 2 (contaminated:␛[2J 1)"
