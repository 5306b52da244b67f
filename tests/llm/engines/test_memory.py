"""The memory of the batch runner does not grow with the rows."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support import fake_engine

PROGRAM = """
import json, resource, sys
from pathlib import Path
from types import SimpleNamespace
from builder.method.augment.stage import AugmentStage, augment
from builder.llm.engines.engine import Completion; from builder.llm.tokenizer import load_tokenizer
from builder.recipe.sections.augment import Augment; from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.data.records import segment_schema
from builder.data.storage import open_rows
from support.fake_engine import starts_give

folder, backward, count = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
text = "Apples keep well in a cool room, away from the light and from onions. " * 2
with open_rows(folder / "segments" / "data" / "a.parquet", segment_schema()) as add:
    for start in range(0, count, 2000):
        add([{"id": f"{n:08d}", "page_id": f"p{n}", "url": "u", "header": "h", "language": "en", "text": f"{n} {text}"}
             for n in range(start, min(start + 2000, count))])
end = load_tokenizer(backward / "model").convert_tokens_to_ids("<|im_end|>")
ids = [*load_tokenizer(backward / "model").encode("How are apples kept?", add_special_tokens=False), end]
fake = SimpleNamespace(
    generate=lambda prompts, _, seeds: [Completion(ids, -1.0, True) for _ in seeds], forget=lambda: None,
    __deepcopy__=lambda memo: fake,
)
config = AugmentStage(augment=Augment(max_tokens=12), engine=Engine(kind="transformers"), chat=Chat())
with starts_give(fake):
    stats = augment(folder / "out", config, folder / "segments", backward, runtime=Runtime())
stats.check("augment")
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"kept": stats.counts["pairs"].kept, "peak": peak}))
"""


def peak_of(folder: Path, backward: Path, count: int) -> int:
    """Peak memory in KB of an augment stage over so many segments, with an engine that has its answer ready."""
    (folder / str(count)).mkdir()
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder / str(count)), str(backward), str(count)],
        capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": str(Path(fake_engine.__file__).parents[1])},
    )  # fmt: skip
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["kept"] == count
    return int(found["peak"])


@pytest.mark.full
def test_ten_times_the_rows_take_hardly_more_memory(tmp_path, untrained):
    backward = untrained("backward")
    assert peak_of(tmp_path, backward, 20_000) < 1.1 * peak_of(tmp_path, backward, 2_000) + 50_000


@pytest.mark.full
def test_200_000_rows_stay_below_1_gb(tmp_path, untrained):
    assert peak_of(tmp_path, untrained("backward"), 200_000) < 1_000_000
