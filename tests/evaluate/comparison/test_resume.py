"""805 prompts, two orders, two models, a judge behind a server; killed in the middle, no answer is asked for twice."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from support.scripted_server import NAME, ScriptedServer

from builder.data.storage import read_rows, write_rows
from builder.results.evaluate.comparison.annotations import prompt_key
from builder.results.evaluate.comparison.answers import answer_schema

PROMPTS, CONCURRENCY = 805, 8
ROOT = Path(__file__).parents[3]
CHILD = """
import sys
from pathlib import Path
from builder.results.evaluate.comparison.pairwise import CompareStage, compare
from builder.results.evaluate.comparison.plan import PairJudge
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
folder, endpoint, name, concurrency = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
judge = PairJudge(served=name, read="text")
stage = CompareStage(judge=judge, engine=Engine(), chat=Chat())
runtime = Runtime(endpoint=endpoint, concurrency=concurrency, chunk_rows=400)
for model in ("one", "two"):
    out = folder / f"judged-{model}"
    if not (out / "done").exists():
        compare(out, stage, folder / model, folder / "reference", runtime=runtime).check("compare")
        (out / "done").touch()
"""


def answers(folder: Path, name: str) -> None:
    rows = [
        {"id": prompt_key(f"q{at}"), "instruction": f"q{at}", "source": "mine", "output": f"{name} {at}"}
        for at in range(PROMPTS)
    ]
    write_rows(folder / name / "data" / "a.parquet", rows, answer_schema())


class Judge(ScriptedServer):
    """Says that the first answer is better."""

    def _chat(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"index": 0, "message": {"role": "assistant", "content": "m"}, "finish_reason": "stop"}


@pytest.mark.parametrize("kills", [(700, 2_300)])
def test_a_kill_loses_no_row_and_asks_for_no_answer_twice(tmp_path: Path, kills: tuple[int, ...]) -> None:
    for name in ("one", "two", "reference"):
        answers(tmp_path, name)
    server = Judge()
    command = [sys.executable, "-c", CHILD, str(tmp_path), server.endpoint, NAME, str(CONCURRENCY)]
    try:
        for limit in kills:
            child = subprocess.Popen(command, cwd=ROOT)
            while len(server.asked) < limit and child.poll() is None:
                time.sleep(0.002)
            child.kill()
            child.wait()
        assert subprocess.run(command, cwd=ROOT, check=False).returncode == 0
    finally:
        server.close()
    for model in ("one", "two"):
        rows = list(read_rows(tmp_path / f"judged-{model}" / "data"))
        assert len(rows) == len({row["id"] for row in rows}) == 2 * PROMPTS
        assert {(row["order"], row["p"]) for row in rows} == {(1, 1.0), (2, 0.0)}
    assert len(server.tries) == 4 * PROMPTS
    again = [json.loads(prompt) for prompt, tries in server.tries.items() if tries > 1]
    # What was under way at a kill had no answer yet.
    assert len(again) <= CONCURRENCY * len(kills)
