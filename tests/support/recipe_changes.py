"""For every field of the recipe: another value for it, and the stages that such a change reaches first."""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel

from builder.recipe.recipe import Recipe

GONE = object()
"""The value of a key that is taken out."""
Values = dict[str, Any]
Stages = frozenset[str]

JUDGES = ("likelihood", "expected", "verdict", "reasoned")
"""Those that score anew in every iteration; `reverse` asks M_yx, once."""
INPUTS: dict[str, tuple[str, ...]] = {
    "seed": (),
    "segments": (),
    "dedup": ("segments",),
    "model-backward": ("seed",),
    "augment": ("dedup", "model-backward"),
    "score-reverse": ("augment", "model-backward"),
    "seed-clean": ("seed",),
    "model-0": ("seed-clean",),
    **{f"score-1-{judge}": ("augment", "model-0") for judge in JUDGES},
    "curate-1": ("augment", "score-1-likelihood"),
    "model-1": ("seed-clean", "curate-1"),
    **{f"score-2-{judge}": ("augment", "model-1") for judge in JUDGES},
    "curate-2": ("augment", "score-2-likelihood", "curate-1"),
    "model-2": ("seed-clean", "curate-2"),
}
"""The stages of `write_small_recipe`, in order, and what each of them reads."""


def stages(*beginnings: str) -> Stages:
    """All stages whose names begin so."""
    return frozenset(stage for stage in INPUTS if beginnings and stage.startswith(beginnings))


def with_all_that_follows(first: Stages) -> Stages:
    """These stages and all that read from them."""
    reached = set(first)
    for stage, inputs in INPUTS.items():
        if reached & set(inputs):
            reached.add(stage)
    return frozenset(reached)


NOTHING = stages()
MODELS, SCORES, CURATES, FORWARD = (
    stages("model"),
    stages("score"),
    stages("curate"),
    stages("model-0", "model-1", "model-2"),
)
ENGINE = stages("augment", "score")
SEED = frozenset({"seed"})
CLEAN = frozenset({"seed-clean", "curate-1", "curate-2"})
EVERY_PROMPT = MODELS | ENGINE


def judged(name: str) -> Stages:
    """The scores of one judge."""
    return frozenset(stage for stage in INPUTS if stage.endswith(f"-{name}"))


@dataclass(frozen=True)
class Change:
    """Keys to set, the stages they reach first, and keys that must be set before so that they can be."""

    keys: Values
    first: Stages
    before: Values = field(default_factory=dict)


HUB_BASE = {"base.path": GONE, "base.model": "some/model", "base.revision": "0" * 40}
HUB_SEED = {"seed.sources.0.path": GONE, "seed.sources.0.dataset": "some/pairs", "seed.sources.0.revision": "0" * 40}


TABLE = {"segments.sources.0.path": "corpus/pages.jsonl", "segments.sources.0.format": "jsonl"}


def _one(place: str, value: Any, first: Stages, **before: Any) -> tuple[str, Change]:
    return place, Change({place: value}, first, {key.replace("__", "."): item for key, item in before.items()})


def _sampled(at: int, judge: str) -> Iterator[tuple[str, Change]]:
    """The keys that the judges `verdict` and `reasoned` share."""
    values = {"rubric": "own.jinja", "temperature": 0.1, "top_p": 0.5, "max_tokens": 9, "samples": 3, "seed": 7}
    for key, value in values.items():
        yield f"score.{judge}.{key}", Change({f"score.{at}.{key}": value}, judged(judge))
    yield f"score.{judge}.judge", Change({f"score.{at}": GONE}, NOTHING)


def _known() -> Iterator[tuple[str, Change]]:
    """The keys of a set that segments are held against."""
    here = {"dedup.against": [{"name": "old", "path": "seed/other.jsonl", "column": "output"}]}
    hub = {"dedup.against": [{"name": "old", "dataset": "some/pairs", "revision": "0" * 40}]}
    for key, value in {"name": "other", "path": "seed/pairs.jsonl", "column": "text"}.items():
        yield f"dedup.against.{key}", Change({f"dedup.against.0.{key}": value}, stages("dedup"), here)
    for key, value in {"dataset": "other/pairs", "revision": "1" * 40, "split": "test", "config": "augmented"}.items():
        yield f"dedup.against.{key}", Change({f"dedup.against.0.{key}": value}, stages("dedup"), hub)


