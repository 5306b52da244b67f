"""A work directory as a build leaves it, without the build: rows of random text in the schemas of the stages.

For benches: no model runs, so that hundreds of thousands of candidates are there in a minute. The pairs stand in no
order, as they do after deduplication; the scores are random numbers, of which the best tenth or so is selected.
"""

import argparse
import itertools
import random
import shutil
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from builder.cli.project import open_project
from builder.data.accounting import Counts
from builder.data.records import (
    Row,
    candidate_schema,
    curated_schema,
    pair_id,
    score_schema,
    seed_schema,
    segment_schema,
    stable_id,
    training_schema,
)
from builder.data.storage import open_rows, read_rows, write_json
from builder.llm.contract import make_contract
from builder.llm.conversations import backward_pair, forward_pair
from builder.llm.tokenizer import load_tokenizer
from builder.method.curate.withheld import page_place, withheld_from
from builder.recipe.recipe import Recipe
from builder.recipe.sections.models import Chat
from builder.workspace.stage_names import BACKWARD, curate, model, score
from builder.workspace.workspace import Artifact

BASE = Path(__file__).parents[1] / "builder" / "sample" / "base"
SHARES = (0.15, 0.1)
"""What each iteration selects of all pairs."""
PER_GROUP = 5_000
"""Rows of a row group, as the stages write them."""


def write_build(project: Path, candidates: int, seed_rows: int, text: str = "full", cut: "Cut | None" = None) -> None:
    """Write a recipe, what it names, and below `work/` every stage as done.

    Args:
        project: A folder that is not there yet.
        candidates: How many pairs there are, each from a segment of its own.
        seed_rows: How many human-written pairs.
        text: `release.text` of the recipe.
        cut: Segments of a crawl that is there; random ones of no page where left out.
    """
    _write_inputs(project, text, cut)
    opened = open_project(project, trust=True)
    _Writer(opened.recipe, dict(opened.look_at_build().artifacts), cut).write(candidates, seed_rows)


class Cut(NamedTuple):
    """Segments of a crawl.

    Attributes:
        source: The crawl, as a recipe names it.
        segments: The stage folder of its segments.
    """

    source: dict[str, str]
    segments: Path


def _write_inputs(project: Path, text: str, cut: Cut | None) -> None:
    (project / "pages").mkdir(parents=True)
    (project / "pages" / "page.html").write_text("<html></html>")
    (project / "seed.jsonl").write_text('{"instruction": "How?", "output": "So."}\n')
    for name in ("forward.yaml", "backward.yaml"):
        (project / name).write_text("learning_rate: 1.0e-3\nuse_cpu: true\nbf16: false\n")
    recipe = {
        "name": "bench",
        "base": {"path": str(BASE), "license": "apache-2.0"},
        "seed": {"sources": [{"name": "people", "path": "seed.jsonl", "license": "apache-2.0"}]},
        "segments": {"sources": [cut.source if cut else {"path": "pages", "format": "html"}]},
        "score": [{"judge": "likelihood"}],
        "curate": {"judge": "likelihood", "share": SHARES[-1]},
        "training": {"forward": "forward.yaml", "backward": "backward.yaml"},
        "iterations": len(SHARES),
        "release": {"title": "Bench", "license": "odc-by", "text": text},
    }
    (project / "build.yaml").write_text(yaml.safe_dump(recipe))


