"""What augment and score add to the engine they run on, side by side in one run (`make bench-engine`).

usage: python scripts/bench_engine.py [--rows N] [--chunk-rows N] [--only NAME] [--no-server]

Every comparison takes turns, chunk by chunk, on one engine with the model of the sample, after a warm-up; starting the
engine is left out. "bare" is one `LLM.generate` call on the same prompts, as text, with the same sampling parameters.
Rows are random words of the sample's pages, as long as the paper's segments unless it says otherwise.
"""

import argparse
import logging
import os
import random
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")

from bench_server import CONCURRENCY, ask_plainly, served  # beside this file

from builder.data.records import Row, candidate_schema, score_schema, segment_schema
from builder.data.storage import write_rows
from builder.llm.batch.runner import run_rows
from builder.llm.contract import load_contract, make_contract
from builder.llm.conversations import backward_prompt, rating_prompt
from builder.llm.engines.engine import Completion, Failed, Sampling
from builder.llm.engines.retrying import RetryingEngine
from builder.llm.engines.vllm_engine import VllmEngine
from builder.llm.renderer import Renderer
from builder.llm.tokenizer import load_tokenizer
from builder.method.augment.stage import AugmentStage, InstructionWriter
from builder.method.curate.scoring.ratings import score_position
from builder.method.curate.scoring.reasonings import control_ids
from builder.method.curate.scoring.score import Scorer, ScoreStage
from builder.recipe.sections.augment import Augment
from builder.recipe.sections.judges import Expected, Reasoned, Verdict
from builder.recipe.sections.models import Chat, Engine
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE

ENGINE = Engine(kind="vllm", dtype="float32", max_model_len=1536)
SEGMENT_CHARS = (600, 3_000)
"""Of the paper (2.1)."""
INSTRUCTION_TOKENS = 64
REASONING_TOKENS = 128
TURNS = 4
SERVED_ROWS = 256
REASONED_ROWS = 512
COMPARISONS = ("augment", "expected", "verdict", "reasoned", "prefix_cache", "server")


class SharedEngine(RetryingEngine):
    """The engine that the stages start, started once for all of them."""

    def __init__(self, model: Path, runtime: Runtime) -> None:
        engine = VllmEngine(model, ENGINE, runtime)
        super().__init__(engine)
        self.llm = engine._llm

    def __deepcopy__(self, _: dict[int, Any]) -> "SharedEngine":
        return self  # datatrove copies its blocks


class ScoringEngine(SharedEngine):
    """The same engine, which writes a score at the end of each answer, as a model that has learnt to rate does."""

    def __init__(self, shared: SharedEngine, renderer: Renderer) -> None:
        self._engine, self._failed, self.llm = shared._engine, 0, shared.llm
        position = score_position(renderer)
        self._scores = [[*position.line, digit, renderer.end_id] for digit in position.digits]
        self._control, self._plain = control_ids(renderer), position.line[0]

    def generate(
        self, prompts: Sequence[list[int]], sampling: Sampling, seeds: Sequence[int]
    ) -> list[Completion | Failed]:
        """The model's own answers, without control tokens, and with a score in exchange for the last tokens."""
        answers = super().generate(prompts, sampling, seeds)
        return [
            answer if isinstance(answer, Failed) else self._scored(answer, self._scores[at % len(self._scores)])
            for at, answer in enumerate(answers)
        ]

    def _scored(self, answer: Completion, score: list[int]) -> Completion:
        if len(answer.ids) < len(score):
            return answer
        reasoning = [self._plain if token in self._control else token for token in answer.ids[: -len(score)]]
        return answer._replace(ids=reasoning + score, ended=True)


