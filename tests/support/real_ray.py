"""Ray of three nodes on this machine, each of which can be lost."""

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.processes_here import running

NODES = 3


def missing() -> str:
    """What this machine lacks; empty where Ray can be started."""
    return "" if importlib.util.find_spec("ray") else "Ray: not installed (pip install 'humpback-builder[ray]')"


class RealRay:
    """The nodes of one Ray.

    Args:
        cluster: Ray's own, of processes on this machine.
    """

    name = "ray"
    settings = ("runtime.executor=ray",)

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._nodes = [cluster.add_node(num_cpus=1, object_store_memory=100_000_000) for _ in range(NODES - 1)]

    @property
    def environment(self) -> dict[str, str]:
        """What a build finds this one by."""
        return {"RAY_ADDRESS": self._cluster.address}

    def kill_node(self) -> None:
        """Lose a node that is not the head, and get another one in its place."""
        self._cluster.remove_node(self._nodes.pop(0), allow_graceful=False)
        self._nodes.append(self._cluster.add_node(num_cpus=1, object_store_memory=100_000_000))

    def workers(self) -> list[int]:
        """The processes of tasks that are at work."""
        return running("ray::RankWorker.run_for_rank")

    def hurry(self) -> None:
        """Nothing waits for a time here."""

    def left(self) -> list[str]:
        """What runs."""
        return [str(pid) for pid in self.workers()]


@contextmanager
def real_ray() -> Iterator[RealRay]:
    """A Ray as long as the block runs."""
    from ray.cluster_utils import Cluster

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    head = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 100_000_000}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        yield RealRay(cluster)
    finally:
        cluster.shutdown()