class _Writer:
    """Writes the stages of a recipe."""

    def __init__(self, recipe: Recipe, artifacts: dict[str, Artifact], cut: Cut | None) -> None:
        self.recipe, self.artifacts, self.cut, self.rng = recipe, artifacts, cut, random.Random(0)
        self.text = _words(self.rng, 4_000_000)

    def write(self, candidates: int, seed_rows: int) -> None:
        self._rows("seed", seed_schema(), self._seed(seed_rows), pairs=Counts(seed_rows, seed_rows))
        self._done("segments", segments=Counts(candidates, candidates))
        pairs = Counts(candidates, candidates)
        if self.cut:
            segments = self.cut.segments / "data"
            rows = (self._candidate(0) | _of_segment(row) for row in islice(read_rows(segments), candidates))
            self._rows("augment", candidate_schema(), rows, pairs=pairs)
            self._rows("dedup", segment_schema(), islice(read_rows(segments), candidates), segments=pairs)
        else:
            order = list(range(candidates))
            self.rng.shuffle(order)
            self._rows("augment", candidate_schema(), map(self._candidate, order), pairs=pairs)
            augmented = self.artifacts["augment"].data
            self._rows("dedup", segment_schema(), map(_segment, read_rows(augmented)), segments=pairs)
        seed = self.artifacts["seed"].data
        self._model(str(BACKWARD), "backward", seed=read_rows(seed))
        self._model(str(model(0)), "forward", seed=read_rows(seed))
        for t, share in enumerate(SHARES, start=1):
            curated = self._curate(t, share, candidates)
            train = (row for row in read_rows(curated) if row["split"] == "train")
            self._model(str(model(t)), "forward", seed=read_rows(seed), curated=train)

    def _curate(self, t: int, share: float, candidates: int) -> Path:
        """Score all pairs at random, and select those above a limit; a hundredth has no score."""
        augmented, scores = self.artifacts["augment"].data, dict[str, float | None]()
        for row in read_rows(augmented, ["id"]):
            scores[row["id"]] = self.rng.random() if self.rng.random() > 0.01 else None
        unscored = sum(value is None for value in scores.values())
        counts = Counts(candidates, candidates - unscored)
        counts.failed["empty"] = unscored
        scored = ({"id": key, "score": value} for key, value in scores.items())
        self._rows(str(score(t, "likelihood")), score_schema("likelihood"), scored, pairs=counts)
        chosen = {key for key, value in scores.items() if (value or 0) >= 1 - share}
        rows = sorted((row for row in read_rows(augmented) if row["id"] in chosen), key=lambda row: row["id"])
        counts = Counts(candidates, len(chosen))
        counts.dropped.update(not_selected=candidates - len(chosen) - unscored, no_score=unscored)
        first = self.artifacts[str(curate(1))].data if t > 1 else None
        pages = (row["page_id"] for row in (read_rows(first, ["page_id"]) if first else rows))
        start = withheld_from(pages, self.recipe.curate)
        splits = ({**row, "split": "test" if page_place(row["page_id"]) >= start else "train"} for row in rows)
        selected = ({**row, "score": scores[row["id"]]} for row in splits)
        name = str(curate(t))
        self._rows(name, curated_schema(), selected, pairs=counts)
        return self.artifacts[name].data

    def _seed(self, rows: int) -> Iterator[Row]:
        for key in sorted(stable_id("seed", number) for number in range(rows)):
            texts = {"instruction": self._some(120), "output": self._some(700)}
            yield {"id": key, **texts, "source": "people", "license": "apache-2.0"}

    def _candidate(self, number: int) -> Row:
        page, segment = stable_id("page", number // 3), stable_id("segment", number)
        return {
            "id": pair_id(segment, 0),
            "segment_id": segment,
            "page_id": page,
            "url": f"https://site-{number % 997}.example.org/{page[:12]}/index.html",
            "header": self._some(40),
            "instruction": self._some(120),
            "output": self._some(1_000),
            "logprob": -100 * self.rng.random(),
            "tokens": self.rng.randrange(10, 60),
        }

    def _some(self, mean: int) -> str:
        """Text of about so many characters, some of it much longer."""
        length = max(8, int(self.rng.lognormvariate(0, 0.6) * 0.83 * mean))
        start = self.rng.randrange(len(self.text) - length)
        return self.text[start : start + length].strip() or "text"

    def _done(self, name: str, **counts: Counts) -> Artifact:
        artifact = self.artifacts[name]
        record = {"stage": name, "status": "done", "counts": {kind: value.as_dict() for kind, value in counts.items()}}
        write_json(artifact.path / "stage.json", {**record, "details": {}})
        return artifact

    def _rows(self, name: str, schema: Any, rows: Iterable[Row], **counts: Counts) -> None:
        _write(self._done(name, **counts).data / "rows.parquet", schema, rows)

    def _model(self, name: str, role: Any, **sources: Iterable[Row]) -> None:
        artifact = self._done(name, rows=Counts())
        shutil.copytree(BASE, artifact.model)
        make_contract(Chat(), role, load_tokenizer(BASE)).save(artifact.model)
        write_json(artifact.model / "training.json", {"steps": 12, "mean_loss": 1.25, "rows": 5})
        for source, rows in sources.items():
            trained = (self._trained(row, role, source) for row in rows)
            _write(artifact.path / "rows" / f"{source}.parquet", training_schema(), trained)
        files = [{"data_files": str(artifact.path / "rows" / f"{source}.parquet")} for source in sources]
        (artifact.path / "sft.yaml").write_text(yaml.safe_dump({"learning_rate": 1.0e-3, "datasets": files}))

    def _trained(self, row: Row, role: str, source: str) -> Row:
        if role == "backward":
            return backward_pair(self.recipe.chat, self.recipe.augment.template, row)
        return forward_pair(self.recipe.chat, "seed" if source == "seed" else "web", row)


def _words(rng: random.Random, length: int) -> str:
    """Text of random words, the first ones more often than the others."""
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    vocabulary = ["".join(rng.choices(letters, range(52, 0, -2), k=rng.randint(2, 9))) for _ in range(20_000)]
    weights = list(itertools.accumulate(1 / rank for rank in range(3, len(vocabulary) + 3)))
    return " ".join(rng.choices(vocabulary, cum_weights=weights, k=length // 5))[:length]


def _of_segment(row: Row) -> Row:
    known = {name: row[name] for name in ("page_id", "url", "header")}
    return known | {"id": pair_id(row["id"], 0), "segment_id": row["id"], "output": row["text"]}


def _segment(row: Row) -> Row:
    known = {name: row[name] for name in ("page_id", "url", "header")}
    place = {"source_file": "page.html", "record_offset": -1, "position": 0, "kept_blocks": [1, 2], "walk": "1"}
    own = {"title": "", "header_level": 1, "header_path": [], "language": "en", "payload_digest": row["page_id"]}
    return {**known, **place, **own, "id": row["segment_id"], "text": row["output"]}


def _write(path: Path, schema: Any, rows: Iterable[Row]) -> None:
    rows = iter(rows)
    with open_rows(path, schema) as write:
        while group := list(itertools.islice(rows, PER_GROUP)):
            write(group)


def main() -> None:
    """Write a build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path)
    parser.add_argument("candidates", type=int)
    parser.add_argument("--text", choices=("full", "standoff"), default="full")
    options = parser.parse_args()
    write_build(options.project, options.candidates, max(10, options.candidates // 100), options.text)


if __name__ == "__main__":
    main()