def _slurm() -> Iterator[tuple[str, Change]]:
    before = {"runtime.slurm": {"partition": "gpu", "time": "1:00:00"}}
    values = {
        "partition": "cpu", "cpu_partition": "cpu",
        "time": "2:00:00", "cpus_per_task": 7, "mem_per_cpu_gb": 7, "gpus_per_task": 7,
        "qos": "high", "env_command": "module load cuda", "sbatch_args": {"account": "ours"},
    }  # fmt: skip
    for key, value in values.items():
        yield f"runtime.slurm.{key}", Change({f"runtime.slurm.{key}": value}, NOTHING, before)


def _other(place: str, first: Stages, *, served: bool = False) -> Iterator[tuple[str, Change]]:
    """The keys of a model that the build has not trained; with one, a judge has a stage for all iterations."""
    at, name = f"{place}.model", re.sub(r"score\.\d+", lambda judge: f"score.{JUDGES[int(judge[0][6:])]}", place)
    hub = {"model": "some/model", "revision": "0" * 40}
    yield f"{name}.model.path", Change({at: {"path": "other-base"}}, first, {at: {"path": "base"}})
    yield f"{name}.model.model", Change({at: hub | {"model": "other/model"}}, first, {at: hub})
    yield f"{name}.model.revision", Change({at: hub | {"revision": "1" * 40}}, first, {at: hub})
    if served:
        before = {at: {"served": "one"}, "runtime.endpoint": "http://localhost/v1"}
        yield f"{name}.model.served", Change({at: {"served": "other"}}, first, before)
        yield f"{name}.model.leave_out", Change({at: {"served": "judge", "leave_out": ["seed"]}}, first, before)


