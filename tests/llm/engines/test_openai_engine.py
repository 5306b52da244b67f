import importlib.util
import json
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import lies
from support.scripted_server import END, NAME, changed, cut, drop, hang, status, text, token_logprob, tokens

from builder.cli.check import check_recipe
from builder.cli.plan import plan_stages
from builder.cli.project import open_project
from builder.data.records import segment_schema
from builder.data.storage import read_rows, write_rows
from builder.errors import RecipeError, StageError
from builder.llm.engines.engine import Completion, Failed, Sampling
from builder.llm.engines.openai_engine import OpenaiEngine, serve_command, served_name
from builder.llm.engines.start import start_engine
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.stage import AugmentStage, augment
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime

KEY = "sk-very-secret-0123456789"
CONFIG = Engine(kind="openai", max_model_len=400)
SAMPLING = Sampling(0.7, 0.9, 6)
PROMPTS = [[1, 5, 9], [1, 5], [1, 8, 8, 8]]


@pytest.fixture(scope="module")
def model(untrained):
    return untrained("backward") / "model"


@pytest.fixture
def started(server, model):
    server.served = ["other", model.parent.name]

    def start(**options):
        values = {"concurrency": 4, "request_tries": 3, "endpoint": server.endpoint, **options}
        return start_engine(model, CONFIG, Runtime(**values))

    return start


def test_an_answer_is_read_with_its_tokens_their_log_probability_and_its_end(server, started):
    server.answer = lambda prompt, seed, limit: [7, 8, END][: 3 if seed else 2]
    assert started().generate(PROMPTS, SAMPLING, [0, 1, 2]) == [
        Completion([7, 8], token_logprob(7) + token_logprob(8), False),
        Completion([7, 8, END], token_logprob(7) + token_logprob(8) + token_logprob(END), True),
        Completion([7, 8, END], token_logprob(7) + token_logprob(8) + token_logprob(END), True),
    ]


def test_a_request_says_everything_that_a_server_might_else_fill_in(server, started, model):
    started(concurrency=1).generate(PROMPTS[:1], SAMPLING, [42])
    assert server.asked == [
        {
            "model": model.parent.name, "prompt": [1, 5, 9], "max_tokens": 6, "temperature": 0.7, "top_p": 0.9,
            "stop_token_ids": [], "seed": 42, "logprobs": 0, "return_token_ids": True, "skip_special_tokens": False,
            "top_k": 0,
            "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
        }
    ]  # fmt: skip


def test_log_probabilities_are_those_of_the_tokens_asked_for(started):
    engine = started()
    assert engine.token_logprobs(PROMPTS, [1, 1, 3]) == [
        [token_logprob(token) for token in ids] for ids in ([5, 9], [5], [8])
    ]
    assert engine.next_logprobs(PROMPTS, [33, 4, 12]) == [[token_logprob(token) for token in (33, 4, 12)]] * 3


def without(name):
    return changed(lambda choice: choice.pop(name))


@pytest.mark.parametrize("play", [without("logprobs"), changed(lambda choice: choice.update(logprobs=None))])
def test_without_log_probabilities_there_are_answers_and_no_scores(server, started, play):
    server.plays = lambda prompt, nth: play
    engine = started()
    assert engine.generate(PROMPTS, SAMPLING, [1, 2, 3]) == [
        Completion(ids, None, ids[-1] == END)
        for ids in (tokens(prompt, seed, 6) for seed, prompt in enumerate(PROMPTS, 1))
    ]
    assert [answer.reason for answer in engine.next_logprobs(PROMPTS, [3])] == ["engine_no_logprobs"] * 3
    server.plays = lambda prompt, nth: without("prompt_logprobs")
    assert [answer.reason for answer in engine.token_logprobs(PROMPTS, [1, 1, 1])] == ["engine_no_logprobs"] * 3
    assert len(server.asked) == 9  # asking again would not help


