"""A small finished build made by hand: artifacts in the schemas of the stages, models copied from the sample's base."""

import shutil
from pathlib import Path
from typing import Any

import yaml

from builder.build import Build
from builder.data.accounting import Counts
from builder.data.records import (
    candidate_schema,
    curated_schema,
    pair_id,
    score_schema,
    seed_schema,
    stable_id,
    training_schema,
)
from builder.data.storage import write_json, write_rows
from builder.llm.contract import ChatContract, make_contract
from builder.llm.tokenizer import load_tokenizer
from builder.recipe.recipe import Recipe
from builder.recipe.sections.models import Chat
from builder.workspace.stage_names import HALVES
from builder.workspace.workspace import Artifact

BASE = Path(__file__).parents[2] / "builder" / "sample" / "base"
ITERATIONS = 2
HOSTILE = "A list:\n\n- one\n\n```\nignored\n```\n\n````md\n# Not a heading\n````\n| a | b |\n{{ 7 * 7 }} TODO /home/me"


def recipe_of(folder: Path, test_share: float, **release: Any) -> Recipe:
    """A recipe whose files lie in `folder`."""
    for name in ("forward.yaml", "backward.yaml"):
        (folder / name).write_text("learning_rate: 1.0e-3\n")
    source = {"name": "people", "path": folder / "seed.jsonl", "license": "apache-2.0"}
    return Recipe.model_validate({
        "name": "tiny",
        "base": {"path": BASE, "license": "apache-2.0"},
        "seed": {"sources": [source]},
        "segments": {"sources": [{"path": folder / "pages", "format": "html"}]},
        "score": [{"judge": "likelihood"}],
        "curate": {"judge": "likelihood", "share": 0.5, "test_share": test_share},
        "training": {"forward": folder / "forward.yaml", "backward": folder / "backward.yaml"},
        "iterations": ITERATIONS,
        "release": {"title": "Tiny | *web*", "license": "odc-by", **release},
    })  # fmt: skip


