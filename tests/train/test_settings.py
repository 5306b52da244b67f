"""The paper's settings, read from TRL's own trainer while it trains on the recipes, templates and roles we ship."""

from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from builder.data.records import curated_schema, seed_schema
from builder.data.resources import resource_folder
from builder.data.storage import read_json, read_rows, write_rows
from builder.llm.contract import load_contract
from builder.llm.tokenizer import load_tokenizer
from builder.method.train.stage import BackwardStage, ForwardStage, train_backward, train_forward
from builder.recipe.recipe import load_recipe
from builder.recipe.sections.models import Origin
from builder.recipe.sections.runtime import Runtime
from builder.recipe.sections.training import Schedule

RECIPES = resource_folder("recipes")
BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
NO_LAUNCHER = Runtime()
PAPER = Schedule(global_batch="paper", steps="paper")
HERE = {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "dataloader_pin_memory": False,
        "disable_tqdm": True, "save_strategy": "no"}  # fmt: skip


class Seen:
    """What a training did: rows of each step, learning rates, labels, groups of the optimizer, dropout."""

    def __init__(self):
        self.rows = defaultdict(list)
        self.rates = []
        self.labels = []
        self.groups = []
        self.dropout = set()


@pytest.fixture
def seen(monkeypatch):
    """Lets TRL's trainer be watched; it trains as it would otherwise."""
    import trl

    found = Seen()

    class Watched(trl.SFTTrainer):
        def training_step(self, model, inputs, *rest, **options):
            step = self.state.global_step
            found.rows[step].append(len(inputs["input_ids"]))
            found.rates[step:] = [self.optimizer.param_groups[0]["lr"]]
            found.labels += zip(inputs["input_ids"].tolist(), inputs["labels"].tolist(), strict=True)
            loss = super().training_step(model, inputs, *rest, **options)
            found.dropout.add((model.training, model.config.attention_dropout))
            return loss

        def train(self, *arguments, **options):
            outcome = super().train(*arguments, **options)
            found.rates.append(self.lr_scheduler.get_last_lr()[0])
            names = {id(weights): name for name, weights in self.model.named_parameters()}
            found.groups = [
                (group["weight_decay"], {names[id(weights)] for weights in group["params"]})
                for group in self.optimizer.param_groups
            ]
            return outcome

    monkeypatch.setattr(trl, "SFTTrainer", Watched)
    return found


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """100 rows: the first entry of the paper's table, 30 steps of 8 rows."""
    folder = tmp_path_factory.mktemp("pairs")
    texts = [{"id": str(n), "instruction": f"How many are {n}?", "output": f"{n} are.\nNo more."} for n in range(100)]
    seed = [{**pair, "source": "s", "license": "mit"} for pair in texts]
    curated = [{**pair, "score": 5.0, "split": "train", "page_id": "p"} for pair in texts[:4]]
    write_rows(folder / "all" / "data" / "seed.parquet", seed, seed_schema())
    write_rows(folder / "seed" / "data" / "seed.parquet", seed[4:], seed_schema())
    write_rows(folder / "curated" / "data" / "curated.parquet", curated, curated_schema())
    return folder


def train(folder, pairs, role, recipe, base, schedule, runtime=NO_LAUNCHER, **options):
    """Train as a shipped recipe says, on this machine, and return the stage folder."""
    loaded = load_recipe(RECIPES / recipe)
    file = loaded.training.backward if role == "backward" else loaded.training.forward
    (folder / "sft.yaml").write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | HERE | options))
    shared = {
        "base": Origin(path=base),
        "chat": loaded.chat,
        "recipe": folder / "sft.yaml",
        "schedule": schedule,
    }
    out = folder / "stage"
    if role == "backward":
        stage = BackwardStage(**shared, template="backward")
        stats = train_backward(out, stage, pairs / "all", runtime=runtime)
    else:
        stats = train_forward(out, ForwardStage(**shared), pairs / "seed", pairs / "curated", runtime=runtime)
    return out, stats


def assert_only_outputs_are_trained(out, seen):
    """Every row has a loss on its output and the token that ends it, and on nothing else."""
    tokenizer, contract = load_tokenizer(out / "model"), load_contract(out / "model")
    wanted = {row["completion"][0]["content"] for path in (out / "rows").iterdir() for row in read_rows(path)}
    trained = {*trained_texts(tokenizer, contract, seen.labels)}
    assert trained <= wanted
    assert len(trained) > 95  # of 100: an epoch leaves what does not fill a step


def trained_texts(tokenizer, contract, labels):
    for ids, row in labels:
        places = [at for at, label in enumerate(row) if label != -100]
        assert places == list(range(places[0], places[-1] + 1))
        assert [row[at] for at in places] == [ids[at] for at in places]
        text = tokenizer.decode([ids[at] for at in places])
        assert text.endswith(contract.end_token)
        assert text.count(contract.end_token) == 1
        yield text.removesuffix(contract.end_token)


@pytest.mark.parametrize("role", ["forward", "backward"])
def test_the_7b_recipe_trains_as_the_paper_says(role, llama_2, pairs, seen, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    out, stats = train(tmp_path, pairs, role, "humpback-7b", llama_2, PAPER, Runtime(device_batch=4))
    assert stats.details["steps"] == 30
    assert {tuple(rows) for rows in seen.rows.values()} == {(4, 4)}
    assert stats.details["rows_a_step"] == 8
    assert seen.rates == pytest.approx([1e-5 - 1e-6 * step / 30 for step in range(31)], rel=1e-6)
    assert (seen.rates[0], seen.rates[15], seen.rates[30]) == pytest.approx((1e-5, 9.5e-6, 9e-6), rel=1e-6)
    assert seen.rates[29] == pytest.approx(9e-6, rel=0.01)
    decayed, free = seen.groups
    assert (decayed[0], free[0]) == (0.1, 0.0)
    assert all("norm" in name for name in free[1])
    assert any("norm" in name for name in free[1])
    assert not any("norm" in name for name in decayed[1])
    assert {"model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"} <= decayed[1]
    assert seen.dropout == {(True, 0.1)}
    assert read_json(out / "model" / "config.json")["attention_dropout"] == 0.0
    assert_only_outputs_are_trained(out, seen)


@pytest.mark.parametrize("role", ["forward", pytest.param("backward", marks=pytest.mark.full)])
def test_with_chatml_outputs_alone_are_trained_and_as_many_rows_a_step_as_asked_for(
    role, pairs, seen, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    options = {"max_steps": 3, "logging_steps": 1}
    out, stats = train(tmp_path, pairs, role, "quickstart", BASE, Schedule(global_batch=32), **options)
    assert {sum(rows) for rows in seen.rows.values()} == {32}
    assert (stats.details["steps"], stats.details["rows_a_step"]) == (3, 32)
    tokenizer, contract = load_tokenizer(out / "model"), load_contract(out / "model")
    rows = [row for path in (out / "rows").iterdir() for row in read_rows(path)]
    texts = [*trained_texts(tokenizer, contract, seen.labels)]
    assert len(texts) == 96
    assert {*texts} <= {row["completion"][0]["content"] for row in rows}
