"""Processes of a stage as the tasks of a Slurm job: submitted, waited for, and looked at through `squeue`."""

import getpass
import hashlib
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from builder.errors import StageError
from builder.workspace.cluster.job import Job
from builder.workspace.cluster.remote import RemoteWork, has_failed, keep_waiting
from builder.workspace.environment import remote_environment
from builder.workspace.layout import LOG
from builder.workspace.limits.deadline import is_over
from builder.workspace.processes import ends_in_order, last_words

if TYPE_CHECKING:
    from builder.recipe.sections.runtime import Slurm

POLL_SECONDS = 10.0
CANCEL_SECONDS = 300.0
"""How long Slurm may take to end what is cancelled."""


class SlurmCluster:
    """The jobs of one stage; they bear its name, so that they are found again after a crash.

    Args:
        job: What runs there.
    """

    def __init__(self, job: Job) -> None:
        out, runtime = job.out, job.runtime
        if runtime.slurm is None:
            raise StageError("runtime.executor is slurm; runtime.slurm must say at least partition and time")
        self._job, self._out, self._runtime = job, out, runtime
        if found := re.search(r"[^\w@+=:,./-]", str(out.resolve())):
            raise StageError(
                f"{out}: runtime.executor is slurm, whose scripts name this folder, and {found[0]!r} in its path would "
                "mean something else there; use a work directory of letters, digits and any of @+=:,./_-"
            )
        self._settings: Slurm = runtime.slurm
        self._poll = min(POLL_SECONDS, 60 * runtime.stall_minutes / 4)
        self.name = f"humpback-{out.name}-{hashlib.sha256(str(out.resolve()).encode()).hexdigest()[:8]}"
        self._id = ""

    def run(self, ranks: list[int]) -> None:
        """See `Cluster.run`.

        Raises:
            StageError: If a command of Slurm is missing or refuses.
        """
        self.clear()
        with ends_in_order():  # a stage that is asked to end takes its jobs out of the queue first
            try:
                self._submit(ranks)
                self._wait(ranks)
            finally:
                self._call("scancel")  # before Slurm is asked what it has: there are only seconds
                self.clear()

    def log(self, rank: int) -> Path:
        """See `Cluster.log`."""
        return self._logs / "slurm" / f"{self._id}_{rank}.out"

    @property
    def _logs(self) -> Path:
        return self._job.logs

    def _submit(self, ranks: list[int]) -> None:
        from datatrove.executor.slurm import SlurmPipelineExecutor

        settings = self._settings
        executor = SlurmPipelineExecutor(
            [RemoteWork(self._job, apart=False)],
            tasks=len(ranks),
            time=settings.time,
            partition=self._partition,
            cpus_per_task=self._job.cpus or settings.cpus_per_task,
            mem_per_cpu_gb=settings.mem_per_cpu_gb,
            gpus_per_task=self._gpus,
            job_name=self.name,
            qos=settings.qos,
            env_command=f"export {self._variables}; {settings.env_command or ':'}",
            sbatch_args=settings.sbatch_args,
            max_array_size=len(ranks),
            logging_dir=str(self._logs),
            slurm_logs_folder=str(self._logs / "slurm"),
            with_srun=False,  # one process on one node, whose death is the task's
            skip_completed=False,  # the parts know what is done
        )
        executor.launch_merge_stats = _nothing  # a second job, which would wait for ever after a failure
        try:
            executor.launch_job()
        except FileNotFoundError as error:
            raise StageError("runtime.executor is slurm, but there is no command sbatch here") from error
        except subprocess.CalledProcessError as error:
            log = self._out / LOG
            raise StageError(f"sbatch refused the job of this stage; see {log}{last_words(log)}") from error
        self._id = str(executor.job_id)

    @property
    def _variables(self) -> str:
        """Words of a shell; a site may keep sbatch from handing on what this process has in its environment."""
        given = {name: shlex.quote(value) for name, value in remote_environment(self._runtime).items()}
        path = f"{shlex.quote(str(Path(sys.executable).parent))}:$PATH"
        return " ".join(f"{name}={value}" for name, value in {**given, "PATH": path}.items())

    @property
    def _gpus(self) -> int:
        given = self._settings.gpus_per_task
        return self._job.gpus if given is None or not self._job.loads_model else given

    @property
    def _partition(self) -> str:
        return (None if self._job.loads_model else self._settings.cpu_partition) or self._settings.partition

    def _wait(self, ranks: list[int]) -> None:
        """Wait until no task is left; one that waits in the queue, or has ended, does not stand still.

        When the stage has to stop, nobody waits for those that have not begun.
        """
        while not has_failed(self._out):
            states = self._states()
            if states == {}:
                return
            if states is not None and is_over(self._out) and "RUNNING" not in states.values():
                return
            if states is not None:
                keep_waiting(self._out, [rank for rank in ranks if states.get(rank) != "RUNNING"], ranks)
            time.sleep(self._poll)

    def _states(self) -> dict[int, str] | None:
        """The state of each task that has not ended, by its number; None if Slurm does not answer now."""
        asked = self._call("squeue", "--noheader", "--array", "--format=%K %T")
        if asked.returncode:
            return None
        lines = [line.split() for line in asked.stdout.splitlines() if line.strip()]
        return {int(number): state for number, state in lines}

    def clear(self) -> None:
        """See `Cluster.clear`: cancel what is queued or runs, and wait until it has gone."""
        end = time.monotonic() + CANCEL_SECONDS
        while (states := self._states()) != {}:
            if time.monotonic() > end:
                raise StageError(
                    f"Slurm {'does not answer' if states is None else 'has not ended the jobs'} "
                    f"of this stage (scancel --name {self.name}); see that they end, and run the same command again"
                )
            self._call("scancel")
            time.sleep(min(self._poll, 2))

    def _call(self, command: str, *options: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of Slurm on the jobs of this stage."""
        try:
            return subprocess.run(
                [command, f"--user={getpass.getuser()}", f"--name={self.name}", *options],
                check=False, encoding="utf-8", errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            )  # fmt: skip
        except OSError as error:
            raise StageError(f"runtime.executor is slurm, but {command} cannot be run: {error.strerror}") from error


def _nothing() -> None:
    """What is done instead of a job that adds up datatrove's figures."""
