"""What is measured is the real work: pages cut, pairs written, a training that is saved as a model."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.corpus_pages import archive, page, settings
from support.training_pairs import BASE, OPTIONS, write_pairs

from builder.cli.planning.probe import SAMPLE, Probe, measure_once, measure_sampled, run_probe
from builder.cli.planning.probe_rows import measure_augment, measure_score
from builder.cli.planning.probe_segments import measure_segments
from builder.cli.planning.probe_training import measure_training
from builder.cli.planning.samples import candidates_of, curated_of, in_proportion, scores_of
from builder.data.records import segment_schema
from builder.data.storage import count_rows, read_rows, write_rows
from builder.errors import StageError
from builder.llm.engines.engine import Completion
from builder.method.augment.stage import AugmentStage, augment
from builder.method.corpus.dedup.stage import deduplicate
from builder.method.corpus.stage import extract_segments
from builder.method.curate.curate import select
from builder.method.curate.scoring.score import ScoreStage, score
from builder.method.seed.stage import select_seed
from builder.method.train.stage import ForwardStage, train_forward
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.corpus import CorpusSource, Dedup, Segments
from builder.recipe.sections.curate import Curate
from builder.recipe.sections.judges import Likelihood
from builder.recipe.sections.models import Chat, Engine, Origin
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.seed import Seed, SeedSource

ENGINE = Engine(kind="transformers", dtype="float32", max_model_len=400)
TEXTS = [
    f"Apples number {n} keep in a cool and dry room for many weeks. Wash them before you eat them." for n in range(40)
]


def probe(measure: Any, function: Any, config: Any, units: int, seconds: float = 60.0) -> Probe:
    places = [f"{item.__module__}:{item.__qualname__}" for item in (measure, function, type(config))]
    values = config.model_dump(mode="json")
    return Probe(
        measure=places[0], function=places[1], config_type=places[2], config=values, seconds=seconds, units=units
    )


@pytest.fixture
def segments(tmp_path: Path) -> Path:
    rows = [
        {"id": f"s{n:02}", "page_id": f"p{n}", "url": "u", "header": "Storing apples", "text": text}
        for n, text in enumerate([*TEXTS, TEXTS[0]])
    ]
    write_rows(tmp_path / "segments" / "data" / "a.parquet", rows, segment_schema())
    return tmp_path / "segments"


def test_pages_are_cut_from_all_files_and_those_of_the_corpus_are_reckoned(tmp_path: Path) -> None:
    html = "<html><body><article><h1>Fruit</h1><h2>Storing apples</h2><p>{text}</p></article></body></html>"
    (tmp_path / "pages").mkdir()
    for n, text in enumerate(TEXTS):
        (tmp_path / "pages" / f"{n}.html").write_text(html.format(text=text))
    source = CorpusSource(path=tmp_path / "pages", format="html")
    config = Segments(sources=[source], min_chars=40, tasks=2)
    asked = probe(measure_segments, extract_segments, config, 20)
    found = run_probe(tmp_path / "out", asked, runtime=Runtime(workers=1)).details
    assert found["tried"] == 20
    assert found["units"] == 40
    assert found["kept"] == 1.0
    assert 0 < found["each"] * 20 < found["inside"]
    assert count_rows(tmp_path / "out" / SAMPLE / "data") == 20


def test_parts_of_a_corpus_that_differ_are_each_reckoned_by_their_own_pages(tmp_path: Path) -> None:
    (tmp_path / "pages").mkdir()
    for n in range(10):
        (tmp_path / "pages" / f"{n}.html").write_text(page(n, sections=8))
    archive(tmp_path / "warc" / "0.warc.gz", 200)
    sources = [CorpusSource(path=tmp_path / name, format=form) for name, form in (("pages", "html"), ("warc", "warc"))]
    config = settings(tmp_path / "pages", "html").model_copy(update={"sources": sources, "tasks": 1})
    asked = probe(measure_segments, extract_segments, config, 20)
    found = run_probe(tmp_path / "out", asked, runtime=Runtime(workers=1)).details
    assert (found["tried"], found["units"]) == (20, 210)
    assert found["kept"] * found["units"] == pytest.approx(10 * 8 + 200)


def test_the_seed_is_selected_whole(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text("".join(f'{{"instruction": "Say {n}.", "output": "It is {n}."}}\n' for n in range(30)))
    config = Seed(sources=[SeedSource(name="pairs", path=file, license="mit")])
    found = measure_once(tmp_path / "out", probe(measure_once, select_seed, config, 1), runtime=Runtime()).details
    assert (found["kept"], found["units"]) == (30, 1)
    assert found["start"] > 0


def test_duplicates_are_looked_for_in_a_sample(tmp_path: Path, segments: Path) -> None:
    asked = probe(measure_sampled, deduplicate, Dedup(), 1_000)
    found = measure_sampled(tmp_path / "out", asked, segments, runtime=Runtime(workers=1)).details
    assert found["tried"] == 41
    assert found["kept"] < 1
    assert found["each"] > 0


def test_a_selection_is_tried_on_made_up_scores(tmp_path: Path, segments: Path) -> None:
    candidates = candidates_of(segments, tmp_path / "candidates")
    scores = scores_of(candidates, "likelihood", tmp_path / "scores")
    asked = probe(measure_sampled, select, Curate(judge="likelihood", share=0.5), 1_000)
    found = measure_sampled(tmp_path / "out", asked, candidates, scores, runtime=Runtime()).details
    assert found["dropped"] == {"not_selected": 20}


def test_a_training_is_ended_early_and_saved_as_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(OPTIONS | {"max_steps": 100_000}))
    config = ForwardStage(base=Origin(path=BASE), chat=Chat(), recipe=recipe)
    pairs = write_pairs(tmp_path / "pairs")
    asked = probe(measure_training, train_forward, config, 2)
    found = measure_training(tmp_path / "out", asked, pairs / "seed", pairs / "curated", runtime=Runtime()).details
    assert 2 <= found["tried"] < 10_000
    assert (found["processes"], found["step_rows"]) == (1, 4)
    assert found["tokens"] > 20
    assert found["start"] > 0
    assert found["each"] > 0
    assert found["bytes_fixed"] > (BASE / "model.safetensors").stat().st_size / 2
    assert (tmp_path / "out" / "model" / "model.safetensors").is_file()


class Knows:
    """An engine that writes one word, and counts the rows that it is asked for."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.longest: set[int] = set()

    def forget(self) -> None:
        pass

    def generate(self, prompts: Any, sampling: Any, seeds: Any) -> list[Completion]:
        self.batches.append(len(prompts))
        self.longest.add(sampling.max_tokens)
        return [Completion([5, sampling.stop_ids[0]], -1.0, True) for _ in prompts]

    def token_logprobs(self, sequences: Any, starts: Any) -> list[list[float]]:
        self.batches.append(len(sequences))
        return [[-1.0] * (len(ids) - start) for ids, start in zip(sequences, starts, strict=True)]