def test_a_server_that_knows_only_its_most_probable_tokens_serves_the_rows_whose_choices_are_there(server, started):
    few = changed(lambda choice: choice["logprobs"]["top_logprobs"][0].pop("token_id:4"))
    server.plays = lambda prompt, nth: few if prompt == PROMPTS[1] else None
    found = started().next_logprobs(PROMPTS, [33, 4])
    assert found[1] == Failed("engine_no_logprobs", "the server gives no log-probability of token_id:4")
    assert found[0] == found[2] == [token_logprob(33), token_logprob(4)]


@pytest.mark.parametrize(
    "change",
    [
        lambda choice: choice["logprobs"]["token_logprobs"].pop(),
        lambda choice: choice["token_ids"].append("x"),
        lambda choice: choice["logprobs"].update(token_logprobs=["x"] * len(choice["token_ids"])),
        lambda choice: choice["logprobs"].update(token_logprobs=[float("nan")] * len(choice["token_ids"])),
    ],
)
def test_a_reply_that_does_not_add_up_is_asked_for_again(server, started, impatient, change):
    whole = started().generate(PROMPTS, SAMPLING, [1, 2, 3])
    server.asked.clear()
    server.tries.clear()
    server.plays = lambda prompt, nth: changed(change) if prompt == PROMPTS[0] and nth == 0 else None
    assert started().generate(PROMPTS, SAMPLING, [1, 2, 3]) == whole
    assert len(server.asked) == 4


def test_a_server_without_token_ids_is_no_engine(server, started):
    server.plays = lambda prompt, nth: without("token_ids")
    assert {answer.reason for answer in started().generate(PROMPTS, SAMPLING, [1, 2, 3])} == {"engine_no_token_ids"}


def test_another_model_is_refused_with_what_is_served_and_how_to_serve_the_right_one(server, started, model):
    server.served = ["other", "model-0-ffff"]
    with pytest.raises(StageError) as caught:
        started()
    assert str(caught.value) == (
        f"{server.endpoint}: serves model-0-ffff, other, but {model.parent.name} is needed; serve it with: "
        f"vllm serve {model} --served-model-name {model.parent.name} --max-model-len 400"
    )
    server.served = []
    with pytest.raises(StageError, match="serves no model, but"):
        started()


def test_a_model_that_no_stage_has_made_is_served_under_the_name_of_its_folder():
    assert served_name(Path("/build/model-0-abc/model")) == "model-0-abc"
    assert served_name(Path("/hub/snapshots/0f1e2d")) == "0f1e2d"


def test_an_adapter_is_served_beside_its_base(monkeypatch):
    folder = Path("/build/model-1-abc/model")
    adapter = SimpleNamespace(base="owner/base", revision="c0ffee", options={"max_lora_rank": 8})
    monkeypatch.setattr("builder.llm.engines.openai_engine.read_adapter", lambda model: adapter)
    assert serve_command(folder, Engine(kind="openai", dtype="bfloat16", max_model_len=512)) == (
        f"vllm serve owner/base --revision c0ffee --tokenizer {folder} --enable-lora --max-lora-rank 8 "
        f"--lora-modules model-1-abc={folder} --max-model-len 512 --dtype bfloat16"
    )


def test_a_context_shorter_than_the_recipes_is_refused(server, started):
    server.room = 399
    with pytest.raises(StageError, match=r"context of 399 tokens, but engine.max_model_len is 400; serve it with"):
        started()
    server.room = None  # a server need not say
    assert isinstance(started(), OpenaiEngine)


def test_a_server_that_answers_as_another_model_is_refused(server, started):
    engine = started()
    server.plays = lambda prompt, nth: text(json.dumps({"model": "other", "choices": [{"token_ids": [3]}]}))
    with pytest.raises(StageError, match="answers as other, not as"):
        engine.generate(PROMPTS, SAMPLING, [1, 2, 3])


def test_a_missing_client_or_address_is_said(monkeypatch, model):
    with pytest.raises(StageError, match=r"runtime.endpoint is not set"):
        start_engine(model, CONFIG, Runtime())
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StageError, match=r"httpx2 is not installed: pip install 'humpback-builder\[openai\]'"):
        start_engine(model, CONFIG, Runtime(endpoint="http://127.0.0.1:1/v1"))


