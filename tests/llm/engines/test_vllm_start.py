"""How vLLM is started: in which order, in which environment, and with which options on which device."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from builder.errors import StageError
from builder.llm.engines.engine import Sampling
from builder.llm.engines.transformers_engine import TransformersEngine
from builder.llm.engines.vllm_start import llm_options, prepare_environment
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime
from builder.sample.generate import BASE

CONFIG = Engine(kind="vllm", dtype="float32", max_model_len=512)
TRAPPED = """
import json, os, sys
import torch

READ_BY_VLLM = ("VLLM_WORKER_MULTIPROC_METHOD", "VLLM_ENABLE_V1_MULTIPROCESSING")
touched, found = [], {}
package = sys.argv[1] + os.sep

class AtImport:  # the first module that vLLM imports of itself
    def find_spec(self, name, path=None, target=None):
        if name.startswith("vllm.") and not found:
            found.update({variable: os.environ.get(variable) for variable in READ_BY_VLLM})

def trap(name, real):
    def asked(*arguments, **options):
        caller = sys._getframe(1).f_code.co_filename
        if not found or caller.startswith(package):
            touched.append(f"torch.cuda.{name} by {caller}")
        return real(*arguments, **options)
    return asked

sys.meta_path.insert(0, AtImport())
for name in ("is_available", "device_count", "init", "_lazy_init", "current_device", "set_device", "synchronize",
             "get_device_name", "get_device_properties", "get_device_capability", "mem_get_info", "manual_seed_all"):
    setattr(torch.cuda, name, trap(name, getattr(torch.cuda, name)))

from pathlib import Path
from builder.llm.engines.engine import Sampling
from builder.llm.engines.start import start_engine
from builder.recipe.sections.models import Engine
from builder.recipe.sections.runtime import Runtime

if __name__ == "__main__":
    config = Engine(kind="vllm", dtype="float32", max_model_len=512)
    runtime = Runtime(kv_cache_mb=64, tensor_parallel=int(sys.argv[3]))
    engine = start_engine(Path(sys.argv[2]), config, runtime)
    prompts = json.loads(sys.argv[4])
    answers = engine.generate(prompts, Sampling(0.0, 1.0, 6), [0] * len(prompts)) if prompts else []
    import multiprocessing
    workers = len(multiprocessing.active_children())
    print(json.dumps({"touched": touched, "read": found, "ids": [one.ids for one in answers], "workers": workers}))
"""


def start_trapped(tmp_path: Path, devices: int, prompts: list[list[int]], **variables: str) -> dict:
    program = tmp_path / "trapped.py"
    program.write_text(TRAPPED)
    root = Path(__file__).parents[3]
    variables = {"OMP_NUM_THREADS": "1", "VLLM_WORKER_MULTIPROC_METHOD": "fork", **variables}
    run = subprocess.run(
        [sys.executable, str(program), str(root / "builder"), str(BASE), str(devices), json.dumps(prompts)],
        capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": str(root)} | variables,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3_000:]
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.full  # starts vLLM in another process
def test_nothing_asks_torch_about_cuda_before_vllm_is_imported_and_workers_are_to_be_spawned(tmp_path):
    seen = start_trapped(tmp_path, 1, [])
    assert seen["touched"] == []
    assert seen["read"] == {"VLLM_WORKER_MULTIPROC_METHOD": "spawn", "VLLM_ENABLE_V1_MULTIPROCESSING": "0"}


@pytest.mark.full
def test_two_workers_of_one_engine_start_and_write_what_one_does(tmp_path):
    prompts = [[1, 5, 17, 300, 200], [1, 9, 40]]
    # A CPU with one NUMA node has to be told where the workers belong.
    seen = start_trapped(tmp_path, 2, prompts, VLLM_CPU_OMP_THREADS_BIND="0|1")
    assert (seen["workers"], seen["touched"]) == (2, [])
    alone = TransformersEngine(BASE, Engine(kind="transformers", dtype="float32"))
    assert seen["ids"] == [one.ids for one in alone.generate(prompts, Sampling(0.0, 1.0, 6), [0, 0])]


@pytest.fixture
def on_platform(monkeypatch):
    prepare_environment()
    import vllm.platforms
    from vllm.platforms.interface import UnspecifiedPlatform

    def choose(kind: str) -> None:
        platform = UnspecifiedPlatform()
        if kind != "unspecified":
            monkeypatch.setattr(type(platform), "is_unspecified", lambda self: False)
        monkeypatch.setattr(type(platform), "is_cpu", lambda self: kind == "cpu")
        monkeypatch.setattr(vllm.platforms, "_current_platform", platform)

    return choose


def test_on_a_gpu_vllm_chooses_all_but_its_share_of_memory(on_platform):
    on_platform("gpu")
    options = llm_options(BASE, None, CONFIG, Runtime(gpu_memory=0.7, tensor_parallel=2))
    assert (options["gpu_memory_utilization"], options["enforce_eager"], options["quantization"]) == (0.7, False, None)
    assert (options["tensor_parallel_size"], options["distributed_executor_backend"]) == (2, "mp")
    assert options.keys().isdisjoint(
        {"block_size", "kv_cache_memory_bytes", "max_num_batched_tokens", "max_num_seqs", "enable_chunked_prefill"}
    )


def test_the_recipe_sets_the_steps_and_the_form_of_the_weights(on_platform):
    on_platform("gpu")
    runtime = Runtime(max_num_seqs=512, max_num_batched_tokens=16_384, eager=True)
    options = llm_options(BASE, None, CONFIG.model_copy(update={"quantization": "fp8"}), runtime)
    assert (options["max_num_seqs"], options["max_num_batched_tokens"]) == (512, 16_384)
    assert (options["enforce_eager"], options["quantization"]) == (True, "fp8")


def test_a_quantisation_that_vllm_cannot_do_here_is_refused_with_those_it_can(on_platform):
    on_platform("gpu")
    unknown = CONFIG.model_copy(update={"quantization": "fp3"})
    with pytest.raises(
        StageError, match=r"engine.quantization is 'fp3', which vLLM cannot do on \w*; it can do .*fp8, "
    ):
        llm_options(BASE, None, unknown, Runtime())


@pytest.mark.parametrize(("asked", "used"), [(None, 8_192), (4_096, 4_096), (64, 512)])
def test_on_a_cpu_the_cache_is_bounded_and_no_prompt_is_cut(on_platform, asked, used):
    on_platform("cpu")
    options = llm_options(BASE, None, CONFIG, Runtime(kv_cache_mb=64, max_num_batched_tokens=asked))
    assert (options["kv_cache_memory_bytes"], options["enable_chunked_prefill"]) == (64 << 20, False)
    assert (options["max_num_batched_tokens"], options["enforce_eager"]) == (used, True)
    assert options["distributed_executor_backend"] is None
    assert "gpu_memory_utilization" not in options


def test_a_vllm_that_finds_no_device_of_its_own_says_what_to_install(on_platform):
    on_platform("unspecified")
    with pytest.raises(StageError, match=r"finds no device it was built for.*humpback-builder\[cpu\].*transformers"):
        llm_options(BASE, None, CONFIG, Runtime())