def test_rows_go_through_the_model_in_growing_batches(
    tmp_path: Path, segments: Path, untrained: Any, fake_engine: Any
) -> None:
    engine = Knows()
    fake_engine(engine)
    config = AugmentStage(augment=Augment(max_tokens=50), engine=ENGINE, chat=Chat())
    backward = untrained("backward")
    found = measure_augment(
        tmp_path / "out", probe(measure_augment, augment, config, 40), segments, backward, runtime=Runtime()
    ).details
    assert engine.batches == [2, 8, 30]
    assert engine.longest == {50}
    assert (found["tried"], found["batch"]) == (38, 30)
    assert found["tokens"] > 2
    assert found["low"] < 1 < found["high"]


def test_a_model_that_is_not_trained_writes_no_more_than_the_seed_has(
    tmp_path: Path, segments: Path, untrained: Any, fake_engine: Any
) -> None:
    engine = Knows()
    fake_engine(engine)
    config = AugmentStage(augment=Augment(max_tokens=50), engine=ENGINE, chat=Chat())
    asked, seed = probe(measure_augment, augment, config, 12), write_pairs(tmp_path / "pairs") / "seed"
    backward = untrained("backward")
    found = measure_augment(tmp_path / "out", asked, segments, backward, seed, runtime=Runtime()).details
    assert engine.longest == {found["instruction_tokens"]}
    assert 3 < found["instruction_tokens"] < 50
    assert 0 <= found["seed_passed"] <= 1


def test_pairs_are_scored_by_the_judge_of_the_recipe(
    tmp_path: Path, segments: Path, untrained: Any, fake_engine: Any
) -> None:
    engine = Knows()
    fake_engine(engine)
    config = ScoreStage(judge=Likelihood(judge="likelihood"), engine=ENGINE, chat=Chat())
    candidates, asked = candidates_of(segments, tmp_path / "candidates"), probe(measure_score, score, config, 20)
    found = measure_score(tmp_path / "out", asked, candidates, untrained("forward"), runtime=Runtime()).details
    assert found["kept"] == 1.0
    assert found["tokens"] > 20
    assert count_rows(tmp_path / "out" / SAMPLE / "data") == 20


def test_a_sample_of_which_no_row_is_left_is_told_and_is_no_defect(tmp_path: Path, untrained: Any) -> None:
    write_rows(tmp_path / "none" / "data" / "a.parquet", [], segment_schema())
    asked = probe(measure_augment, augment, AugmentStage(augment=Augment(), engine=ENGINE, chat=Chat()), 40)
    with pytest.raises(StageError, match="no row of the sample came this far"):
        measure_augment(tmp_path / "out", asked, tmp_path / "none", untrained("backward"), runtime=Runtime())
    same = probe(measure_sampled, deduplicate, Dedup(), 40)
    assert measure_sampled(tmp_path / "dedup", same, tmp_path / "none", runtime=Runtime()).details["tried"] == 0


def test_the_rows_of_a_later_training_are_mixed_as_they_will_be(tmp_path: Path, segments: Path) -> None:
    candidates = candidates_of(segments, tmp_path / "candidates")
    curated = curated_of(candidates, 164, tmp_path / "curated")
    seed = write_pairs(tmp_path / "pairs") / "seed"
    mixed = in_proportion(seed, curated, 164, tmp_path / "part")  # four times as many as the sample has
    assert count_rows(mixed / "data") == 3
    assert {row["split"] for row in read_rows(curated / "data")} == {"train"}
    few = curated_of(candidates, 5, tmp_path / "few")
    assert count_rows(few / "data") == 5
    assert count_rows(in_proportion(seed, few, 5, tmp_path / "all") / "data") == 12
