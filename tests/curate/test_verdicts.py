import pytest
from support.scripted_server import NAME, changed, status

from builder.data.records import candidate_schema, row_seed, score_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import StageError
from builder.llm.engines.engine import Failed, Generation, Sampling
from builder.llm.prompts import render
from builder.method.curate.scoring.score import ScoreStage, score
from builder.method.curate.scoring.verdicts import Reply, served_verdict, verdict_row
from builder.recipe.sections.judges import Verdict
from builder.recipe.sections.models import Chat, Engine, Other
from builder.recipe.sections.runtime import Runtime

CHAT = Chat(system_seed="Be good.")
ROWS = [{"id": f"r{n}", "instruction": f"What is {n}?", "output": f"It is {n}."} for n in range(4)]


class Said:
    """Says what it is told to, and keeps what it was asked."""

    def __init__(self, *said):
        self.said, self.asked = said, []

    def prepare(self, conversations):
        return conversations

    def generate(self, prompts, sampling, seeds):
        self.asked.append((prompts, sampling, seeds))
        return [text if isinstance(text, tuple) else Generation(text, True, None, 3) for text in self.said]


def judge(**options):
    return Verdict(judge="verdict", model=Other(served=NAME), **options)


def test_the_score_of_a_pair_is_the_mean_of_its_own_verdicts():
    generator = Said("Score: 1", "Good.\nScore: 4", "hm", "Score: 3", "hm", "Score: 9")
    first, second, third = served_verdict(ROWS[:3], judge(samples=2), CHAT, generator)
    assert (first["id"], first["score"], first["verdicts"], first["reason"]) == ("r0", 2.5, [1, 4], None)
    assert first["replies"] == ["Score: 1", "Good.\nScore: 4"]
    assert (second["id"], second["score"], second["verdicts"]) == ("r1", 3.0, [None, 3])
    assert (third["id"], third["score"], third["reason"]) == ("r2", None, "no_verdict")


def test_verdicts_are_averaged_and_unparsable_ones_left_out():
    row = verdict_row("a", [Reply(text, ended=True) for text in ("Score: 5", "hm", "Score: 4.5")])
    assert (row["score"], row["verdicts"], row["reason"], row["unfinished"]) == (4.75, [5, None, 4.5], None, 0)
    none = verdict_row("a", [Reply("hm", ended=True)])
    assert (none["score"], none["reason"], none["replies"]) == (None, "no_verdict", ["hm"])


@pytest.mark.parametrize(
    ("replies", "score", "reason"),
    [
        (["Score: 5", "hm", "hm", "hm"], None, "no_verdict"),
        (["Score: 5", "hm", "hm", "<think>"], None, "unfinished"),
        (["Score: 5", "hm", "Score: 4", "hm"], 4.5, None),
        (["Score: 5", "hm", "hm"], None, "no_verdict"),
        (["Score: 5", "hm"], 5, None),
    ],
)
def test_a_score_needs_half_of_the_replies(replies, score, reason):
    row = verdict_row("a", [Reply(text, ended=True) for text in replies])
    assert (row["score"], row["reason"]) == (score, reason)
    assert [verdict is not None for verdict in row["verdicts"]] == [text.startswith("Score") for text in replies]


CUT = Generation("The scale has a score: 5 for the best ones, and this", False, None, 9)


def test_what_was_cut_counts_as_no_rating_and_is_the_reason_where_there_is_none():
    generator = Said(CUT, "Score: 4", "hm", CUT, CUT, CUT, "hm", "<think>Score: 5")
    rows = served_verdict(ROWS, judge(samples=2), CHAT, generator)
    assert [(row["score"], row["reason"], row["unfinished"]) for row in rows] == [
        (4, None, 1), (None, "unfinished", 1), (None, "unfinished", 2), (None, "unfinished", 1),
    ]  # fmt: skip
    assert rows[2]["verdicts"] == [None, None]
    assert rows[2]["replies"] == [CUT.text] * 2


def test_a_failed_reply_leaves_its_pair_alone_without_a_score():
    generator = Said("Score: 1", "Score: 5", Failed("engine_rejected", "no"), "Score: 4", "Score: 2", "Score: 2")
    found = served_verdict(ROWS[:3], judge(samples=2), CHAT, generator)
    assert [(row["id"], row["score"], row["reason"]) for row in found] == [
        ("r0", 3.0, None), ("r1", None, "engine_rejected"), ("r2", 2.0, None),
    ]  # fmt: skip
    assert "replies" not in found[1]