INSTRUCTIONS = [
    "How should I keep apples over the winter?", "Why do drums sound lower when they are large?",
    "Explain what makes a cool room good for fruit.", "What should a beginner know about storing pears?",
]  # fmt: skip
TROUBLES = [status(429, Retry_After="0.01"), status(500), hang, drop, cut, text("{"), text("<p>", "text/html"), None]


@pytest.fixture
def stage(server, model, tmp_path):
    """What the stage `augment` needs to run on the scripted server, and a way to run it."""
    server.served = [model.parent.name]
    tokenizer = load_tokenizer(model)
    written = [[*tokenizer.encode(one, add_special_tokens=False), END] for one in INSTRUCTIONS]
    server.answer = lambda prompt, seed, limit: written[seed % len(written)]
    rows = [
        {"id": f"s{n}", "page_id": f"p{n}", "url": "u", "header": "h", "position": n, "text": f"Apple {n} keeps well."}
        for n in range(20)
    ]
    write_rows(tmp_path / "dedup" / "data" / "a.parquet", rows, segment_schema())
    config = AugmentStage(augment=Augment(max_tokens=40), engine=CONFIG, chat=Chat())

    def run(name, **options):
        runtime = Runtime(endpoint=server.endpoint, chunk_rows=8, request_seconds=1.5, **options)
        stats = augment(tmp_path / name, config, tmp_path / "dedup", model.parent, runtime=runtime)
        files = sorted((tmp_path / name).glob("*/part-*"))
        return stats.counts["pairs"], {str(path.relative_to(tmp_path / name)): path.read_bytes() for path in files}

    return run


@pytest.fixture
def impatient(monkeypatch):
    """Back-off in hundredths of a second."""
    monkeypatch.setattr("builder.llm.engines.endpoint.FIRST_WAIT", 0.01)


def test_a_troubled_server_leaves_the_same_files_as_an_untroubled_one(server, stage, impatient):
    counts, files = stage("calm", concurrency=8)
    asked = len(server.asked)
    assert counts.kept >= 10
    server.tries.clear()
    server.asked.clear()
    server.plays = lambda prompt, nth: TROUBLES[sum(prompt) % len(TROUBLES)] if nth == 0 else None
    assert stage("troubled", concurrency=3) == (counts, files)
    tries = Counter(server.tries.values())
    assert set(tries) == {1, 2}
    assert sum(server.tries.values()) == asked + tries[2]


def test_rows_that_fail_are_counted_by_reason_and_the_others_are_as_ever(server, stage, impatient, tmp_path):
    stage("calm")
    server.tries.clear()
    bad = [status(500), status(400, "no such token"), lies.TOKEN_LIES["an id that no machine word holds"](), None]
    server.plays = lambda prompt, nth: bad[min(sum(prompt) % 8, 3)]
    counts, _ = stage("troubled", request_tries=2)
    counts.check("pairs")
    assert set(counts.failed) == {"engine_status_500", "engine_rejected", "engine_bad_reply"}
    assert sum(counts.failed.values()) == sum(row["reason"] in counts.failed for row in rejected(tmp_path / "troubled"))
    whole, rest = ({row["id"]: row for row in read_rows(tmp_path / name / "data")} for name in ("calm", "troubled"))
    assert 0 < len(rest) < len(whole)
    assert all(whole[name] == row for name, row in rest.items())


def rejected(stage_folder):
    return list(read_rows(stage_folder / "rejected"))


