"""A few pairs as stages leave them, and trainings on them in this process, for the tests of training."""

from pathlib import Path
from typing import Any

import yaml

from builder.data.accounting import Stats
from builder.data.records import curated_schema, seed_schema
from builder.data.storage import write_rows
from builder.method.train.stage import ForwardStage, train_forward
from builder.recipe.sections.models import Chat, Origin
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.training import Schedule

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
OPTIONS: dict[str, Any] = {
    "learning_rate": 1e-3, "max_steps": 2, "per_device_train_batch_size": 4, "max_length": 64, "dtype": "float32",
    "use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False,
    "disable_tqdm": True, "logging_steps": 1,
}  # fmt: skip


def write_pairs(folder: Path, *, splits: str = "train test train train") -> Path:
    """Twelve seed pairs in `seed/`, the last two longer, four curated ones in `curated/`."""
    seed = [
        {"id": f"seed{n}", "instruction": f"How should I store {n} apples?", "source": "s", "license": "x",
         "output": f"Keep apples number {n} in a cool room." + " Damp is bad." * (n >= 10)}
        for n in range(12)
    ]  # fmt: skip
    curated = [
        {"id": f"pair{n}", "instruction": f"What are {n} kites?", "output": f"Kites {n} fly.", "score": 5.0,
         "split": split, "page_id": "p"}
        for n, split in enumerate(splits.split())
    ]  # fmt: skip
    write_rows(folder / "seed" / "data" / "seed.parquet", seed, seed_schema())
    write_rows(folder / "curated" / "data" / "curated.parquet", curated, curated_schema())
    return folder


def train_here(
    pairs: Path, out: Path, *, base: Path = BASE, chat: Chat | None = None, schedule: Schedule | None = None,
    previous: Path | None = None, runtime: Runtime | None = None, curated: bool = True, **options: Any,
) -> Stats:  # fmt: skip
    """Train a forward model in this process; `options` are keys of its TRL recipe."""
    out.mkdir(parents=True, exist_ok=True)
    recipe = out / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(OPTIONS | options))
    stage = ForwardStage(base=Origin(path=base), chat=chat or Chat(), recipe=recipe, schedule=schedule or Schedule())
    inputs = [pairs / "seed", pairs / "curated" if curated else None, previous]
    return train_forward(out, stage, *inputs, runtime=runtime or Runtime())