@pytest.mark.parametrize("seed", [0, 5])
def test_a_pair_is_asked_with_the_rubric_and_with_seeds_of_its_own(seed):
    generator = Said(*["Score: 1"] * 8)
    served_verdict(ROWS, judge(samples=2, seed=seed, temperature=0.3, top_p=0.5, max_tokens=9), CHAT, generator)
    ((prompts, sampling, seeds),) = generator.asked
    assert sampling == Sampling(0.3, 0.5, 9)
    assert seeds == [row_seed(seed, "verdict", row["id"], sample) for row in ROWS for sample in (0, 1)]
    assert len(set(seeds)) == 8
    for at, prompt in enumerate(prompts):
        pair = {name: ROWS[at // 2][name] for name in ("instruction", "output")}
        text = {"role": "user", "content": render("humpback", **pair, reasons=True)}
        assert prompt == [{"role": "system", "content": "Be good."}, text]


def test_the_seeds_do_not_depend_on_the_rows_beside_a_pair():
    together, alone = Said(*["Score: 1"] * 4), Said("Score: 1")
    served_verdict(ROWS, judge(), CHAT, together)
    served_verdict(ROWS[2:3], judge(), CHAT, alone)
    assert together.asked[0][2][2:3] == alone.asked[0][2]


def test_no_pairs_have_no_scores():
    assert served_verdict([], judge(), CHAT, Said()) == []


COUNT = 12


@pytest.fixture
def run(tmp_path, server):
    """Scores pairs through the stage; there is no model of the build at all."""
    rows = [
        {
            "id": f"{n:02d}-0", "segment_id": f"{n:02d}", "page_id": f"p{n}", "url": "u", "header": "h",
            "instruction": f"What is {n}?", "output": f"It is number {n}.", "logprob": None, "tokens": None,
        }
        for n in range(COUNT)
    ]  # fmt: skip
    write_rows(tmp_path / "augment" / "data" / "a.parquet", rows, candidate_schema())

    def go(name=NAME, out="out", leave_out=()):
        model = Other(served=name, leave_out=list(leave_out))
        config = ScoreStage(judge=Verdict(judge="verdict", model=model, samples=2), engine=Engine(), chat=Chat())
        runtime = Runtime(endpoint=server.endpoint, concurrency=3, request_tries=1, chunk_rows=5)
        return score(tmp_path / out, config, tmp_path / "augment", tmp_path / "no-model", runtime=runtime)

    return go


def number(prompt):
    return int(prompt[-1]["content"].rpartition("It is number ")[2].partition(".")[0])


def test_a_stage_scores_by_a_served_model_alone(run, server, tmp_path):
    def play(prompt, nth):
        at = number(prompt)
        if at == 3:
            return status(400, "too long")
        # The two samples of a pair come in any order, so the verdicts depend on how many came before.
        said = "I cannot say." if at == 4 else f"Fine.\nScore: {1 + at % 4 + nth}"
        return changed(lambda choice: choice["message"].update(content=said))

    server.plays = play
    stats = run()
    stats.check("score")
    counts = stats.counts["pairs"]
    assert (counts.rows_in, counts.kept) == (COUNT, COUNT - 2)
    assert counts.failed == {"engine_rejected": 1, "no_verdict": 1}
    assert (stats.details["replies"], stats.details["without_verdict"]) == (2 * (COUNT - 1), 2)
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert [row["id"] for row in rows] == [f"{n:02d}-0" for n in range(COUNT)]
    assert rows[0].keys() == set(score_schema("verdict").names)
    for at, row in enumerate(rows):
        assert row["score"] == (None if at in (3, 4) else 1.5 + at % 4)
    assert rows[4]["replies"] == ["I cannot say."] * 2
    assert {body["messages"][0]["content"] for body in server.asked} == {Chat().system_seed}
    seeds = sorted(body["seed"] for body in server.asked)
    assert seeds == sorted(row_seed(0, "verdict", row["id"], sample) for row in rows for sample in (0, 1))


def test_a_server_without_the_model_ends_the_stage(run, server):
    with pytest.raises(StageError, match="the recipe names big; use one of those"):
        run("big")
    assert server.asked == []


# What served judges do, each through the whole stage.


def saying(**choice):
    message = {"role": "assistant", "content": choice.pop("content")}
    return changed(lambda found: found.update(message=message, **choice))


def test_fractions_of_a_served_judge_are_kept(run, server, tmp_path):
    said = ["Complete.\nScore: 4.5", "**Rating:** 3.5/5", "Vague.\nScore: 2", "[[5]]"]
    server.plays = lambda prompt, nth: saying(content=said[number(prompt) % 4])
    stats = run()
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert [row["score"] for row in rows] == [4.5, 3.5, 2, 5] * 3
    assert rows[0]["verdicts"] == [4.5, 4.5]
    assert stats.details["verdicts"] == {"1": 0, "2": 6, "3": 0, "3.5": 6, "4": 0, "4.5": 6, "5": 6}


@pytest.mark.parametrize(
    "content", ["By the scale a score: 5 is for the best. Score: 5\nThis one", "<think>Score: 5", None]
)
def test_a_served_judge_that_is_cut_gives_no_score(run, server, tmp_path, content):
    server.plays = lambda prompt, nth: saying(content=content, finish_reason="length")
    stats = run()
    assert stats.counts["pairs"].failed == {"unfinished": COUNT}
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert {(row["score"], row["reason"], row["unfinished"]) for row in rows} == {(None, "unfinished", 2)}
    assert any("24 of 24 replies filled max_tokens (512)" in warning for warning in stats.warnings)


def test_a_served_judge_that_calls_max_tokens_otherwise_is_asked_as_it_likes(run, server, tmp_path, capfd):
    server.refuses = {"max_tokens": "'max_tokens' is not supported by this model"}
    server.plays = lambda prompt, nth: saying(content="ok\nScore: 4")
    assert run().counts["pairs"].kept == COUNT
    assert {row["score"] for row in read_rows(tmp_path / "out" / "data")} == {4}
    assert "'max_tokens' is not supported by this model" in capfd.readouterr().err


def test_what_a_server_says_against_a_pair_stands_in_its_row_and_in_the_error(run, server, tmp_path):
    server.plays = lambda prompt, nth: (
        status(400, f"no pair {number(prompt)}") if number(prompt) < 5 else saying(content="[[4]]")
    )
    run()
    rows = list(read_rows(tmp_path / "out" / "data"))
    assert [row["message"] for row in rows] == [*(f"status 400: no pair {n}" for n in range(5)), *[None] * 7]
    server.refuses = {"top_p": "top_p is not supported here"}
    with pytest.raises(StageError, match=r"top_p is not supported here\); write leave_out: \[top_p\]"):
        run(out="again")
    assert run(out="without", leave_out=["top_p"]).counts["pairs"].kept == 7
