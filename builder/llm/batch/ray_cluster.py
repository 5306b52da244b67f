"""Engines as the tasks of a Ray cluster, or of a Ray that is started on this machine."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import StageError
from builder.llm.batch.remote import ENDED, RemoteEngine, has_begun, keep_waiting
from builder.llm.batch.work import rank_folder
from builder.workspace.environment import remote_environment
from builder.workspace.layout import LOG
from builder.workspace.progress import polled

if TYPE_CHECKING:
    from builder.llm.batch.block import AnswerRows
    from builder.recipe.sections.runtime import Runtime

_POLL_SECONDS = 5.0


class RayCluster:
    """The Ray that RAY_ADDRESS names, or one of this stage's own.

    Args:
        step: The engine's block.
        out: The stage folder, on a file system that all nodes share.
        runtime: Threads and GPUs of an engine.
    """

    def __init__(self, step: "AnswerRows", out: Path, runtime: "Runtime") -> None:
        self._step, self._out, self._runtime = step, out, runtime
        self._poll = min(_POLL_SECONDS, 60 * runtime.stall_minutes / 4)

    def run(self, ranks: list[int]) -> None:
        """See `Cluster.run`.

        Raises:
            StageError: If Ray is not installed, does not answer, or has no node that could hold an engine.
        """
        try:
            import ray
        except ImportError as error:
            raise StageError(
                "runtime.executor is ray, but ray is not installed: pip install 'humpback-builder[ray]'"
            ) from error
        from datatrove.executor.ray import RayPipelineExecutor

        self._start(ray)
        try:
            executor = RayPipelineExecutor(
                [RemoteEngine(self._step, self._runtime, apart=True)],
                tasks=len(ranks),
                cpus_per_task=self._runtime.threads,
                gpus_per_task=self._gpus(ray),
                mem_per_cpu_gb=0,
                logging_dir=str(self._out / "logs" / "datatrove"),
                skip_completed=False,  # the chunks know what is done
            )
            with polled(lambda: self._keep_waiting(ranks), self._poll, name="queue"):
                executor.run()
        finally:
            ray.shutdown()

    def log(self, rank: int) -> Path:
        """See `Cluster.log`; Ray sends what its tasks say here."""
        return self._out / LOG

    def _start(self, ray: Any) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        address = os.environ.get("RAY_ADDRESS")
        own = {"num_cpus": max(os.cpu_count() or 1, self._runtime.threads), "include_dashboard": False}
        variables = {"env_vars": remote_environment(self._runtime)}  # before a task's first import
        try:
            ray.init(address=address or "local", runtime_env=variables, **({} if address else own))
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            first = (str(error).strip() or type(error).__name__).splitlines()[0]
            problem = f"RAY_ADDRESS is {address}, where no Ray can be used" if address else "Ray cannot be started here"
            raise StageError(f"{problem}: {first}") from error

    def _gpus(self, ray: Any) -> int:
        """GPUs of an engine: none where no node has any, or where the stage only asks a server."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = self._runtime.tensor_parallel if any(node.get("GPU") for node in nodes) else 0
        gpus = gpus if self._step.loads_model else 0
        cpus = self._runtime.threads
        if not any(node.get("CPU", 0) >= cpus and node.get("GPU", 0) >= gpus for node in nodes):
            raise StageError(
                f"no node of the Ray cluster has the {cpus} CPUs (runtime.threads) and {gpus} GPUs "
                "(runtime.tensor_parallel) of an engine; ask for less, or start a node that has them first"
            )
        return gpus

    def _keep_waiting(self, ranks: list[int]) -> None:
        ended = [rank for rank in ranks if (self._out / rank_folder(rank) / ENDED).is_file()]
        keep_waiting(self._out, [*ended, *(rank for rank in ranks if not has_begun(self._out, rank))])
