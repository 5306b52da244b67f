"""Slurm of one node on this machine, started by root without systemd, and killed as nodes are."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.processes_here import running

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scancel", "scontrol", "sinfo")
CORES = 4
"""More than there may be: tasks wait for each other's files, not for cores."""
NODE_SECONDS = 5
"""After so long without a word a node counts as lost."""
_PATH = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
_SECONDS = 60


def missing() -> str:
    """What this machine lacks; empty where Slurm can be started."""
    lacking = [name for name in PROGRAMS if not shutil.which(name, path=_PATH)]
    if lacking:
        return f"Slurm: no {', '.join(lacking)} (apt-get install --no-install-recommends slurm-wlm munge)"
    return "Slurm: only root can start one" if os.geteuid() else ""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class RealSlurm:
    """The daemons of one Slurm.

    Args:
        folder: Where they keep everything.
    """

    name = "slurm"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self.config = folder / "slurm.conf"
        self.config.write_text(self._config())

    def _config(self) -> str:
        here, host = self.folder, socket.gethostname().partition(".")[0]
        memory = 2_000 * CORES
        values = {
            "ClusterName": "one",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": _free_port(),
            "SlurmdPort": _free_port(),
            "SlurmUser": "root",
            "SlurmdUser": "root",
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={here}/munge.socket",
            "CredType": "cred/munge",
            "StateSaveLocation": here / "state",
            "SlurmdSpoolDir": here / "spool",
            "SlurmctldPidFile": here / "slurmctld.pid",
            "SlurmdPidFile": here / "slurmd.pid",
            "SlurmctldLogFile": here / "slurmctld.log",
            "SlurmdLogFile": here / "slurmd.log",
            "SlurmdParameters": "config_overrides",
            "SlurmdTimeout": NODE_SECONDS,
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_Core",
            "MpiDefault": "none",
            "ReturnToService": 2,
        }
        lines = [f"{name}={value}" for name, value in values.items()]
        lines.append(f"NodeName={host} NodeAddr=127.0.0.1 CPUs={CORES} RealMemory={memory}")
        lines.append("PartitionName=main Nodes=ALL Default=YES State=UP")
        return "\n".join([*lines, ""])

    @property
    def environment(self) -> dict[str, str]:
        """What a command of Slurm, or a build, finds this one by."""
        return {"SLURM_CONF": str(self.config), "PATH": _PATH}

    @property
    def settings(self) -> tuple[str, ...]:
        """Of a recipe."""
        job = "{partition: main, time: '1:00:00', cpus_per_task: 1, mem_per_cpu_gb: 1, gpus_per_task: 0}"
        return ("runtime.executor=slurm", f"runtime.slurm={job}")

    def start(self) -> None:
        """Start all daemons, and wait until the node is idle."""
        here = self.folder
        files = {"key-file": "munge.key", "socket": "munge.socket", "pid-file": "munged.pid",
                 "log-file": "munged.log", "seed-file": "munged.seed"}  # fmt: skip
        self._call("munged", *(f"--{name}={here / file}" for name, file in files.items()))
        self._call("slurmctld", "-c")
        self._call("slurmd")
        self._await_node()

    def stop(self) -> None:
        """End everything."""
        self.kill_tasks()
        for name in ("slurmd", "slurmctld", "munged"):
            with suppress(OSError, ValueError):
                os.kill(int((self.folder / f"{name}.pid").read_text()), signal.SIGKILL)

    def kill_node(self) -> None:
        """Kill the daemon of the node and all that it runs, and bring it back when it counts as lost."""
        os.kill(int((self.folder / "slurmd.pid").read_text()), signal.SIGKILL)
        self.kill_tasks()
        time.sleep(2 * NODE_SECONDS)
        self._call("slurmd")
        self._await_node()

    def kill_tasks(self) -> None:
        """Kill what the node runs."""
        for pid in (*running("slurmstepd"), *self.workers()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def workers(self) -> list[int]:
        """The processes of tasks that are at work."""
        return running("launch_pickled_pipeline")

    def hurry(self) -> None:
        """Let what was requeued begin now, and not in two minutes."""
        for job in self._call("squeue", "--noheader", "--format=%A").split():
            subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"], env=self._env, check=False,
                           capture_output=True)  # fmt: skip

    def left(self) -> list[str]:
        """What is queued or runs."""
        return [*self._call("squeue", "--noheader").splitlines(), *map(str, self.workers())]

    def _await_node(self) -> None:
        end = time.monotonic() + _SECONDS
        while self._call("sinfo", "--noheader", "--format=%t").strip() != "idle":
            if time.monotonic() > end:
                pytest.fail((self.folder / "slurmctld.log").read_text()[-2_000:])
            time.sleep(0.5)

    @property
    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.environment}

    def _call(self, name: str, *options: str) -> str:
        done = subprocess.run([name, *options], env=self._env, check=True, capture_output=True, text=True)
        return done.stdout


@contextmanager
def real_slurm() -> Iterator[RealSlurm]:
    """A Slurm as long as the block runs."""
    with TemporaryDirectory(prefix="slurm-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # munge takes no folder that others cannot enter
        slurm = RealSlurm(Path(folder))
        try:
            slurm.start()
            yield slurm
        finally:
            slurm.stop()
