"""A Slurm that is played here, a Ray of this machine, and a process without variables of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from builder.workspace.cluster import running, slurm_cluster
from support.variables import OWN

COMMANDS = {
    "sbatch": """
        if [ "$1" = run ]; then
            export SLURM_ARRAY_TASK_ID=$2 RUN_OFFSET=0 SLURM_NODELIST=here
            while [ -e $SLURM_HERE/full ]; do sleep 0.1; done
            setsid bash $3 > $4 2>&1 & echo $! > $5.pid
            echo RUNNING > $5.new; mv $5.new $5.state
            wait; rm $5.*; exit
        fi
        script=$SLURM_HERE/$(date +%s%N).sh; cp "${@: -1}" $script; cat $script >> $SLURM_HERE/submitted
        name=$(sed -n 's/^#SBATCH --job-name=//p' $script)
        output=$(sed -n 's/^#SBATCH --output=//p' $script); output=${output//%A/7}
        for task in $(seq 0 $(sed -n 's/^#SBATCH --array=0-//p' $script)); do
            echo PENDING > $SLURM_HERE/$name.$task.state
            { export -p; echo "exec setsid $0 run $task $script ${output//%a/$task} $SLURM_HERE/$name.$task"; } \\
                > $SLURM_HERE/$name.$task.new
            mv $SLURM_HERE/$name.$task.new $SLURM_HERE/$name.$task.todo
        done; echo Submitted batch job 7""",
    "slurmd": """
        shopt -s nullglob
        while sleep 0.05; do
            for todo in $SLURM_HERE/*.todo; do
                mv $todo $todo.taken; bash $todo.taken > /dev/null 2>&1 &
            done
        done""",
    "squeue": """
        shopt -s nullglob
        for file in $SLURM_HERE/${2#--name=}.*.state; do
            task=${file%.state}; state=$(cat $file 2> /dev/null) && echo ${task##*.} $state
        done""",
    "scancel": """for file in $SLURM_HERE/${2#--name=}.*.pid; do kill -KILL -- -$(cat $file); done""",
    "scontrol": "echo here",
}


@pytest.fixture
def slurm_here(tmp_path, monkeypatch):
    """The commands of Slurm, and its daemon, which runs the tasks of a job here and is no child of a stage."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in COMMANDS.items():
        (folder / name).write_text(f"#!/bin/bash\n{text}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("SLURM_HERE", str(folder))
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]))
    monkeypatch.setattr(slurm_cluster, "POLL_SECONDS", 0.1)
    monkeypatch.setattr(running, "GRACE_SECONDS", 0.0)
    daemon = subprocess.Popen([str(folder / "slurmd")], start_new_session=True)
    yield folder
    os.killpg(daemon.pid, signal.SIGKILL)
    daemon.wait()


@pytest.fixture
def ray_here(monkeypatch):
    """A Ray of this machine; its tasks can import what the tests can."""
    pytest.importorskip("ray")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]))
    monkeypatch.setattr(running, "GRACE_SECONDS", 0.0)


@pytest.fixture
def bare(monkeypatch):
    """This process has none of the build's own variables that a task could inherit, and a secret."""
    for name in (*OWN, "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN", "a-secret-of-ours")
    monkeypatch.setenv("HF_HOME", "/a cache")
