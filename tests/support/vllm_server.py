"""vLLM's own server of a model on this CPU; it takes a minute to start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder.errors import StageError
from builder.llm.engines.endpoint import Endpoint
from builder.recipe.sections.runtime import Runtime

START_SECONDS = 600


@contextmanager
def vllm_server(model: Path, *names: str, room: int, log: Path) -> Iterator[Runtime]:
    """The address of a server of a model under some names; the console script of the CPU wheel does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", model, "--host", "127.0.0.1",
        "--port", port, "--served-model-name", *names, "--max-model-len", room, "--dtype", "float32",
        "--enforce-eager", "--no-enable-chunked-prefill", "--max-num-batched-tokens", 8_192,
        "--kv-cache-memory-bytes", 128 << 20,
    ]  # fmt: skip
    environment = os.environ | {"VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1", "NO_PROXY": "127.0.0.1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            list(map(str, command)), stdout=out, stderr=out, env=environment, start_new_session=True
        )
    address = Runtime(endpoint=f"http://127.0.0.1:{port}/v1", concurrency=8, request_tries=1)
    try:
        _wait(address, process, log)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(address: Runtime, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_SECONDS):
        assert process.poll() is None, log.read_text()[-3_000:]
        try:
            Endpoint(address).served()
            return
        except StageError:
            time.sleep(1)
    raise AssertionError(f"the server did not start: {log.read_text()[-3_000:]}")