class FakeBuild:
    """Writes the stages of `recipe_of` below `root`."""

    def __init__(
        self,
        root: Path,
        test_share: float = 0.2,
        *,
        cross_fit: bool = False,
        changes: dict[str, Any] | None = None,
        **release: Any,
    ) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root, self.recipe = root, recipe_of(root, test_share, **release).model_copy(update=changes or {})
        if cross_fit:
            training = self.recipe.training.model_copy(update={"cross_fit": True})
            self.recipe = self.recipe.model_copy(update={"training": training})
        self.artifacts: dict[str, Artifact] = {}
        self.seed = [self._seed(number) for number in range(5)]
        self.candidates = self.made()
        self._write_stages()

    @property
    def build(self) -> Build:
        """The same as a finished build."""
        return Build(self.recipe, self.artifacts)

    def _seed(self, number: int) -> dict[str, Any]:
        texts = {"instruction": f"Question {number}?", "output": f"Answer {number}."}
        return {"id": stable_id("seed", number), **texts, "source": "people", "license": "apache-2.0"}

    def made(self) -> list[dict[str, Any]]:
        """The candidate pairs."""
        return [self.candidate(number) for number in range(40)]

    def candidate(self, number: int) -> dict[str, Any]:
        page, segment = f"page-{number // 2}", stable_id("segment", number)
        return {
            "id": pair_id(segment, 0),
            "segment_id": segment,
            "page_id": page,
            "url": f"https://example.org/{page}",
            "header": f"Header {number}",
            "instruction": f"What about {number}?",
            "output": HOSTILE if number % 2 else f"Text {number}, " * (number + 1),
            "logprob": -1.5 * number,
            "tokens": number + 2,
        }

    def _write_stages(self) -> None:
        from builder.method.curate.withheld import withheld_pages

        self.data("seed", sorted(self.seed, key=lambda row: row["id"]), seed_schema(), Counts(5, 5))
        masked = {"masked_emails": 7, "masked_ips": 3, "unseen": 2, "unseen_chars": 1_905}
        self.stage("segments", masked, pages=Counts(20, 20), segments=Counts(50, 45, *_dropped(navigation=5)))
        self.stage("dedup", segments=Counts(45, 40, *_dropped(near_duplicate=5)))
        pairs = len(self.candidates)
        self.data("augment", self.candidates, candidate_schema(), Counts(pairs, pairs))
        self.model("model-backward", "backward", {"seed": self.seed})
        self.model("model-0", "forward", {"seed": self.seed})
        for t in range(1, ITERATIONS + 1):
            scores = {row["id"]: None if n == 7 else (n * t * 7) % 40 / 10 for n, row in enumerate(self.candidates)}
            rows = [
                {"id": key, "score": value, "reason": (value is None and "empty") or None}
                for key, value in scores.items()
            ]
            self.data(
                f"score-{t}-likelihood", rows, score_schema("likelihood"), Counts(pairs, pairs - 1, *_failed(empty=1))
            )
            chosen = sorted((r for r in self.candidates if (scores[r["id"]] or 0) > 2), key=lambda row: row["id"])
            if t == 1:
                pages = [[row["page_id"] for row in rows] for rows in (self.candidates, chosen)]
                withheld = withheld_pages(*pages, self.recipe.curate)
            curated = [
                row | {"score": scores[row["id"]], "split": "test" if row["page_id"] in withheld else "train"}
                for row in chosen
            ]
            counts = Counts(pairs, len(curated), *_dropped(not_selected=pairs - 1 - len(curated), no_score=1))
            self.data(f"curate-{t}", curated, curated_schema(), counts)
            for half in HALVES if self.recipe.training.cross_fit and t < ITERATIONS else ():
                self.stage(f"model-{t}-{half}", rows=Counts(5, 5))
            train = [row for row in curated if row["split"] == "train"]
            self.model(f"model-{t}", "forward", {"seed": self.seed, "curated": train})

    def stage(self, name: str, details: dict[str, int] | None = None, **counts: Counts) -> Artifact:
        artifact = Artifact(name, stable_id(name)[:12], self.root / "work" / f"{name}-{stable_id(name)[:12]}")
        record = {"stage": name, "status": "done", "counts": {kind: value.as_dict() for kind, value in counts.items()}}
        write_json(artifact.path / "stage.json", record | {"details": details or {}})
        self.artifacts[name] = artifact
        return artifact

    def data(self, name: str, rows: list[dict[str, Any]], schema: Any, counts: Counts) -> None:
        counts.check(name)
        write_rows(self.stage(name, pairs=counts).data / "rows.parquet", rows, schema)

    def model(self, name: str, role: Any, sources: dict[str, list[dict[str, Any]]]) -> None:
        artifact = self.stage(name, rows=Counts(*[sum(map(len, sources.values()))] * 2))
        shutil.copytree(BASE, artifact.model)
        (artifact.model / "training_args.bin").write_bytes(b"pickle")
        contract = _contract(role)
        contract.save(artifact.model)
        write_json(artifact.model / "training.json", {"steps": 12, "mean_loss": 1.25, "rows": 5})
        for source, rows in sources.items():
            tagged = contract.system_seed if source == "seed" else contract.system_web
            system = contract.system_backward if role == "backward" else tagged
            trained = [_trained(row, system, role) for row in rows]
            write_rows(artifact.path / "rows" / f"{source}.parquet", trained, training_schema())
        (artifact.path / "sft.yaml").write_text(yaml.safe_dump(_resolved(artifact, contract, sources)))


def _contract(role: Any, made: dict[str, ChatContract] = {}) -> ChatContract:  # noqa: B006  one tokenizer is enough
    if role not in made:
        made[role] = make_contract(Chat(), role, load_tokenizer(BASE))
    return made[role]


def _trained(row: dict[str, Any], system: str, role: str) -> dict[str, Any]:
    asked, answered = ("output", "instruction") if role == "backward" else ("instruction", "output")
    prompt = [{"role": "system", "content": system}, {"role": "user", "content": row[asked]}]
    return {"id": row["id"], "prompt": prompt, "completion": [{"role": "assistant", "content": row[answered]}]}


def _resolved(artifact: Artifact, contract: ChatContract, sources: dict[str, Any]) -> dict[str, Any]:
    """What the training stage writes: TRL's keys, with the paths of the machine."""
    return {
        "report_to": "none",
        "save_strategy": "no",
        "learning_rate": 1.0e-3,
        "num_train_epochs": 1,
        "per_device_train_batch_size": 4,
        "max_length": 512,
        "dtype": "float32",
        "bf16": False,
        "use_cpu": True,
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "logging_dir": "/home/somebody/logs",
        "model_name_or_path": str(BASE),
        "trust_remote_code": False,
        "chat_template_path": str(artifact.path / "chat_template.jinja"),
        "eos_token": contract.end_token,
        "completion_only_loss": True,
        "datasets": [
            {"path": "parquet", "data_files": str(artifact.path / "rows" / f"{name}.parquet"), "split": "train"}
            for name in sources
        ],
        "output_dir": str(artifact.path / "training"),
    }


def _dropped(**reasons: int) -> tuple[Any, ...]:
    from collections import Counter

    return (Counter(reasons),)


def _failed(**reasons: int) -> tuple[Any, ...]:
    from collections import Counter

    return (Counter(), Counter(reasons))