class Bench:
    """Rows, models and one engine for all comparisons."""

    def __init__(self, folder: Path, rows: int, chunk_rows: int) -> None:
        self.folder, self.count = folder, rows
        self.runtime = Runtime(chunk_rows=chunk_rows, kv_cache_mb=1_024)
        self.backward, self.forward = (make_model(folder, role) for role in ("backward", "forward"))
        self.engine = SharedEngine(self.forward, self.runtime)
        self.llm = self.engine.llm
        self.segments = segments(rows)
        self.pairs = self._pairs()

    def augment(self) -> None:
        """Self-augmentation against bare generation."""
        settings = Augment(max_tokens=INSTRUCTION_TOKENS)
        renderer = self._renderer("backward")
        texts = [
            self._text(renderer, backward_prompt(renderer.contract, "backward", row["text"])) for row in self.segments
        ]
        options = self._sampling(settings.temperature, settings.top_p, settings.max_tokens, len(texts))

        stage = self._augment(ENGINE, self.runtime, self.engine)
        self._compare("augment", stage, self.segments, texts, options)

    def expected(self) -> None:
        """The judge `expected` against bare one-token answers."""
        renderer = self._renderer("forward")
        asked = [rating_prompt(renderer.contract, "humpback", row, reasons=False) for row in self.pairs]
        texts = [self._text(renderer, messages) + "Score: " for messages in asked]
        from vllm import SamplingParams

        digits = score_position(renderer).digits
        options = [SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=digits)] * len(texts)
        self._compare("score (expected)", self._score(Expected(judge="expected")), self.pairs, texts, options)

    def verdict(self) -> None:
        """The judge `expected` against `verdict` with a reasoning: short pairs, and pairs of the paper's lengths."""
        fast, slow = Expected(judge="expected"), Verdict(judge="verdict", max_tokens=REASONING_TOKENS)
        for shape, pairs, turns in (
            ("short pairs", 2 * self._short_pairs(self.count), 2),  # long turns: `expected` is done in seconds
            ("the paper's lengths", self.pairs[:128], TURNS),
        ):
            seconds = self._turns({"expected": self._score(fast), "verdict": self._score(slow)}, pairs, turns)
            rates = {name: len(pairs) / value for name, value in seconds.items()}
            print(
                f"  expected / verdict, {shape:19} {rates['expected']:6.1f} against {rates['verdict']:.1f} pairs/s, "
                f"{REASONING_TOKENS} tokens of reasoning, {len(pairs) // turns} pairs a turn: "
                f"{rates['expected'] / rates['verdict']:.1f} x"
            )

    def reasoned(self) -> None:
        """The judge `reasoned` against `verdict` on the same replies, each of which ends with a score."""
        engine = ScoringEngine(self.engine, self._renderer("forward"))
        contestants = {
            "reasoned": self._score(Reasoned(judge="reasoned", max_tokens=REASONING_TOKENS), engine),
            "verdict": self._score(Verdict(judge="verdict", max_tokens=REASONING_TOKENS), engine),
        }
        pairs = self.pairs[:REASONED_ROWS]
        seconds = self._turns(contestants, pairs)
        rates = {name: len(pairs) / value for name, value in seconds.items()}
        print(
            f"  reasoned / verdict, {'the same replies':19} {rates['reasoned']:6.1f} against {rates['verdict']:.1f} "
            f"pairs/s, {REASONING_TOKENS} tokens a reply: {seconds['reasoned'] / seconds['verdict']:.2f} x the time"
        )

    def server(self) -> None:
        """Self-augmentation in process, through vLLM's server, and by a plain script with the OpenAI client."""
        settings, rows = Augment(max_tokens=INSTRUCTION_TOKENS), self.segments[:SERVED_ROWS]
        renderer = self._renderer("backward")
        texts = {
            row["id"]: self._text(renderer, backward_prompt(renderer.contract, "backward", row["text"])) for row in rows
        }

        def plain(some: list[Row], out: Path) -> None:
            began = time.perf_counter()
            ask_plainly(
                asking, self.backward.parent.name, [texts[row["id"]] for row in some],
                temperature=settings.temperature, top_p=settings.top_p, max_tokens=settings.max_tokens,
            )  # fmt: skip
            self.spent = time.perf_counter() - began

        with served(self.backward, ENGINE, self.runtime) as asking:
            remote = ENGINE.model_copy(update={"kind": "openai"})
            contestants = {
                "in process": self._augment(ENGINE, self.runtime, self.engine),
                "engine openai": self._augment(remote, asking, None),
                "plain client": plain,
            }
            seconds = self._turns(contestants, rows)
        rates = {name: len(rows) / value for name, value in seconds.items()}
        print(
            f"  augment, in process {rates['in process']:6.1f} rows/s; through vLLM's server, {CONCURRENCY} requests "
            f"at a time: engine openai {rates['engine openai']:.1f}, plain AsyncOpenAI {rates['plain client']:.1f}: "
            f"{rates['in process'] / rates['plain client']:.2f} x and "
            f"{rates['engine openai'] / rates['plain client']:.2f} x"
        )

    def _augment(self, engine: Engine, runtime: Runtime, loaded: Any) -> Callable[[list[Row], Path], None]:
        config = AugmentStage(augment=Augment(max_tokens=INSTRUCTION_TOKENS), engine=engine, chat=Chat())

        def stage(rows: list[Row], out: Path) -> None:
            work = InstructionWriter(config, self.backward, runtime, loaded)
            self._run(out, rows, segment_schema(), work, candidate_schema())

        return stage

    def prefix_cache(self) -> None:
        """The same ratings with and without prefix caching: short pairs, and pairs of the paper's lengths."""
        from vllm import LLM, SamplingParams

        renderer = self._renderer("forward")
        options = SamplingParams(temperature=0, max_tokens=1, logprob_token_ids=score_position(renderer).digits)
        engines = {
            name: LLM(
                str(self.forward), dtype="float32", max_model_len=1_536, enforce_eager=True, seed=0,
                kv_cache_memory_bytes=1 << 30, enable_chunked_prefill=False, max_num_batched_tokens=8_192,
                enable_prefix_caching=name == "with",
            )
            for name in ("with", "without")
        }  # fmt: skip
        for shape, pairs in (("short pairs", self._short_pairs(400)), ("the paper's lengths", self.pairs[:400])):
            prompts = [renderer.prompt(rating_prompt(renderer.contract, "humpback", row)) for row in pairs]
            shared = next((at for at, ids in enumerate(zip(*prompts, strict=False)) if len(set(ids)) > 1), 0)
            seconds = dict.fromkeys(engines, 0.0)
            for turn in range(TURNS + 1):
                some = prompts[:64] if turn == 0 else prompts[turn - 1 :: TURNS]  # the first is the warm-up
                for name, llm in engines.items():
                    began = time.perf_counter()
                    llm.generate([{"prompt_token_ids": ids} for ids in some], options, use_tqdm=False)
                    seconds[name] += (time.perf_counter() - began) if turn else 0.0
            mean = sum(map(len, prompts)) / len(prompts)
            rates = {name: len(prompts) / value for name, value in seconds.items()}
            print(
                f"  prefix cache, {shape:19} {rates['with']:6.1f} against {rates['without']:.1f} pairs/s, prompts of "
                f"{mean:.0f} tokens, {shared} shared: {rates['with'] / rates['without']:.2f} x"
            )

    def _score(self, judge: Any, engine: SharedEngine | None = None) -> Callable[[list[Row], Path], None]:
        config = ScoreStage(judge=judge, engine=ENGINE, chat=Chat())

        def stage(rows: list[Row], out: Path) -> None:
            work = Scorer(config, self.forward, self.runtime, out, engine or self.engine)
            self._run(out, rows, candidate_schema(), work, score_schema(judge.judge))

        return stage

    def _run(self, out: Path, rows: list[Row], schema: Any, work: Any, result: Any) -> None:
        source = out / "source"
        write_rows(source / "rows.parquet", rows, schema)
        began = time.perf_counter()
        run_rows(out, source, work, result, self.runtime)
        self.spent = time.perf_counter() - began

    def _compare(
        self, name: str, stage: Callable[[list[Row], Path], None], rows: list[Row], texts: list[str], options: list[Any]
    ) -> None:
        tokens = 0

        def bare(some: list[Row], out: Path) -> None:
            nonlocal tokens
            places = [self._places[row["id"]] for row in some]
            began = time.perf_counter()
            outputs = self.llm.generate([texts[at] for at in places], [options[at] for at in places], use_tqdm=False)
            self.spent = time.perf_counter() - began
            tokens += sum(len(output.prompt_token_ids) + len(output.outputs[0].token_ids) for output in outputs)

        self._places = {row["id"]: at for at, row in enumerate(rows)}
        seconds = self._turns({"bare": bare, "stage": stage}, rows)
        rates = {who: len(rows) / value for who, value in seconds.items()}
        print(
            f"  {name:18}      {rates['stage']:8.1f} rows/s ({tokens / seconds['stage']:,.0f} tokens/s) against "
            f"{rates['bare']:.1f} bare ({tokens / seconds['bare']:,.0f}): {rates['stage'] / rates['bare']:.2f} x"
        )

    def _turns(
        self, contestants: dict[str, Callable[[list[Row], Path], None]], rows: list[Row], turns: int = TURNS
    ) -> dict[str, float]:
        """Seconds of each contestant, turn by turn in changing order; the prefix cache is emptied before each."""
        seconds = dict.fromkeys(contestants, 0.0)
        names = list(contestants)
        for turn in range(-1, turns):
            some = rows[:32] if turn < 0 else rows[turn * len(rows) // turns : (turn + 1) * len(rows) // turns]
            for name in names if turn % 2 else reversed(names):
                self.llm.reset_prefix_cache()
                with tempfile.TemporaryDirectory(dir=self.folder) as out:
                    contestants[name](some, Path(out))
                seconds[name] += self.spent if turn >= 0 else 0.0
        return seconds

    def _renderer(self, role: str) -> Renderer:
        model = self.folder / role / "model"
        return Renderer(load_contract(model), load_tokenizer(model))

    def _text(self, renderer: Renderer, messages: Any) -> str:
        return str(
            renderer.tokenizer.apply_chat_template(
                messages, chat_template=renderer.contract.template, tokenize=False, add_generation_prompt=True
            )
        )

    def _sampling(self, temperature: float, top_p: float, max_tokens: int, count: int) -> list[Any]:
        from vllm import SamplingParams

        return [
            SamplingParams(temperature=temperature, top_p=top_p, max_tokens=max_tokens, seed=seed, logprobs=0)
            for seed in range(count)
        ]

    def _pairs(self) -> list[Row]:
        return [
            {"id": row["id"], "segment_id": row["id"], "page_id": row["page_id"], "instruction": row["text"][:60],
             "output": row["text"]}
            for row in self.segments
        ]  # fmt: skip

    def _short_pairs(self, most: int) -> list[Row]:
        """Pairs short enough that nine tenths of a prompt are the rubric."""
        return [
            row | {"instruction": row["instruction"][:30], "output": row["output"][:100]} for row in self.pairs[:most]
        ]


def make_model(folder: Path, role: Any) -> Path:
    """The model of the sample as that of a role; returns where it is."""
    model = folder / role / "model"
    shutil.copytree(BASE, model)
    tokenizer = load_tokenizer(BASE)
    contract = make_contract(Chat(), role, tokenizer)
    tokenizer.chat_template = contract.template
    tokenizer.save_pretrained(model)
    contract.save(model)
    return model


def segments(count: int) -> list[Row]:
    """Segments of random words, as long as the paper's."""
    rng, words = random.Random(0), _words()
    rows = []
    for number in range(count):
        size = rng.randint(*SEGMENT_CHARS)
        text = ""
        while len(text) < size:
            text += " ".join(rng.choices(words, k=12)).capitalize() + ". "
        rows.append(
            {"id": f"{number:08d}", "page_id": f"p{number}", "url": "u", "header": "h", "language": "en",
             "text": text[:size]}
        )  # fmt: skip
    return rows


def _words() -> list[str]:
    tokenizer = load_tokenizer(BASE)
    words = {str(tokenizer.decode([token])).strip() for token in range(len(tokenizer))}
    return sorted(word for word in words if word.isalpha() and word.isascii() and len(word) > 2)


def main() -> None:
    """Make models and rows, and run every comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_024)
    parser.add_argument("--chunk-rows", type=int, default=512)
    parser.add_argument("--only", action="append", choices=COMPARISONS, help="one comparison, or several")
    parser.add_argument("--no-server", action="store_true", help="leave out the comparison with a server")
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.rows, options.chunk_rows)
        print(f"{options.rows} rows, {options.chunk_rows} a chunk, engine start left out")
        for name in COMPARISONS:
            if name in (options.only or COMPARISONS) and (name != "server" or not options.no_server):
                getattr(bench, name)()
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