CHANGES: dict[str, Change] = dict([
    _one("name", "other", NOTHING),
    _one("base.path", "other-base", MODELS),
    ("base.model", Change({"base.model": "other/model"}, MODELS, HUB_BASE)),
    ("base.revision", Change({"base.revision": "1" * 40}, MODELS, HUB_BASE)),
    _one("base.license", "mit", NOTHING),
    _one("base.license_name", "ours", NOTHING),
    _one("base.license_link", "https://example.org/licence", NOTHING),
    _one("chat.template", "own.jinja", EVERY_PROMPT),
    _one("chat.system_seed", "Other.", EVERY_PROMPT),
    _one("chat.system_web", "Other.", EVERY_PROMPT),
    _one("chat.system_backward", "Other.", EVERY_PROMPT),
    _one("chat.date", "2024-07-26", EVERY_PROMPT),
    ("seed.sources.name", Change({"seed.sources.0.name": "other"}, SEED)),
    ("seed.sources.path", Change({"seed.sources.0.path": "seed/other.jsonl"}, SEED)),
    ("seed.sources.dataset", Change({"seed.sources.0.dataset": "other/pairs"}, SEED, HUB_SEED)),
    ("seed.sources.revision", Change({"seed.sources.0.revision": "1" * 40}, SEED, HUB_SEED)),
    ("seed.sources.split", Change({"seed.sources.0.split": "test"}, SEED, HUB_SEED)),
    ("seed.sources.format", Change({"seed.sources.0.format": "oasst"}, SEED)),
    ("seed.sources.license", Change({"seed.sources.0.license": "mit"}, SEED)),
    ("seed.sources.instruction", Change({"seed.sources.0.instruction": "ask"}, SEED)),
    ("seed.sources.output", Change({"seed.sources.0.output": "reply"}, SEED)),
    ("seed.sources.system", Change({"seed.sources.0.system": "join"}, SEED)),
    ("seed.sources.input", Change({"seed.sources.0.input": "given"}, SEED)),
    _one("seed.language", "de", SEED),
    _one("seed.size", 5, SEED),
    _one("seed.min_quality", 0.5, SEED),
    _one("seed.only_children", True, SEED),
    _one("seed.synthetic", False, SEED),
    _one("seed.on_control_tokens", "escape", SEED),
    _one("seed.seed", 7, SEED),
    ("segments.sources.path", Change({"segments.sources.0.path": "corpus/other"}, stages("segments"))),
    ("segments.sources.format", Change({"segments.sources.0.format": "warc"}, stages("segments"))),
    ("segments.sources.html", Change({"segments.sources.0.html": "page"}, stages("segments"), TABLE)),
    ("segments.sources.url", Change({"segments.sources.0.url": "address"}, stages("segments"), TABLE)),
    ("segments.sources.id", Change({"segments.sources.0.id": "name"}, stages("segments"), TABLE)),
    ("segments.sources.language", Change({"segments.sources.0.language": "lang"}, stages("segments"), TABLE)),
    (
        "segments.sources.redistributable",
        Change({"segments.sources.0.redistributable": False}, NOTHING, {"release.text": "standoff"}),
    ),
    (
        "segments.sources.base_url",
        Change({"segments.sources.0.base_url": "https://example.org/docs"}, stages("segments")),
    ),
    ("segments.sources.name", Change({"segments.sources.0.name": "docs"}, NOTHING)),
    ("segments.sources.license", Change({"segments.sources.0.license": "mit"}, NOTHING)),
    ("segments.sources.about", Change({"segments.sources.0.about": "Our manual."}, NOTHING)),
    _one("segments.languages", ["en", "de"], stages("segments")),
    _one("segments.min_chars", 7, stages("segments")),
    _one("segments.max_chars", 7_000, stages("segments")),
    _one("segments.weigh_scripts", False, stages("segments")),
    _one("segments.boundary", "any", stages("segments")),
    _one("segments.max_header_chars", 7, stages("segments")),
    _one("segments.max_header_capitals", 0.7, stages("segments")),
    _one("segments.navigation_headers", "headers.txt", stages("segments")),
    _one("segments.on_control_tokens", "escape", stages("segments")),
    _one("segments.max_repeated_share", 0.7, stages("segments")),
    _one("segments.sentence_similarity", 0.7, stages("segments")),
    _one("segments.max_link_share", 0.7, stages("segments")),
    _one("segments.max_table_share", 0.5, stages("segments")),
    _one("segments.max_stub_share", 0.7, stages("segments")),
    _one("segments.min_letter_share", 0.7, stages("segments")),
    _one("segments.max_cards", 3, stages("segments")),
    _one("segments.max_linked_cards", 3, stages("segments")),
    _one("segments.max_teasers", 3, stages("segments")),
    _one("segments.max_thread_lines", 3, stages("segments")),
    _one("segments.drop_cut_endings", False, stages("segments")),
    _one("segments.phrases", "phrases.txt", stages("segments")),
    _one("segments.trim_tails", False, stages("segments")),
    _one("segments.leads", "keep", stages("segments")),
    _one("segments.drop_posts", False, stages("segments")),
    _one("segments.drop_prompts", False, stages("segments")),
    _one("segments.drop_changelogs", False, stages("segments")),
    _one("segments.drop_legal", False, stages("segments")),
    _one("segments.drop_praise", False, stages("segments")),
    _one("segments.drop_teams", False, stages("segments")),
    _one("segments.drop_events", False, stages("segments")),
    _one("segments.drop_prices", False, stages("segments")),
    _one("segments.max_marketing", 7.0, stages("segments")),
    _one("segments.min_prose_share", 0.7, stages("segments")),
    _one("segments.max_fragment_share", 0.7, stages("segments")),
    _one("segments.drop_holes", False, stages("segments")),
    _one("segments.drop_walls", False, stages("segments")),
    _one("segments.drop_placeholders", False, stages("segments")),
    _one("segments.filters", ["c4_quality"], stages("segments")),
    _one("segments.mode", "fast", stages("segments")),
    _one("segments.mask_pii", False, stages("segments")),
    _one("segments.block_urls", True, stages("segments")),
    _one("segments.page_memory_mb", 777, stages("segments")),
    _one("segments.page_seconds", 7.0, stages("segments")),
    _one("segments.tasks", 7, stages("segments")),
    _one("dedup.near", False, stages("dedup")),
    _one("dedup.n_grams", 7, stages("dedup")),
    _one("dedup.buckets", 7, stages("dedup")),
    _one("dedup.hashes_per_bucket", 7, stages("dedup")),
    _one("dedup.per_domain", 7, stages("dedup")),
    _one("dedup.sample", 7, stages("dedup")),
    *_known(),
    _one("decontaminate.prompts", ["other.jsonl"], CLEAN),
    _one("decontaminate.column", "text", CLEAN),
    _one("decontaminate.ngram", 7, CLEAN),
    _one("engine.kind", "transformers", ENGINE),
    _one("engine.dtype", "float32", ENGINE),
    _one("engine.max_model_len", 2_048, ENGINE),
    _one("engine.quantization", "fp8", ENGINE),
    _one("augment.template", "own.jinja", stages("augment", "model-backward")),
    _one("augment.temperature", 0.1, stages("augment")),
    _one("augment.top_p", 0.5, stages("augment")),
    _one("augment.max_tokens", 7, stages("augment")),
    _one("augment.samples", 3, stages("augment")),
    _one("augment.keep", "best", stages("augment")),
    _one("augment.gate.refusal", False, stages("augment")),
    _one("augment.gate.max_echoed_words", 7, stages("augment")),
    _one("augment.gate.repeats", False, stages("augment")),
    _one("augment.gate.open_block", False, stages("augment")),
    _one("augment.gate.run_on", False, stages("augment")),
    _one("augment.gate.max_copied_words", 7, stages("augment")),
    _one("augment.gate.answer_share", 0.7, stages("augment")),
    _one("augment.gate.max_chars", 77, stages("augment")),
    _one("augment.gate.self_contained", False, stages("augment")),
    _one("augment.gate.code", False, stages("augment")),
    _one("augment.gate.language", False, stages("augment")),
    _one("augment.seed", 7, stages("augment")),
    ("score.likelihood.judge", Change({"score.0": GONE}, NOTHING, {"curate.judge": "expected"})),
    *(
        (f"score.{judge}.strict", Change({f"score.{at}.strict": True}, judged(judge)))
        for at, judge in enumerate((*JUDGES, "reverse"))
    ),
    *(
        (f"score.{judge}.fallback", Change({f"score.{at}.fallback": "verdict"}, judged(judge)))
        for at, judge in ((1, "expected"), (3, "reasoned"))
    ),
    *(
        (f"score.{judge}.min_mass", Change({f"score.{at}.min_mass": 0.3}, judged(judge)))
        for at, judge in ((1, "expected"), (3, "reasoned"))
    ),
    ("score.reverse.judge", Change({"score.4": GONE}, NOTHING)),
    ("score.likelihood.prior_weight", Change({"score.0.prior_weight": 0.5}, judged("likelihood"))),
    ("score.expected.judge", Change({"score.1": GONE}, NOTHING)),
    ("score.expected.rubric", Change({"score.1.rubric": "own.jinja"}, judged("expected"))),
    *_other("augment", stages("augment"), served=True),
    *_other("score.1", frozenset({"score-expected"})),
    *_other("score.2", frozenset({"score-verdict"}), served=True),
    *_other("score.3", frozenset({"score-reasoned"})),
    *_sampled(2, "verdict"),
    *_sampled(3, "reasoned"),
    ("curate.judge", Change({"curate.judge": "expected"}, CURATES)),
    ("curate.threshold", Change({"curate.threshold": 3.0}, CURATES, {"curate.share": GONE, "curate.threshold": 2.0})),
    ("curate.top", Change({"curate.top": 7}, CURATES, {"curate.share": GONE, "curate.top": 8})),
    _one("curate.share", 0.7, CURATES),
    _one("curate.leave_out_top", 0.07, CURATES),
    _one("curate.per_domain", 7, CURATES),
    _one("curate.near_duplicates", 0.7, CURATES),
    _one("curate.seed", 7, CURATES),
    _one("curate.test_share", 0.07, CURATES),
    _one("curate.test_rows", 7, CURATES),
    _one("training.forward", "other.yaml", FORWARD),
    _one("training.backward", "other.yaml", stages("model-backward")),
    _one("training.initial", "other.yaml", stages("model-0")),
    _one("training.init", "previous", stages("model-1", "model-2")),
    _one("training.cross_fit", True, stages("score-2")),
    _one("training.global_batch", 32, MODELS),
    _one("training.steps", "paper", MODELS, training__global_batch="paper"),
    _one("training.held_out", 0.1, MODELS),
    _one("training.seeds", [1, 2], NOTHING),
    _one("iterations", 3, NOTHING),
    _one("release.title", "Other", NOTHING),
    _one("release.license", "mit", NOTHING),
    _one("release.license_name", "ours", NOTHING),
    _one("release.license_link", "https://example.org/licence", NOTHING),
    _one("release.dataset", "other/data", NOTHING),
    _one("release.models", ["final"], NOTHING),
    _one("release.merge_adapters", True, NOTHING),
    _one("release.repositories", {"final": "other/model"}, NOTHING),
    _one("release.removed", "headers.txt", NOTHING),
    _one("release.text", "standoff", NOTHING),
    _one("release.max_quoted_words", 7, NOTHING),
    _one("release.licence_reviewed", True, NOTHING),
    _one("release.labels", "other.jsonl", NOTHING),
    _one("release.evaluation", "other.jsonl", NOTHING),
    _one("release.results", "other.jsonl", NOTHING),
    _one("release.language", "de", NOTHING),
    _one("release.contact", "them@example.org", NOTHING),
    _one("release.about", "other.jsonl", NOTHING),
    _one("release.authors", ["Jane Doe"], NOTHING),
    _one("release.date", "2026-01-02", NOTHING),
    _one("release.doi", "10.57967/hf/1234", NOTHING),
    _one("runtime.work_dir", "elsewhere", NOTHING),
    _one("runtime.workers", 7, NOTHING),
    _one("runtime.threads", 7, NOTHING),
    _one("runtime.chunk_rows", 7, NOTHING),
    _one("runtime.engines", 7, NOTHING),
    _one("runtime.executor", "ray", NOTHING),
    *_slurm(),
    _one("runtime.max_failed", 0.7, NOTHING),
    _one("runtime.kv_cache_mb", 77, NOTHING),
    _one("runtime.gpu_memory", 0.7, NOTHING),
    _one("runtime.tensor_parallel", 7, NOTHING),
    _one("runtime.max_num_seqs", 7, NOTHING),
    _one("runtime.max_num_batched_tokens", 777, NOTHING),
    _one("runtime.max_hours", 7.0, NOTHING),
    _one("runtime.eager", True, NOTHING),
    _one("runtime.endpoint", "http://localhost:8000/v1", NOTHING),
    _one("runtime.concurrency", 7, NOTHING),
    _one("runtime.request_seconds", 7.0, NOTHING),
    _one("runtime.request_tries", 7, NOTHING),
    _one("runtime.device_batch", 7, NOTHING, training__global_batch=32),
    _one("runtime.max_too_long", 0.7, NOTHING),
    _one("runtime.launcher", "accelerate launch", NOTHING),
    _one("runtime.stall_minutes", 7.0, NOTHING),
    _one("runtime.restarts", 7, NOTHING),
])  # fmt: skip
"""Keyed by the field's place in the models: lists have no number, judges go by their names."""