@pytest.fixture
def with_key(server, monkeypatch):
    """The server says the key in its errors."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.key = KEY


def holding_key(folder):
    return [path for path in folder.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_stage_leaves_no_trace_of_the_key_even_in_the_clients_own_log(
    server, stage, with_key, tmp_path, caplog, capfd
):
    caplog.set_level("DEBUG")
    server.plays = lambda prompt, nth: status(400, f"no, {KEY}") if sum(prompt) % 8 == 0 else None
    counts, _ = stage("out")
    assert counts.failed.keys() == {"engine_rejected"}
    assert "status 400: no, ***" in {row["text"] for row in rejected(tmp_path / "out")}
    assert '/completions "HTTP/1.1 400' in caplog.text
    assert KEY not in caplog.text + "".join(capfd.readouterr())
    assert holding_key(tmp_path) == []


@pytest.mark.parametrize("engines", [1, pytest.param(2, marks=pytest.mark.full)])
def test_a_stage_that_stops_leaves_no_trace_of_the_key_in_its_logs(server, stage, with_key, tmp_path, capfd, engines):
    """The log of one of several engines holds a traceback with the values of variables."""
    server.plays = lambda prompt, nth: status(401, f"no, {KEY}")
    with pytest.raises(StageError, match=r"the server refuses \(status 401: no, \*\*\*\)") as caught:
        stage("out", engines=engines)
    logged = [path.read_text() for path in tmp_path.rglob("*.log")]
    assert any("Traceback" in log and "self._key" in log for log in logged) == (engines > 1)
    assert KEY not in "".join([str(caught.value), *logged, *capfd.readouterr()])
    assert holding_key(tmp_path) == []


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    from builder.cli.init import write_recipe_folder

    folder = tmp_path_factory.mktemp("recipe") / "project"
    write_recipe_folder(folder)
    return folder


def settings(server):
    return ("engine.kind=openai", f"runtime.endpoint={server.endpoint}")


def test_check_says_which_models_of_the_build_are_served(server, recipe):
    said = check_recipe(recipe, settings(server)).text().splitlines()
    later = [line.split()[-1] for line in said if "does not serve yet" in line]
    assert [name.rpartition("-")[0] for name in later] == ["model-backward", "model-0", "model-1"]
    server.served = later[1:2]
    said = check_recipe(recipe, settings(server)).text().splitlines()
    assert f"  note: {server.endpoint} serves {later[1]}" in said
    assert f"  note: {server.endpoint} does not serve yet {later[0]}" in said
    assert check_recipe(recipe, settings(server)).value["ok"]


def test_check_fails_with_what_to_do_where_the_server_does_not_answer(server, recipe):
    server.key = KEY
    with pytest.raises(RecipeError, match=r"the server refuses .*set OPENAI_API_KEY"):
        check_recipe(recipe, settings(server))
    server.close()
    with pytest.raises(RecipeError, match=r"the server does not answer .*see that it runs"):
        check_recipe(recipe, settings(server))


def test_check_refuses_a_hosted_model_that_the_server_does_not_have(server, recipe):
    names = ("augment.model.served=gpt-x", f"runtime.endpoint={server.endpoint}")
    with pytest.raises(RecipeError, match=rf"serves {NAME}; the recipe names gpt-x, use one of those"):
        check_recipe(recipe, names)
    server.served = ["gpt-x"]
    assert "fine" in check_recipe(recipe, names).text()


def test_only_check_asks_the_server_before_a_build(server, recipe, tmp_path):
    plan_stages(open_project(recipe, tmp_path, settings(server)))
    check_recipe(recipe, (f"runtime.endpoint={server.endpoint}",))
    assert server.headers == []


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("engine.kind=openai",), "engine.kind is 'openai', so runtime.endpoint is needed"),
        (("augment.model.served=gpt-x",), "gpt-x is served elsewhere, so runtime.endpoint is needed"),
        (("runtime.endpoint=http://user:pass@host/v1",), "must be an address alone"),
        (("runtime.endpoint=https://host/v1?api_key=x",), "must be an address alone"),
        (("runtime.endpoint=host:8000",), "it must match"),
    ],
)
def test_an_endpoint_that_is_missing_or_holds_a_secret_is_a_mistake_of_the_recipe(recipe, overrides, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(recipe, overrides)


def test_importing_the_engine_imports_no_client():
    import subprocess
    import sys

    modules = "builder.llm.engines.openai_engine, builder.llm.engines.chat_model, builder.cli.check"
    script = f"import sys, {modules}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert not {"openai", "httpx", "httpx2", "transformers"} & set(loaded.stdout.split())
