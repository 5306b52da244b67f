"""vLLM's own server beside the engine in process, for `make bench-engine`."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from builder.errors import StageError
from builder.llm.engines.endpoint import Endpoint
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime

START_SECONDS = 300
CONCURRENCY = 64


@contextmanager
def served(model: Path, engine: Engine, runtime: Runtime) -> Iterator[Runtime]:
    """A server of one model, with the settings of the engine in process; gives the runtime that asks it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The console script of the CPU wheel does not start; its module does.
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--host", "127.0.0.1",
        "--port", port, "--served-model-name", model.parent.name, "--max-model-len", engine.max_model_len,
        "--dtype", engine.dtype, "--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens", 8_192,
        "--kv-cache-memory-bytes", (runtime.kv_cache_mb or 1_024) << 20, "--disable-uvicorn-access-log",
        "--no-enable-prefix-caching",  # two clients ask for the same rows; the second must not find them read
    ]  # fmt: skip
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "NO_PROXY": "127.0.0.1"}
    environment.pop("VLLM_ENABLE_V1_MULTIPROCESSING", None)
    process = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    asking = runtime.model_copy(
        update={"endpoint": f"http://127.0.0.1:{port}/v1", "concurrency": CONCURRENCY, "request_tries": 1}
    )
    try:
        _wait(asking, process)
        yield asking
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(asking: Runtime, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            Endpoint(asking).served()
            return
        except StageError:
            time.sleep(1)
    raise SystemExit("the server did not start")


def ask_plainly(
    asking: Runtime, model: str, texts: Sequence[str], *, temperature: float, top_p: float, max_tokens: int
) -> int:
    """What a script with the OpenAI client does: a coroutine a row, `CONCURRENCY` at a time; returns tokens written."""
    from openai import AsyncOpenAI

    async def one(client: AsyncOpenAI, limit: asyncio.Semaphore, seed: int, text: str) -> int:
        async with limit:
            reply = await client.completions.create(
                model=model, prompt=text, temperature=temperature, top_p=top_p, max_tokens=max_tokens, seed=seed,
                logprobs=0,
            )  # fmt: skip
        return reply.usage.completion_tokens if reply.usage else 0

    async def every() -> int:
        limit = asyncio.Semaphore(CONCURRENCY)
        async with AsyncOpenAI(base_url=asking.endpoint, api_key="none") as client:
            return sum(await asyncio.gather(*(one(client, limit, seed, text) for seed, text in enumerate(texts))))

    return asyncio.run(every())
