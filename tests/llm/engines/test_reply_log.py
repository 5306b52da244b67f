from pathlib import Path

from support.scripted_server import NAME, ScriptedServer, status

from builder.llm.engines.chat_model import ChatModel
from builder.llm.engines.engine import Generation, Sampling
from builder.llm.engines.reply_log import FOLDER, ReplyLog
from builder.recipe.sections.runtime import Runtime

SAMPLING = Sampling(0.7, 0.9, 8)


def conversations(count: int) -> list[list[dict[str, str]]]:
    return [[{"role": "user", "content": f"question {at}"}] for at in range(count)]


def test_a_reply_is_known_to_whoever_opens_the_log_next(tmp_path: Path) -> None:
    body, reply = {"messages": [1], "seed": 3}, Generation("a line\nand é", True, None, 3)
    ReplyLog(tmp_path).add(body, reply)
    assert ReplyLog(tmp_path).of({"seed": 3, "messages": [1]}) == reply
    assert ReplyLog(tmp_path).of(body | {"seed": 4}) is None


def test_a_line_that_was_cut_is_no_reply(tmp_path: Path) -> None:
    log = ReplyLog(tmp_path)
    for seed in (1, 2):
        log.add({"seed": seed}, Generation("x", True, None, 1))
    (file,) = (tmp_path / FOLDER).iterdir()
    file.write_bytes(file.read_bytes()[:-5])
    again = ReplyLog(tmp_path)
    assert again.of({"seed": 1}) is not None
    assert again.of({"seed": 2}) is None


def test_what_was_answered_is_not_sent_again(tmp_path: Path) -> None:
    server = ScriptedServer()
    try:
        runtime = Runtime(endpoint=server.endpoint)
        first = ChatModel(NAME, runtime, log=ReplyLog(tmp_path)).generate(conversations(5), SAMPLING, range(5))
        second = ChatModel(NAME, runtime, log=ReplyLog(tmp_path)).generate(conversations(8), SAMPLING, range(8))
        assert second[:5] == first
        assert len(server.asked) == 8
    finally:
        server.close()


def test_a_request_that_failed_is_not_kept(tmp_path: Path) -> None:
    server = ScriptedServer()
    server.plays = lambda prompt, nth: status(400) if prompt[-1]["content"] == "question 1" and nth == 0 else None
    try:
        runtime = Runtime(endpoint=server.endpoint)
        ChatModel(NAME, runtime, log=ReplyLog(tmp_path)).generate(conversations(3), SAMPLING, range(3))
        ChatModel(NAME, runtime, log=ReplyLog(tmp_path)).generate(conversations(3), SAMPLING, range(3))
        assert len(server.asked) == 4
    finally:
        server.close()
