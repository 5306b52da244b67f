from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from builder.data.records import candidate_schema, stable_id
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.engines.engine import NO_LOGPROBS, Failed
from builder.method.curate.scoring.first_scores import FIRST
from builder.method.curate.scoring.score import ScoreStage, score
from builder.recipe.sections.judges import Expected, Reverse
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.workspace.progress import read_notices

ENGINE = Engine(kind="transformers", dtype="float32")
ROWS = 260


def like(mean, width):
    """Reads the same probabilities everywhere, or ones that depend on the prompt."""

    def read(prompts, choices):
        marks = [int(stable_id(*prompt)[:4], 16) % 5 if width else mean for prompt in prompts]
        return [[-0.1 if at == mark else -9.0 for at in range(5)] for mark in marks]

    return read


class Reader:
    """Reads as told and counts what it was asked."""

    def forget(self) -> None:
        pass

    def __init__(self, read):
        self.read, self.asked = read, 0

    def next_logprobs(self, prompts, choices):
        self.asked += len(prompts)
        return self.read(prompts, choices)


@pytest.fixture(scope="module")
def candidates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("candidates")
    rows = [
        {
            "id": f"{n:04d}-0", "segment_id": f"{n:04d}", "page_id": "p", "url": "u", "header": "h",
            "instruction": f"What is {n}?", "output": f"It is {n}.", "logprob": -1.0, "tokens": 4,
        }
        for n in range(ROWS)
    ]  # fmt: skip
    write_rows(folder / "data" / "a.parquet", rows, candidate_schema())
    return folder


@pytest.fixture
def run(candidates, untrained, fake_engine, tmp_path):
    """Scores the candidates with an engine in the place of the real one."""
    model = untrained("forward")

    def go(engine, *, chunk_rows=64, out=None, judge=None):
        fake_engine(engine)
        config = ScoreStage(judge=judge or Expected(judge="expected"), engine=ENGINE, chat=Chat())
        return score(out or tmp_path / "score", config, candidates, model, runtime=Runtime(chunk_rows=chunk_rows))

    return go


def test_scores_that_are_all_alike_are_told_of_early_and_at_the_end(run, tmp_path):
    told = []

    def read(prompts, choices):
        told.append(len(read_notices(tmp_path / "score")))
        return like(3, 0)(prompts, choices)

    stats = run(Reader(read))
    stats.check("score")
    assert told == [0, 0, 0, 0, 1]  # of five chunks, the first four hold the first 200 pairs
    (warning,) = stats.warnings
    assert warning.startswith("the scores of the first 200 pairs are of little use: 200 of 200 scores are 3.999. Try")
    assert read_notices(tmp_path / "score") == [warning]


@pytest.mark.parametrize("chunk_rows", [30, 200, 512])
def test_the_warning_depends_on_the_first_pairs_alone(run, tmp_path, chunk_rows):
    first = []

    def read(prompts, choices):  # alike in the first pairs, then not
        found = [
            like(2, 0 if len(first) + at < FIRST else 1)([prompt], choices)[0] for at, prompt in enumerate(prompts)
        ]
        first.extend(prompts)
        return found

    (warning,) = run(Reader(read), chunk_rows=chunk_rows).warnings
    assert "200 of 200 scores are 3" in warning
    # Another run of the same stage with a chunk made anew says the same.
    next(iter(sorted((tmp_path / "score" / "data").iterdir()))).unlink()
    assert run(Reader(like(2, 0)), chunk_rows=7).warnings == [warning]


def test_scores_that_differ_are_not_warned_of(run, tmp_path):
    stats = run(Reader(like(0, 1)))
    assert stats.warnings == []
    assert read_notices(tmp_path / "score") == []
    assert stats.details["mean_mass"] == pytest.approx(0.905, abs=0.01)
    assert stats.details["fallback"] == 0


def test_a_strict_judge_stops_the_stage_after_its_first_pairs_and_every_time_again(run, tmp_path):
    strict = Expected(judge="expected", strict=True)
    reader = Reader(like(3, 0))
    with pytest.raises(StageError, match=r"200 of 200 scores are 3.999.* the judge is strict, so the stage ends here"):
        run(reader, judge=strict)
    assert reader.asked == 4 * 64
    again = Reader(like(3, 0))
    with pytest.raises(StageError, match="the judge is strict"):
        run(again, judge=strict)
    assert again.asked == 0
    with pytest.raises(StageError, match="the judge is strict"):  # one chunk: at the end, with all rows in place
        run(Reader(like(3, 0)), judge=strict, chunk_rows=1_000, out=tmp_path / "whole")
    assert len(list(read_rows(tmp_path / "whole" / "data"))) == ROWS
    assert run(Reader(like(0, 1)), judge=strict, out=tmp_path / "good").warnings == []


def test_what_an_engine_gives_no_log_probabilities_for_is_scored_by_verdict_and_counted(run, tmp_path):
    from builder.llm.engines.engine import Completion
    from builder.llm.tokenizer import load_tokenizer
    from builder.sample.generate import BASE

    ids = [load_tokenizer(BASE).encode(f"Fine.\nScore: {n}", add_special_tokens=False) for n in range(1, 6)]
    server = SimpleNamespace(
        forget=lambda: None,
        next_logprobs=lambda prompts, choices: [Failed(NO_LOGPROBS, "none") for _ in prompts],
        generate=lambda prompts, _, seeds: [Completion(ids[seed % 5], -1.0, ended=True) for seed in seeds],
    )
    stats = run(server, judge=Expected(judge="expected", fallback="verdict", strict=True))
    assert stats.counts["pairs"].kept == stats.details["fallback"] == stats.details["replies"] == ROWS
    assert min(stats.details["verdicts"].values()) > 20
    assert stats.warnings == []
    with pytest.raises(StageError, match=NO_LOGPROBS):
        run(server, out=tmp_path / "without")


def test_reverse_asks_the_backward_model_with_the_template_of_its_prompt(candidates, untrained, tmp_path, fake_engine):
    known = {"engine": ENGINE, "chat": Chat()}
    config = ScoreStage(judge=Reverse(judge="reverse"), template="backward", **known)
    likely = Reader(None)
    likely.token_logprobs = lambda sequences, starts: [
        [-1.0 / len(ids)] * (len(ids) - start) for ids, start in zip(sequences, starts, strict=True)
    ]
    fake_engine(likely)
    stats = score(tmp_path / "out", config, candidates, untrained("backward"), runtime=Runtime())
    stats.check("reverse")
    assert all(row["score"] > 0 and row["tokens"] > 1 for row in read_rows(tmp_path / "out" / "data"))
    with pytest.raises(StageError, match="is a forward model and was given as the backward one"):
        score(tmp_path / "wrong", config, candidates, untrained("forward"), runtime=Runtime())
    for judge, template in ((Reverse(judge="reverse"), None), (Expected(judge="expected"), "backward")):
        with pytest.raises(ValidationError, match="template goes with judge reverse, and with no other"):
            ScoreStage(judge=judge, template=template, **known)
