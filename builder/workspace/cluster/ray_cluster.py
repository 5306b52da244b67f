"""Processes of a stage as the tasks of a Ray cluster, or of a Ray that is started on this machine."""

import os
import time
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Thread
from typing import Any

from builder.errors import StageError
from builder.workspace.cluster.job import Job, rank_folder
from builder.workspace.cluster.remote import ENDED, RemoteWork, has_begun, keep_waiting
from builder.workspace.environment import remote_environment
from builder.workspace.layout import LOG
from builder.workspace.progress import polled

_POLL_SECONDS, _LOOK_SECONDS = 5.0, 5.0
_DONE_SECONDS = 15.0
"""So long tasks have to end by themselves when all is done."""


class RayCluster:
    """The Ray that RAY_ADDRESS names, or one of this stage's own.

    Args:
        job: What runs there.
    """

    def __init__(self, job: Job) -> None:
        self._job, self._out, self._runtime = job, job.out, job.runtime
        self._poll = min(_POLL_SECONDS, 60 * job.runtime.stall_minutes / 4)

    def clear(self) -> None:
        """See `Cluster.clear`; Ray ends the tasks of a command that has gone."""

    def run(self, ranks: list[int]) -> None:
        """See `Cluster.run`.

        Raises:
            StageError: If Ray is not installed, does not answer, or has no node that could hold a process.
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
                [RemoteWork(self._job, apart=True)],
                tasks=len(ranks),
                cpus_per_task=self._cpus,
                gpus_per_task=self._gpus(ray),
                mem_per_cpu_gb=0,
                logging_dir=str(self._job.logs),
                skip_completed=False,  # the parts know what is done
            )
            with polled(lambda: self._keep_waiting(ranks), self._poll, name="queue"):
                self._run(executor)
        finally:
            ray.shutdown()

    def _run(self, executor: Any) -> None:
        """Wait for the tasks, but not for one of a lost node when everything is done: datatrove might wait for ever."""
        running: Future[None] = Future()

        def run() -> None:
            try:
                running.set_result(executor.run())
            except BaseException as error:
                running.set_exception(error)

        Thread(target=run, daemon=True, name="ray").start()
        done_at: float | None = None
        while not running.done():
            wait([running], _LOOK_SECONDS)
            done_at = None if self._job.parts.left() else done_at or time.monotonic()
            if done_at is not None and time.monotonic() - done_at > _DONE_SECONDS:
                return
        running.result()

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

    @property
    def _cpus(self) -> int:
        return self._job.cpus or self._runtime.threads

    def _gpus(self, ray: Any) -> int:
        """GPUs of a process: none where no node has any."""
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        gpus = self._job.gpus if any(node.get("GPU") for node in nodes) else 0
        if not any(node.get("CPU", 0) >= self._cpus and node.get("GPU", 0) >= gpus for node in nodes):
            raise StageError(
                f"no node of the Ray cluster has the {self._cpus} CPUs (runtime.threads) and {gpus} GPUs "
                f"(runtime.tensor_parallel) of one {self._job.called}; ask for less, or start a node that has them"
            )
        return gpus

    def _keep_waiting(self, ranks: list[int]) -> None:
        ended = [rank for rank in ranks if (self._out / rank_folder(rank) / ENDED).is_file()]
        keep_waiting(self._out, [*ended, *(rank for rank in ranks if not has_begun(self._out, rank))], ranks)
