"""A stand-off release of two texts, made by hand in a moment, with the pages they come from."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from builder.data.records import candidate_schema
from builder.data.storage import write_json, write_text
from builder.method.corpus.cutting.restore import Masks, page_blocks, restore
from builder.method.corpus.cutting.walk import WALK_VERSION
from builder.method.corpus.reading.readers import Shard, list_inputs, read_pages
from builder.recipe.sections.corpus import CorpusSource
from builder.results.release.cards.card import config_entries, front_matter_text
from builder.results.release.content.columns import spool
from builder.results.release.content.parquet import Config, Rows, write_config
from builder.results.release.content.places import stand_off_schema
from builder.results.release.content.trained import conversation_schema
from builder.results.release.folder import released_recipe
from builder.results.release.manifest import describe_files
from support.release_build import recipe_of

PAGE = (
    "<html><body><main><h1>Page {0}</h1><p>{0} A text of some words that stands on this page.</p></main></body></html>"
)
PAGES = 2


def write_standoff(root: Path) -> Path:
    """Write `root/release/dataset` and `root/crawl`; give the release."""
    dataset, crawl = root / "release" / "dataset", root / "crawl"
    for number in range(PAGES):
        write_text(crawl / f"{number}.html", PAGE.format(number))
    places = [_place(crawl, number) for number in range(PAGES)]
    with TemporaryDirectory() as scratch:
        written = [write_config(dataset, name, rows) for name, rows in _tables(places, Path(scratch)).items()]
    recipe = recipe_of(root, 0.0).model_dump()
    recipe |= {"segments": {"sources": [{"path": crawl, "format": "html", "redistributable": False}]}}
    recipe["release"]["text"] = "standoff"
    write_text(
        dataset / "build.yaml", yaml.safe_dump(released_recipe(type(recipe_of(root, 0.0)).model_validate(recipe)))
    )
    training = {
        "model_name_or_path": "owner/base",
        "model_revision": "0a" * 20,
        "chat_template_path": "training/chat_template.jinja",
        "datasets": [{"path": "parquet", "data_files": "sft/train-*.parquet", "split": "train"}],
        "learning_rate": 1.0e-3,
        "lr_scheduler_kwargs": {"min_lr": 0.1},
        "eos_token": "<|im_end|>",
        "report_to": "none",
        "trust_remote_code": False,
        "output_dir": "tiny-1.0.0",
    }
    opening = "# The model was trained with 32 rows a step: as the build did.\n"
    write_text(dataset / "training" / "sft.yaml", opening + yaml.safe_dump(training))
    write_text(dataset / "training" / "chat_template.jinja", "{{ messages[0]['content'] }}")
    write_text(dataset / "README.md", _card(written))
    sign(dataset, own=_own())
    return root / "release"


def sign(dataset: Path, own: dict[str, Any]) -> None:
    """Write the manifest, with the digests of the files as they are."""
    write_json(dataset / "manifest.json", own | {"files": describe_files(dataset)})


def _place(crawl: Path, number: int) -> dict[str, Any]:
    source = CorpusSource.model_validate({"path": crawl, "format": "html"})
    pages = read_pages(list_inputs([source]), Shard())
    page = next(page for page in pages if page.source_file.endswith(f"{number}.html"))
    blocks = page_blocks(page)
    kept = [place for place, block in enumerate(blocks) if block.kind != "heading"]
    text = next(restore(blocks, 0, kept, Masks(True, False))).text
    return {
        "page_id": page.page_id, "segment_id": f"{number}" * 32, "source_file": page.source_file,
        "record_offset": -1, "position": 0, "kept_blocks": kept, "walk": WALK_VERSION,
        "payload_digest": page.payload_digest, "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "text_chars": len(text),
    }  # fmt: skip


def _tables(places: list[dict[str, Any]], scratch: Path) -> dict[str, Rows]:
    schema = stand_off_schema(conversation_schema())
    prompt = [{"role": "system", "content": "Answer."}, {"role": "user", "content": "What?"}]
    web = [{**place, "id": f"{place['segment_id']}-0", "prompt": prompt, "source": "web"} for place in places]
    said = [{"role": "assistant", "content": "That."}]
    person = {"id": "ab" * 16, "prompt": prompt, "source": "people", "license": "apache-2.0"}
    candidates = [{**row, "instruction": "What?", "split": "train"} for row in web]
    tables: dict[str, tuple[list[dict[str, Any]], Any]] = {
        "curated": (web, schema),
        "seed": ([{**person, "completion": said}], conversation_schema()),
        "sft": ([person, *web], schema),
        "augmented": (candidates, stand_off_schema(candidate_schema())),
    }
    return {name: Rows.of_spools({"train": spool(scratch / name, *table)}) for name, table in tables.items()}


def _card(written: list[Config]) -> str:
    front = {"license": "odc-by", "language": ["en"], "pretty_name": "Tiny | *web*", "tags": ["sft"]}
    return f"---\n{front_matter_text({**front, **config_entries(written)})}---\n\n# Tiny\n"


def _own() -> dict[str, Any]:
    return {
        "schema_version": 1, "name": "tiny", "version": "1.0.0", "tool": {"version": "0.1.0"},
        "kind": "dataset", "text": "standoff", "redistributable": False, "walk": WALK_VERSION, "mask_pii": True,
        "on_control_tokens": "reject", "sft": {"rows": "0" * 64},
    }  # fmt: skip