def fields(model: type[BaseModel] = Recipe, place: str = "") -> Iterator[str]:
    """The places of all fields that hold a value, through sections, lists and unions."""
    for name, info in model.model_fields.items():
        sections = list(_sections(info.annotation))
        if not sections:
            yield f"{place}{name}"
        for section in sections:
            (judge,) = get_args(section.model_fields["judge"].annotation) if len(sections) > 1 else ("",)
            yield from fields(section, f"{place}{name}.{judge}.".replace("..", "."))


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for branch in get_args(annotation):
        yield from _sections(branch)


PAIR = '{"instruction": "How long do beans soak?", "output": "Beans soak for a night in cold water."}'


def write_small_recipe(folder: Path) -> Path:
    """A recipe with every judge, and the files that it and `CHANGES` name."""
    for name, text in (
        ("base/config.json", "{}"), ("other-base/config.json", "{ }"), ("own.jinja", "{{ output }}"),
        ("headers.txt", "news"), ("phrases.txt", "[line ad]\nnews"),
        ("forward.yaml", "seed: 1\nuse_cpu: true"), ("backward.yaml", "seed: 2\nuse_cpu: true"),
        ("other.yaml", "seed: 3\nuse_cpu: true"),
        ("prompts.jsonl", "{}"), ("other.jsonl", "{ }"), ("corpus/pages.jsonl", "{}"),
        ("seed/pairs.jsonl", PAIR), ("seed/other.jsonl", PAIR + " "), ("corpus/pages/a.html", "a"),
        ("corpus/pages/b.html", "b"), ("corpus/other/a.html", "c"),
    ):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    values = {
        "name": "small",
        "base": {"path": "base", "license": "apache-2.0"},
        "seed": {"sources": [{"name": "pairs", "path": "seed/pairs.jsonl", "license": "apache-2.0"}]},
        "segments": {"sources": [{"path": "corpus/pages", "format": "html"}]},
        "score": [{"judge": judge} for judge in (*JUDGES, "reverse")],
        "curate": {"judge": "likelihood", "share": 0.5},
        "decontaminate": {"prompts": ["prompts.jsonl"]},
        "training": {"forward": "forward.yaml", "backward": "backward.yaml"},
        "release": {"title": "Small", "license": "odc-by"},
    }
    return write_recipe(folder / "build.yaml", values)


def write_recipe(path: Path, values: Values) -> Path:
    path.write_text(yaml.safe_dump(values, sort_keys=False))
    return path


def changed(values: Values, keys: Values) -> Values:
    """A copy of a recipe's values with some keys set or taken out."""
    values = copy.deepcopy(values)
    for place, value in keys.items():
        *parents, last = place.split(".")
        at: Any = values
        for part in parents:
            at = at[int(part)] if isinstance(at, list) else at.setdefault(part, {})
        if value is GONE:
            del at[int(last) if isinstance(at, list) else last]
        else:
            at[int(last) if isinstance(at, list) else last] = value
    return values
