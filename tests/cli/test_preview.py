import importlib
import json
import os
import shutil
from pathlib import Path

import pytest
from support.corpus_pages import paragraphs, record, write_warc
from support.output_schema import answered
from support.small_project import humpback

from builder.cli.init import write_recipe_folder
from builder.cli.plan import plan_stages
from builder.cli.preview.answer import preview_pages
from builder.cli.preview.pages import choose_pages
from builder.cli.project import open_project
from builder.data.accounting import Counts
from builder.data.storage import write_json
from builder.errors import RecipeError, StageError
from builder.llm.engines.engine import Completion
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.corpus import CorpusSource
from builder.sample.generate import BASE
from builder.workspace.aside.scratch import sweep
from builder.workspace.layout import PREVIEW

SETTINGS = ("engine.kind=transformers", "segments.sources.0.path=corpus/pages", "segments.sources.0.format=html")


class Writer:
    """An engine that ends its instructions, or does not; the longer a pair, the better it likes it."""

    def __init__(self, *, ends=True):
        self.tokenizer, self.ends = load_tokenizer(BASE), ends

    def forget(self):
        pass

    def generate(self, prompts, sampling, seeds):
        answers = []
        for seed in seeds:
            written = f"How do mugs number {seed % 1000} work?" + ("" if self.ends else "\nAnd then the mugs")
            ids = self.tokenizer.encode(written, add_special_tokens=False)
            end = [next(iter(sampling.stop_ids))] if self.ends else []
            answers.append(Completion([*ids, *end], -1.0, self.ends))
        return answers

    def token_logprobs(self, sequences, starts):
        return [[-1.0 / len(ids)] * (len(ids) - start) for ids, start in zip(sequences, starts, strict=True)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("preview") / "project"
    write_recipe_folder(folder)
    return folder


@pytest.fixture
def here(monkeypatch, fake_engine):
    """Run stages in this process, with the engine that is given to what this returns."""

    def run(out, request, runtime, on_progress, *, stage, hidden):
        module, name = request["function"].split(":")
        function = getattr(importlib.import_module(module), name)
        kind, config = request["config_type"].split(":")
        config = getattr(importlib.import_module(kind), config).model_validate(request["config"])
        stats = function(out, config, *map(Path, request["inputs"]), runtime=runtime)
        kept = list(stats.counts.values())[-1].kept
        if not kept:
            raise StageError("none are left")
        return {"counts": {kind: counts.as_dict() for kind, counts in stats.counts.items()}}

    monkeypatch.setattr("builder.cli.preview.loop.run_child", run)
    return fake_engine


def project(folder, *settings):
    return open_project(folder, overrides=(*SETTINGS, *settings))


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_pairs_are_written_scored_and_selected_and_nothing_is_kept(folder, here):
    here(Writer())
    opened, before, said = project(folder), files(folder), []
    planned = plan_stages(opened).value
    answer = preview_pages(opened, 3, say=said.append)
    value = answered("preview", answer.value)
    assert (files(folder), plan_stages(opened).value) == (before, planned)
    assert not (folder / "work").exists()
    assert value["pages"]["taken"] == len(value["pages"]["ids"]) == 3
    assert value["writer"] == {"model": f"base {folder / 'base'}", "trained": False}
    assert value["seeds"] == {"augment.seed": 0, "curate.seed": 0}
    pairs = value["pairs"]
    scores = [row["score"] for row in pairs]
    assert scores == sorted(scores, reverse=True)
    assert len(pairs) == value["counts"]["augment"]["pairs"]["kept"] > 2
    chosen = round(0.37 * len(pairs))
    assert [row["outcome"] for row in pairs] == ["selected"] * chosen + ["not_selected"] * (len(pairs) - chosen)
    text = answer.text()
    assert f"{chosen:,} of {len(pairs):,} pairs would be selected by curate.share: 0.37" in text
    assert f"instruction: {pairs[0]['instruction']}\n    output: {pairs[0]['output'].splitlines()[0]}" in text
    assert said[0] == "preview: cutting 3 pages"
    kept = value["counts"]["dedup"]["segments"]["kept"]
    assert said[1:] == [
        f"preview: base {folder / 'base'} writes instructions for {kept} segments",
        f"preview: base {folder / 'base'} scores {len(pairs)} pairs as likelihood",
    ]
    assert preview_pages(opened, 3).value == answer.value


def test_what_a_base_does_not_end_is_an_instruction_as_far_as_its_first_line(folder, here):
    here(Writer(ends=False))
    value = preview_pages(project(folder), 1).value
    assert value["pairs"]
    assert all(row["instruction"].endswith("work?") for row in value["pairs"])
    assert value["counts"]["augment"]["pairs"]["dropped"] == {}
    assert "the first line was taken" in " ".join(value["notes"])


@pytest.fixture
def trained(folder, untrained):
    """The project with an M_yx and an M_0 that count as trained."""
    opened = project(folder)
    build = opened.look_at_build()
    for artifact, role in ((build.backward, "backward"), (build.models[0], "forward")):
        shutil.copytree(untrained(role), artifact.path)
        counts = {"rows": Counts(8, 8).as_dict()}
        write_json(artifact.path / "stage.json", {"stage": artifact.stage, "status": "done", "counts": counts})
    yield opened
    shutil.rmtree(opened.work_dir)


def test_models_that_are_trained_write_and_judge(trained, here):
    here(Writer())
    before = files(trained.work_dir)
    value = preview_pages(trained, 1).value
    assert value["writer"] == {"model": "model-backward", "trained": True}
    assert value["judges"] == {"likelihood": {"model": "model-0", "trained": True}}
    assert files(trained.work_dir) == before
    assert not (trained.work_dir / PREVIEW).exists()


def test_a_threshold_that_nothing_reaches_selects_nothing(trained, here):
    here(Writer())
    value = preview_pages(project(trained.folder, "curate.threshold=9"), 1).value
    assert {row["outcome"] for row in value["pairs"]} == {"not_selected"}
    assert value["rule"] == "curate.threshold: 9"


def test_pages_of_which_nothing_is_left_say_what_took_it(folder, here):
    answer = preview_pages(project(folder, "segments.languages=[fi]"), 2)
    assert answered("preview", answer.value)["pairs"] == []
    assert list(answer.value["rejected"]) == ["segments"]
    assert answer.value["rejected"]["segments"]["language"]["rows"] == 2
    assert "segments: language: 2  (segments.languages, " in answer.text()
    (note,) = [note for note in answer.value["notes"] if "no segment is left" in note]
    assert note == (
        "no segment is left of these pages (2 language); segments.languages and segments.sources.language decide; "
        "`humpback help language` says more; look at more pages: -n 10"
    )


def test_a_server_without_a_model_of_the_build_is_told(folder, here):
    settings = ("engine.kind=openai", "runtime.endpoint=http://localhost:1/v1")
    with pytest.raises(RecipeError, match="has no model of this build before it is trained"):
        preview_pages(open_project(folder, overrides=(*SETTINGS, *settings), trust=True), 1)


def test_a_preview_that_fails_leaves_its_log_until_a_command_after_it(folder, monkeypatch):
    def run(out, *_, **__):
        write_json(out / "logs" / "child.json", {})
        raise StageError("it cannot be loaded")

    monkeypatch.setattr("builder.cli.preview.loop.run_child", run)
    opened = project(folder)
    with pytest.raises(StageError, match="cannot be loaded"):
        preview_pages(opened, 1)
    assert list((opened.work_dir / PREVIEW).rglob("child.json"))
    sweep(opened.work_dir)
    assert list(opened.work_dir.iterdir()) == []
    opened.work_dir.rmdir()


@pytest.mark.full
def test_the_command_previews_with_real_processes_and_a_real_engine(tmp_path):
    write_recipe_folder(tmp_path)
    result = humpback("preview", tmp_path, "-n", 2, "--set", "engine.kind=transformers", "--json", env={**os.environ})
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["counts"]["augment"]["pairs"]["in"] > 0
    assert not (tmp_path / "work").exists()


def page(number):
    body = "".join(f"<p>{text}</p>" for text in paragraphs(number))
    return f"<html><body><h1>Page {number}</h1>{body}</body></html>".encode()


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A folder of ten pages and one broken file, and an archive of a hundred."""
    folder = tmp_path_factory.mktemp("sources")
    (folder / "html").mkdir()
    for number in range(10):
        (folder / "html" / f"{number}.html").write_bytes(page(number))
    (folder / "html" / "empty.html").write_bytes(b" ")
    write_warc(folder / "warc" / "a.warc.gz", [record(page(number), number) for number in range(100)])
    return [CorpusSource(path=folder / "html", format="html"), CorpusSource(path=folder / "warc", format="warc")]


def taken(sources, number):
    return [Path(item.source_file).suffix for item in choose_pages(sources, number).pages]


def test_pages_come_from_every_source_in_turn_and_are_the_same_every_time(sources):
    assert taken(sources, 6) == [".html", ".gz"] * 3
    first, again = (choose_pages(sources, 6) for _ in range(2))
    assert first.pages == again.pages
    assert first.files == 12
    assert choose_pages(sources, 8).pages != first.pages


def test_sources_with_more_pages_make_up_for_others(sources):
    assert taken(sources, 40).count(".html") == 10
    assert len(taken(sources, 40)) == 40
    sample = choose_pages(sources, 40)
    assert sample.lost == {"empty": 1}
    assert len({item.page_id for item in sample.pages}) == 40


def test_a_page_is_the_same_when_it_is_read_again(sources, tmp_path):
    sample = choose_pages(sources, 4)
    again = choose_pages([sample.write(tmp_path / "pages.jsonl")], 9)
    known = {(item.page_id, item.url, item.html) for item in sample.pages}
    assert {(item.page_id, item.url, item.html) for item in again.pages} == known


def test_sources_without_a_page_are_an_error(tmp_path):
    (tmp_path / "a.html").write_text(" ")
    with pytest.raises(StageError, match=r"no page could be read from segments.sources \(empty 1\)"):
        choose_pages([CorpusSource(path=tmp_path, format="html")], 3)
