"""Stands before the module of a training: accelerate shares weights between processes on CPUs too.

Of itself it does so on GPUs alone, and trains on CPUs with the whole model in each process. All else is its own.
Run as: accelerate launch --config_file FILE fsdp_on_cpus.py -m MODULE ...
"""

import runpy
import sys
from typing import Any

from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType

_start = AcceleratorState.__init__


def _shared(self: Any, *arguments: Any, **options: Any) -> None:
    is_first = not AcceleratorState._shared_state
    _start(self, *arguments, **options)
    plugin = options.get("fsdp_plugin")
    if is_first and plugin is not None and self.distributed_type == DistributedType.MULTI_CPU:
        if self.mixed_precision != "no":
            plugin.set_mixed_precision(self.mixed_precision)
        self.fsdp_plugin = plugin
        self.distributed_type = PartialState._shared_state["distributed_type"] = DistributedType.FSDP


if __name__ == "__main__":
    AcceleratorState.__init__ = _shared  # type: ignore[method-assign]
    del sys.argv[1]  # -m
    runpy.run_module(sys.argv.pop(1), run_name="__main__", alter_sys=True)
